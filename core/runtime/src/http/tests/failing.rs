//! Upstreams and visitors that do not do what they should.

use std::{sync::Arc, time::Duration};

use adit_chain::Side;
use tokio::net::TcpListener;

use crate::{
    Ended, Limits, RouteOptions,
    rig::{Peer, Plan, Rig, within},
};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const GET_JSON: &str = "GET / HTTP/1.1\r\nHost: a.test\r\nAccept: application/json\r\n\r\n";

fn hurried(side: Side) -> Plan {
    let limits = Limits {
        head_timeout: Duration::from_millis(300),
        idle_timeout: Duration::from_millis(600),
        response_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    Plan { options: RouteOptions { limits, ..RouteOptions::new(side) }, ..Plan::default() }
}

/// Lets nobody listen where the service was.
async fn unplug(rig: &mut Rig) {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    drop(std::mem::replace(&mut rig.service, elsewhere));
}

async fn page(visitor: &mut Peer, request: &str) -> String {
    visitor.send(request).await;
    let head = visitor.head().await;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    tokio::io::AsyncReadExt::read_exact(&mut visitor.0, &mut body).await.unwrap();
    head + &String::from_utf8(body).unwrap()
}

#[tokio::test]
async fn a_service_that_refuses_gives_a_page_or_json_and_the_connection_lives() {
    let mut rig = Rig::new().await;
    unplug(&mut rig).await;
    let mut visitor = rig.visit().await;
    let html = page(&mut visitor, GET).await;
    assert!(html.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{html}");
    assert!(html.contains("ngrok-error-code: ERR_NGROK_8012\r\n"), "{html}");
    assert!(html.contains("text/html") && html.contains("localhost:1"), "{html}");
    let json = page(&mut visitor, GET_JSON).await;
    assert!(json.contains("content-type: application/json\r\n"), "{json}");
    assert!(json.contains("\"error_code\":\"ERR_NGROK_8012\""), "{json}");
}

#[tokio::test]
async fn bytes_that_move_raw_are_answered_in_http_when_the_service_refuses() {
    let plan = Plan { options: RouteOptions::new(Side::Agent), ..Plan::default() };
    let mut rig = Rig::with(plan).await;
    assert_eq!(rig.route.relay, crate::Relay::Raw);
    rig.cx.origin = Some(Arc::from("secret"));
    unplug(&mut rig).await;
    let mut visitor = rig.visit().await;
    visitor.send(GET_JSON).await;
    let json = visitor.rest().await;
    assert!(json.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{json}");
    assert!(json.contains("connection: close\r\n"), "{json}");
    assert!(json.contains("adit-origin: secret\r\n"), "{json}");
    assert!(json.contains("\"error_code\":\"ERR_NGROK_8012\""), "{json}");
    drop(visitor);
    assert_eq!(rig.closed().await.ended, Ended::UpstreamFailed);
}

#[tokio::test]
async fn a_service_that_says_nothing_is_given_up_on() {
    let mut rig = Rig::with(hurried(Side::Edge)).await;
    let mut visitor = rig.visit().await;
    let html = page(&mut visitor, GET).await;
    assert!(html.starts_with("HTTP/1.1 504 Gateway Timeout\r\n"), "{html}");
    assert!(html.contains("ngrok-error-code: ERR_NGROK_3004\r\n"), "{html}");
    let mut service = rig.served().await;
    service.head().await;
    assert_eq!(service.rest().await, "");
}

#[tokio::test]
async fn a_visitor_that_keeps_its_body_to_itself_is_told_so() {
    for (body, began) in [
        ("Content-Length: 9", "some"),
        ("Transfer-Encoding: chunked", "4\r\nsome\r\n"),
        ("Content-Length: 9\r\nExpect: 100-continue", ""),
    ] {
        let mut rig = Rig::with(hurried(Side::Edge)).await;
        let mut visitor = rig.visit().await;
        let request = format!("POST / HTTP/1.1\r\nHost: a.test\r\n{body}\r\n\r\n{began}");
        visitor.send(&request).await;
        let mut service = rig.served().await;
        service.until(&format!("\r\n\r\n{began}")).await;
        if began.is_empty() {
            service.send("HTTP/1.1 100 Continue\r\n\r\n").await;
            assert_eq!(visitor.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
        }
        let html = visitor.rest().await;
        assert!(html.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{html}");
        assert!(html.contains("connection: close\r\n"), "{html}");
        assert!(html.contains("The rest of the request&#39;s body did not come"), "{html}");
        assert!(!html.contains("ngrok-error-code"), "{html}");
    }
}

#[tokio::test]
async fn a_service_that_does_not_take_a_body_is_given_up_on() {
    let body = "x".repeat(16 * 1024 * 1024);
    let length = body.len();
    let requests = [
        // All of it is there, or more than fits on the way, or nobody asks for it.
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody".to_owned(),
        format!("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: {length}\r\n\r\n{body}"),
    ];
    for request in requests {
        let mut rig = Rig::with(hurried(Side::Edge)).await;
        let visitor = rig.visit().await;
        let (mut answers, mut asks) = visitor.0.into_split();
        let asking = async {
            // It may be closed with some of it unread.
            let _ = tokio::io::AsyncWriteExt::write_all(&mut asks, request.as_bytes()).await;
        };
        let mut head = [0; 28];
        let answered = tokio::io::AsyncReadExt::read_exact(&mut answers, &mut head);
        let (_, answered) = within(async { tokio::join!(asking, answered) }).await;
        answered.unwrap();
        assert_eq!(&head, b"HTTP/1.1 504 Gateway Timeout");
        let _service = rig.served().await;
    }
}

#[tokio::test]
async fn a_service_that_speaks_something_else_or_breaks_off_is_told_apart() {
    for (said, words) in [
        ("SSH-2.0-OpenSSH_9.9\r\n", "not HTTP"),
        ("HTTP/1.1 999999 ?\r\n\r\n", "not HTTP"),
        ("", "closed the connection"),
        ("HTTP/1.1 200 OK\r\ncontent-le", "closed the connection"),
    ] {
        let mut rig = Rig::new().await;
        let mut visitor = rig.visit().await;
        visitor.send(GET).await;
        let mut service = rig.served().await;
        service.head().await;
        service.send(said).await;
        drop(service);
        let html = page(&mut visitor, "").await;
        assert!(html.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{said}: {html}");
        assert!(html.contains("ERR_NGROK_3004") && html.contains(words), "{said}: {html}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_passed_off_as_whole() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n").await;
    visitor.until("2\r\nok\r\n").await;
    drop(service);
    let mut rest = Vec::new();
    let read = tokio::io::AsyncReadExt::read_to_end(&mut visitor.0, &mut rest).await;
    assert!(read.is_err() || rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
}

#[tokio::test]
async fn what_came_before_a_broken_body_arrives() {
    for broken in ["zz\r\n", "2\r\nok\r\nzz\r\n"] {
        let mut rig = Rig::new().await;
        let mut visitor = rig.visit().await;
        visitor.send(GET).await;
        let mut service = rig.served().await;
        service.head().await;
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        service.send(&format!("{head}{broken}")).await;
        assert_eq!(visitor.head().await, head);
        let mut rest = Vec::new();
        let reading = tokio::io::AsyncReadExt::read_to_end(&mut visitor.0, &mut rest);
        let _ = within(reading).await;
        let whole = broken.strip_suffix("zz\r\n").unwrap();
        assert_eq!(String::from_utf8_lossy(&rest), whole);
    }
}

#[tokio::test]
async fn an_answer_that_would_end_with_its_connection_ends_in_a_reset_where_it_breaks_off() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor.send("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n").await;
    let mut service = rig.served().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n").await;
    visitor.until("\r\n\r\nok").await;
    drop(service);
    let mut rest = Vec::new();
    let read = within(tokio::io::AsyncReadExt::read_to_end(&mut visitor.0, &mut rest)).await;
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn an_early_answer_arrives_though_the_body_is_still_being_sent() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100000\r\n\r\nsome").await;
    let mut service = rig.served().await;
    service.head().await;
    service.send("HTTP/1.1 413 Payload Too Large\r\ncontent-length: 3\r\n\r\nbig").await;
    let head = visitor.head().await;
    assert!(head.starts_with("HTTP/1.1 413 "), "{head}");
    assert_eq!(visitor.until("big").await, "big");
}

#[tokio::test]
async fn a_visitor_that_sends_its_head_too_slowly_is_dropped() {
    let mut rig = Rig::with(hurried(Side::Edge)).await;
    let mut silent = rig.visit().await;
    let mut slow = rig.visit().await;
    slow.send("GET / HTTP/1.1\r\nHost: ").await;
    assert_eq!((silent.rest().await, slow.rest().await), (String::new(), String::new()));
    assert_eq!(rig.closed().await.ended, Ended::TimedOut);
    assert_eq!(rig.n_connects(), 0);
}

#[tokio::test]
async fn an_idle_visitor_is_dropped_and_a_busy_one_is_not() {
    let mut plan = hurried(Side::Edge);
    plan.options.limits.response_timeout = Duration::from_secs(60);
    let mut rig = Rig::with(plan).await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n").await;
    for _ in 0..4 {
        // Longer than all deadlines between requests, taken together.
        tokio::time::sleep(Duration::from_millis(300)).await;
        service.send("a").await;
    }
    visitor.until("aaaa").await;
    assert_eq!(visitor.rest().await, "");
    assert_eq!(rig.closed().await.ended, Ended::TimedOut);
}

#[tokio::test]
async fn garbage_is_answered_with_400() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor.send("\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n").await;
    assert!(visitor.rest().await.starts_with("HTTP/1.1 400 Bad Request\r\n"));
}
