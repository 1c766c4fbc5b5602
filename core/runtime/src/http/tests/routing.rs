//! Routes by `Host`.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use adit_chain::{OnConnect, Protocol, Refusal, TlsInfo, TlsMode, code};
use adit_net::{Io, Rewind};
use http::StatusCode;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::{handling::at_connect, proxying::OK};
use crate::{
    Closed, Route, Router, Stop, Visitor,
    rig::{Peer, Plan, Rig},
    serve_http,
};

#[derive(Debug, Default)]
struct Table {
    routes: Vec<(&'static str, Arc<Route>)>,
    n_asked: AtomicUsize,
}

impl Router for Table {
    fn route(&self, authority: &str) -> Result<Arc<Route>, Refusal> {
        self.n_asked.fetch_add(1, SeqCst);
        let found = self.routes.iter().find(|(name, _)| *name == authority);
        found.map(|(_, route)| Arc::clone(route)).ok_or_else(|| {
            let message = format!("The endpoint {authority} is offline.");
            Refusal::new(StatusCode::NOT_FOUND, message).with_code(code::ENDPOINT_OFFLINE)
        })
    }

    fn generation(&self) -> Option<u64> {
        Some(1)
    }
}

async fn serve(router: Arc<Table>, tls: Option<TlsInfo>, tasks: &mut JoinSet<Closed>) -> Peer {
    let front = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = front.local_addr().unwrap();
    let (visitor, accepted) = tokio::join!(TcpStream::connect(server), front.accept());
    let (socket, client): (_, SocketAddr) = accepted.unwrap();
    tasks.spawn(async move {
        let visitor = Visitor { client, server, tls, hello: None, region: None };
        serve_http(visitor, Rewind::new(Io::Tcp(socket)), router, &Stop::default()).await
    });
    Peer(visitor.unwrap())
}

#[tokio::test]
async fn one_connection_reaches_several_routes_and_asks_once_in_a_row() {
    let (a, b) = (Rig::new().await, Rig::new().await);
    let routes = vec![("a.test", Arc::clone(&a.route)), ("b.test", Arc::clone(&b.route))];
    let table = Arc::new(Table { routes, ..Table::default() });
    let mut tasks = JoinSet::new();
    let mut visitor = serve(Arc::clone(&table), None, &mut tasks).await;
    let mut services = Vec::new();
    for (rig, host) in [(&a, "a.test"), (&b, "b.test")] {
        visitor.send(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        let mut service = rig.served().await;
        assert!(service.head().await.contains(&format!("x-forwarded-host: {host}\r\n")));
        service.send(OK).await;
        visitor.until("\r\n\r\nok").await;
        services.push(service);
    }
    for _ in 0..3 {
        visitor.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        services[0].head().await;
        services[0].send(OK).await;
        visitor.until("\r\n\r\nok").await;
    }
    assert_eq!((a.n_connects(), b.n_connects()), (1, 1));
    assert_eq!(table.n_asked.load(SeqCst), 3);
    visitor.send("GET / HTTP/1.1\r\nHost: c.test\r\n\r\n").await;
    let head = visitor.head().await;
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
    assert!(head.contains("ngrok-error-code: ERR_NGROK_3200\r\n"), "{head}");
    assert_eq!((a.route.metrics.open(), b.route.metrics.open()), (1, 1));
    drop((visitor, services));
    tasks.join_next().await.unwrap().unwrap();
    assert_eq!((a.route.metrics.open(), b.route.metrics.open()), (0, 0));
    assert_eq!((a.route.metrics.exchanges(), b.route.metrics.exchanges()), (4, 1));
}

#[tokio::test]
async fn a_connection_made_for_one_host_does_not_serve_another() {
    let mut a = Rig::with(Plan { protocol: Protocol::Https, ..Plan::default() }).await;
    let b = Rig::with(Plan { host: "b.test", protocol: Protocol::Https, ..Plan::default() }).await;
    let routes = vec![("a.test", Arc::clone(&a.route)), ("b.test", Arc::clone(&b.route))];
    a.cx.router = Some(Arc::new(Table { routes, ..Table::default() }));
    let mut visitor = a.visit().await;
    visitor.send("GET / HTTP/1.1\r\nHost: b.test\r\n\r\n").await;
    let head = visitor.head().await;
    assert!(head.starts_with("HTTP/1.1 421 Misdirected Request\r\n"), "{head}");
    let mut visitor = a.visit().await;
    visitor.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    assert!(a.served().await.head().await.contains("x-forwarded-proto: https\r\n"));
    assert_eq!(b.n_connects(), 0);
}

#[tokio::test]
async fn a_route_that_wants_certificates_is_not_reached_where_none_was_asked_for() {
    let plan = || Plan {
        protocol: Protocol::Https,
        links: vec![at_connect(|| OnConnect::Terminate(TlsMode::Pass))],
        ..Plan::default()
    };
    for (certificates, status) in [(vec![], "421"), (vec![vec![0x30]], "200")] {
        let rig = Rig::with(plan()).await;
        let routes = vec![("a.test", Arc::clone(&rig.route))];
        let table = Arc::new(Table { routes, ..Table::default() });
        let tls = TlsInfo { client_certificates: certificates, ..TlsInfo::default() };
        let mut tasks = JoinSet::new();
        let mut visitor = serve(table, Some(tls), &mut tasks).await;
        visitor.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        if status == "200" {
            let mut service = rig.served().await;
            service.head().await;
            service.send(OK).await;
        }
        let head = visitor.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        drop(visitor);
        tasks.join_next().await.unwrap().unwrap();
        assert_eq!(rig.route.metrics.open(), 0);
    }
}

#[test]
fn alpn_chooses_the_protocol() {
    let addr = SocketAddr::from(([127, 0, 0, 1], 1));
    let tls = TlsInfo { alpn: Some(b"h2".to_vec()), ..TlsInfo::default() };
    let visitor = Visitor { client: addr, server: addr, tls: Some(tls), hello: None, region: None };
    assert!(visitor.speaks() == crate::http::Spoken::Http2);
}
