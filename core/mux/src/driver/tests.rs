//! Two sessions over an in-memory pipe, with paused time.
#![allow(clippy::unwrap_used)]

mod company;
mod long_path;

use std::{io::IoSlice, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    task::JoinSet,
};

use crate::{Accept, Config, ErrorCode, Session, SessionError, Stream, StreamError, session};

const TYPE: Bytes = Bytes::from_static(b"\0\0\0\x03");

struct World {
    agent: Session,
    at_agent: Accept,
    edge: Session,
    at_edge: Accept,
    drivers: JoinSet<Result<(), SessionError>>,
}

impl World {
    fn new() -> Self {
        Self::with(Config::agent(), Config::edge())
    }

    fn with(agent: Config, edge: Config) -> Self {
        let (near, far) = duplex(64 * 1024);
        let (agent, at_agent, agent_driver) = session(near, agent);
        let (edge, at_edge, edge_driver) = session(far, edge);
        let mut drivers = JoinSet::new();
        drivers.spawn(agent_driver);
        drivers.spawn(edge_driver);
        Self { agent, at_agent, edge, at_edge, drivers }
    }

    /// A stream as the edge opens it for a visitor, and as the agent gets it.
    async fn visit(&mut self) -> (Stream, Stream) {
        let visitor = self.edge.open(TYPE).unwrap();
        let mut upstream = self.at_agent.accept().await.unwrap();
        assert_eq!(upstream.chunk().await.unwrap().unwrap(), TYPE);
        (visitor, upstream)
    }

    async fn down(mut self) {
        self.agent.close(ErrorCode::NoError, "no error");
        let mut ends = Vec::new();
        while let Some(end) = self.drivers.join_next().await {
            ends.push(end.unwrap());
        }
        assert!(ends.iter().any(Result::is_ok));
        assert!(
            ends.iter().any(|end| matches!(
                end,
                Err(SessionError::GoAway { code: ErrorCode::NoError, .. })
            ))
        );
    }
}

fn stream_error(error: &std::io::Error) -> StreamError {
    *error.get_ref().unwrap().downcast_ref::<StreamError>().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_written_is_read_on_the_other_side() {
    let mut world = World::new();
    let (mut visitor, mut upstream) = world.visit().await;
    visitor.write_all(b"hello").await.unwrap();
    visitor.shutdown().await.unwrap();
    let mut request = Vec::new();
    upstream.read_to_end(&mut request).await.unwrap();
    assert_eq!(request, b"hello");
    upstream.write_all(b"world").await.unwrap();
    upstream.shutdown().await.unwrap();
    let mut response = Vec::new();
    visitor.read_to_end(&mut response).await.unwrap();
    assert_eq!(response, b"world");
    world.down().await;
}

#[tokio::test(start_paused = true)]
async fn megabytes_arrive_in_order_through_small_pipes() {
    let mut world = World::new();
    let (visitor, upstream) = world.visit().await;
    let sent: Vec<u8> = (0..4_000_000_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
    let expected = sent.clone();
    let (mut from_visitor, mut to_upstream) = tokio::io::split(visitor);
    let (mut from_upstream, mut to_visitor) = tokio::io::split(upstream);
    let up = async {
        to_upstream.write_all(&sent).await.unwrap();
        to_upstream.shutdown().await.unwrap();
    };
    let echo = async {
        tokio::io::copy(&mut from_upstream, &mut to_visitor).await.unwrap();
        to_visitor.shutdown().await.unwrap();
    };
    let down = async {
        let mut all = Vec::new();
        from_visitor.read_to_end(&mut all).await.unwrap();
        all
    };
    let ((), (), received) = tokio::join!(up, echo, down);
    assert!(received == expected);
    world.down().await;
}

#[tokio::test(start_paused = true)]
async fn slices_written_together_are_one_chunk() {
    let mut world = World::new();
    let (mut visitor, mut upstream) = world.visit().await;
    let slices = [IoSlice::new(b"head"), IoSlice::new(b""), IoSlice::new(b"body")];
    assert_eq!(visitor.write_vectored(&slices).await.unwrap(), 8);
    assert_eq!(upstream.chunk().await.unwrap().unwrap(), "headbody");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_streams_on_many_threads_all_get_their_answers() {
    let mut world = World::new();
    let mut tasks = JoinSet::new();
    let mut at_agent = world.at_agent;
    tasks.spawn(async move {
        let mut echoes = JoinSet::new();
        for _ in 0..200 {
            let mut stream = at_agent.accept().await.unwrap();
            echoes.spawn(async move {
                while let Some(chunk) = stream.chunk().await.unwrap() {
                    stream.send_chunk(chunk).await.unwrap();
                }
                stream.shutdown().await.unwrap();
            });
        }
        echoes.join_all().await;
    });
    for i in 0..200_u8 {
        let mut stream = world.edge.open(TYPE).unwrap();
        tasks.spawn(async move {
            assert_eq!(stream.read_u32().await.unwrap(), 3);
            let sent = vec![i; usize::from(i) * 100];
            let mut back = sent.clone();
            for _ in 0..20 {
                stream.write_all(&sent).await.unwrap();
                back.fill(0);
                stream.read_exact(&mut back).await.unwrap();
                assert!(back == sent);
            }
            stream.shutdown().await.unwrap();
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
        });
    }
    let all = async {
        while let Some(task) = tasks.join_next().await {
            task.unwrap()
        }
    };
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("no wake-up is lost");
    assert_eq!((world.agent.n_streams(), world.edge.n_streams()), (0, 0));
    world.agent.close(ErrorCode::NoError, "no error");
    while world.drivers.join_next().await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_nobody_reads_does_not_stop_another() {
    let mut world = World::new();
    let (mut stuck, _never_read) = world.visit().await;
    let flood = vec![0; 1024 * 1024];
    let write = tokio::time::timeout(Duration::from_secs(1), stuck.write_all(&flood)).await;
    assert!(write.is_err(), "the window bounds what may be sent unread");
    let (mut visitor, mut upstream) = world.visit().await;
    visitor.write_all(b"ping").await.unwrap();
    let mut ping = [0; 4];
    upstream.read_exact(&mut ping).await.unwrap();
    assert_eq!(&ping, b"ping");
}

#[tokio::test(start_paused = true)]
async fn an_abort_wakes_reader_and_writer() {
    let mut world = World::new();
    let (mut visitor, mut upstream) = world.visit().await;
    visitor.abort(ErrorCode::StreamCancelled);
    let error = upstream.read_u8().await.unwrap_err();
    let reset = StreamError::Reset { code: ErrorCode::StreamCancelled, by: crate::ResetBy::Peer };
    assert_eq!(stream_error(&error), reset);
    let error = upstream.write_all(b"x").await.unwrap_err();
    assert_eq!(stream_error(&error), reset);
    assert_eq!(upstream.reset_code(), Some(ErrorCode::StreamCancelled));
    drop((visitor, upstream));
    assert_eq!(world.agent.n_streams(), 0);
    assert_eq!(world.edge.n_streams(), 0);
    world.down().await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_is_reset_on_the_other_side() {
    let mut world = World::new();
    let (mut visitor, upstream) = world.visit().await;
    drop(upstream);
    let error = visitor.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    assert_eq!(world.edge.n_streams(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_response_survives_the_drop_of_its_finished_stream() {
    let mut world = World::new();
    let mut request = world.agent.open(TYPE).unwrap();
    let mut rpc = world.at_edge.accept().await.unwrap();
    assert_eq!(rpc.chunk().await.unwrap().unwrap(), TYPE);
    rpc.send_last(Bytes::from_static(b"{\"Error\":\"no\"}")).unwrap();
    drop(rpc);
    let mut response = String::new();
    request.read_to_string(&mut response).await.unwrap();
    assert_eq!(response, "{\"Error\":\"no\"}");
    request.shutdown().await.unwrap();
    drop(request);
    tokio::time::sleep(Duration::from_millis(1)).await; // paused: lets the drivers run
    assert_eq!((world.agent.n_streams(), world.edge.n_streams()), (0, 0));
    world.down().await;
}

#[tokio::test(start_paused = true)]
async fn a_finished_stream_that_the_peer_never_finishes_ends_by_itself() {
    let mut world = World::new();
    let (mut visitor, mut upstream) = world.visit().await;
    upstream.shutdown().await.unwrap();
    drop(upstream);
    assert_eq!(visitor.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(world.agent.n_streams(), 1);
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!((world.agent.n_streams(), world.edge.n_streams()), (0, 0));
    assert_eq!(visitor.reset_code(), Some(ErrorCode::StreamCancelled));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_acceptor_refuses_streams() {
    let World { edge, at_agent, drivers: _drivers, .. } = World::new();
    drop(at_agent);
    let mut visitor = edge.open(TYPE).unwrap();
    let error = visitor.read_u8().await.unwrap_err();
    let by = crate::ResetBy::Peer;
    assert_eq!(stream_error(&error), StreamError::Reset { code: ErrorCode::StreamRefused, by });
}

#[tokio::test(start_paused = true)]
async fn a_full_accept_queue_refuses_the_stream_and_the_session_lives() {
    let mut world = World::with(Config { accept_backlog: 1, ..Config::agent() }, Config::edge());
    let _first = world.edge.open(TYPE).unwrap();
    let mut second = world.edge.open(TYPE).unwrap();
    let error = second.read_u8().await.unwrap_err();
    let by = crate::ResetBy::Peer;
    assert_eq!(stream_error(&error), StreamError::Reset { code: ErrorCode::AcceptQueueFull, by });
    let _accepted = world.at_agent.accept().await.unwrap();
    world.visit().await;
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_takes_nothing_ends_the_session() {
    let (near, _far) = duplex(1024);
    let (session, _accept, driver) = session(near, Config::edge());
    let mut stream = session.open(TYPE).unwrap();
    stream.write_all(&[0; 4096]).await.unwrap();
    let begun = tokio::time::Instant::now();
    assert!(matches!(driver.await, Err(SessionError::WriteStalled)));
    assert_eq!(begun.elapsed().as_secs(), 30);
    let error = stream.read_u8().await.unwrap_err();
    assert_eq!(stream_error(&error), StreamError::SessionEnded { code: ErrorCode::WriteTimeout });
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_is_the_last_frame_and_comes_after_queued_data() {
    let (near, mut far): (DuplexStream, DuplexStream) = duplex(64 * 1024);
    let (session, _accept, driver) = session(near, Config::edge());
    let mut stream = session.open(TYPE).unwrap();
    stream.send_last(Bytes::from_static(b"bye")).unwrap();
    session.close(ErrorCode::NoError, "no error");
    driver.await.unwrap();
    session.closed().await;
    let mut wire = Vec::new();
    far.read_to_end(&mut wire).await.unwrap();
    assert_eq!(
        wire,
        b"\0\0\x07\x12\0\0\0\x02\0\0\0\x03bye\
          \0\0\0\x11\0\0\0\x02\
          \0\0\x10\x30\0\0\0\0\0\0\0\0\0\0\0\0no error"
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_vanishes_ends_the_session() {
    let (near, far) = duplex(1024);
    let (session, mut accept, driver) = session(near, Config::agent());
    drop(far);
    assert!(matches!(driver.await, Err(SessionError::PeerEof)));
    assert!(accept.accept().await.is_none());
    assert!(matches!(session.ended(), Some(SessionError::PeerEof)));
    assert_eq!(session.open(TYPE).unwrap_err(), crate::OpenError::Closed);
}

#[tokio::test(start_paused = true)]
async fn what_was_consumed_is_granted_when_the_stream_is_idle() {
    let (near, mut far) = duplex(64 * 1024);
    let (_session, mut accept, driver) = session(near, Config::agent());
    let mut drivers = JoinSet::new();
    drivers.spawn(driver);
    far.write_all(b"\0\0\x04\x12\0\0\0\x02\0\0\0\x03").await.unwrap();
    let mut stream = accept.accept().await.unwrap();
    stream.read_u32().await.unwrap();
    let begun = tokio::time::Instant::now();
    let mut grant = [0; 12];
    far.read_exact(&mut grant).await.unwrap();
    assert_eq!(&grant, b"\0\0\x04\x20\0\0\0\x02\0\0\0\x04");
    assert!(begun.elapsed() <= Duration::from_millis(101));
}
