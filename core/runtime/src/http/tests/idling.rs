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
    Limits, RouteOptions,
    rig::{Plan, Rig, within},
};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";

async fn hurried() -> Rig {
    let limits = Limits { pipe_idle: Duration::from_millis(60), ..Limits::default() };
    let options = RouteOptions { limits, ..RouteOptions::new(Side::Edge) };
    Rig::with(Plan { options, ..Plan::default() }).await
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
