//! Clients that do not behave.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::Rig;
use crate::api::{limits::MAX_CONNECTIONS, rig::PATIENCE};

#[tokio::test]
async fn garbage_ends_its_own_connection_only() {
    let rig = Rig::up().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nx",
        b"POST /api/tunnels HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ] {
        let mut io = rig.connect().await;
        io.write_all(bytes).await.unwrap();
        io.shutdown().await.unwrap();
        let mut all = Vec::new();
        let _ = timeout(PATIENCE, io.read_to_end(&mut all)).await.unwrap();
        assert!(!all.starts_with(b"HTTP/1.1 200"), "{}", bytes.escape_ascii());
    }
    assert_eq!(rig.get("/api/status").await.status, 200);
}

#[tokio::test]
async fn a_request_that_comes_byte_by_byte_is_answered() {
    let rig = Rig::up().await;
    let mut io = rig.connect().await;
    for byte in b"GET /api/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" {
        io.write_all(&[*byte]).await.unwrap();
    }
    let mut all = Vec::new();
    timeout(PATIENCE, io.read_to_end(&mut all)).await.unwrap().unwrap();
    assert!(all.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn requests_in_a_row_are_answered_in_their_order() {
    let rig = Rig::up().await;
    let request =
        |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n");
    let both = request("/api/nowhere", "") + &request("/api/status", "Connection: close\r\n");
    let all = String::from_utf8(rig.raw(both.as_bytes()).await).unwrap();
    let at = |mark: &str| all.find(mark).unwrap_or_else(|| panic!("{mark} in {all}"));
    assert!(at("HTTP/1.1 404") < at("HTTP/1.1 200"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stalls_in_its_head_is_let_go() {
    let rig = Rig::up().await;
    let mut io = rig.connect().await;
    io.write_all(b"GET /api/status HTTP/1.1\r\nHost: loc").await.unwrap();
    let mut all = Vec::new();
    // Time passes by itself while nothing else happens.
    let ended = timeout(Duration::from_secs(40), io.read_to_end(&mut all)).await;
    assert!(ended.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stalls_in_its_body_is_told_so() {
    let rig = Rig::up().await;
    let mut io = rig.connect().await;
    io.write_all(
        b"POST /api/tunnels HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
          Content-Length: 100\r\n\r\n{",
    )
    .await
    .unwrap();
    let mut head = [0; 12];
    timeout(Duration::from_secs(70), io.read_exact(&mut head)).await.unwrap().unwrap();
    assert_eq!(&head, b"HTTP/1.1 408");
}

#[tokio::test]
async fn connections_that_say_nothing_do_not_keep_others_out_for_ever() {
    let rig = Rig::up().await;
    let mut silent = Vec::new();
    for _ in 0..MAX_CONNECTIONS {
        silent.push(rig.connect().await);
    }
    // It waits in the queue of the listener until one of them leaves.
    let asking = rig.get("/api/status");
    tokio::pin!(asking);
    assert!(timeout(Duration::from_millis(20), &mut asking).await.is_err());
    silent.pop();
    assert_eq!(asking.await.status, 200);
}
