//! Routes that are replaced, and exchanges that go to another one.

use std::{collections::BTreeMap, sync::Arc};

use adit_chain::{
    Body, BoxError, Chain, Conn, Exchange, Handler, Link, Needs, OnConnect, OnError, OnRequest,
    OnResponse, Protocol, Refusal, RouteId, Side,
};
use http::{HeaderValue, Response, StatusCode};
use parking_lot::Mutex;

use super::proxying::OK;
use crate::{
    Relay, Route, RouteOptions, Routes, Upstream,
    rig::{Plan, Rig, endpoint},
};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// Marks requests and responses with its name; then does as it is told.
#[derive(Debug)]
struct Named(&'static str, Then);

#[derive(Clone, Copy, Debug)]
enum Then {
    Next,
    Refuse,
    Reroute(&'static str),
}

impl Handler for Named {
    fn needs(&self) -> Needs {
        Needs::CONNECT | Needs::REQUEST_HEAD | Needs::RESPONSE_HEAD
    }

    async fn on_connect(&self, conn: &Arc<Conn>) -> Result<OnConnect, BoxError> {
        if let Then::Refuse = self.1 {
            return Ok(OnConnect::Refuse(Refusal::new(StatusCode::FORBIDDEN, "Not any more.")));
        }
        let seen = conn.var("seen").map_or(0, |n| n.as_u64().unwrap());
        conn.set_var("seen", seen + 1)?;
        Ok(OnConnect::Next)
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        let seen = exchange.var("seen").unwrap_or_default();
        let mark = HeaderValue::from_str(&format!("{} {seen}", self.0))?;
        exchange.request.headers_mut().append("x-way", mark);
        if let Then::Reroute(to) = self.1 {
            return Ok(OnRequest::Reroute(RouteId(to.into())));
        }
        let name = HeaderValue::from_static(self.0);
        let then: Box<dyn OnResponse> = Box::new(move |mut response: Response<Body>| {
            response.headers_mut().append("x-back", name);
            Ok(response)
        });
        Ok(OnRequest::NextThen(then))
    }
}

fn named(name: &'static str, then: Then) -> Link {
    Link::new(name, Named(name, then))
}

fn route(rig: &Rig, name: &str, links: Vec<Link>) -> Route {
    let upstream: Arc<dyn Upstream> = Arc::<crate::rig::Dialled>::clone(&rig.dialled);
    let options = RouteOptions::new(Side::Agent);
    Route::new(endpoint(name, Protocol::Http), Chain::new(links), upstream, options)
}

#[derive(Debug, Default)]
struct Table(Mutex<BTreeMap<&'static str, Arc<Route>>>);

impl Routes for Table {
    fn named(&self, name: &str) -> Option<Arc<Route>> {
        self.0.lock().get(name).cloned()
    }
}

async fn rig(links: Vec<Link>) -> Rig {
    let options = RouteOptions::new(Side::Agent);
    Rig::with(Plan { links, options, ..Plan::default() }).await
}

/// The headers of that name in a head.
fn all<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    head.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
}

#[tokio::test]
async fn exchanges_that_begin_after_a_replacement_take_the_new_route() {
    let mut rig = rig(vec![named("one", Then::Next)]).await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut first = rig.served().await;
    assert_eq!(all(&first.head().await, "x-way"), ["one 1"]);
    let old = Arc::downgrade(&rig.route);
    rig.live.replace(route(&rig, "a.test", vec![named("two", Then::Next)]));
    // What is under way ends where it began.
    first.send(OK).await;
    assert!(visitor.until("\r\n\r\nok").await.contains("x-back: one\r\n"));
    visitor.send(GET).await;
    let mut second = rig.served().await;
    assert_eq!(all(&second.head().await, "x-way"), ["two 2"], "variables stay with the visitor");
    second.send(OK).await;
    assert!(visitor.until("\r\n\r\nok").await.contains("x-back: two\r\n"));
    rig.route = rig.live.route();
    assert!(old.upgrade().is_none(), "nothing holds the route of before");
    assert_eq!((rig.route.metrics.connections(), rig.route.metrics.exchanges()), (1, 2));

    // Nobody needs HTTP any more: this connection goes on speaking it, the next one does not.
    rig.live.replace(route(&rig, "a.test", Vec::new()));
    assert_eq!(rig.live.route().relay, Relay::Raw);
    visitor.send(GET).await;
    let mut third = rig.served().await;
    assert_eq!(all(&third.head().await, "x-way"), [""; 0]);
    third.send(OK).await;
    visitor.until("\r\n\r\nok").await;
    let mut other = rig.visit().await;
    other.send("bytes").await;
    assert_eq!(rig.served().await.until("bytes").await, "bytes");

    rig.live.replace(route(&rig, "a.test", vec![named("no", Then::Refuse)]));
    visitor.send(GET).await;
    assert!(visitor.head().await.starts_with("HTTP/1.1 403 "));
    drop((visitor, other));
    rig.closed().await;
    rig.closed().await;
    let metrics = &rig.live.route().metrics;
    assert_eq!((metrics.connections(), metrics.open(), metrics.exchanges()), (2, 0, 3));
}

async fn rerouting(links: Vec<Link>) -> (Rig, Arc<Table>) {
    let mut rig = rig(links).await;
    let table = Arc::new(Table::default());
    let b = route(&rig, "b", vec![named("b", Then::Next)]);
    let c = route(&rig, "c", vec![named("c", Then::Reroute("b"))]);
    let circle = route(&rig, "circle", vec![named("circle", Then::Reroute("circle"))]);
    let tcp = endpoint("tcp", Protocol::Tcp);
    let upstream: Arc<dyn Upstream> = Arc::<crate::rig::Dialled>::clone(&rig.dialled);
    let tcp = Route::new(tcp, Chain::default(), upstream, RouteOptions::new(Side::Agent));
    for (name, route) in [("b", b), ("c", c), ("circle", circle), ("tcp", tcp)] {
        table.0.lock().insert(name, Arc::new(route));
    }
    rig.cx.routes = Some(Arc::<Table>::clone(&table));
    (rig, table)
}

#[tokio::test]
async fn an_exchange_may_be_sent_to_another_endpoint_and_back_through_all_handlers() {
    let links = vec![named("a", Then::Next), named("to-c", Then::Reroute("c"))];
    let (mut rig, table) = rerouting(links).await;
    let mut visitor = rig.visit().await;
    for n in 1..3 {
        visitor.send(GET).await;
        let mut service = rig.served().await;
        let head = service.head().await;
        // The connection was shown to each endpoint once, and took its variables along.
        assert_eq!(all(&head, "x-way"), ["a 2", "to-c 2", "c 3", "b 3"]);
        service.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok").await;
        let head = visitor.until("\r\n\r\nok").await;
        assert_eq!(all(&head, "x-back"), ["b", "a"]);
        assert_eq!(table.named("b").unwrap().metrics.exchanges(), n);
        assert_eq!(table.named("b").unwrap().metrics.open(), 1);
    }
    drop(visitor);
    rig.closed().await;
    assert_eq!(table.named("b").unwrap().metrics.open(), 0);
}

#[tokio::test]
async fn an_exchange_that_goes_in_circles_is_refused() {
    let links = vec![named("a", Then::Reroute("circle"))];
    let (mut rig, table) = rerouting(links).await;
    let mut visitor = rig.visit().await;
    visitor.send("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n").await;
    let page = visitor.rest().await;
    assert!(page.starts_with("HTTP/1.1 508 Loop Detected\r\n"), "{page}");
    assert!(page.contains("from endpoint to endpoint more than 5 times"), "{page}");
    assert_eq!(table.named("circle").unwrap().metrics.exchanges(), 5);
    assert_eq!(rig.n_connects(), 0);
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_a_mistake_of_the_handler() {
    for to in ["nobody", "tcp"] {
        let (mut rig, _) = rerouting(vec![named("a", Then::Reroute(to))]).await;
        let mut visitor = rig.visit().await;
        visitor.send(GET).await;
        assert!(visitor.head().await.starts_with("HTTP/1.1 500 "));

        let pass = named("a", Then::Reroute(to)).on_error(OnError::Pass);
        let (mut rig, _) = rerouting(vec![pass, named("z", Then::Next)]).await;
        let mut visitor = rig.visit().await;
        visitor.send(GET).await;
        assert_eq!(all(&rig.served().await.head().await, "x-way"), ["a 2", "z 2"]);
    }
}
