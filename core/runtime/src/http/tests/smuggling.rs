//! Requests that two servers could read differently.

use tokio::io::AsyncReadExt;

use crate::{
    Ended,
    rig::{Rig, within},
};

const HOST: &str = "Host: a.test\r\n";

/// What is sent after the request line, and which status it earns.
const TABLE: &[(&str, &str, u16)] = &[
    (
        "length and chunks",
        "Host: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "chunks and length",
        "Host: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        400,
    ),
    (
        "two lengths that differ",
        "Host: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        400,
    ),
    (
        "two lengths that agree",
        "Host: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
        400,
    ),
    ("a list of lengths", "Host: a\r\nContent-Length: 4, 4\r\n\r\nabcd", 400),
    ("a signed length", "Host: a\r\nContent-Length: +4\r\n\r\nabcd", 400),
    ("a huge length", "Host: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
    (
        "two encodings",
        "Host: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    ("an encoding list", "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    ("chunked not last", "Host: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400),
    ("an unknown encoding", "Host: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    ("a blank before the colon", "Host: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    ("a tab in a name", "Host: a\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", 400),
    ("a folded header", "Host: a\r\nX: 1\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("a bare line feed", "Host: a\nContent-Length: 4\r\n\r\nabcd", 400),
    ("a bare carriage return", "Host: a\r\nX: 1\rY: 2\r\n\r\n", 400),
    ("a zero byte", "Host: a\r\nX: 1\x002\r\n\r\n", 400),
    ("two hosts", "Host: a\r\nHost: b\r\n\r\n", 400),
    ("no host", "X: 1\r\n\r\n", 400),
    ("an empty host", "Host:\r\n\r\n", 400),
    ("a host with a path", "Host: a/b\r\n\r\n", 400),
    ("a host with a user", "Host: u@a\r\n\r\n", 400),
];

#[tokio::test]
async fn requests_with_two_meanings_are_refused_and_the_connection_closed() {
    for (name, rest, status) in TABLE {
        let mut rig = Rig::new().await;
        let mut visitor = rig.visit().await;
        visitor.send(&format!("POST / HTTP/1.1\r\n{rest}")).await;
        // Anything that was smuggled in would be answered too.
        let answer = visitor.rest().await;
        let line = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&line), "{name}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{name}: {answer}");
        assert_eq!(rig.n_connects(), 0, "{name}");
    }
}

#[tokio::test]
async fn targets_that_do_not_fit_are_refused() {
    for (line, status) in [
        ("GET http://other.test/ HTTP/1.1", 400),
        ("CONNECT a.test:443 HTTP/1.1", 400),
        ("GET / HTTP/3.0", 400),
        ("GET  / HTTP/1.1", 400),
        ("G@T / HTTP/1.1", 400),
    ] {
        let mut rig = Rig::new().await;
        let mut visitor = rig.visit().await;
        visitor.send(&format!("{line}\r\n{HOST}\r\n")).await;
        let answer = visitor.rest().await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line}: {answer}");
        assert_eq!(rig.n_connects(), 0, "{line}");
    }
}

#[tokio::test]
async fn a_proxy_is_not_what_this_is() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    // What is sent along is not read, and resets the connection if it is closed at once.
    let head = "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n";
    visitor.send(&format!("{head}{}", "\x16\x03".repeat(100_000))).await;
    let page = visitor.rest().await;
    assert!(page.starts_with("HTTP/1.1 405 ") && page.ends_with("</html>\n"), "{page}");
    assert!(page.contains("connection: close\r\n"), "{page}");
    drop(visitor);
    assert_eq!(rig.closed().await.ended, Ended::Done);
    assert_eq!(rig.n_connects(), 0);
}

#[tokio::test]
async fn an_absolute_target_is_made_relative() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor.send(&format!("GET http://A.test/x?y HTTP/1.1\r\n{HOST}\r\n")).await;
    let mut service = rig.served().await;
    assert!(service.head().await.starts_with("GET /x?y HTTP/1.1\r\nhost: a.test\r\n"));
}

#[tokio::test]
async fn a_second_request_in_the_same_packet_is_another_request() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor
        .send(&format!(
            "POST /1 HTTP/1.1\r\n{HOST}Content-Length: 2\r\n\r\nhiGET /2 HTTP/1.1\r\n{HOST}\r\n"
        ))
        .await;
    let mut service = rig.served().await;
    assert!(service.until("\r\n\r\nhi").await.starts_with("POST /1 "));
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1").await;
    assert!(service.head().await.starts_with("GET /2 "));
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n2").await;
    visitor.until("\r\n\r\n1").await;
    visitor.until("\r\n\r\n2").await;
}

#[tokio::test]
async fn heads_without_measure_are_refused() {
    let many: String = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect();
    let long = format!("x: {}\r\n", "a".repeat(2 * crate::limits::MAX_HEAD));
    for headers in [many, long] {
        let mut rig = Rig::new().await;
        let mut visitor = rig.visit().await;
        let head = format!("GET / HTTP/1.1\r\n{HOST}{headers}\r\n");
        let (mut read, mut write) = visitor.0.split();
        let mut answer = vec![0; 12];
        let send = async {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut write, head.as_bytes()).await;
        };
        let (_, result) = within(async { tokio::join!(send, read.read_exact(&mut answer)) }).await;
        result.unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 431");
        assert_eq!(rig.n_connects(), 0);
    }
}

#[tokio::test]
async fn a_broken_body_is_the_visitors_fault() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    let head = "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    visitor.send(&format!("{head}zz\r\nabc\r\n0\r\n\r\n")).await;
    let mut service = rig.served().await;
    assert!(!service.rest().await.contains("\r\n0\r\n"));
    let head = visitor.head().await;
    assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
}
