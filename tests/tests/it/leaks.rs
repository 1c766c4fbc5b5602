//! What only a process of its own can count: sockets and memory.
//!
//! Each test here runs itself again as a process with nothing else in it, and looks at the result.

#![cfg(target_os = "linux")]

use std::{fs, process::Stdio};

use adit_agent::EndpointSpec;
use adit_tests::{Upstream, World, eventually, service, soon};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
};
use tokio_tungstenite::tungstenite::Message;

const MIB: usize = 1024 * 1024;

/// Runs an ignored test of this file in a process of its own.
async fn alone(test: &str) {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(["--exact", &format!("leaks::{test}"), "--ignored", "--nocapture"]);
    let child = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = soon("the other process", child).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{out}\n{err}");
}

/// Sockets of this process.
fn n_sockets() -> usize {
    let files = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let targets = files.filter_map(|file| fs::read_link(file.path()).ok());
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

/// Most memory that this process ever had, in bytes.
fn peak() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

#[tokio::test]
async fn no_socket_is_left() {
    alone("sockets_before_and_after").await;
}

#[tokio::test]
#[ignore = "runs in a process of its own, see no_socket_is_left"]
async fn sockets_before_and_after() {
    let (web, echo) = (Upstream::counting("hello").await, Upstream::echo().await);
    let chat = Upstream::serve(service::websocket_echo()).await;
    let before = n_sockets();
    for _ in 0..2 {
        let specs = [
            EndpointSpec::http(&web.http_url()),
            EndpointSpec::tcp(&echo.tcp_url()),
            EndpointSpec::http(&chat.http_url()),
        ];
        let mut world = World::new().agent(specs).up().await;
        assert_eq!(world.get("/").await.text(), "hello");
        assert_eq!(world.get("/").http2().await.text(), "hello");
        let mut socket = world.visitor_to(1).connect().await;
        socket.write_all(b"?").await.unwrap();
        soon("an echo", socket.read_exact(&mut [0])).await.unwrap();
        let mut websocket = world.visitor_to(2).websocket("/").await;
        websocket.send(Message::text("hello")).await.unwrap();
        soon("an echo", websocket.next()).await.unwrap().unwrap();
        world.edge_mut().crash().await;
        world.edge_mut().start_again().await;
        eventually("the endpoint is served", async || {
            (world.get("/").try_send().await.ok()?.status() == 200).then_some(())
        })
        .await;
        drop((socket, websocket));
        world.down().await.assert_no_task_left();
        eventually("the sockets are gone", async || (n_sockets() <= before).then_some(())).await;
    }
}

#[tokio::test]
async fn bodies_of_any_size_cost_the_same_memory() {
    alone("memory_of_large_bodies").await;
}

#[tokio::test]
#[ignore = "runs in a process of its own, see bodies_of_any_size_cost_the_same_memory"]
async fn memory_of_large_bodies() {
    const SIZE: usize = 192 * MIB;
    let source = Upstream::serve(service::sends(SIZE)).await;
    let sink = Upstream::counts_to_the_end().await;
    let specs = [EndpointSpec::tcp(&source.tcp_url()), EndpointSpec::tcp(&sink.tcp_url())];
    let world = World::new().agent(specs).up().await;
    let before = peak();

    let mut socket = world.visitor_to(0).connect().await;
    let (mut buffer, mut total) = (vec![0; 64 * 1024], 0);
    while let n @ 1.. = soon("more", socket.read(&mut buffer)).await.unwrap() {
        total += n;
    }
    assert_eq!(total, SIZE);
    let mut socket = world.visitor_to(1).connect().await;
    for _ in 0..SIZE / buffer.len() {
        soon("room", socket.write_all(&buffer)).await.unwrap();
    }
    socket.shutdown().await.unwrap();
    let mut count = String::new();
    soon("the count", socket.read_to_string(&mut count)).await.unwrap();
    assert_eq!(count, SIZE.to_string());
    let grown = peak() - before;
    assert!(grown < 32 * MIB, "{} MiB for {} MiB", grown / MIB, 2 * SIZE / MIB);
    drop(socket);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn an_idle_stream_costs_little_memory() {
    alone("memory_of_idle_streams").await;
}

#[tokio::test]
#[ignore = "runs in a process of its own, see an_idle_stream_costs_little_memory"]
async fn memory_of_idle_streams() {
    const N: usize = 2000;
    let upstream = Upstream::echo().await;
    let world = World::new()
        .edge(|edge| edge.limits.visitors_per_source = Some(4096))
        .agent(EndpointSpec::tcp(&upstream.tcp_url()))
        .up()
        .await;
    let before = peak();
    let mut sockets = Vec::with_capacity(N);
    for _ in 0..N {
        sockets.push(world.visitor().tcp().await);
    }
    for _ in 0..2 {
        for socket in &mut sockets {
            socket.write_all(b"?").await.unwrap();
        }
        for socket in &mut sockets {
            soon("an echo", socket.read_exact(&mut [0])).await.unwrap();
        }
    }
    assert_eq!((upstream.hits(), world.edge().sessions()[0].n_legs), (N, 1));
    // Edge, agent, service and visitor together: four ends of three connections and a stream.
    let each = (peak() - before) / N;
    assert!(each < 48 * 1024, "{each} bytes for each stream");
    drop(sockets);
    world.down().await.assert_no_task_left();
}
