//! Pipes that go back while their visitor stays.

use std::time::Duration;

use adit_chain::Side;
use http_body_util::BodyExt;
use tokio::task::JoinSet;

use super::{
    proxying::OK,
    two::{client, get},
};
use crate::{
    Ended, Limits, RouteOptions,
    rig::{Peer, Plan, Rig, within},
};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

async fn hurried() -> Rig {
    let limits = Limits { pipe_idle: Duration::from_millis(60), ..Limits::default() };
    let options = RouteOptions { limits, ..RouteOptions::new(Side::Edge) };
    Rig::with(Plan { options, ..Plan::default() }).await
}

/// A visitor and the service behind it, on connections that one exchange has gone over.
async fn settled(rig: &mut Rig) -> (Peer, Peer) {
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    service.send(OK).await;
    visitor.until("\r\n\r\nok").await;
    (visitor, service)
}

#[tokio::test]
async fn an_idle_pipe_is_closed_and_the_visitor_stays() {
    let mut rig = hurried().await;
    let mut visitor = rig.visit().await;
    for n in 1..=3 {
        visitor.send(GET).await;
        let mut service = rig.served().await;
        service.head().await;
        service.send(OK).await;
        visitor.until("\r\n\r\nok").await;
        // An end of file, not a reset.
        assert_eq!(service.rest().await, "");
        assert_eq!(rig.n_connects(), n);
    }
}

#[tokio::test]
async fn what_may_be_asked_twice_is_asked_again_where_a_used_pipe_breaks() {
    let rig = &mut Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    let asked = service.head().await;
    service.send(OK).await;
    visitor.until("\r\n\r\nok").await;
    for n in 2..=4 {
        visitor.send(GET).await;
        assert_eq!(service.head().await, asked);
        drop(service);
        service = rig.served().await;
        assert_eq!(service.head().await, asked);
        service.send(OK).await;
        visitor.until("\r\n\r\nok").await;
        assert_eq!(rig.n_connects(), n);
    }
}

#[tokio::test]
async fn what_may_not_be_asked_twice_or_was_is_not_asked_again() {
    let with_body = "GET / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nab";
    let post = "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n";
    for (request, n_asked) in [(post, 1), (with_body, 1), (GET, 2)] {
        let mut rig = Rig::new().await;
        let (mut visitor, mut service) = settled(&mut rig).await;
        visitor.send(request).await;
        service.head().await;
        for _ in 1..n_asked {
            drop(service);
            service = rig.served().await;
            service.head().await;
        }
        drop(service);
        let head = visitor.head().await;
        assert!(head.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{request}: {head}");
        assert_eq!(rig.n_connects(), n_asked, "{request}");
    }
}

#[tokio::test]
async fn a_pipe_in_use_is_kept_however_slow_the_service_is() {
    let mut rig = hurried().await;
    let mut visitor = rig.visit().await;
    let mut other = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    // Several times as long as an idle pipe would have been kept.
    for _ in 0..3 {
        other.send(GET).await;
        let mut idle = rig.served().await;
        idle.head().await;
        idle.send(OK).await;
        assert_eq!(idle.rest().await, "");
    }
    service.send(OK).await;
    visitor.until("\r\n\r\nok").await;
}

#[tokio::test]
async fn an_idle_pipe_of_a_visitor_with_http2_is_closed_beside_a_busy_one() {
    let mut rig = hurried().await;
    let mut tasks = JoinSet::new();
    let sender = client(&mut rig, &mut tasks).await;
    let ask = |path: &'static str| {
        let mut sender = sender.clone();
        async move { sender.send_request(get(path)).await.unwrap() }
    };
    let first = tasks.spawn({
        let asking = ask("/slow");
        async move {
            let body = asking.await.into_body().collect().await.unwrap();
            assert_eq!(body.to_bytes(), "ok");
        }
    });
    let mut slow = rig.served().await;
    slow.head().await;
    let serve = async {
        let mut service = rig.served().await;
        service.head().await;
        service.send(OK).await;
        service
    };
    let (response, mut quick) = within(async { tokio::join!(ask("/quick"), serve) }).await;
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
    assert_eq!(quick.rest().await, "");
    assert!(!first.is_finished());
    slow.send(OK).await;
    assert_eq!(slow.rest().await, "");
    assert!(first.is_finished());
}

#[tokio::test]
async fn a_visitor_that_pauses_is_answered_in_whatever_pieces_it_goes_on() {
    let mut rig = hurried().await;
    let mut visitor = rig.visit().await;
    for pieces in [[GET, ""], ["G", &GET[1..]], ["\r\nGET / HTTP/1.1\r\nHost:", " a.test\r\n\r\n"]]
    {
        for piece in pieces {
            visitor.send(piece).await;
            tokio::task::yield_now().await;
        }
        let mut service = rig.served().await;
        service.head().await;
        service.send(OK).await;
        visitor.until("\r\n\r\nok").await;
        // Whoever gave its pipe back, rests.
        assert_eq!(service.rest().await, "");
    }
    drop(visitor);
    let closed = rig.closed().await;
    assert_eq!(closed.ended, Ended::Done);
    let n_in = 3 * GET.len() as u64 + 2;
    assert_eq!(closed.totals.bytes_in, n_in);
}

#[tokio::test]
async fn a_resting_visitor_is_told_to_go() {
    let mut rig = hurried().await;
    let (mut visitor, mut service) = settled(&mut rig).await;
    assert_eq!(service.rest().await, "");
    rig.cx.stop.drain.cancel();
    assert_eq!(visitor.rest().await, "");
    assert_eq!(rig.closed().await.ended, Ended::Done);
}

#[tokio::test]
async fn a_visitor_whose_body_is_still_on_its_way_does_not_rest() {
    let mut rig = hurried().await;
    let mut visitor = rig.visit().await;
    visitor.send("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nab").await;
    let mut service = rig.served().await;
    service.until("\r\n\r\nab").await;
    service.send(OK).await;
    visitor.until("\r\n\r\nok").await;
    let mut other = rig.visit().await;
    other.send(GET).await;
    let mut idle = rig.served().await;
    idle.head().await;
    idle.send(OK).await;
    assert_eq!(idle.rest().await, "");
    visitor.send("cd").await;
    assert_eq!(service.until("cd").await, "cd");
}
