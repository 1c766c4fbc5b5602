//! HTTP/2, at either end.

use std::{convert::Infallible, sync::Arc, time::Duration};

use adit_chain::Side;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Frame, Incoming},
    client::conn::http2::{self, SendRequest},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::AsyncReadExt,
    sync::{Notify, mpsc},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::proxying::OK;
use crate::{
    HttpVersion, Limits, RouteOptions,
    rig::{Plan, Rig, within},
};

pub(super) type Sent = BoxBody<Bytes, Infallible>;

pub(super) async fn client(rig: &mut Rig, tasks: &mut JoinSet<()>) -> SendRequest<Sent> {
    let io = TokioIo::new(rig.visit().await.0);
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tasks.spawn(async move { drop(connection.await) });
    sender
}

pub(super) fn get(path: &str) -> Request<Sent> {
    let body = Full::new(Bytes::new()).boxed();
    Request::get(format!("http://a.test{path}"))
        .header("cookie", "a=1")
        .header("cookie", "b=2")
        .body(body)
        .unwrap()
}

#[tokio::test]
async fn a_visitor_with_http2_is_served_by_several_pipes_that_are_reused() {
    let mut rig = Rig::new().await;
    let mut tasks = JoinSet::new();
    let sender = client(&mut rig, &mut tasks).await;
    let ask = |path: &'static str| {
        let mut sender = sender.clone();
        async move { sender.send_request(get(path)).await.unwrap() }
    };
    let answer = async {
        let (mut first, mut second) = (rig.served().await, rig.served().await);
        let head = first.head().await;
        assert!(head.contains("host: a.test\r\n"), "{head}");
        assert!(head.contains("cookie: a=1; b=2\r\n"), "{head}");
        assert!(head.contains("x-forwarded-host: a.test\r\n"), "{head}");
        second.head().await;
        first.send(OK).await;
        second.send(OK).await;
        (first, second)
    };
    let (a, b, services) = within(async { tokio::join!(ask("/1"), ask("/2"), answer) }).await;
    for response in [a, b] {
        assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_2));
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
    }
    let (mut first, mut second) = services;
    let answer = async {
        let service = tokio::select! {
            _ = first.head() => &mut first,
            _ = second.head() => &mut second,
        };
        service.send(OK).await;
    };
    within(async { tokio::join!(ask("/3"), answer) }).await;
    assert_eq!(rig.n_connects(), 2);
    drop(sender);
}

/// A service that speaks HTTP/2 only and answers each message with itself, then trailers.
async fn echo(
    request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, hyper::Error>>, Infallible> {
    assert_eq!(request.version(), Version::HTTP_2);
    assert_eq!(request.uri(), "http://a.test/pkg.Service/Method");
    assert_eq!(request.headers()["te"], "trailers");
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]);
    let body = request.into_body().with_trailers(async move { Some(Ok(trailers)) });
    let response = Response::builder().header("content-type", "application/grpc");
    Ok(response.body(body.boxed()).unwrap())
}

#[tokio::test]
async fn grpc_streams_both_ways_and_ends_with_trailers() {
    let version = HttpVersion::Http2;
    let mut rig = Rig::with(Plan { version, ..Plan::default() }).await;
    let mut tasks = JoinSet::new();
    let mut sender = client(&mut rig, &mut tasks).await;
    let (messages, body) = mpsc::channel::<Bytes>(1);
    let body = StreamBody::new(futures_util::stream::unfold(body, |mut body| async move {
        let message = body.recv().await?;
        Some((Ok::<_, Infallible>(Frame::data(message)), body))
    }));
    let request = Request::post("http://a.test/pkg.Service/Method")
        .header("te", "trailers")
        .header("content-type", "application/grpc")
        .body(body.boxed())
        .unwrap();
    let done = CancellationToken::new();
    let serving = async {
        let io = TokioIo::new(rig.served().await.0);
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let connection = builder.serve_connection(io, service_fn(echo));
        let _ = done.run_until_cancelled(connection).await;
    };
    let talking = async {
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/grpc");
        let mut body = response.into_body();
        for message in ["one", "two", "three"] {
            messages.send(Bytes::from(message)).await.unwrap();
            let frame = body.frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), message);
        }
        drop(messages);
        let trailers = body.frame().await.unwrap().unwrap().into_trailers().unwrap();
        assert_eq!(trailers["grpc-status"], "0");
        done.cancel();
    };
    within(async { tokio::join!(serving, talking) }).await;
    assert_eq!(rig.n_connects(), 1);
}

#[tokio::test]
async fn a_burst_of_small_frames_is_passed_on() {
    const N: usize = 5000;
    let mut rig = Rig::new().await;
    let mut tasks = JoinSet::new();
    let mut sender = client(&mut rig, &mut tasks).await;
    let frames = (0..N).map(|_| Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"123456789"))));
    let body = StreamBody::new(futures_util::stream::iter(frames));
    let request = Request::post("http://a.test/").header("content-length", 9 * N);
    let asked = sender.send_request(request.body(body.boxed()).unwrap());
    let answer = async {
        let mut service = rig.served().await;
        service.head().await;
        let mut body = vec![0; 9 * N];
        service.0.read_exact(&mut body).await.unwrap();
        service.send(OK).await;
    };
    let (response, ()) = within(async { tokio::join!(asked, answer) }).await;
    assert_eq!(response.unwrap().status(), 200);
}

#[tokio::test]
async fn a_body_of_any_length_and_with_any_method_is_passed_on() {
    for method in ["GET", "HEAD", "DELETE", "POST"] {
        let mut rig = Rig::new().await;
        let mut tasks = JoinSet::new();
        let mut sender = client(&mut rig, &mut tasks).await;
        let frame = Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"search")));
        let body = StreamBody::new(futures_util::stream::iter([frame])).boxed();
        let request = Request::builder().method(method).uri("http://a.test/").body(body).unwrap();
        let answer = async {
            let mut service = rig.served().await;
            let head = service.head().await;
            assert!(head.contains("transfer-encoding: chunked\r\n"), "{head}");
            service.until("6\r\nsearch\r\n0\r\n\r\n").await;
            service.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        };
        let asked = sender.send_request(request);
        let (response, ()) = within(async { tokio::join!(asked, answer) }).await;
        assert_eq!(response.unwrap().status(), 204, "{method}");
    }
}

#[tokio::test]
async fn a_page_is_not_sent_to_who_asks_for_the_head_of_it() {
    let mut rig = Rig::new().await;
    let mut tasks = JoinSet::new();
    let mut sender = client(&mut rig, &mut tasks).await;
    let mut page = async |method: &str| {
        let request = Request::builder().method(method).uri("http://a.test/");
        let asked = sender.send_request(request.body(Full::new(Bytes::new()).boxed()).unwrap());
        let hang_up = async {
            let mut service = rig.served().await;
            service.head().await;
        };
        let (response, ()) = within(async { tokio::join!(asked, hang_up) }).await;
        let (head, body) = response.unwrap().into_parts();
        let body = within(body.collect()).await.unwrap().to_bytes();
        (head.status.as_u16(), head.headers["content-length"].clone(), body.len())
    };
    let (status, said, n_bytes) = page("GET").await;
    assert_eq!((status, &said), (502, &HeaderValue::from(n_bytes)));
    assert_eq!(page("HEAD").await, (502, said, 0));
}

const CHUNK: usize = 16 * 1024;
/// Chunks that fill the windows on the way: a visitor's by default, and ours towards the service.
const FILLING: usize = (2 * 1024 * 1024 + crate::limits::STREAM_WINDOW as usize) / CHUNK;

/// Answers `/endless` with what never ends, and everything else at once. Tells when the windows on
/// the way are full.
async fn endless(
    request: Request<Incoming>,
    full: Arc<Notify>,
) -> Result<Response<Sent>, Infallible> {
    let body = match request.uri().path() {
        "/endless" => {
            let mut n = 0;
            let chunk = move || {
                n += 1;
                if n == FILLING {
                    full.notify_one();
                }
                Ok(Frame::data(Bytes::from_static(&[0; CHUNK])))
            };
            StreamBody::new(futures_util::stream::repeat_with(chunk)).boxed()
        }
        _ => Full::new(Bytes::from_static(b"ok")).boxed(),
    };
    Ok(Response::new(body))
}

#[tokio::test]
async fn an_answer_that_nobody_reads_holds_up_no_other() {
    let version = HttpVersion::Http2;
    let mut rig = Rig::with(Plan { version, ..Plan::default() }).await;
    let mut tasks = JoinSet::new();
    let mut sender = client(&mut rig, &mut tasks).await;
    let done = CancellationToken::new();
    let full = Arc::new(Notify::new());
    let serving = async {
        let io = TokioIo::new(rig.served().await.0);
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let service = service_fn(|request| endless(request, Arc::clone(&full)));
        let connection = builder.serve_connection(io, service);
        let _ = done.run_until_cancelled(connection).await;
    };
    let talking = async {
        let _unread = sender.send_request(get("/endless")).await.unwrap();
        full.notified().await;
        let response = sender.send_request(get("/")).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
        done.cancel();
    };
    within(async { tokio::join!(serving, talking) }).await;
    assert_eq!(rig.n_connects(), 1);
}

#[tokio::test]
async fn a_grpc_visitor_learns_of_a_failure_in_its_own_words() {
    let mut rig = Rig::new().await;
    let elsewhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    drop(std::mem::replace(&mut rig.service, elsewhere));
    let mut tasks = JoinSet::new();
    let mut sender = client(&mut rig, &mut tasks).await;
    let mut request = get("/");
    request.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    let response = within(sender.send_request(request)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["grpc-status"], "14");
    assert_eq!(response.headers()["ngrok-error-code"], "ERR_NGROK_8012");
}

#[tokio::test]
async fn a_drain_tells_an_http2_visitor_to_go_away() {
    let mut rig = Rig::new().await;
    let mut tasks = JoinSet::new();
    let mut sender = client(&mut rig, &mut tasks).await;
    let asked = sender.send_request(get("/"));
    let stop = Arc::new(rig.cx.stop.clone());
    let answer = async {
        let mut service = rig.served().await;
        service.head().await;
        stop.drain.cancel();
        service.send(OK).await;
    };
    let (response, ()) = within(async { tokio::join!(asked, answer) }).await;
    assert_eq!(response.unwrap().into_body().collect().await.unwrap().to_bytes(), "ok");
    within(tasks.join_next()).await;
    assert!(sender.is_closed());
}

#[tokio::test]
async fn a_visitor_with_http2_that_keeps_its_body_to_itself_is_told_so() {
    let limits = Limits { response_timeout: Duration::from_millis(100), ..Limits::default() };
    let options = RouteOptions { limits, ..RouteOptions::new(Side::Edge) };
    let mut rig = Rig::with(Plan { options, ..Plan::default() }).await;
    let mut tasks = JoinSet::new();
    let mut sender = client(&mut rig, &mut tasks).await;
    let frames = futures_util::stream::unfold(Some("some"), |some| async move {
        let Some(some) = some else { return std::future::pending().await };
        Some((Ok(Frame::data(Bytes::from_static(some.as_bytes()))), None))
    });
    let body = StreamBody::new(Box::pin(frames)).boxed();
    let request = Request::post("http://a.test/").body(body).unwrap();
    let response = within(sender.send_request(request)).await.unwrap();
    assert_eq!(response.status(), 408);
    let page = within(response.into_body().collect()).await.unwrap().to_bytes();
    let page = String::from_utf8(page.to_vec()).unwrap();
    assert!(page.contains("The rest of the request&#39;s body did not come"), "{page}");
}
