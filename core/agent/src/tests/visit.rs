//! Requests of our own, through an endpoint's route.

use adit_chain::Body;
use http::Request;
use http_body_util::BodyExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::timeout,
};

use super::{edge::*, *};

#[tokio::test]
async fn a_request_of_our_own_goes_straight_to_the_service() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (_edge, session, mut leg) = world().await;
    let spec = EndpointSpec::http(&addr.to_string());
    let (endpoint, _) = bind(&session, &mut leg, spec, "t1", "https://a.edge.test").await;
    let visit = endpoint.visit(([192, 0, 2, 1], 7).into()).unwrap();
    let request = Request::get("/again?x=1").header("host", "a.edge.test");
    let asking = visit.send(request.body(Body::Empty).unwrap());
    let serving = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 1024];
        let n = socket.read(&mut head).await.unwrap();
        socket.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 4\r\n\r\ndone").await.unwrap();
        String::from_utf8_lossy(&head[..n]).into_owned()
    };
    let (response, head) = timeout(SOON, async { tokio::join!(asking, serving) }).await.unwrap();
    let response = response.unwrap();
    assert_eq!(head, "GET /again?x=1 HTTP/1.1\r\nhost: a.edge.test\r\n\r\n");
    assert_eq!(response.status(), 201);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "done");
    assert_eq!(endpoint.route().metrics.connections(), 0, "nobody came by the edge");
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test]
async fn only_http_can_be_asked_and_a_service_that_is_gone_is_an_answer() {
    let (_edge, session, mut leg) = world().await;
    let client = ([192, 0, 2, 1], 7).into();
    let spec = EndpointSpec::tcp("127.0.0.1:1");
    let (tcp, _) = bind(&session, &mut leg, spec, "t1", "tcp://edge.test:1").await;
    assert!(tcp.visit(client).is_none());
    let spec = EndpointSpec::http("127.0.0.1:1").named("web");
    let (web, _) = bind(&session, &mut leg, spec, "t2", "http://a.edge.test").await;
    let request = Request::get("/").header("host", "a").body(Body::Empty).unwrap();
    let response = timeout(SOON, web.visit(client).unwrap().send(request)).await.unwrap();
    assert_eq!(response.unwrap().status(), 502);
    web.keep();
    tcp.keep();
    down(session, leg).await;
}
