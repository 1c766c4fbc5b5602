//! Heads and bodies on their way.

use std::sync::Arc;

use adit_chain::{Protocol, Side};
use http::StatusCode;

use crate::{
    Ended, Forwarded, RouteOptions,
    rig::{Plan, Rig},
};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

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
