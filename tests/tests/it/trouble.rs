//! Services that are down, slow, or talk nonsense.

use std::time::Duration;

use adit_agent::EndpointSpec;
use adit_tests::{Upstream, World, eventually, service, soon, visitor::until_the_end};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test]
async fn a_service_that_is_down_is_named_on_the_page() {
    let nobody = Upstream::nobody().await;
    let world = World::new().agent(EndpointSpec::http(&nobody.to_string())).up().await;
    let reply = world.get("/").await;
    assert_eq!((reply.status().as_u16(), reply.code()), (502, "ERR_NGROK_8012"));
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(reply.header("adit-origin"), "");
    let page = reply.text();
    assert!(page.contains(&nobody.to_string()) && page.contains("ERR_NGROK_8012"), "{page}");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn programs_get_the_same_as_json() {
    let nobody = Upstream::nobody().await;
    let world = World::new().agent(EndpointSpec::http(&nobody.to_string())).up().await;
    for http2 in [false, true] {
        let visit = world.get("/").header("accept", "application/json");
        let reply = if http2 { visit.http2().await } else { visit.await };
        assert_eq!(
            (reply.status().as_u16(), reply.header("content-type")),
            (502, "application/json")
        );
        let json: Value = serde_json::from_str(&reply.text()).unwrap();
        assert_eq!(json["error_code"], "ERR_NGROK_8012");
        assert_eq!(json["status_code"], 502);
        assert!(json["msg"].as_str().unwrap().contains(&nobody.to_string()), "{json}");
    }
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_grpc_client_gets_a_status_when_the_service_is_down() {
    let nobody = Upstream::nobody().await;
    let spec = EndpointSpec::http(&nobody.to_string()).upstream_http2();
    let world = World::new().agent(spec).up().await;
    let reply = world
        .post("/pkg.Service/Call", "")
        .header("content-type", "application/grpc")
        .http2()
        .await;
    assert_eq!((reply.status().as_u16(), reply.header("grpc-status")), (200, "14"));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_directory_that_vanished_is_not_found() {
    let dir = tempfile::tempdir().unwrap();
    let spec = EndpointSpec::http(&format!("file://{}", dir.path().display()));
    let world = World::new().agent(spec).up().await;
    dir.close().unwrap();
    assert_eq!(world.get("/").await.status(), 404);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_service_that_talks_nonsense_is_a_bad_gateway() {
    for nonsense in
        [&b"220 smtp.example ready\r\n"[..], b"\0\x01\x02\x03\r\n\r\n", b"HTTP/1.1 2000 OK\r\n\r\n"]
    {
        let upstream = Upstream::serve(service::raw(nonsense)).await;
        let world = World::new().agent(EndpointSpec::http(&upstream.http_url())).up().await;
        let reply = world.get("/").await;
        assert_eq!(
            (reply.status().as_u16(), reply.code()),
            (502, "ERR_NGROK_3004"),
            "{nonsense:?}"
        );
        world.down().await.assert_no_task_left();
    }
}

#[tokio::test]
async fn a_service_that_takes_too_long_is_a_gateway_timeout() {
    let upstream = Upstream::serve(service::never_answers()).await;
    let world = World::new().agent(EndpointSpec::http(&upstream.http_url())).up().await;
    let mut socket = world.visitor().connect().await;
    let request = format!("GET / HTTP/1.1\r\nhost: {}\r\n\r\n", world.visitor().authority());
    socket.write_all(request.as_bytes()).await.unwrap();
    socket.flush().await.unwrap();
    eventually("the service is asked", async || (upstream.hits() == 1).then_some(())).await;
    // The clock stands still except when everything waits for it.
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let mut head = [0; 1024];
    let n = socket.read(&mut head).await.unwrap();
    let head = String::from_utf8_lossy(&head[..n]).into_owned();
    assert!(head.starts_with("HTTP/1.1 504 "), "{head}");
    assert!(head.contains("ngrok-error-code: ERR_NGROK_3004\r\n"), "{head}");
    assert!(start.elapsed() >= Duration::from_secs(100), "{:?}", start.elapsed());
    tokio::time::resume();
    drop(socket);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_service_that_closes_before_it_answers_is_a_bad_gateway() {
    let upstream = Upstream::serve(service::raw(b"")).await;
    let world = World::new().agent(EndpointSpec::http(&upstream.http_url())).up().await;
    let reply = world.get("/").await;
    assert_eq!((reply.status().as_u16(), reply.code()), (502, "ERR_NGROK_3004"));
    world.down().await.assert_clean();
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_seen_to_break_off() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this"[..],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nonly this\r\n",
    ] {
        let upstream = Upstream::serve(service::raw(answer)).await;
        let world = World::new().agent(EndpointSpec::http(&upstream.http_url())).up().await;
        for http2 in [false, true] {
            let visit = world.get("/");
            let reply = if http2 { visit.http2().await } else { visit.await };
            assert_eq!((reply.status().as_u16(), reply.is_whole()), (200, false));
        }
        world.down().await.assert_no_task_left();
    }
}

#[tokio::test]
async fn two_lengths_from_a_service_are_never_passed_on() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 3\r\n\r\nabcde";
    let upstream = Upstream::serve(service::raw(answer)).await;
    let world = World::new().agent(EndpointSpec::http(&upstream.http_url())).up().await;
    assert_eq!(world.get("/").await.status(), 502);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn an_error_code_that_a_service_made_up_is_removed() {
    let answer = b"HTTP/1.1 200 OK\r\nngrok-error-code: ERR_NGROK_3200\r\nadit-origin: ts_guess\r\ncontent-length: 2\r\n\r\nok";
    let upstream = Upstream::serve(service::raw(answer)).await;
    let world = World::new().agent(EndpointSpec::http(&upstream.http_url())).up().await;
    let reply = world.get("/").await;
    assert_eq!((reply.text().as_str(), reply.code(), reply.header("adit-origin")), ("ok", "", ""));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn an_endpoint_that_nobody_serves_is_offline() {
    let world = World::new().up().await;
    let http = format!("http://no.tunnel.test:{}", world.edge().http_addr().port());
    let https = format!("https://no.tunnel.test:{}", world.edge().tls_addr().port());
    for url in [http, https] {
        let reply = world.visitor_of(&url).get("/").await;
        assert_eq!((reply.status().as_u16(), reply.code()), (404, "ERR_NGROK_3200"), "{url}");
        assert!(reply.text().contains("no.tunnel.test"), "{}", reply.text());
    }
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_tcp_visitor_is_closed_when_the_service_is_down() {
    let nobody = Upstream::nobody().await;
    let world = World::new().agent(EndpointSpec::tcp(&nobody.to_string())).up().await;
    let mut socket = world.visitor().tcp().await;
    let error = soon("the end", socket.read(&mut [0; 1])).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_visitor_who_breaks_off_takes_the_service_connection_along() {
    let (send, mut ended) = tokio::sync::mpsc::channel(1);
    let upstream = Upstream::serve(service::service(move |mut socket, _| {
        let send = send.clone();
        async move {
            let mut byte = [0];
            while let Ok(1..) = socket.read(&mut byte).await {
                let _ = socket.write_all(b"!").await;
            }
            let _ = send.send(()).await;
        }
    }))
    .await;
    let world = World::new().agent(EndpointSpec::tcp(&upstream.tcp_url())).up().await;
    let mut socket = world.visitor().tcp().await;
    socket.write_all(b"?").await.unwrap();
    soon("an answer", socket.read_exact(&mut [0])).await.unwrap();
    socket.set_zero_linger().unwrap();
    drop(socket);
    soon("the service's end", ended.recv()).await.unwrap();
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_service_that_breaks_off_resets_the_visitor() {
    let upstream = Upstream::serve(service::service(|mut socket, _| async move {
        let _ = socket.read(&mut [0; 1]).await;
        // Unread bytes make the system send a reset.
    }))
    .await;
    let world = World::new().agent(EndpointSpec::tcp(&upstream.tcp_url())).up().await;
    let mut socket = world.visitor().tcp().await;
    socket.write_all(b"more than one byte").await.unwrap();
    assert_eq!(until_the_end(&mut socket).await, "");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_slow_upload_is_not_cut_and_a_visitor_who_leaves_stops_the_service() {
    let upstream = Upstream::serve(service::never_answers()).await;
    let world = World::new().agent(EndpointSpec::http(&upstream.http_url())).up().await;
    let mut socket = world.visitor().connect().await;
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {}\r\ncontent-length: 6\r\n\r\n",
        world.visitor().authority()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    for byte in b"slowly" {
        socket.write_all(&[*byte]).await.unwrap();
        socket.flush().await.unwrap();
    }
    eventually("the service is asked", async || (upstream.hits() == 1).then_some(())).await;
    drop(socket);
    world.down().await.assert_no_task_left();
}
