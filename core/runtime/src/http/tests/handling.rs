//! With handlers on the way.

use std::sync::Arc;

use adit_chain::{
    Body, BoxError, ByteStream, Conn, End, Exchange, Handler, Link, Needs, OnClose, OnConnect,
    OnRequest, Refusal, WrapIo, code,
};
use http::{HeaderValue, Response, StatusCode};
use tokio::sync::mpsc;

use super::proxying::OK;
use crate::{
    Ended, Limits, RouteOptions,
    rig::{Plan, Rig, within},
};

/// A handler of two functions.
struct Fn2<C, R>(Needs, C, R);

impl<C, R> std::fmt::Debug for Fn2<C, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fn2")
    }
}

impl<C, R> Handler for Fn2<C, R>
where
    C: Fn() -> OnConnect + Send + Sync + 'static,
    R: Fn(&mut Exchange) -> OnRequest + Send + Sync + 'static,
{
    fn needs(&self) -> Needs {
        self.0
    }

    async fn on_connect(&self, _: &Arc<Conn>) -> Result<OnConnect, BoxError> {
        Ok(self.1())
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        Ok(self.2(exchange))
    }
}

pub(super) fn at_connect(f: impl Fn() -> OnConnect + Send + Sync + 'static) -> Link {
    Link::new("test", Fn2(Needs::CONNECTION, f, |_: &mut Exchange| OnRequest::Next))
}

pub(super) fn at_request(
    needs: Needs,
    f: impl Fn(&mut Exchange) -> OnRequest + Send + Sync + 'static,
) -> Link {
    Link::new("test", Fn2(needs, || OnConnect::Next, f))
}

async fn rig(link: Link) -> Rig {
    Rig::with(Plan { links: vec![link], ..Plan::default() }).await
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

#[tokio::test]
async fn a_connection_that_is_refused_is_told_why_in_http() {
    let refuse = || {
        let refusal = Refusal::new(StatusCode::FORBIDDEN, "Your address is not allowed.");
        OnConnect::Refuse(refusal.with_code(code::IP_RESTRICTED))
    };
    let mut rig = rig(at_connect(refuse)).await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let page = visitor.rest().await;
    assert!(page.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{page}");
    assert!(page.contains("ngrok-error-code: ERR_NGROK_3203\r\n"), "{page}");
    assert!(page.contains("connection: close\r\n"), "{page}");
    assert!(page.contains("Your address is not allowed."), "{page}");
    drop(visitor);
    assert_eq!(rig.closed().await.ended, Ended::Refused);
    assert_eq!(rig.n_connects(), 0);
}

#[tokio::test]
async fn handlers_are_told_when_a_connection_is_over() {
    let (tell, mut told) = mpsc::channel::<End>(1);
    let link = at_connect(move || {
        let tell = tell.clone();
        let closer: Box<dyn OnClose> = Box::new(move |end| tell.try_send(end).unwrap());
        OnConnect::NextThen(closer)
    });
    let mut rig = rig(link).await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    service.send(OK).await;
    visitor.until("\r\n\r\nok").await;
    drop(visitor);
    let End { totals, failure, .. } = within(told.recv()).await.unwrap();
    assert_eq!((totals.bytes_in, failure), (GET.len() as u64, None));
    assert_eq!(rig.closed().await.totals, totals);
}

#[tokio::test]
async fn handlers_see_what_their_connection_has_carried_so_far() {
    let link = at_request(Needs::REQUEST_HEAD, |x| {
        let carried = x.conn.carried();
        let text = format!("{} in, {} out.", carried.bytes_in, carried.bytes_out);
        OnRequest::Respond(Response::new(Body::from(text)))
    });
    let mut rig = rig(link).await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let first = visitor.until(&format!("\r\n\r\n{} in, 0 out.", GET.len())).await;
    visitor.send(GET).await;
    visitor.until(&format!("\r\n\r\n{} in, {} out.", 2 * GET.len(), first.len())).await;
}

#[tokio::test]
async fn a_handler_may_answer_and_may_hang_up() {
    let link = at_request(Needs::REQUEST_HEAD, |x| match x.request.uri().path() {
        "/answer" => OnRequest::Respond(Response::new(Body::from("mine"))),
        _ => OnRequest::Abort(Refusal::close()),
    });
    let mut rig = rig(link).await;
    let mut visitor = rig.visit().await;
    visitor.send("GET /answer HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let head = visitor.head().await;
    assert_eq!(head, "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n");
    assert_eq!(visitor.until("mine").await, "mine");
    visitor.send(GET).await;
    assert_eq!(visitor.rest().await, "");
    assert_eq!(rig.n_connects(), 0);
}

#[tokio::test]
async fn an_edge_in_front_is_asked_to_hang_up() {
    let links = [
        at_request(Needs::REQUEST_HEAD, |_| OnRequest::Abort(Refusal::close())),
        at_connect(|| OnConnect::Refuse(Refusal::close())),
    ];
    for link in links {
        let mut rig = rig(link).await;
        rig.cx.origin = Some(Arc::from("secret"));
        let mut visitor = rig.visit().await;
        visitor.send(GET).await;
        let head = visitor.head().await;
        assert!(head.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{head}");
        assert!(head.contains("adit-hang-up: 1\r\n"), "{head}");
        assert!(head.contains("adit-origin: secret\r\n"), "{head}");
        assert_eq!(rig.n_connects(), 0);
    }
}

#[tokio::test]
async fn the_response_side_sees_failures_too() {
    let link = at_request(Needs::RESPONSE_HEAD, |_| {
        OnRequest::NextThen(Box::new(|mut response: Response<Body>| {
            let status = HeaderValue::from(response.status().as_u16());
            response.headers_mut().insert("x-seen", status);
            Ok(response)
        }))
    });
    let mut rig = rig(link).await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    service.send(OK).await;
    assert!(visitor.head().await.contains("x-seen: 200\r\n"));
    visitor.until("ok").await;
    visitor.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n").await;
    service.head().await;
    drop(service);
    let head = visitor.head().await;
    assert!(head.starts_with("HTTP/1.1 502 ") && head.contains("x-seen: 502\r\n"), "{head}");
}

#[tokio::test]
async fn a_handler_that_breaks_on_the_response_is_a_500() {
    let link = at_request(Needs::RESPONSE_HEAD, |_| {
        OnRequest::NextThen(Box::new(|_: Response<Body>| Err("secret".into())))
    });
    let mut rig = rig(link).await;
    let mut visitor = rig.visit().await;
    visitor.send("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n").await;
    let mut service = rig.served().await;
    service.head().await;
    service.send(OK).await;
    let page = visitor.rest().await;
    assert!(page.starts_with("HTTP/1.1 500 "), "{page}");
    assert!(page.contains("ERR_NGROK_2300") && !page.contains("secret"), "{page}");
}

#[tokio::test]
async fn a_body_that_a_handler_needs_is_whole_or_refused() {
    let limits = Limits { max_buffered_body: 8, ..Limits::default() };
    let options = RouteOptions { limits, ..RouteOptions::new(adit_chain::Side::Edge) };
    let links = vec![at_request(Needs::REQUEST_BODY, |x| {
        assert!(matches!(x.request.body(), Body::Whole(bytes) if bytes == "12345678"));
        *x.request.body_mut() = Body::from("shorter");
        OnRequest::Next
    })];
    let mut rig = Rig::with(Plan { links, options, ..Plan::default() }).await;
    let mut visitor = rig.visit().await;
    let head = "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    visitor.send(&format!("{head}4\r\n1234\r\n4\r\n5678\r\n0\r\n\r\n")).await;
    let mut service = rig.served().await;
    let request = service.until("shorter").await;
    assert!(request.contains("content-length: 7\r\n"), "{request}");
    assert!(!request.contains("chunked"), "{request}");
    service.send(OK).await;
    visitor.until("\r\n\r\nok").await;
    visitor.send(&format!("{head}9\r\n123456789\r\n0\r\n\r\n")).await;
    let head = visitor.head().await;
    assert!(head.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{head}");
}

#[tokio::test]
async fn a_response_that_a_handler_needs_whole_is_measured_anew() {
    let link = at_request(Needs::RESPONSE_BODY, |_| {
        OnRequest::NextThen(Box::new(|response: Response<Body>| {
            Ok(response.map(|body| match body {
                Body::Whole(bytes) => {
                    Body::from([bytes.as_ref(), b"!"].concat().escape_ascii().to_string())
                }
                other => other,
            }))
        }))
    });
    let mut rig = rig(link).await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n").await;
    assert_eq!(visitor.head().await, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n");
    assert_eq!(visitor.until("ok!").await, "ok!");
}

/// Turns nothing into nothing, but proves that it was asked.
struct Same;

impl WrapIo for Same {
    fn wrap(self: Box<Self>, io: Box<dyn ByteStream>) -> Box<dyn ByteStream> {
        io
    }
}

#[tokio::test]
async fn a_handler_may_take_the_connection_out_of_http() {
    let link = at_request(Needs::REQUEST_HEAD, |_| {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response.headers_mut().insert("connection", HeaderValue::from_static("upgrade"));
        response.headers_mut().insert("upgrade", HeaderValue::from_static("websocket"));
        OnRequest::Detach { response, wrap: Box::new(Same) }
    });
    let mut rig = rig(link).await;
    let mut visitor = rig.visit().await;
    visitor
        .send(
            "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n1",
        )
        .await;
    let mut service = rig.served().await;
    assert!(visitor.head().await.starts_with("HTTP/1.1 101 "));
    visitor.send("2").await;
    assert_eq!(service.until("12").await, "12");
    service.send("banner").await;
    assert_eq!(visitor.until("banner").await, "banner");
    drop(service);
    assert_eq!(visitor.rest().await, "");
}

#[tokio::test]
async fn bytes_are_wrapped_where_a_handler_asks() {
    let link = at_connect(|| OnConnect::Wrap(Box::new(Same)));
    let links = vec![link];
    let protocol = adit_chain::Protocol::Tcp;
    let mut rig = Rig::with(Plan { links, protocol, ..Plan::default() }).await;
    assert_eq!(rig.route.relay, crate::Relay::Wrapped);
    let mut visitor = rig.visit().await;
    visitor.send("bytes").await;
    let mut service = rig.served().await;
    assert_eq!(service.until("bytes").await, "bytes");
}
