//! Heads and bodies on their way.

use std::sync::Arc;

use crate::{
    Ended,
    rig::{Plan, Rig},
};

pub(super) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn requests_of_one_visitor_share_one_pipe() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor.send("GET /1?a=b HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\n\r\n").await;
    let mut service = rig.served().await;
    assert_eq!(
        service.head().await,
        "GET /1?a=b HTTP/1.1\r\nhost: a.test\r\naccept: */*\r\nx-forwarded-for: 127.0.0.1\r\n\
         x-forwarded-proto: http\r\nx-forwarded-host: a.test\r\n\r\n"
    );
    service.send(OK).await;
    assert_eq!(visitor.head().await, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n");
    assert_eq!(visitor.until("ok").await, "ok");
    for n in 2..5 {
        visitor.send(&format!("GET /{n} HTTP/1.1\r\nHost: a.test\r\n\r\n")).await;
        assert!(service.head().await.starts_with(&format!("GET /{n} ")));
        service.send(OK).await;
        visitor.until("\r\n\r\nok").await;
    }
    assert_eq!(rig.n_connects(), 1);
    drop(visitor);
    assert_eq!(service.rest().await, "");
    let closed = rig.closed().await;
    assert_eq!(closed.ended, Ended::Done);
    assert_eq!(rig.route.metrics.exchanges(), 4);
    assert_eq!(rig.route.metrics.totals(), closed.totals);
    assert!(closed.totals.bytes_in > 100 && closed.totals.bytes_out > 100);
}

#[tokio::test]
async fn a_pipe_that_closed_while_idle_is_replaced() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    for n in 0..3 {
        visitor.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi").await;
        let mut service = rig.served().await;
        service.until("\r\n\r\nhi").await;
        service.send(OK).await;
        visitor.until("\r\n\r\nok").await;
        drop(service);
        assert_eq!(rig.n_connects(), n + 1);
    }
}

#[tokio::test]
async fn a_body_of_unknown_length_is_passed_on_whatever_the_method() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    let chunked = "Host: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    for method in ["GET", "HEAD", "PUT"] {
        visitor.send(&format!("{method} / HTTP/1.1\r\n{chunked}3\r\none\r\n")).await;
        let mut service = rig.served().await;
        let head = service.head().await;
        assert!(head.contains("transfer-encoding: chunked\r\n"), "{head}");
        assert_eq!(service.until("one\r\n").await, "3\r\none\r\n");
        visitor.send("3\r\ntwo\r\n0\r\n\r\n").await;
        assert_eq!(service.until("0\r\n\r\n").await, "3\r\ntwo\r\n0\r\n\r\n");
        service.send("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
        visitor.until("\r\n\r\n").await;
    }
}

#[tokio::test]
async fn a_length_that_is_said_several_times_is_passed_on_once() {
    for length in ["2, 2", "2 ,2,2", "2\r\ncontent-length: 2", "2"] {
        let mut rig = Rig::new().await;
        let mut visitor = rig.visit().await;
        visitor.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        let mut service = rig.served().await;
        service.head().await;
        service.send(&format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nok")).await;
        assert_eq!(visitor.head().await, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n");
        assert_eq!(visitor.until("ok").await, "ok");
    }
}

#[tokio::test]
async fn what_a_visitor_says_of_itself_is_replaced() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor
        .send(
            "GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n\
             x-forwarded-for: 7.7.7.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n\
             Connection: close, x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n\r\n",
        )
        .await;
    let mut service = rig.served().await;
    let head = service.head().await;
    assert!(!head.contains("6.6.6.6") && !head.contains("7.7.7.7"), "{head}");
    assert!(!head.contains("evil") && !head.contains("https"), "{head}");
    assert!(!head.contains("hop") && !head.contains("keep-alive"), "{head}");
    assert!(head.contains("x-forwarded-for: 127.0.0.1\r\n"), "{head}");
    service.send(OK).await;
    let head = visitor.head().await;
    assert_eq!(head, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n");
    assert_eq!(visitor.rest().await, "ok");
}

#[tokio::test]
async fn answers_without_a_body_keep_their_framing() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor.send("HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let mut service = rig.served().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 12345\r\n\r\n").await;
    assert_eq!(visitor.head().await, "HTTP/1.1 200 OK\r\ncontent-length: 12345\r\n\r\n");
    for status in ["204 No Content", "304 Not Modified"] {
        visitor.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        service.head().await;
        service.send(&format!("HTTP/1.1 {status}\r\netag: \"1\"\r\n\r\n")).await;
        assert_eq!(visitor.head().await, format!("HTTP/1.1 {status}\r\netag: \"1\"\r\n\r\n"));
    }
    assert_eq!(rig.n_connects(), 1);
}

#[tokio::test]
async fn chunks_arrive_before_the_next_is_written() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor
        .send("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        .await;
    let mut service = rig.served().await;
    let head = service.until("3\r\none\r\n").await;
    assert!(head.contains("transfer-encoding: chunked\r\n"), "{head}");
    assert!(!head.contains("content-length"), "{head}");
    service
        .send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    let head = visitor.head().await;
    assert!(head.contains("transfer-encoding: chunked\r\n"), "{head}");
    for n in 0..3 {
        visitor.send("3\r\ntwo\r\n").await;
        assert_eq!(service.until("two\r\n").await, "3\r\ntwo\r\n");
        service.send(&format!("9\r\ndata: {n}\n\n\r\n")).await;
        assert_eq!(visitor.until("\n\n\r\n").await, format!("9\r\ndata: {n}\n\n\r\n"));
    }
    visitor.send("0\r\n\r\n").await;
    assert_eq!(service.until("0\r\n\r\n").await, "0\r\n\r\n");
    service.send("0\r\n\r\n").await;
    assert_eq!(visitor.until("0\r\n\r\n").await, "0\r\n\r\n");
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor
        .send(
            "POST / HTTP/1.1\r\nHost: a.test\r\nTE: trailers\r\nConnection: TE\r\nTrailer: x-sum\r\n\
             Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx-sum: 1\r\n\r\n",
        )
        .await;
    let mut service = rig.served().await;
    let request = service.until("0\r\nx-sum: 1\r\n\r\n").await;
    assert!(request.contains("te: trailers\r\n"), "{request}");
    service
        .send(
            "HTTP/1.1 200 OK\r\ntrailer: x-end\r\ntransfer-encoding: chunked\r\n\r\n\
             2\r\nok\r\n0\r\nx-end: 2\r\n\r\n",
        )
        .await;
    let response = visitor.until("0\r\nx-end: 2\r\n\r\n").await;
    assert!(response.contains("2\r\nok\r\n"), "{response}");
}

#[tokio::test]
async fn the_upstream_asks_for_the_body_and_then_the_visitor_is_asked() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    let head =
        "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
    visitor.send(head).await;
    let mut service = rig.served().await;
    assert!(service.head().await.contains("expect: 100-continue\r\n"));
    service.send("HTTP/1.1 100 Continue\r\n\r\n").await;
    assert_eq!(visitor.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    visitor.send("hi").await;
    assert_eq!(service.until("hi").await, "hi");
    service.send(OK).await;
    visitor.until("\r\n\r\nok").await;

    visitor.send(head).await;
    let mut service = rig.served().await;
    service.head().await;
    service.send("HTTP/1.1 417 Expectation Failed\r\ncontent-length: 0\r\n\r\n").await;
    let head = visitor.head().await;
    assert!(head.starts_with("HTTP/1.1 417 Expectation Failed\r\n"), "{head}");
}

#[tokio::test]
async fn an_upgrade_becomes_bytes_with_both_halves() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor
        .send(
            "GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly",
        )
        .await;
    let mut service = rig.served().await;
    let head = service.head().await;
    assert!(
        head.contains("connection: upgrade\r\n") && head.contains("upgrade: echo\r\n"),
        "{head}"
    );
    service
        .send(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nhello",
        )
        .await;
    let head = visitor.head().await;
    assert!(head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"), "{head}");
    assert!(head.contains("upgrade: echo\r\n"), "{head}");
    assert_eq!(visitor.until("hello").await, "hello");
    assert_eq!(service.until("early").await, "early");
    visitor.send("last").await;
    visitor.close_half().await;
    assert_eq!(service.rest().await, "last");
    service.send("answer").await;
    drop(service);
    assert_eq!(visitor.rest().await, "answer");
    assert_eq!(rig.closed().await.ended, Ended::Done);
}

#[tokio::test]
async fn an_upgrade_that_the_upstream_declines_stays_http() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor
        .send("GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        .await;
    let mut service = rig.served().await;
    service.head().await;
    service.send(OK).await;
    visitor.until("\r\n\r\nok").await;
    visitor.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    service.head().await;
    service.send(OK).await;
    visitor.until("\r\n\r\nok").await;
    visitor.close_half().await;
    assert_eq!(visitor.rest().await, "");
    assert_eq!(rig.closed().await.ended, Ended::Done);
}

#[tokio::test]
async fn an_old_visitor_gets_an_answer_that_ends_with_the_connection() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor.send("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n").await;
    let mut service = rig.served().await;
    assert!(service.head().await.starts_with("GET / HTTP/1.1\r\n"));
    service.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n").await;
    let head = visitor.head().await;
    assert!(!head.contains("transfer-encoding"), "{head}");
    assert_eq!(visitor.rest().await, "ok");
}

#[tokio::test]
async fn a_visitor_that_hangs_up_cancels_the_upstream() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let mut service = rig.served().await;
    service.head().await;
    drop(visitor);
    assert_eq!(service.rest().await, "");
    assert_eq!(rig.closed().await.ended, Ended::Broken);
}

#[tokio::test]
async fn a_visitor_that_closes_its_half_still_gets_its_answer() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    visitor.close_half().await;
    let mut service = rig.served().await;
    service.head().await;
    service.send(OK).await;
    assert!(visitor.rest().await.ends_with("\r\n\r\nok"));
    assert_eq!(rig.closed().await.ended, Ended::Done);
}

#[tokio::test]
async fn a_drain_lets_the_exchange_finish_and_says_that_it_was_the_last() {
    let mut rig = Rig::new().await;
    let (mut busy, mut idle) = (rig.visit().await, rig.visit().await);
    busy.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let mut service = rig.served().await;
    service.head().await;
    rig.cx.stop.drain.cancel();
    assert_eq!(idle.rest().await, "");
    drop(idle);
    service.send(OK).await;
    let head = busy.head().await;
    assert!(head.contains("connection: close\r\n"), "{head}");
    assert_eq!(busy.rest().await, "ok");
    drop(busy);
    assert_eq!((rig.closed().await.ended, rig.closed().await.ended), (Ended::Done, Ended::Done));
}

#[tokio::test]
async fn codes_pass_only_from_a_far_side_that_knows_the_secret() {
    for (origin, kept) in [(Some("secret"), true), (Some("other"), false), (None, false)] {
        let origin = origin.map(Arc::from);
        let mut rig = Rig::with(Plan { origin, ..Plan::default() }).await;
        let mut visitor = rig.visit().await;
        visitor.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        let mut service = rig.served().await;
        service.head().await;
        service
            .send(
                "HTTP/1.1 502 Bad Gateway\r\nngrok-error-code: ERR_NGROK_8012\r\n\
                 adit-origin: secret\r\ncontent-length: 0\r\n\r\n",
            )
            .await;
        let head = visitor.head().await;
        assert_eq!(head.contains("ngrok-error-code: ERR_NGROK_8012\r\n"), kept, "{head}");
        assert!(!head.contains("secret"), "{head}");
    }
}

#[tokio::test]
async fn a_far_side_that_knows_the_secret_closes_the_visitors_connection() {
    for (origin, closes) in [(Some("secret"), true), (Some("other"), false), (None, false)] {
        let origin = origin.map(Arc::from);
        let mut rig = Rig::with(Plan { origin, ..Plan::default() }).await;
        let mut visitor = rig.visit().await;
        visitor.send("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
        let mut service = rig.served().await;
        service.head().await;
        service
            .send(
                "HTTP/1.1 403 Forbidden\r\nadit-hang-up: 1\r\nadit-origin: secret\r\n\
                 content-length: 0\r\n\r\n",
            )
            .await;
        if closes {
            assert_eq!(visitor.rest().await, "");
        } else {
            assert!(visitor.head().await.starts_with("HTTP/1.1 403 Forbidden\r\n"));
        }
    }
}
