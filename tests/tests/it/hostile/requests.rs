//! Requests that are made to be misunderstood, and heads without end.

use std::time::Duration;

use adit_agent::EndpointSpec;
use adit_tests::{Upstream, World, stranger::SlowLoris};

async fn world(upstream: &Upstream) -> World {
    let spec = EndpointSpec::http(&upstream.http_url());
    World::new().agent([spec.clone().url("http://a.tunnel.test"), spec]).up().await
}

/// The status line of the answer to these bytes, at the plain port and inside TLS.
async fn statuses(world: &World, request: impl Fn(&str) -> String) -> [String; 2] {
    let mut lines = [String::new(), String::new()];
    for (n, line) in lines.iter_mut().enumerate() {
        let visitor = world.visitor_to(n);
        let answer = visitor.raw(request(&visitor.authority())).await;
        *line = answer.lines().next().unwrap_or_default().to_owned();
    }
    lines
}

#[tokio::test]
async fn requests_that_two_servers_could_read_differently_are_refused() {
    let upstream = Upstream::counting("hello").await;
    let world = world(&upstream).await;
    for (what, head) in [
        (
            "length and chunks",
            "POST / HTTP/1.1\r\nHost: H\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "chunks and length",
            "POST / HTTP/1.1\r\nHost: H\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        ),
        (
            "two lengths",
            "POST / HTTP/1.1\r\nHost: H\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        ),
        (
            "the same length twice",
            "POST / HTTP/1.1\r\nHost: H\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
        ),
        ("a signed length", "POST / HTTP/1.1\r\nHost: H\r\nContent-Length: +4\r\n\r\nabcd"),
        (
            "an unknown coding",
            "POST / HTTP/1.1\r\nHost: H\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "chunked twice",
            "POST / HTTP/1.1\r\nHost: H\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "a coding of old",
            "POST / HTTP/1.1\r\nHost: H\r\nTransfer-Encoding: identity\r\nContent-Length: 4\r\n\r\nabcd",
        ),
        (
            "a blank before the colon",
            "POST / HTTP/1.1\r\nHost: H\r\nContent-Length : 4\r\n\r\nabcd",
        ),
        ("a folded header", "GET / HTTP/1.1\r\nHost: H\r\nX-A: b\r\n c\r\n\r\n"),
        ("bare newlines", "GET / HTTP/1.1\nHost: H\n\n"),
        ("a newline in a header", "GET / HTTP/1.1\r\nHost: H\r\nX-A: b\rc\r\n\r\n"),
        ("no host", "GET / HTTP/1.1\r\n\r\n"),
        ("two hosts", "GET / HTTP/1.1\r\nHost: H\r\nHost: evil.example\r\n\r\n"),
        ("a host that is none", "GET / HTTP/1.1\r\nHost: H/evil\r\n\r\n"),
        ("another host in the target", "GET http://evil.example/ HTTP/1.1\r\nHost: H\r\n\r\n"),
        ("a tunnel", "CONNECT H HTTP/1.1\r\nHost: H\r\n\r\n"),
        ("another version", "GET / HTTP/3.0\r\nHost: H\r\n\r\n"),
    ] {
        for line in statuses(&world, |host| {
            head.replace("Host: H", &format!("Host: {host}"))
                .replace("CONNECT H", &format!("CONNECT {host}"))
        })
        .await
        {
            let status = line.split(' ').nth(1).unwrap_or("closed");
            assert!(matches!(status, "400" | "405" | "501" | "505" | "closed"), "{what}: {line}");
        }
    }
    assert_eq!(upstream.hits(), 0);
    assert_eq!(world.get("/").await.text(), "hello");
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let upstream = Upstream::counting("hello").await;
    let world = world(&upstream).await;
    let long = "x".repeat(1024 * 1024);
    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    for head in [format!("x-long: {long}\r\n"), many] {
        for line in
            statuses(&world, |host| format!("GET / HTTP/1.1\r\nhost: {host}\r\n{head}\r\n")).await
        {
            assert_eq!(line, "HTTP/1.1 431 Request Header Fields Too Large");
        }
    }
    for line in
        statuses(&world, |host| format!("GET /{long} HTTP/1.1\r\nhost: {host}\r\n\r\n")).await
    {
        assert!(line.starts_with("HTTP/1.1 414 ") || line.starts_with("HTTP/1.1 431 "), "{line}");
    }
    assert_eq!(upstream.hits(), 0);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_head_that_never_ends_has_a_deadline() {
    let world = World::new().up().await;
    let port = world.edge().http_addr().port();
    let visitor = world.visitor_of(&format!("http://a.tunnel.test:{port}"));
    let loris = SlowLoris::on(visitor.connect().await, "a.tunnel.test").await;
    // The clock stands still except when everything waits for it.
    tokio::time::pause();
    let n_sent = loris.until_closed(Duration::from_secs(1)).await;
    assert!((10..=16).contains(&n_sent), "{n_sent}");
    tokio::time::resume();
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_connection_that_asks_for_nothing_more_has_a_deadline() {
    let world = World::new().up().await;
    let port = world.edge().http_addr().port();
    let visitor = world.visitor_of(&format!("http://a.tunnel.test:{port}"));
    let mut socket = visitor.connect().await;
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let n = tokio::io::AsyncReadExt::read(&mut socket, &mut [0]).await;
    assert_eq!(n.unwrap_or_default(), 0);
    assert!(start.elapsed() <= Duration::from_secs(300), "{:?}", start.elapsed());
    tokio::time::resume();
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn noise_inside_http2_ends_only_its_own_connection() {
    let upstream = Upstream::counting("hello").await;
    let world = world(&upstream).await;
    for noise in [
        // A frame of more than the largest size.
        &b"\xff\xff\xff\x00\x00\x00\x00\x00\x01"[..],
        // Headers on stream 0, a window of nothing, a push, an endless continuation.
        b"\x00\x00\x01\x01\x04\x00\x00\x00\x00\x82",
        b"\x00\x00\x04\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        b"\x00\x00\x04\x05\x04\x00\x00\x00\x01\x00\x00\x00\x02",
        b"\x00\x00\x01\x09\x00\x00\x00\x00\x01\x82",
    ] {
        world.visitor_to(0).raw([PREFACE, noise].concat()).await;
    }
    assert_eq!(upstream.hits(), 0);
    assert_eq!(world.get("/").http2().await.text(), "hello");
    world.down().await.assert_no_task_left();
}

/// The beginning of an HTTP/2 connection whose sender takes the defaults.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// A frame of HTTP/2: its type, its flags, its stream, its payload.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&len[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[tokio::test]
async fn requests_that_are_taken_back_at_once_do_not_add_up() {
    let upstream = Upstream::serve(adit_tests::service::never_answers()).await;
    let world = world(&upstream).await;
    let visitor = world.visitor_to(0);
    // `:method GET`, `:scheme http`, `:path /`, and `:authority` as a literal.
    let authority = visitor.authority();
    let mut head = vec![0x82, 0x86, 0x84, 0x41, u8::try_from(authority.len()).unwrap()];
    head.extend_from_slice(authority.as_bytes());
    let mut flood = PREFACE.to_vec();
    for n in 0..5000 {
        flood.extend(frame(1, 0x05, 2 * n + 1, &head));
        flood.extend(frame(3, 0, 2 * n + 1, &8_u32.to_be_bytes()));
    }
    visitor.raw(flood).await;
    assert!(upstream.hits() <= 200, "{} reached the service", upstream.hits());
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn headers_that_go_on_and_on_are_given_up() {
    let upstream = Upstream::counting("hello").await;
    let world = world(&upstream).await;
    let mut flood = [PREFACE, &frame(1, 0x01, 1, &[0x82])].concat();
    for _ in 0..2000 {
        flood.extend(frame(9, 0, 1, &[0x82; 1024]));
    }
    world.visitor_to(0).raw(flood).await;
    assert_eq!(upstream.hits(), 0);
    assert_eq!(world.get("/").http2().await.text(), "hello");
    world.down().await.assert_no_task_left();
}
