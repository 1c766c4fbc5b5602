//! HTTP that is more than a request and its answer: HTTP/2, upgrades, and bodies that take time.

use std::time::Duration;

use adit_tests::{Upstream, World, service, soon, visitor::Requests};
use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc,
};
use tokio_tungstenite::tungstenite::Message;

use super::http;

#[tokio::test]
async fn visitors_may_speak_http2() {
    let upstream = Upstream::mirror().await;
    let world = World::new().agent(http(&upstream)).up().await;
    let reply = world.post("/path", "body").http2().await;
    assert_eq!(reply.status(), 200);
    let text = reply.text();
    assert!(text.starts_with("POST /path HTTP/1.1\n"), "{text}");
    assert!(text.contains(&format!("\nhost: {}\n", world.visitor().authority())), "{text}");
    assert!(text.ends_with("\n\nbody"), "{text}");
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn requests_of_one_http2_visitor_do_not_wait_for_each_other() {
    // The first request is answered only after the second has been.
    let (second_done, wait) = tokio::sync::watch::channel(false);
    let upstream = Upstream::http(move |request| {
        let (mut wait, second_done) = (wait.clone(), second_done.clone());
        async move {
            if request.uri().path() == "/slow" {
                let _ = wait.wait_for(|done| *done).await;
            } else {
                second_done.send_replace(true);
            }
            Response::new(service::body(request.uri().path().to_owned()))
        }
    })
    .await;
    let world = World::new().agent(http(&upstream)).up().await;
    let visitor = world.visitor();
    let Requests::Http2(mut one) = visitor.http2().await else { unreachable!() };
    let mut another = one.clone();
    let url = |path: &str| format!("https://{}{path}", visitor.authority());
    let ask = |path: &str| http::Request::get(url(path)).body(service::body("")).unwrap();
    let both =
        async { tokio::join!(one.send_request(ask("/slow")), another.send_request(ask("/quick"))) };
    let (slow, quick) = soon("both", both).await;
    assert_eq!(slow.unwrap().collect().await.unwrap().to_bytes(), "/slow");
    assert_eq!(quick.unwrap().collect().await.unwrap().to_bytes(), "/quick");
    drop((one, another));
    world.down().await.assert_clean();
}

#[tokio::test]
async fn trailers_reach_an_http2_upstream_and_come_back() {
    let upstream = Upstream::http(|request| async move {
        let version = request.version();
        let te = request.headers().get("te").cloned();
        let body = request.into_body().collect().await.unwrap();
        let sent = body.trailers().and_then(|t| t.get("x-sent")).cloned();
        let bytes = body.to_bytes();
        let mut trailers = http::HeaderMap::new();
        trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
        trailers.insert("x-got", sent.unwrap_or(http::HeaderValue::from_static("nothing")));
        let frames = [Frame::data(bytes), Frame::trailers(trailers)];
        let frames = futures_util::stream::iter(frames.map(Ok::<_, std::convert::Infallible>));
        let mut response = Response::new(StreamBody::new(frames).boxed());
        response.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
        response.headers_mut().insert("x-version", format!("{version:?}").parse().unwrap());
        response.headers_mut().insert("x-te", te.unwrap_or("none".parse().unwrap()));
        response
    })
    .await;
    let world = World::new().agent(http(&upstream).upstream_http2()).up().await;
    let visitor = world.visitor();
    let mut requests = visitor.http2().await;
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-sent", http::HeaderValue::from_static("yes"));
    let frames = [Frame::data(Bytes::from("message")), Frame::trailers(trailers)];
    let frames = futures_util::stream::iter(frames.map(Ok::<_, std::convert::Infallible>));
    let request = http::Request::post(format!("https://{}/pkg.Service/Call", visitor.authority()))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(StreamBody::new(frames).boxed())
        .unwrap();
    let response = soon("a response", requests.send(request)).await.unwrap();
    assert_eq!(response.headers()["x-version"], "HTTP/2.0");
    assert_eq!(response.headers()["x-te"], "trailers");
    let body = response.into_body().collect().await.unwrap();
    let trailers = body.trailers().unwrap().clone();
    assert_eq!(
        (&trailers["grpc-status"], &trailers["x-got"]),
        (&"0".parse().unwrap(), &"yes".parse().unwrap())
    );
    assert_eq!(body.to_bytes(), "message");
    drop(requests);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_websocket_echoes() {
    let upstream = Upstream::serve(service::websocket_echo()).await;
    use futures_util::{SinkExt as _, StreamExt as _};
    let world = World::new().agent(http(&upstream)).up().await;
    let mut socket = world.visitor().websocket("/chat").await;
    let large = vec![7; 300_000];
    for message in [Message::text("hello"), Message::binary(large), Message::text("")] {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(soon("an echo", socket.next()).await.unwrap().unwrap(), message);
    }
    socket.close(None).await.unwrap();
    while let Some(Ok(_)) = soon("the goodbye", socket.next()).await {}
    assert_eq!(upstream.hits(), 1);
    drop(socket);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn events_arrive_one_by_one() {
    let (send, receive) = mpsc::channel::<&'static str>(1);
    let receive = std::sync::Arc::new(tokio::sync::Mutex::new(receive));
    let upstream = Upstream::http(move |_| {
        let receive = std::sync::Arc::clone(&receive);
        async move {
            let events = futures_util::stream::unfold(receive, |receive| async move {
                let event = receive.lock().await.recv().await?;
                let frame = Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from(event)));
                Some((frame, receive))
            });
            let mut response = Response::new(StreamBody::new(Box::pin(events)).boxed());
            response.headers_mut().insert("content-type", "text/event-stream".parse().unwrap());
            response
        }
    })
    .await;
    let world = World::new().agent(http(&upstream)).up().await;
    let mut requests = world.visitor().http1().await;
    let request = http::Request::get("/events").header("host", world.visitor().authority());
    let response = soon("a head", requests.send(request.body(service::body("")).unwrap())).await;
    let mut body = response.unwrap().into_body();
    for event in ["data: one\n\n", "data: two\n\n"] {
        send.send(event).await.unwrap();
        let frame = soon("an event", body.frame()).await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), event);
    }
    drop(send);
    assert!(soon("the end", body.frame()).await.is_none());
    drop(requests);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn the_body_waits_for_100_continue_from_the_service_itself() {
    let (release, wait) = tokio::sync::watch::channel(false);
    let upstream = Upstream::serve(service::service(move |mut socket, _| {
        let mut wait = wait.clone();
        async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(socket.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
            assert!(head.contains("\r\nexpect: 100-continue\r\n"), "{head}");
            wait.wait_for(|go| *go).await.unwrap();
            socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.unwrap();
            let mut body = [0; 4];
            socket.read_exact(&mut body).await.unwrap();
            assert_eq!(&body, b"body");
            socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            let _ = socket.read(&mut [0; 1]).await;
        }
    }))
    .await;
    let world = World::new().agent(http(&upstream)).up().await;
    let mut socket = world.visitor().connect().await;
    let head = format!(
        "PUT / HTTP/1.1\r\nhost: {}\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n",
        world.visitor().authority()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.flush().await.unwrap();
    release.send_replace(true);
    let mut interim = [0; 25];
    soon("100", socket.read_exact(&mut interim)).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(b"body").await.unwrap();
    socket.flush().await.unwrap();
    let mut status = [0; 12];
    soon("204", socket.read_exact(&mut status)).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 204");
    drop(socket);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_service_that_refuses_the_body_is_heard_before_it_is_sent() {
    let upstream =
        Upstream::serve(service::raw(b"HTTP/1.1 417 No\r\ncontent-length: 0\r\n\r\n")).await;
    let world = World::new().agent(http(&upstream)).up().await;
    let mut socket = world.visitor().connect().await;
    let head = format!(
        "PUT / HTTP/1.1\r\nhost: {}\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n",
        world.visitor().authority()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.flush().await.unwrap();
    let mut status = [0; 12];
    soon("417", socket.read_exact(&mut status)).await.unwrap();
    assert_eq!(&status, b"HTTP/1.1 417");
    drop(socket);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_large_upload_and_a_large_download_arrive_whole() {
    const SIZE: usize = 16 * 1024 * 1024;
    let upstream = Upstream::http(|request| async move {
        let mut body = request.into_body();
        let (mut n, mut sum) = (0_usize, 0_u64);
        while let Some(frame) = body.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            n += data.len();
            sum = data
                .iter()
                .fold(sum, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
        }
        Response::new(service::body(format!("{n} {sum}")))
    })
    .await;
    let world = World::new().agent(http(&upstream)).up().await;
    let bytes: Vec<u8> = (0..SIZE).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let sum = bytes.iter().fold(0_u64, |s, b| s.wrapping_mul(31).wrapping_add(u64::from(*b)));
    let reply = world.post("/", bytes).await;
    assert_eq!(reply.text(), format!("{SIZE} {sum}"));
    world.down().await.assert_clean();

    let upstream =
        Upstream::http(|_| async { Response::new(service::body(vec![b'x'; SIZE])) }).await;
    let world = World::new().agent(http(&upstream)).up().await;
    let reply = world.get("/").await;
    assert!(reply.is_whole());
    assert!(reply.bytes().len() == SIZE && reply.bytes().iter().all(|byte| *byte == b'x'));
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_request_that_takes_its_time_is_not_cut() {
    let upstream = Upstream::http(|_| async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Response::new(service::body("late"))
    })
    .await;
    let world = World::new().agent(http(&upstream)).up().await;
    assert_eq!(world.get("/").await.text(), "late");
    world.down().await.assert_clean();
}
