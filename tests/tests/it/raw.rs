//! TCP endpoints, end to end.

use adit_agent::EndpointSpec;
use adit_config::endpoint::ProxyProtocol;
use adit_tests::{Upstream, World, service, soon, visitor::until_the_end};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn tcp(upstream: &Upstream) -> EndpointSpec {
    EndpointSpec::tcp(&upstream.tcp_url())
}

#[tokio::test]
async fn a_tcp_endpoint_carries_bytes_both_ways() {
    let upstream = Upstream::echo().await;
    let world = World::new().agent(tcp(&upstream)).up().await;
    assert!(world.url().starts_with("tcp://tunnel.test:"), "{}", world.url());
    let mut socket = world.visitor().connect().await;
    let mut echo = [0; 4];
    for message in [b"ping", b"pong"] {
        socket.write_all(message).await.unwrap();
        soon("an echo", socket.read_exact(&mut echo)).await.unwrap();
        assert_eq!(&echo, message);
    }
    drop(socket);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_visitor_who_ended_his_half_still_gets_the_answer() {
    let upstream = Upstream::counts_to_the_end().await;
    let world = World::new().agent(tcp(&upstream)).up().await;
    let mut socket = world.visitor().connect().await;
    socket.write_all(&vec![0; 1_000_000]).await.unwrap();
    socket.shutdown().await.unwrap();
    assert_eq!(until_the_end(&mut socket).await, "1000000");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_service_that_speaks_first_is_heard() {
    let upstream = Upstream::serve(service::greeting("220 ready\r\n")).await;
    let world = World::new().agent(tcp(&upstream)).up().await;
    let mut socket = world.visitor().connect().await;
    let mut greeting = [0; 11];
    soon("a greeting", socket.read_exact(&mut greeting)).await.unwrap();
    assert_eq!(&greeting, b"220 ready\r\n");
    drop(socket);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn the_last_word_of_a_service_that_closes_in_the_middle_of_an_upload_arrives() {
    const SIZE: usize = 4 * 1024 * 1024;
    let upstream = Upstream::serve(service::service(|mut socket, _| async move {
        let _ = socket.read(&mut [0; 1]).await;
        let _ = socket.write_all(b"413").await; // and closes, with the rest unread
    }))
    .await;
    let world = World::new().agent(tcp(&upstream)).up().await;
    for _ in 0..20 {
        let (mut read, mut write) = tokio::io::split(world.visitor().connect().await);
        let mut answer = [0; 3];
        let upload = async { drop(write.write_all(&vec![0; SIZE]).await) };
        let (heard, ()) =
            soon("the answer", async { tokio::join!(read.read_exact(&mut answer), upload) }).await;
        assert_eq!((heard.unwrap(), &answer), (3, b"413"));
    }
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_long_download_arrives_whole_and_ends() {
    const SIZE: usize = 32 * 1024 * 1024;
    let upstream = Upstream::serve(service::sends(SIZE)).await;
    let world = World::new().agent(tcp(&upstream)).up().await;
    let mut socket = world.visitor().connect().await;
    let (mut buffer, mut total) = (vec![0; 64 * 1024], 0);
    while let n @ 1.. = soon("more", socket.read(&mut buffer)).await.unwrap() {
        total += n;
    }
    assert_eq!(total, SIZE);
    drop(socket);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_visitor_who_does_not_read_stalls_nobody_else() {
    let upstream = Upstream::serve(service::sends(64 * 1024 * 1024)).await;
    let echo = Upstream::echo().await;
    let world = World::new().agent([tcp(&upstream), tcp(&echo)]).up().await;
    let lazy: Vec<_> = {
        let mut lazy = Vec::new();
        for _ in 0..4 {
            lazy.push(world.visitor_to(0).connect().await);
        }
        lazy
    };
    let mut socket = world.visitor_to(1).connect().await;
    let mut answer = [0; 4];
    for _ in 0..50 {
        socket.write_all(b"ping").await.unwrap();
        soon("an echo", socket.read_exact(&mut answer)).await.unwrap();
    }
    drop((lazy, socket));
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_unix_socket_is_a_service_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let _upstream = Upstream::unix(&path, service::echo());
    let world =
        World::new().agent(EndpointSpec::tcp(&format!("unix:{}", path.display()))).up().await;
    let mut socket = world.visitor().connect().await;
    socket.write_all(b"over a path").await.unwrap();
    socket.shutdown().await.unwrap();
    assert_eq!(until_the_end(&mut socket).await, "over a path");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn the_visitors_address_goes_ahead_in_a_version_1_header() {
    let upstream = Upstream::echo().await;
    let world = World::new().agent(tcp(&upstream).proxy_protocol(ProxyProtocol::V1)).up().await;
    let mut socket = world.visitor().tcp().await;
    let (visitor, server) = (socket.local_addr().unwrap(), socket.peer_addr().unwrap());
    socket.write_all(b"payload").await.unwrap();
    socket.shutdown().await.unwrap();
    let expected = format!(
        "PROXY TCP4 {} {} {} {}\r\npayload",
        visitor.ip(),
        server.ip(),
        visitor.port(),
        server.port()
    );
    assert_eq!(until_the_end(&mut socket).await, expected);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn the_visitors_address_goes_ahead_in_a_version_2_header() {
    let upstream = Upstream::echo().await;
    let world = World::new().agent(tcp(&upstream).proxy_protocol(ProxyProtocol::V2)).up().await;
    let mut socket = world.visitor().tcp().await;
    let (visitor, server) = (socket.local_addr().unwrap(), socket.peer_addr().unwrap());
    socket.write_all(b"payload").await.unwrap();
    socket.shutdown().await.unwrap();
    let mut expected = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".to_vec();
    for addr in [visitor, server] {
        let std::net::IpAddr::V4(ip) = addr.ip() else { panic!("an IPv4 test") };
        expected.extend_from_slice(&ip.octets());
    }
    for addr in [visitor, server] {
        expected.extend_from_slice(&addr.port().to_be_bytes());
    }
    expected.extend_from_slice(b"payload");
    let mut got = Vec::new();
    soon("the echo", socket.read_to_end(&mut got)).await.unwrap();
    assert_eq!(got, expected);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn many_connections_share_one_link() {
    let upstream = Upstream::echo().await;
    let world = World::new().agent(tcp(&upstream)).up().await;
    let mut sockets = Vec::new();
    for _ in 0..200 {
        sockets.push(world.visitor().connect().await);
    }
    for (n, socket) in sockets.iter_mut().enumerate() {
        socket.write_all(&n.to_be_bytes()).await.unwrap();
    }
    for (n, socket) in sockets.iter_mut().enumerate() {
        let mut echo = [0; 8];
        soon("an echo", socket.read_exact(&mut echo)).await.unwrap();
        assert_eq!(usize::from_be_bytes(echo), n);
    }
    assert_eq!(upstream.hits(), 200);
    drop(sockets);
    world.down().await.assert_clean();
}
