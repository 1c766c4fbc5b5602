use adit_chain::Protocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::{
    Ended,
    rig::{Peer, Plan, Rig, within},
};

async fn tcp() -> (Rig, Peer, Peer) {
    let mut rig = Rig::with(Plan { protocol: Protocol::Tcp, ..Plan::default() }).await;
    let visitor = rig.visit().await;
    let service = rig.served().await;
    (rig, visitor, service)
}

#[tokio::test]
async fn bytes_move_both_ways_and_are_counted() {
    let (mut rig, mut visitor, mut service) = tcp().await;
    service.send("220 hello\r\n").await;
    assert_eq!(visitor.until("\r\n").await, "220 hello\r\n");
    visitor.send("QUIT\n").await;
    assert_eq!(service.until("\n").await, "QUIT\n");
    drop((visitor, service));
    let closed = rig.closed().await;
    assert_eq!(closed.ended, Ended::Done);
    assert_eq!(closed.totals, Totals { bytes_in: 5, bytes_out: 11 });
    assert_eq!(rig.route.metrics.totals(), closed.totals);
    assert_eq!((rig.route.metrics.connections(), rig.route.metrics.open()), (1, 0));
}

#[tokio::test]
async fn a_half_closed_by_the_visitor_leaves_the_other_open() {
    let (mut rig, mut visitor, mut service) = tcp().await;
    visitor.send("all").await;
    visitor.close_half().await;
    assert_eq!(service.rest().await, "all");
    service.send("answer").await;
    drop(service);
    assert_eq!(visitor.rest().await, "answer");
    assert_eq!(rig.closed().await.ended, Ended::Done);
}

#[tokio::test]
async fn a_half_closed_by_the_service_leaves_the_other_open() {
    let (mut rig, mut visitor, mut service) = tcp().await;
    service.send("banner").await;
    service.close_half().await;
    assert_eq!(visitor.rest().await, "banner");
    visitor.send("late").await;
    drop(visitor);
    assert_eq!(service.rest().await, "late");
    assert_eq!(rig.closed().await.ended, Ended::Done);
}

#[tokio::test]
async fn an_abort_of_one_side_aborts_the_other() {
    let (mut rig, visitor, mut service) = tcp().await;
    visitor.0.set_zero_linger().unwrap();
    drop(visitor);
    let error = within(service.0.read(&mut [0; 8])).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(rig.closed().await.ended, Ended::Broken);
}

#[tokio::test]
async fn a_reader_that_never_reads_stops_the_writer() {
    let (_rig, visitor, mut service) = tcp().await;
    let chunk = vec![7; 1 << 20];
    let mut n_written = 0_usize;
    // Kernel buffers take some megabytes; a relay that kept reading would take all of these.
    let stopped = tokio::time::timeout(std::time::Duration::from_millis(500), async {
        while n_written < 256 << 20 {
            n_written += service.0.write(&chunk).await.unwrap();
        }
    });
    assert!(stopped.await.is_err(), "{n_written} bytes were taken");
    drop(visitor);
}

#[tokio::test]
async fn bulk_arrives_whole_through_a_slow_reader() {
    let (mut rig, mut visitor, mut service) = tcp().await;
    let sent: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let (to_send, mut got) = (sent.clone(), Vec::new());
    let write = async {
        service.0.write_all(&to_send).await.unwrap();
        drop(service);
    };
    let read = async {
        let mut buf = vec![0; 1_000];
        loop {
            let n = visitor.0.read(&mut buf).await.unwrap();
            if n == 0 {
                break;
            }
            got.extend_from_slice(&buf[..n]);
        }
        drop(visitor);
    };
    within(async { tokio::join!(write, read) }).await;
    assert!(got == sent);
    assert_eq!(rig.closed().await.totals, Totals { bytes_in: 0, bytes_out: 3_000_000 });
}

#[tokio::test]
async fn a_cut_resets_both() {
    let (mut rig, mut visitor, mut service) = tcp().await;
    visitor.send("under way\n").await;
    service.until("\n").await;
    rig.cx.stop.cut.cancel();
    for peer in [&mut visitor, &mut service] {
        let error = within(peer.0.read(&mut [0; 8])).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }
    assert_eq!(rig.closed().await.ended, Ended::Cut);
}

#[tokio::test]
async fn a_service_that_refuses_resets_the_visitor() {
    let mut rig = Rig::with(Plan { protocol: Protocol::Tcp, ..Plan::default() }).await;
    let taken = std::mem::replace(
        &mut rig.service,
        tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(),
    );
    drop(taken);
    let mut visitor = rig.visit().await;
    let error = within(visitor.0.read(&mut [0; 8])).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(rig.closed().await.ended, Ended::UpstreamFailed);
}
