//! Requests that handlers send to internal endpoints.

use std::sync::{Arc, atomic::AtomicUsize};

use adit_chain::{
    Body, BoxError, Chain, Errand, Exchange, Handler, InsideUrl, Link, Needs, OnRequest, Protocol,
    Refusal, Side,
};
use http::{HeaderValue, Request, Response, StatusCode};
use tokio::net::TcpListener;

use super::proxying::OK;
use crate::{
    HttpVersion, Neighbours, Route, RouteOptions,
    divert::tests::{Known, other},
    rig::{Dialled, Peer, Plan, Rig, endpoint, within},
};

const GET: &str = "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// Sends requests to an internal endpoint.
#[derive(Debug)]
struct Sends(&'static str, Errand);

impl Handler for Sends {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD | Needs::INSIDE
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        let inside = exchange.inside.clone().ok_or("no way inside")?;
        let to = InsideUrl::parse(self.0)?;
        let request = match self.1 {
            Errand::Forward => std::mem::take(&mut exchange.request),
            Errand::Ask => Request::get("/").header("host", to.authority()).body(Body::Empty)?,
        };
        Ok(match inside.send(&to, request, self.1).await {
            Ok(response) => OnRequest::Respond(response),
            Err(refusal) => OnRequest::Abort(refusal),
        })
    }
}

/// Says its name on the way back.
#[derive(Debug)]
struct Marks(&'static str);

impl Handler for Marks {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD | Needs::RESPONSE_HEAD
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        let name = HeaderValue::from_static(self.0);
        exchange.request.headers_mut().append("x-way", name.clone());
        Ok(OnRequest::NextThen(Box::new(move |mut response: Response<Body>| {
            response.headers_mut().append("x-back", name);
            Ok(response)
        })))
    }
}

/// Turns everybody away.
#[derive(Debug)]
struct Refuses;

impl Handler for Refuses {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD
    }

    async fn on_request(&self, _: &mut Exchange) -> Result<OnRequest, BoxError> {
        Ok(OnRequest::Abort(Refusal::new(StatusCode::FORBIDDEN, "Not you.")))
    }
}

fn options(known: &Arc<Known>) -> RouteOptions {
    let neighbours = Some(Arc::<Known>::clone(known) as Arc<dyn Neighbours>);
    RouteOptions { neighbours, ..RouteOptions::new(Side::Edge) }
}

async fn rig(known: &Arc<Known>, links: Vec<Link>) -> Rig {
    Rig::with(Plan { links, options: options(known), ..Plan::default() }).await
}

fn forwards(to: &'static str) -> Link {
    Link::new("forwards", Sends(to, Errand::Forward))
}

async fn inner(known: &Arc<Known>, links: Vec<Link>) -> (TcpListener, Arc<Route>) {
    let (service, route) = other("in.internal", Protocol::Http, links, options(known)).await;
    known.add("http://in.internal", &route);
    (service, route)
}

#[tokio::test]
async fn a_request_passes_the_handlers_there_and_its_response_those_of_both() {
    let known = Arc::new(Known::default());
    let (service, route) = inner(&known, vec![Link::new("marks", Marks("inner"))]).await;
    let links = vec![Link::new("marks", Marks("outer")), forwards("http://in.internal")];
    let mut rig = rig(&known, links).await;
    let mut visitor = rig.visit().await;
    let mut served = None;
    for _ in 0..2 {
        visitor.send("POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody").await;
        let peer = match &mut served {
            Some(served) => served,
            None => served.insert(Peer(within(service.accept()).await.unwrap().0)),
        };
        let head = peer.head().await;
        assert!(head.starts_with("POST /x HTTP/1.1\r\nhost: a.test\r\n"), "{head}");
        assert!(head.contains("x-forwarded-for: 127.0.0.1\r\n"), "{head}");
        assert!(head.contains("x-forwarded-host: a.test\r\n"), "{head}");
        assert!(head.contains("x-way: outer\r\nx-way: inner\r\n"), "{head}");
        peer.until("body").await;
        peer.send("HTTP/1.1 500 Oh\r\nngrok-error-code: x\r\ncontent-length: 2\r\n\r\nok").await;
        let head = visitor.head().await;
        assert!(head.starts_with("HTTP/1.1 500 "), "{head}");
        assert!(head.contains("x-back: inner\r\nx-back: outer\r\n"), "{head}");
        assert!(!head.contains("ngrok-error-code"), "{head}");
        visitor.until("ok").await;
    }
    assert_eq!((route.metrics.exchanges(), route.metrics.connections()), (2, 1));
    assert_eq!(rig.n_connects(), 0);
    drop(visitor);
    rig.closed().await;
    assert_eq!(route.metrics.open(), 0);
}

#[tokio::test]
async fn bodies_stream_both_ways() {
    let known = Arc::new(Known::default());
    let (service, _route) = inner(&known, Vec::new()).await;
    let mut rig = rig(&known, vec![forwards("http://in.internal")]).await;
    let mut visitor = rig.visit().await;
    let head = "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    visitor.send(&format!("{head}3\r\none\r\n")).await;
    let mut served = Peer(within(service.accept()).await.unwrap().0);
    served.until("3\r\none\r\n").await;
    served.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nuno\r\n").await;
    visitor.until("3\r\nuno\r\n").await;
    visitor.send("3\r\ntwo\r\n0\r\n\r\n").await;
    served.until("3\r\ntwo\r\n0\r\n\r\n").await;
    served.send("0\r\n\r\n").await;
    visitor.until("0\r\n\r\n").await;
}

#[tokio::test]
async fn what_cannot_be_reached_is_told_by_its_code() {
    let known = Arc::new(Known::default());
    let (_service, tcp) =
        other("db.internal", Protocol::Tcp, Vec::new(), RouteOptions::new(Side::Edge)).await;
    known.add("tcp://db.internal:1", &tcp);
    known.add("https://db.internal", &tcp);
    for links in [Vec::new(), vec![Link::new("marks", Marks("inner"))]] {
        let (service, _) = inner(&known, links).await;
        drop(service);
        for (to, status, code) in [
            ("http://no.internal", 404, 3200),
            ("tcp://db.internal:1", 404, 3200),
            ("https://db.internal", 404, 3200),
            ("http://in.internal", 502, 8012),
        ] {
            let mut rig = rig(&known, vec![forwards(to)]).await;
            let mut visitor = rig.visit().await;
            visitor.send(GET).await;
            let head = visitor.head().await;
            assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{to}: {head}");
            let code = format!("ngrok-error-code: ERR_NGROK_{code}\r\n");
            assert!(head.contains(&code), "{to}: {head}");
        }
        known.0.lock().retain(|(url, _)| url != "http://in.internal");
    }
}

#[tokio::test]
async fn a_refusal_there_is_an_answer() {
    let known = Arc::new(Known::default());
    let (_service, _route) = inner(&known, vec![Link::new("refuses", Refuses)]).await;
    let links = vec![Link::new("marks", Marks("outer")), forwards("http://in.internal")];
    let mut rig = rig(&known, links).await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let head = visitor.head().await;
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    assert!(head.contains("x-back: outer\r\n"), "{head}");
}

#[tokio::test]
async fn circles_end() {
    for (errand, n_exchanges, status, code) in
        [(Errand::Forward, 5, 508, 3501), (Errand::Ask, 3, 508, 3603)]
    {
        let known = Arc::new(Known::default());
        let link = || Link::new("sends", Sends("http://in.internal", errand));
        let (_service, route) = inner(&known, vec![link()]).await;
        let mut rig = rig(&known, vec![link()]).await;
        let mut visitor = rig.visit().await;
        visitor.send(GET).await;
        let head = visitor.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        assert!(head.contains(&format!("ngrok-error-code: ERR_NGROK_{code}\r\n")), "{head}");
        assert_eq!(route.metrics.exchanges(), n_exchanges);
    }
}

#[tokio::test]
async fn a_visitor_may_switch_protocols_with_a_service_there() {
    let known = Arc::new(Known::default());
    let (service, _route) = inner(&known, vec![Link::new("marks", Marks("inner"))]).await;
    let mut rig = rig(&known, vec![forwards("http://in.internal")]).await;
    let mut visitor = rig.visit().await;
    let switch = "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    visitor.send(&format!("GET / HTTP/1.1\r\nHost: a.test\r\n{switch}")).await;
    let mut served = Peer(within(service.accept()).await.unwrap().0);
    assert!(served.head().await.contains("upgrade: websocket\r\n"));
    served.send(&format!("HTTP/1.1 101 Switching Protocols\r\n{switch}hello")).await;
    assert!(visitor.until("\r\n\r\n").await.starts_with("HTTP/1.1 101 "));
    visitor.until("hello").await;
    visitor.send("and you").await;
    served.until("and you").await;
}

#[tokio::test]
async fn the_far_sides_own_page_is_a_failure_and_the_services_is_not() {
    let page = "HTTP/1.1 502 Bad Gateway\r\nadit-origin: secret\r\n\
        ngrok-error-code: ERR_NGROK_8012\r\ncontent-length: 4\r\n\r\npage";
    for (origin, has_page) in [(Some("secret"), false), (Some("other"), true), (None, true)] {
        let known = Arc::new(Known::default());
        let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = service.local_addr().unwrap();
        let (n_connects, origin) = (AtomicUsize::new(0), origin.map(Arc::from));
        let upstream = Dialled { addr, n_connects, version: HttpVersion::Http1, origin };
        let endpoint = endpoint("in.internal", Protocol::Http);
        let options = RouteOptions::new(Side::Edge);
        let route = Route::new(endpoint, Chain::default(), Arc::new(upstream), options);
        known.add("http://in.internal", &Arc::new(route));
        let mut rig = rig(&known, vec![forwards("http://in.internal")]).await;
        let mut visitor = rig.visit().await;
        visitor.send(GET).await;
        let mut served = Peer(within(service.accept()).await.unwrap().0);
        served.head().await;
        served.send(page).await;
        let head = visitor.head().await;
        assert!(head.starts_with("HTTP/1.1 502 "), "{head}");
        assert_eq!(head.contains("content-length: 4\r\n"), has_page, "{head}");
        assert_eq!(head.contains("ngrok-error-code: ERR_NGROK_8012\r\n"), !has_page, "{head}");
    }
}

#[tokio::test]
async fn handlers_that_do_not_ask_for_the_way_do_not_get_it() {
    #[derive(Debug)]
    struct Looks;
    impl Handler for Looks {
        fn needs(&self) -> Needs {
            Needs::REQUEST_HEAD
        }
        async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
            assert!(exchange.inside.is_none());
            Ok(OnRequest::Next)
        }
    }
    let known = Arc::new(Known::default());
    let mut rig = rig(&known, vec![Link::new("looks", Looks)]).await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut served = rig.served().await;
    served.head().await;
    served.send(OK).await;
    visitor.until("ok").await;
}
