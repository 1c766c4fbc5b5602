//! Exchanges that pass as they are, where somebody leaves or breaks the rules.

use std::time::Duration;

use super::*;
use crate::Limits;

#[tokio::test]
async fn what_one_connection_said_in_part_is_not_the_beginning_of_what_the_next_one_says() {
    let (mut rig, mut told) = rig(Vec::new()).await;
    let mut visitor = rig.visit().await;
    visitor.send(&format!("{GET}{GET}")).await;
    let mut service = rig.served().await;
    service.head().await;
    service.send("HTTP/1.1 200 O").await;
    drop(service);
    assert!(visitor.until("</html>\n").await.starts_with("HTTP/1.1 502 "));
    assert_eq!(next(&mut told).await.last().unwrap(), "end Some(502) bad-response");
    let mut service = rig.served().await;
    assert_eq!(service.head().await, GET);
    service.send(OK).await;
    assert_eq!(visitor.until("\r\n\r\nok").await, OK);
}

#[tokio::test]
async fn a_service_that_began_to_answer_is_not_asked_again() {
    let (mut rig, mut told) = rig(Vec::new()).await;
    let mut visitor = rig.visit().await;
    for said in ["HTTP/1.1 2", "HTTP/1.1 103 Early Hints\r\n\r\n"] {
        let n_before = rig.n_connects();
        visitor.send(GET).await;
        let mut service = rig.served().await;
        service.head().await;
        answer(&mut service, &mut visitor).await;
        next(&mut told).await;
        visitor.send(GET).await;
        service.head().await;
        service.send(said).await;
        drop(service);
        assert!(visitor.until("</html>\n").await.contains("HTTP/1.1 502 "));
        assert_eq!(next(&mut told).await.last().unwrap(), "end Some(502) bad-response");
        assert_eq!(rig.n_connects(), n_before + 1);
    }
}

#[tokio::test]
async fn a_body_that_breaks_the_rules_is_the_visitors_fault() {
    for (first, second) in [("zz\r\n", ""), ("2\r\nhe\r\n", "zz\r\n")] {
        let (mut rig, mut told) = rig(Vec::new()).await;
        let mut visitor = rig.visit().await;
        let head = "POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n";
        visitor.send(&format!("{head}{first}")).await;
        let mut service = None;
        if !second.is_empty() {
            service.insert(rig.served().await).until(first).await;
            visitor.send(second).await;
        }
        let page = visitor.rest().await;
        assert!(page.starts_with("HTTP/1.1 400 ") && page.contains("connection: close"), "{page}");
        assert_eq!(next(&mut told).await.last().unwrap(), "end Some(400) refused");
        assert_eq!(rig.n_connects(), usize::from(!second.is_empty()));
    }
}

#[tokio::test]
async fn a_pipe_that_nobody_uses_is_closed_before_the_visitors_connection_is() {
    let (tell, mut told) = mpsc::channel(8);
    let tap: Option<Arc<dyn Tap>> = Some(Arc::new(Notebook(tell)));
    let limits = Limits { pipe_idle: Duration::from_millis(50), ..Limits::default() };
    let options = RouteOptions { tap, limits, ..RouteOptions::new(Side::Agent) };
    let mut rig = Rig::with(Plan { options, ..Plan::default() }).await;
    let mut visitor = rig.visit().await;
    for _ in 0..2 {
        visitor.send(GET).await;
        let mut service = rig.served().await;
        service.head().await;
        answer(&mut service, &mut visitor).await;
        assert_eq!(next(&mut told).await[2], FRESH);
        assert_eq!(service.rest().await, "");
    }
}
