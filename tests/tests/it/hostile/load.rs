//! More than usual, and bounded.

use adit_agent::EndpointSpec;
use adit_tests::{Upstream, World, service, soon, stranger::NeverReads};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn a_visitor_who_sends_without_end_is_slowed_to_what_the_service_takes() {
    let deaf = Upstream::serve(service::service(|socket, hits| async move {
        hits.add();
        let _socket = socket;
        std::future::pending::<()>().await;
    }))
    .await;
    let echo = Upstream::echo().await;
    let specs = [EndpointSpec::tcp(&deaf.tcp_url()), EndpointSpec::tcp(&echo.tcp_url())];
    let world = World::new().agent(specs).up().await;
    let mut stranger = NeverReads::on(world.visitor_to(0).tcp().await);
    let taken = stranger.until_stalled(&[0; 64 * 1024], 64 * MIB).await;
    assert!(taken < 32 * MIB, "{taken} bytes are somewhere");

    let mut socket = world.visitor_to(1).connect().await;
    socket.write_all(b"?").await.unwrap();
    soon("an echo", socket.read_exact(&mut [0])).await.unwrap();
    drop((stranger, socket, deaf));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_visitor_who_takes_no_answers_is_not_read_for_ever() {
    let upstream =
        Upstream::http(|_| async { http::Response::new(service::body(vec![0; 64 * 1024])) }).await;
    let spec = EndpointSpec::http(&upstream.http_url()).url("http://a.tunnel.test");
    let world = World::new().agent(spec).up().await;
    let request = format!("GET / HTTP/1.1\r\nhost: {}\r\n\r\n", world.visitor().authority());
    let mut stranger = NeverReads::on(world.visitor().tcp().await);
    let taken = stranger.until_stalled(request.repeat(100).as_bytes(), 16 * MIB).await;
    assert!(taken < 16 * MIB, "{taken} bytes of requests");
    assert_eq!(world.get("/").await.status(), 200);
    drop(stranger);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_crowd_that_comes_and_goes_leaves_nothing_behind() {
    let upstream = Upstream::echo().await;
    let world = World::new().agent(EndpointSpec::tcp(&upstream.tcp_url())).up().await;
    for _ in 0..5 {
        let mut crowd = Vec::new();
        for n in 0..100 {
            let mut socket = world.visitor().tcp().await;
            if n % 2 == 0 {
                socket.write_all(b"?").await.unwrap();
            }
            if n % 3 == 0 {
                socket.set_zero_linger().unwrap();
            }
            crowd.push(socket);
        }
    }
    let mut socket = world.visitor().connect().await;
    socket.write_all(b"?").await.unwrap();
    soon("an echo", socket.read_exact(&mut [0])).await.unwrap();
    drop(socket);
    world.down().await.assert_no_task_left();
}
