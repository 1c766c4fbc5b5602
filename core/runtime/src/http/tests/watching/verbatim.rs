//! Exchanges that pass as they are, because nobody but a tap wants to see them.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::*;
use crate::{Ended, Limits};

const SLOW: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n";

#[tokio::test]
async fn the_bytes_are_not_changed_in_either_direction() {
    let (mut rig, mut told) = rig(Vec::new()).await;
    let mut visitor = rig.visit().await;
    let request =
        "PUT /x HTTP/1.1\r\nHOST: a.test\r\nx-UPPER:  spaced \r\nContent-Length: 5\r\n\r\n";
    visitor.send(&format!("{request}hel")).await;
    let mut service = rig.served().await;
    assert_eq!(service.until("hel").await, format!("{request}hel"));
    visitor.send("lo").await;
    service.until("lo").await;
    let answer =
        "HTTP/1.1 207 Odd Reason\r\nX-UPPER:  spaced \r\ntransfer-encoding: chunked\r\n\r\n";
    service.send(&format!("{answer}2;a=b\r\nok\r\n0\r\n\r\n")).await;
    let expected = format!("{answer}2;a=b\r\nok\r\n0\r\n\r\n");
    assert_eq!(visitor.until("0\r\n\r\n").await, expected);
    let lines = next(&mut told).await;
    let seen = "a.test: PUT /x HTTP/1.1 [host x-upper content-length] body: true";
    let head = "< 207 HTTP/1.1 [x-upper] by Upstream";
    let rest = ["> hel", "> lo", "> end []", head, FRESH, "< ok", "end Some(207) well"];
    assert_eq!((&*lines[0], &lines[1..]), (seen, &rest.map(String::from)[..]));
}

#[tokio::test]
async fn requests_sent_at_once_are_answered_in_their_order() {
    let (mut rig, mut told) = rig(Vec::new()).await;
    let mut visitor = rig.visit().await;
    let post = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nab";
    visitor.send(&format!("{post}{GET}{GET}")).await;
    let mut service = rig.served().await;
    for end in ["ab", "\r\n\r\n", "\r\n\r\n"] {
        service.until(end).await;
        answer(&mut service, &mut visitor).await;
        assert_eq!(next(&mut told).await.last().unwrap(), "end Some(200) well");
    }
    assert_eq!(rig.n_connects(), 1);
}

#[tokio::test]
async fn what_is_not_plain_goes_on_where_http_is_served_in_full() {
    let Asked { rig, mut told, mut visitor, mut service } = asked().await;
    answer(&mut service, &mut visitor).await;
    next(&mut told).await;
    visitor
        .send("GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
        .await;
    let mut service = rig.served().await;
    assert!(service.head().await.contains("upgrade: x\r\n"));
    service
        .send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nhi")
        .await;
    visitor.until("\r\n\r\nhi").await;
    visitor.send("you").await;
    service.until("you").await;
    drop((visitor, service));
    let lines = next(&mut told).await;
    assert!(lines.contains(&"Visitor: you".into()), "{lines:?}");
}

#[tokio::test]
async fn informational_answers_pass_before_the_answer() {
    let Asked { rig: _rig, mut told, mut visitor, mut service } = asked().await;
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    service.send(hints).await;
    assert_eq!(visitor.head().await, hints);
    service.send(&format!("{hints}{OK}")).await;
    assert_eq!(visitor.head().await, hints);
    visitor.until("\r\n\r\nok").await;
    let head = "< 200 HTTP/1.1 [content-length] by Upstream";
    assert_eq!(next(&mut told).await, [SEEN, head, FRESH, "< ok", "end Some(200) well"]);
}

#[tokio::test]
async fn nobody_but_us_says_what_only_we_say() {
    let Asked { rig: _rig, mut told, mut visitor, mut service } = asked().await;
    service.send("HTTP/1.1 103 Early Hints\r\nadit-origin: x\r\nx-a: 1\r\n\r\n").await;
    assert_eq!(visitor.head().await, "HTTP/1.1 103 Early Hints\r\nx-a: 1\r\n\r\n");
    service
        .send(
            "HTTP/1.1 200 OK\r\nNgrok-Error-Code: ERR_NGROK_1\r\nx-a: 1\r\nadit-origin: x\r\n\
             content-length: 2\r\n\r\nok",
        )
        .await;
    let head = visitor.head().await;
    assert_eq!(head, "HTTP/1.1 200 OK\r\nx-a: 1\r\ncontent-length: 2\r\n\r\n");
    visitor.until("ok").await;
    assert_eq!(next(&mut told).await[1], "< 200 HTTP/1.1 [content-length x-a] by Upstream");
}

#[tokio::test]
async fn a_service_that_left_meanwhile_is_asked_over_another_connection() {
    let (mut rig, mut told) = rig(Vec::new()).await;
    let mut visitor = rig.visit().await;
    for expected in [FRESH, FRESH] {
        visitor.send(GET).await;
        let mut service = rig.served().await;
        service.head().await;
        answer(&mut service, &mut visitor).await;
        assert_eq!(next(&mut told).await[2], expected);
        service.close_half().await;
        assert_eq!(service.rest().await, "");
    }
    assert_eq!(rig.n_connects(), 2);
}

#[tokio::test]
async fn what_may_be_asked_twice_is_asked_again_where_a_used_connection_breaks() {
    let Asked { rig, mut told, mut visitor, mut service } = asked().await;
    answer(&mut service, &mut visitor).await;
    next(&mut told).await;
    visitor.send(GET).await;
    service.head().await;
    drop(service);
    let mut service = rig.served().await;
    assert_eq!(service.head().await, GET);
    answer(&mut service, &mut visitor).await;
    assert_eq!(next(&mut told).await.last().unwrap(), "end Some(200) well");
    visitor.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n").await;
    service.head().await;
    drop(service);
    assert!(visitor.head().await.starts_with("HTTP/1.1 502 "));
    assert_eq!(next(&mut told).await.last().unwrap(), "end Some(502) bad-response");
}

#[tokio::test]
async fn an_answer_without_a_length_ends_with_its_connection_and_the_visitors() {
    let Asked { mut rig, mut told, mut visitor, mut service } = asked().await;
    service.send("HTTP/1.1 200 OK\r\n\r\nall there is").await;
    drop(service);
    assert!(visitor.rest().await.ends_with("\r\n\r\nall there is"));
    drop(visitor);
    assert_eq!(next(&mut told).await.last().unwrap(), "end Some(200) well");
    assert_eq!(rig.closed().await.ended, Ended::Done);
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_the_visitors_connection() {
    let Asked { mut rig, mut told, mut visitor, mut service } = asked().await;
    service.send(SLOW).await;
    visitor.head().await;
    drop(service);
    let mut rest = Vec::new();
    let end = within(tokio::io::AsyncReadExt::read_to_end(&mut visitor.0, &mut rest)).await;
    assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(next(&mut told).await.last().unwrap(), "end Some(200) bad-response");
    assert_eq!(rig.closed().await.ended, Ended::Broken);
}

#[tokio::test]
async fn an_answer_may_come_before_the_request_is_whole() {
    let (mut rig, mut told) = rig(Vec::new()).await;
    let mut visitor = rig.visit().await;
    visitor.send("PUT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\npart").await;
    let mut service = rig.served().await;
    service.until("part").await;
    service.send("HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n").await;
    assert!(visitor.head().await.starts_with("HTTP/1.1 413 "));
    assert_eq!(visitor.rest().await, "");
    drop(visitor);
    let lines = next(&mut told).await;
    assert_eq!((&*lines[1], &**lines.last().unwrap()), ("> part", "end Some(413) well"));
    assert_eq!(rig.closed().await.ended, Ended::Done);
}

#[tokio::test]
async fn a_visitor_that_leaves_takes_the_request_with_it() {
    let Asked { mut rig, mut told, visitor, mut service } = asked().await;
    drop(visitor);
    let mut rest = Vec::new();
    let end = within(tokio::io::AsyncReadExt::read_to_end(&mut service.0, &mut rest)).await;
    assert_eq!(end.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(next(&mut told).await, [SEEN, "end None reset"]);
    assert_eq!(rig.closed().await.ended, Ended::Broken);
}

#[tokio::test]
async fn a_service_that_is_late_or_speaks_something_else_is_told_apart() {
    let (tell, mut told) = mpsc::channel(8);
    let tap: Option<Arc<dyn Tap>> = Some(Arc::new(Notebook(tell)));
    let limits = Limits { response_timeout: Duration::from_millis(100), ..Limits::default() };
    let options = RouteOptions { tap, limits, ..RouteOptions::new(Side::Agent) };
    let mut rig = Rig::with(Plan { options, ..Plan::default() }).await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut late = rig.served().await;
    late.head().await;
    let page = visitor.until("</html>\n").await;
    assert!(page.starts_with("HTTP/1.1 504 ") && !page.contains("connection: close"), "{page}");
    assert_eq!(next(&mut told).await.last().unwrap(), "end Some(504) timeout");
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    service.send("SSH-2.0-server\r\n\r\n").await;
    assert!(visitor.head().await.contains("ngrok-error-code: ERR_NGROK_3004\r\n"));
    assert_eq!(next(&mut told).await.last().unwrap(), "end Some(502) bad-response");
}

#[tokio::test]
async fn a_visitor_that_keeps_its_body_to_itself_is_told_so() {
    let (tell, mut told) = mpsc::channel(8);
    let tap: Option<Arc<dyn Tap>> = Some(Arc::new(Notebook(tell)));
    let limits = Limits { response_timeout: Duration::from_millis(100), ..Limits::default() };
    let options = RouteOptions { tap, limits, ..RouteOptions::new(Side::Agent) };
    let mut rig = Rig::with(Plan { options, ..Plan::default() }).await;
    let mut visitor = rig.visit().await;
    visitor.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9\r\n\r\nsome").await;
    let mut service = rig.served().await;
    service.until("\r\n\r\nsome").await;
    let page = visitor.rest().await;
    assert!(page.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{page}");
    assert!(page.contains("connection: close\r\n"), "{page}");
    assert_eq!(next(&mut told).await.last().unwrap(), "end Some(408) timeout");
}

#[tokio::test]
async fn a_shutdown_lets_go_of_those_who_wait_and_finishes_what_is_under_way() {
    let Asked { mut rig, mut told, mut visitor, mut service } = asked().await;
    service.send(SLOW).await;
    visitor.head().await;
    rig.cx.stop.drain.cancel();
    service.send("done").await;
    assert_eq!(visitor.rest().await, "done");
    visitor.0.shutdown().await.unwrap();
    assert_eq!(next(&mut told).await.last().unwrap(), "end Some(200) well");
    assert_eq!(rig.closed().await.ended, Ended::Done);
    let mut idle = rig.visit().await;
    assert_eq!(idle.rest().await, "");
    drop(idle);
    assert_eq!(rig.closed().await.ended, Ended::Done);
}
