//! Handlers that are told of the end of exchanges.

use adit_chain::{
    Body, BoxError, Exchange, Finished, Handler, Link, Needs, OnFinish, OnRequest, Origin, Refusal,
    failure,
};
use http::{Response, StatusCode};
use http_body_util::BodyExt as _;
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    task::JoinSet,
};

use super::{
    proxying::OK,
    two::{client, get},
};
use crate::rig::{Plan, Rig, within};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// Wants to know the end of every exchange; then does as the path says.
#[derive(Debug)]
struct Curious(Sender<Finished>);

impl Handler for Curious {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        let tell = self.0.clone();
        exchange.finish(Box::new(move |end| tell.try_send(end).unwrap()));
        match exchange.request.uri().path() {
            "/answer" => Ok(OnRequest::Respond(Response::new(Body::from("mine")))),
            "/refuse" => Ok(OnRequest::Abort(Refusal::new(StatusCode::FORBIDDEN, "Not for you."))),
            "/hang-up" => Ok(OnRequest::Abort(Refusal::close())),
            "/break" => Err("broken".into()),
            "/wait" => std::future::pending().await,
            _ => Ok(OnRequest::Next),
        }
    }
}

async fn rig() -> (Rig, Receiver<Finished>) {
    let (tell, told) = mpsc::channel(8);
    let links = vec![Link::new("curious", Curious(tell))];
    (Rig::with(Plan { links, ..Plan::default() }).await, told)
}

async fn next(told: &mut Receiver<Finished>) -> (Option<u16>, u64, u64, Option<&'static str>) {
    let end = within(told.recv()).await.unwrap();
    (end.status, end.bytes_in, end.bytes_out, end.failure)
}

#[tokio::test]
async fn the_end_comes_with_the_bytes_of_both_bodies() {
    let (mut rig, mut told) = rig().await;
    let mut visitor = rig.visit().await;
    visitor.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello").await;
    let mut service = rig.served().await;
    service.until("hello").await;
    assert!(told.try_recv().is_err(), "it is not over");
    service.send(OK).await;
    visitor.until("\r\n\r\nok").await;
    assert_eq!(next(&mut told).await, (Some(200), 5, 2, None));
    // On a connection that stays open, each exchange has its own end.
    visitor.send(GET).await;
    service.until("\r\n\r\n").await;
    service
        .send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        .await;
    visitor.until("0\r\n\r\n").await;
    assert_eq!(next(&mut told).await, (Some(200), 0, 3, None));
    visitor.send("HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    service.until("\r\n\r\n").await;
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n").await;
    visitor.head().await;
    assert_eq!(next(&mut told).await, (Some(200), 0, 0, None));
}

#[tokio::test]
async fn answers_refusals_and_broken_handlers_have_an_end_too() {
    let (mut rig, mut told) = rig().await;
    let mut visitor = rig.visit().await;
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n");
    visitor.send(&get("/answer")).await;
    assert_eq!(next(&mut told).await, (Some(200), 0, 4, None));
    visitor.send(&get("/refuse")).await;
    let (status, _, _, why) = next(&mut told).await;
    assert_eq!((status, why), (Some(403), Some(failure::REFUSED)));
    visitor.send(&get("/break")).await;
    let (status, _, _, why) = next(&mut told).await;
    assert_eq!((status, why), (Some(500), Some(failure::HANDLER_FAILED)));
    visitor.send(&get("/hang-up")).await;
    assert_eq!(next(&mut told).await, (None, 0, 0, Some(failure::REFUSED)));
}

#[tokio::test]
async fn a_visitor_that_hangs_up_is_an_end() {
    let (mut rig, mut told) = rig().await;
    let mut visitor = rig.visit().await;
    visitor.send("GET /wait HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    drop(visitor);
    assert_eq!(next(&mut told).await, (None, 0, 0, Some(failure::RESET)));

    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour").await;
    visitor.until("four").await;
    drop(visitor);
    assert_eq!(next(&mut told).await, (Some(200), 0, 4, Some(failure::RESET)));
}

#[tokio::test]
async fn each_exchange_of_an_http2_visitor_has_an_end_of_its_own() {
    let (mut rig, mut told) = rig().await;
    let mut tasks = JoinSet::new();
    let sender = client(&mut rig, &mut tasks).await;
    let ask = |path: &'static str| {
        let mut sender = sender.clone();
        async move { sender.send_request(get(path)).await.unwrap() }
    };
    // Two at a time: the one that is answered first ends first.
    let answer = async {
        let (mut one, mut other) = (rig.served().await, rig.served().await);
        if !one.head().await.starts_with("GET /quick ") {
            std::mem::swap(&mut one, &mut other);
        }
        one.send(OK).await;
        other.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour").await;
        (one, other)
    };
    let (quick, slow, _services) =
        within(async { tokio::join!(ask("/quick"), ask("/slow"), answer) }).await;
    assert_eq!(quick.into_body().collect().await.unwrap().to_bytes(), "ok");
    assert_eq!(next(&mut told).await, (Some(200), 0, 2, None));
    let mut body = slow.into_body();
    let frame = within(body.frame()).await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "four");
    assert!(told.try_recv().is_err(), "it is not over");
    // The stream is reset; the connection and its other streams go on.
    drop(body);
    assert_eq!(next(&mut told).await, (Some(200), 0, 4, Some(failure::RESET)));
    assert_eq!(within(ask("/answer")).await.status(), 200);
    assert_eq!(next(&mut told).await, (Some(200), 0, 4, None));
    assert_eq!(within(ask("/refuse")).await.status(), 403);
    let (status, _, _, why) = next(&mut told).await;
    assert_eq!((status, why), (Some(403), Some(failure::REFUSED)));
}

#[tokio::test]
async fn failures_of_the_service_have_names() {
    let (mut rig, mut told) = rig().await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nfour").await;
    visitor.until("four").await;
    drop(service);
    assert_eq!(next(&mut told).await, (Some(200), 0, 4, Some(failure::BAD_RESPONSE)));

    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    drop(rig.served().await);
    let (status, _, _, why) = next(&mut told).await;
    assert_eq!((status, why), (Some(502), Some(failure::BAD_RESPONSE)));
}

#[tokio::test]
async fn an_exchange_that_switches_protocols_ends_with_the_bytes() {
    let (mut rig, mut told) = rig().await;
    let mut visitor = rig.visit().await;
    let head = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    visitor.send(head).await;
    let mut service = rig.served().await;
    service.head().await;
    service
        .send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")
        .await;
    visitor.head().await;
    visitor.send("ping").await;
    service.until("ping").await;
    service.send("pong!").await;
    visitor.until("pong!").await;
    assert!(told.try_recv().is_err(), "it is not over");
    drop(service);
    drop(visitor);
    assert_eq!(next(&mut told).await, (Some(101), 4, 5, None));
}

/// Takes longer than anybody waits.
struct Stuck;

impl OnFinish for Stuck {
    fn on_finish(self: Box<Self>, _: Finished) -> adit_chain::BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

#[derive(Debug)]
struct Slow;

impl Handler for Slow {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD | Needs::RESPONSE_HEAD
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        exchange.finish(Box::new(Stuck));
        Ok(OnRequest::NextThen(Box::new(|mut response: Response<Body>| {
            let origin = format!("{:?}", Origin::of(&response)).parse()?;
            response.headers_mut().insert("x-origin", origin);
            Ok(response)
        })))
    }
}

#[tokio::test]
async fn a_handler_that_does_not_listen_in_time_holds_nobody_up() {
    let mut rig = Rig::with(Plan { links: vec![Link::new("slow", Slow)], ..Plan::default() }).await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    service.send(OK).await;
    assert!(visitor.until("\r\n\r\nok").await.contains("x-origin: Upstream\r\n"));
    visitor.send("DELETE / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n").await;
    service.head().await;
    drop(service);
    let page = visitor.rest().await;
    assert!(page.starts_with("HTTP/1.1 502 ") && page.contains("x-origin: Agent\r\n"), "{page}");
    drop(visitor);
    assert_eq!(rig.closed().await.ended, crate::Ended::Done);
}
