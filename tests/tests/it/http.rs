//! HTTP endpoints, end to end.

mod interim;
mod silence;
mod streams;

use adit_agent::EndpointSpec;
use adit_tests::{
    Upstream, World,
    service::{self, Hits},
    soon,
    visitor::Requests,
};
use http::{Method, Response, StatusCode};
use http_body_util::BodyExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::mpsc,
};

fn http(upstream: &Upstream) -> EndpointSpec {
    EndpointSpec::http(&upstream.http_url())
}

#[tokio::test]
async fn an_https_endpoint_leads_to_the_service() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new().agent(http(&upstream)).up().await;
    assert!(world.url().starts_with("https://"), "{}", world.url());

    let reply = world.get("/").await;
    assert_eq!((reply.status(), reply.text().as_str()), (StatusCode::OK, "hello"));
    assert_eq!(upstream.hits(), 1);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn an_http_endpoint_leads_to_the_service_without_tls() {
    let upstream = Upstream::counting("hello").await;
    let spec = http(&upstream).url("http://plain.tunnel.test");
    let world = World::new().agent(spec).up().await;
    let port = world.edge().http_addr().port();
    assert_eq!(&*world.url(), format!("http://plain.tunnel.test:{port}"));

    assert_eq!(world.get("/").await.text(), "hello");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn an_agent_in_the_edges_process_needs_no_tls() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new().in_memory().agent(http(&upstream)).up().await;
    assert_eq!(world.get("/").await.text(), "hello");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn one_agent_serves_several_endpoints_by_name() {
    let (a, b) = (Upstream::counting("a").await, Upstream::counting("b").await);
    let specs = [http(&a).url("https://a.tunnel.test"), http(&b).url("https://b.tunnel.test")];
    let world = World::new().agent(specs).up().await;
    assert_eq!(world.visitor_to(0).get("/").await.text(), "a");
    assert_eq!(world.visitor_to(1).get("/").await.text(), "b");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_request_arrives_as_it_was_sent() {
    let upstream = Upstream::mirror().await;
    let world = World::new().agent(http(&upstream)).up().await;
    let reply = world.post("/a/b?c=d%20e", "the body").header("x-one", "1").await;
    let text = reply.text();
    let authority = world.visitor().authority();
    assert!(text.starts_with("POST /a/b?c=d%20e HTTP/1.1\n"), "{text}");
    assert!(text.contains("\nx-one: 1\n"), "{text}");
    assert!(text.contains(&format!("\nhost: {authority}\n")), "{text}");
    assert!(text.ends_with("\n\nthe body"), "{text}");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn the_service_learns_who_the_visitor_is_and_nobody_can_pretend() {
    let upstream = Upstream::mirror().await;
    let world = World::new().agent(http(&upstream)).up().await;
    let text = world
        .get("/")
        .header("x-forwarded-for", "6.6.6.6")
        .header("x-forwarded-proto", "gopher")
        .header("x-forwarded-host", "evil.example")
        .await
        .text();
    let authority = world.visitor().authority();
    assert!(text.contains("\nx-forwarded-for: 127.0.0.1\n"), "{text}");
    assert!(text.contains("\nx-forwarded-proto: https\n"), "{text}");
    assert!(text.contains(&format!("\nx-forwarded-host: {authority}\n")), "{text}");
    assert!(!text.contains("6.6.6.6") && !text.contains("gopher") && !text.contains("evil"));
    world.down().await.assert_clean();
}

#[tokio::test]
async fn head_and_bodiless_statuses_have_no_body() {
    let upstream = Upstream::http(|request| async move {
        let mut response = Response::new(service::body("twelve bytes"));
        match request.uri().path() {
            "/304" => {
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                *response.body_mut() = service::body("");
            }
            "/204" => {
                *response.status_mut() = StatusCode::NO_CONTENT;
                *response.body_mut() = service::body("");
            }
            _ => {}
        }
        response
    })
    .await;
    let world = World::new().agent(http(&upstream)).up().await;
    let reply = world.get("/").method(Method::HEAD).await;
    assert_eq!((reply.header("content-length"), reply.text().as_str()), ("12", ""));
    for (path, status) in [("/304", 304), ("/204", 204)] {
        let reply = world.get(path).await;
        assert_eq!((reply.status().as_u16(), reply.text().as_str()), (status, ""));
    }
    world.down().await.assert_clean();
}

/// One request over a connection that is kept.
async fn ask(requests: &mut Requests, authority: &str, path: &str) -> String {
    let request = http::Request::get(path).header("host", authority).body(service::body(""));
    let response = soon("a response", requests.send(request.unwrap())).await.unwrap();
    let body = soon("a body", response.into_body().collect()).await.unwrap();
    String::from_utf8(body.to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn the_requests_of_a_connection_share_one_to_the_service() {
    let (n_connections, mirror) = (Hits::default(), service::mirror());
    let counted = n_connections.clone();
    let upstream = Upstream::serve(service::service(move |socket, hits| {
        counted.add();
        mirror(socket, hits)
    }))
    .await;
    let world = World::new().agent(http(&upstream)).up().await;
    let authority = world.visitor().authority();
    let mut requests = world.visitor().http1().await;
    for path in ["/one", "/two", "/three"] {
        let text = ask(&mut requests, &authority, path).await;
        assert!(text.starts_with(&format!("GET {path} ")), "{text}");
    }
    assert_eq!((upstream.hits(), n_connections.count()), (3, 1));
    drop(requests);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_service_that_closes_after_each_answer_is_connected_to_again() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    let upstream = Upstream::serve(service::raw(answer)).await;
    let world = World::new().agent(http(&upstream)).up().await;
    let authority = world.visitor().authority();
    let mut requests = world.visitor().http1().await;
    for _ in 0..5 {
        assert_eq!(ask(&mut requests, &authority, "/").await, "hello");
    }
    assert_eq!(upstream.hits(), 5);
    drop(requests);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_name_that_the_tls_session_is_not_for_is_misdirected() {
    let (a, b) = (Upstream::counting("a").await, Upstream::counting("b").await);
    let specs = [http(&a).url("https://a.tunnel.test"), http(&b).url("https://b.tunnel.test")];
    let world = World::new().agent(specs).up().await;
    let reply = world.visitor_to(0).with_sni("a.tunnel.test").at("b.tunnel.test").get("/").await;
    assert_eq!(reply.status(), StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(b.hits(), 0);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_name_that_is_only_served_with_tls_redirects_there() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new().agent(http(&upstream).url("https://a.tunnel.test")).up().await;
    let tls_port = world.edge().tls_addr().port();
    let plain =
        world.visitor_of(&format!("http://a.tunnel.test:{}", world.edge().http_addr().port()));
    let reply = plain.get("/x?y").await;
    assert_eq!(reply.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(reply.header("location"), format!("https://a.tunnel.test:{tls_port}/x?y"));
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_custom_domain_is_served_under_its_own_name() {
    let upstream = Upstream::counting("hello").await;
    let world = World::new().agent(http(&upstream).url("https://app.example.org")).up().await;
    assert_eq!(world.get("/").await.text(), "hello");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn the_visitors_address_goes_ahead_of_http_too() {
    let (send, mut first_line) = mpsc::channel(1);
    let upstream = Upstream::serve(service::service(move |mut socket, _| {
        let send = send.clone();
        async move {
            let mut line = Vec::new();
            while !line.ends_with(b"\r\n\r\n") {
                line.push(socket.read_u8().await.unwrap());
            }
            send.send(String::from_utf8(line).unwrap()).await.unwrap();
            socket
                .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
                .await
                .unwrap();
        }
    }))
    .await;
    let spec = http(&upstream).proxy_protocol(adit_config::endpoint::ProxyProtocol::V1);
    let world = World::new().agent(spec).up().await;
    assert_eq!(world.get("/").await.status(), 204);
    let text = first_line.recv().await.unwrap();
    let (proxy, http) = text.split_once("\r\n").unwrap();
    let port = world.edge().tls_addr().port();
    assert!(
        proxy.starts_with("PROXY TCP4 127.0.0.1 127.") && proxy.ends_with(&format!(" {port}")),
        "{proxy}"
    );
    assert!(http.starts_with("GET / HTTP/1.1\r\n"), "{http}");
    world.down().await.assert_no_task_left();
}
