//! The end of the service.

use std::time::Duration;

use adit_net::Drained;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::Rig;

const GRACE: Duration = Duration::from_millis(700);

#[tokio::test]
async fn it_ends_at_once_although_browsers_listen_and_clients_rest() {
    let rig = Rig::up().await;
    let mut events = rig.events().await;
    events.next_of("endpoints").await;
    let mut resting = rig.connect().await;
    resting.write_all(b"GET /api HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert_eq!(resting.read_u8().await.unwrap(), b'H');
    let silent = rig.connect().await;
    let Rig { serving, addr, .. } = rig;
    let began = std::time::Instant::now();
    assert_eq!(serving.shutdown(GRACE).await, Drained::Clean);
    assert!(began.elapsed() < GRACE);
    assert!(events.ends().await);
    let mut rest = Vec::new();
    resting.read_to_end(&mut rest).await.unwrap();
    drop(silent);
    let error = TcpStream::connect(addr).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn what_does_not_end_is_cut() {
    let rig = Rig::up().await;
    let mut io = rig.connect().await;
    let head =
        "POST /api/tunnels HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    io.write_all(format!("{head}Content-Length: 9\r\n\r\n{{").as_bytes()).await.unwrap();
    // It has been read as soon as another request has been answered after it.
    assert_eq!(rig.get("/api").await.status, 200);
    let Rig { serving, .. } = rig;
    let drained = serving.shutdown(Duration::from_millis(50)).await;
    assert!(matches!(drained, Drained::Cut { n_cut: 1 } | Drained::Clean), "{drained:?}");
}
