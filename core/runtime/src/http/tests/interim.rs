//! What comes before a response.

use std::{sync::Arc, time::Duration};

use adit_chain::{Conn, Side};
use adit_net::{Io, Rewind};
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    task::JoinSet,
};

use super::{
    proxying::OK,
    two::{client, get},
};
use crate::{
    Limits, RouteOptions, forward_live,
    rig::{Plan, Rig, within},
};

const GET: &str = "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n";
const HINT: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n";
const OK_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n";

#[tokio::test]
async fn hints_come_while_the_response_is_awaited() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    let mut service = None;
    for _ in 0..2 {
        visitor.send(GET).await;
        let service = match &mut service {
            Some(service) => service,
            none => none.insert(rig.served().await),
        };
        service.head().await;
        for said in ["HTTP/1.1 102 Processing\r\n\r\n", HINT, HINT] {
            service.send(said).await;
            assert_eq!(visitor.head().await, said);
        }
        service.send(OK).await;
        assert_eq!(visitor.head().await, OK_HEAD);
        assert_eq!(visitor.until("ok").await, "ok");
    }
    assert_eq!(rig.n_connects(), 1);
}

#[tokio::test]
async fn hints_and_a_response_that_come_at_once_keep_their_order() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    let second = HINT.replace("a.css", "b.css");
    service.send(&format!("{HINT}{second}{OK}")).await;
    for said in [HINT, &second, OK_HEAD] {
        assert_eq!(visitor.head().await, said);
    }
    assert_eq!(visitor.until("ok").await, "ok");
}

#[tokio::test]
async fn what_concerns_one_hop_stays_there() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    service
        .send(
            "HTTP/1.1 103 Wait\r\nConnection: x-hop, upgrade\r\nUpgrade: echo\r\nX-Hop: 1\r\n\
             Keep-Alive: 5\r\nContent-Length: 7\r\nLink: </a>\r\nLink: </b>\r\nadit-origin: x\r\n\
             ngrok-error-code: ERR_NGROK_8012\r\n\r\n",
        )
        .await;
    let head = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nlink: </b>\r\n\r\n";
    assert_eq!(visitor.head().await, head);
    service.send(OK).await;
    assert_eq!(visitor.head().await, OK_HEAD);
}

#[tokio::test]
async fn a_visitor_that_does_not_know_them_gets_only_the_response() {
    let mut rig = Rig::new().await;
    let mut old = rig.visit().await;
    old.send("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n").await;
    let mut service = rig.served().await;
    service.head().await;
    service.send(&format!("{HINT}{OK}")).await;
    assert!(old.rest().await.starts_with("HTTP/1.0 200 OK\r\n"));

    let mut tasks = JoinSet::new();
    let mut sender = client(&mut rig, &mut tasks).await;
    let answer = async {
        let mut service = rig.served().await;
        service.head().await;
        service.send(&format!("{HINT}{OK}")).await;
        service
    };
    let (response, _service) =
        within(async { tokio::join!(sender.send_request(get("/")), answer) }).await;
    let response = response.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "ok");
}

#[tokio::test]
async fn so_many_are_enough() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    for n in 0..20 {
        let said = HINT.replace("a.css", &n.to_string());
        service.send(&said).await;
        if n < 16 {
            assert_eq!(visitor.head().await, said);
        }
    }
    let long = HINT.replace("a.css", &"a".repeat(20_000));
    service.send(&format!("{long}{OK}")).await;
    assert_eq!(visitor.head().await, OK_HEAD);
    assert_eq!(visitor.until("ok").await, "ok");
    // The next exchange has its own; what is too long is left out alone.
    visitor.send(GET).await;
    service.head().await;
    service.send(&format!("{long}{HINT}{OK}")).await;
    assert_eq!(visitor.head().await, HINT);
    assert_eq!(visitor.head().await, OK_HEAD);
}

#[tokio::test]
async fn a_service_that_hints_and_then_asks_for_the_body_gets_it() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor
        .send(
            "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
        )
        .await;
    let mut service = rig.served().await;
    service.head().await;
    service.send(&format!("{HINT}HTTP/1.1 100 Continue\r\n\r\n")).await;
    assert_eq!(visitor.head().await, HINT);
    assert_eq!(visitor.head().await, "HTTP/1.1 100 Continue\r\n\r\n");
    service.send(HINT).await;
    assert_eq!(visitor.head().await, HINT);
    visitor.send("hi").await;
    assert_eq!(service.until("hi").await, "hi");
    service.send(&format!("{HINT}{OK}")).await;
    assert_eq!(visitor.head().await, HINT);
    assert_eq!(visitor.head().await, OK_HEAD);
}

#[tokio::test]
async fn hints_come_before_a_switch_of_protocols() {
    let mut rig = Rig::new().await;
    let mut visitor = rig.visit().await;
    visitor
        .send("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        .await;
    let mut service = rig.served().await;
    service.head().await;
    let switch = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    service.send(&format!("{HINT}{switch}hello")).await;
    assert_eq!(visitor.head().await, HINT);
    assert!(visitor.head().await.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    assert_eq!(visitor.until("hello").await, "hello");
}

#[tokio::test]
async fn a_hint_that_comes_after_our_answer_is_nobodys() {
    let limits = Limits { response_timeout: Duration::from_millis(50), ..Limits::default() };
    let options = RouteOptions { limits, ..RouteOptions::new(Side::Edge) };
    let mut rig = Rig::with(Plan { options, ..Plan::default() }).await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut late = rig.served().await;
    late.head().await;
    assert!(visitor.until("</html>\n").await.starts_with("HTTP/1.1 504 "));
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    let _ = late.0.write_all(HINT.as_bytes()).await;
    service.send(OK).await;
    assert_eq!(visitor.head().await, OK_HEAD);
}

#[tokio::test]
async fn a_service_that_says_that_it_is_at_work_has_time() {
    // Long against a pause of this test on a busy machine.
    let limits = Limits { response_timeout: Duration::from_secs(3), ..Limits::default() };
    let options = RouteOptions { limits, ..RouteOptions::new(Side::Edge) };
    let mut rig = Rig::with(Plan { options, ..Plan::default() }).await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    for _ in 0..4 {
        service.send(HINT).await;
        assert_eq!(visitor.head().await, HINT);
        // Together they are longer than it may be silent.
        tokio::time::sleep(Duration::from_millis(900)).await;
    }
    service.send(OK).await;
    assert_eq!(visitor.head().await, OK_HEAD);
}

/// A visitor whose connection holds next to nothing that it has not read.
fn visit(rig: &Rig, tasks: &mut JoinSet<()>) -> DuplexStream {
    let (visitor, ours) = duplex(64);
    let (live, cx, route) = (Arc::clone(&rig.live), rig.cx.clone(), rig.live.route());
    let addr = rig.service.local_addr().unwrap();
    let conn = Arc::new(Conn::new(addr, addr, Arc::clone(&route.endpoint)));
    tasks.spawn(async move {
        forward_live(conn, Rewind::new(Io::other(ours)), route, live, &cx).await;
    });
    visitor
}

#[tokio::test]
async fn hints_are_not_said_amid_another_response() {
    let (rig, mut tasks) = (Rig::new().await, JoinSet::new());
    let mut visitor = visit(&rig, &mut tasks);
    visitor
        .write_all(b"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\n")
        .await
        .unwrap();
    let mut service = rig.served().await;
    service.head().await;
    // Answered before it was asked in full: then the rest of the answer is on its way while the
    // next request is read. It is all head: a body that is on its way has the library wait.
    let long = "x".repeat(1000);
    let first = format!("HTTP/1.1 200 OK\r\nx-long: {long}\r\ncontent-length: 0\r\n\r\n");
    service.send(&first).await;
    let mut answer = [0; 10];
    visitor.read_exact(&mut answer).await.unwrap();
    visitor.write_all(format!("hi{GET}").as_bytes()).await.unwrap();
    assert_eq!(service.until("hi").await, "hi");
    assert!(service.head().await.starts_with("GET / "));
    service.send(&format!("{HINT}{OK}")).await;
    let mut answer = answer.to_vec();
    while !answer.ends_with(b"\r\n\r\nok") {
        answer.push(within(visitor.read_u8()).await.unwrap());
    }
    let answer = String::from_utf8(answer).unwrap();
    let answer: String =
        answer.split_inclusive("\r\n").filter(|line| !line.starts_with("date: ")).collect();
    assert_eq!(answer, format!("{first}{HINT}{OK}"));
}
