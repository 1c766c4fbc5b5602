//! Machines without a runtime: fed by hand, and in pairs over a simulated link.
#![allow(clippy::unwrap_used)]

mod link;
mod properties;
mod strangers;
mod windows;

use std::{
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes, BytesMut};

use super::*;
use crate::{
    StreamError,
    frame::{FIN, Header, Kind, SYN, StreamId},
};

const TYPE: [u8; 4] = [0, 0, 0, 3];

fn cx() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

/// One DATA frame on the wire.
fn data(id: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap();
    [&Header { len, kind: Kind::Data, flags, id }.encode(), payload].concat()
}

/// All that a machine has to say now.
fn wire(machine: &mut Machine, now: Instant) -> Bytes {
    let mut all = BytesMut::new();
    let mut batch = Batch::vectored();
    loop {
        machine.pull(now, &mut batch);
        if !batch.has_remaining() {
            machine.check();
            return all.freeze();
        }
        while batch.has_remaining() {
            all.extend_from_slice(batch.chunk());
            batch.advance(batch.chunk().len());
        }
    }
}

fn receive(machine: &mut Machine, now: Instant, bytes: &[u8]) {
    machine.receive(now, &mut BytesMut::from(bytes));
    machine.check();
}

impl Machine {
    /// What must be true at any time.
    fn check(&self) {
        let counted: usize = self.streams.values().map(|stream| stream.send.counted).sum();
        assert_eq!(counted, self.unsent, "unsent bytes are counted once");
        let extra: usize =
            self.streams.values().map(|stream| stream.recv.window() - crate::INITIAL_WINDOW).sum();
        assert_eq!(extra, self.extra_window, "windows above the first are counted once");
        let open = self.streams.values().filter(|stream| stream.slot != table::Slot::Free).count();
        assert_eq!(open, self.streams.n_open(), "open streams are counted once");
    }

    /// What must be true of every stream once nothing is under way and readers hold nothing.
    fn check_windows(&self) {
        for stream in self.streams.values().filter(|stream| stream.reset.is_none()) {
            assert!(stream.recv.is_balanced(0), "window = credit + queued + not yet granted");
        }
    }
}

#[test]
fn the_opening_frame_carries_all_of_the_first_bytes_and_never_the_end() {
    let now = Instant::now();
    let mut edge = Machine::new(Config::edge(), now);
    let first = [&TYPE[..], &[7; 40_000]].concat();
    let id = edge.open(now, first.clone().into()).unwrap();
    edge.finish(id).unwrap();
    let expected = [data(2, SYN, &first), data(2, FIN, &[])].concat();
    assert!(wire(&mut edge, now) == expected);
}

#[test]
fn ids_start_at_three_and_two_and_grow_by_two() {
    let now = Instant::now();
    for (config, expected) in [(Config::agent(), [3, 5]), (Config::edge(), [2, 4])] {
        let mut machine = Machine::new(config, now);
        let mut open = || machine.open(now, TYPE.to_vec().into()).unwrap().as_u32();
        assert_eq!([open(), open()], expected);
    }
}

#[test]
fn the_last_chunk_and_the_end_share_a_frame() {
    let now = Instant::now();
    let mut edge = Machine::new(Config::edge(), now);
    receive(&mut edge, now, &data(3, SYN, &TYPE));
    let id = StreamId(3);
    edge.send(id, Bytes::from_static(b"{}")).unwrap();
    edge.finish(id).unwrap();
    assert_eq!(wire(&mut edge, now), data(3, FIN, b"{}"));
}

#[test]
fn an_abort_is_fin_then_rst_and_nothing_follows() {
    let now = Instant::now();
    let mut edge = Machine::new(Config::edge(), now);
    let id = edge.open(now, TYPE.to_vec().into()).unwrap();
    wire(&mut edge, now);
    edge.abort(id, ErrorCode::StreamCancelled);
    assert_eq!(
        edge.send(id, Bytes::from_static(b"x")).unwrap_err(),
        StreamError::Reset { code: ErrorCode::StreamCancelled, by: crate::ResetBy::Local }
    );
    edge.detach(now, id);
    let expected = [data(2, FIN, &[]), vec![0, 0, 4, 0, 0, 0, 0, 2, 0, 0, 0, 6]].concat();
    assert_eq!(wire(&mut edge, now), expected);
    assert_eq!(edge.stats().n_streams, 0);
}

#[test]
fn what_was_said_before_an_abort_goes_first() {
    let now = Instant::now();
    let mut edge = Machine::new(Config::edge(), now);
    receive(&mut edge, now, &data(3, SYN, &TYPE));
    let id = StreamId(3);
    edge.send(id, Bytes::from_static(b"413")).unwrap();
    edge.detach(now, id);
    assert_eq!(edge.stats().n_streams, 1, "it counts until the peer can know");
    receive(&mut edge, now, &data(3, 0, b"more of an upload"));
    let expected = [data(3, FIN, b"413"), vec![0, 0, 4, 0, 0, 0, 0, 3, 0, 0, 0, 6]].concat();
    assert_eq!(wire(&mut edge, now), expected);
    assert_eq!(edge.stats().n_streams, 0);
    receive(&mut edge, now, &data(3, 0, b"x"));
    assert_eq!(wire(&mut edge, now), crate::frame::rst(id, ErrorCode::StreamClosed).as_slice());
}

#[test]
fn an_abort_does_not_wait_for_credit() {
    let now = Instant::now();
    let mut edge = Machine::new(Config::edge(), now);
    let id = edge.open(now, TYPE.to_vec().into()).unwrap();
    wire(&mut edge, now);
    let most = crate::INITIAL_WINDOW - TYPE.len();
    for _ in 0..3 {
        edge.send(id, vec![1; most - 1000].into()).unwrap();
    }
    edge.detach(now, id);
    let all = wire(&mut edge, now);
    let n_headers = most.div_ceil(send::MAX_PAYLOAD);
    assert_eq!(all.len(), most + n_headers * 8 + 12);
    assert_eq!(all[all.len() - 12..], crate::frame::rst(id, ErrorCode::StreamCancelled));
    assert_eq!(edge.stats().n_streams, 0);
}

#[test]
fn nothing_follows_the_reset_of_a_peer_that_was_being_left() {
    let now = Instant::now();
    let mut edge = Machine::new(Config::edge(), now);
    let id = edge.open(now, TYPE.to_vec().into()).unwrap();
    wire(&mut edge, now);
    edge.send(id, Bytes::from_static(b"unheard")).unwrap();
    edge.detach(now, id);
    receive(&mut edge, now, &crate::frame::rst(id, ErrorCode::StreamRefused));
    assert_eq!(wire(&mut edge, now), b"".as_slice());
    assert_eq!(edge.stats().n_streams, 0);
}

#[test]
fn what_arrived_before_a_reset_can_still_be_read() {
    let now = Instant::now();
    let mut edge = Machine::new(Config::edge(), now);
    receive(&mut edge, now, &data(3, SYN, &TYPE));
    receive(&mut edge, now, &crate::frame::rst(StreamId(3), ErrorCode::StreamCancelled));
    let id = StreamId(3);
    assert_eq!(edge.poll_chunk(&cx(), id), Poll::Ready(Ok(Some(TYPE.to_vec().into()))));
    let reset = StreamError::Reset { code: ErrorCode::StreamCancelled, by: crate::ResetBy::Peer };
    assert_eq!(edge.poll_chunk(&cx(), id), Poll::Ready(Err(reset)));
    edge.release(now, id, TYPE.len());
    assert_eq!(wire(&mut edge, now), b"".as_slice(), "nothing is granted");
}

#[test]
fn a_stream_aborted_before_it_was_announced_leaves_no_trace() {
    let now = Instant::now();
    let mut edge = Machine::new(Config::edge(), now);
    let id = edge.open(now, TYPE.to_vec().into()).unwrap();
    edge.detach(now, id);
    assert_eq!(wire(&mut edge, now), b"".as_slice());
    assert_eq!(edge.stats().n_streams, 0);
}

#[test]
fn a_reset_is_never_answered() {
    let now = Instant::now();
    let mut edge = Machine::new(Config::edge(), now);
    let id = edge.open(now, TYPE.to_vec().into()).unwrap();
    wire(&mut edge, now);
    receive(&mut edge, now, &crate::frame::rst(id, ErrorCode::StreamRefused));
    receive(&mut edge, now, &data(2, FIN, &[])); // one family sends it after its RST
    assert_eq!(edge.reset_code(id), Some(ErrorCode::StreamRefused));
    edge.detach(now, id);
    assert_eq!(wire(&mut edge, now), b"".as_slice());
}

#[test]
fn streams_take_turns_and_control_goes_first() {
    let now = Instant::now();
    let mut edge = Machine::new(Config::edge(), now);
    let ids: Vec<_> = (0..3).map(|_| edge.open(now, TYPE.to_vec().into()).unwrap()).collect();
    wire(&mut edge, now);
    for id in &ids {
        edge.send(*id, vec![0; 100_000].into()).unwrap();
    }
    receive(&mut edge, now, &data(99, 0, b"stray"));
    let mut seen = Vec::new();
    let mut all = wire(&mut edge, now);
    while all.has_remaining() {
        let header = Header::decode(*all.first_chunk().unwrap());
        all.advance(8 + header.len as usize);
        seen.push((header.id, header.kind));
    }
    let round = [2, 4, 6].map(|id| (id, Kind::Data));
    assert_eq!(seen[..1], [(99, Kind::Rst)]);
    assert_eq!(seen[1..7], [round, round].concat());
}

#[test]
fn a_small_window_does_not_fill_the_budget_of_the_session() {
    let now = Instant::now();
    let mut edge = Machine::new(Config { max_unsent: 400_000, ..Config::edge() }, now);
    for _ in 0..8 {
        let id = edge.open(now, TYPE.to_vec().into()).unwrap();
        wire(&mut edge, now);
        edge.send(id, vec![0; 300_000].into()).unwrap(); // more than the peer has credit for
        wire(&mut edge, now);
        assert_eq!(edge.stats().unsent, 0);
    }
    let id = edge.open(now, TYPE.to_vec().into()).unwrap();
    assert_eq!(edge.poll_room(&cx(), id), Poll::Ready(Ok(crate::INITIAL_WINDOW - 4)));
}

#[test]
fn bytes_that_wait_for_the_transport_are_bounded_for_all_streams_together() {
    let now = Instant::now();
    let mut edge = Machine::new(Config { max_unsent: 400_000, ..Config::edge() }, now);
    let mut n_taken = 0;
    for _ in 0..8 {
        let id = edge.open(now, TYPE.to_vec().into()).unwrap();
        if edge.poll_room(&cx(), id).is_ready() {
            edge.send(id, vec![0; 100_000].into()).unwrap();
            n_taken += 1;
        }
    }
    assert_eq!(n_taken, 4);
    wire(&mut edge, now);
    assert!(!edge.take_wakes().is_empty(), "waiting writers go on once the transport took some");
}

#[test]
fn what_arrived_before_the_session_ended_can_still_be_read() {
    let now = Instant::now();
    let mut edge = Machine::new(Config::edge(), now);
    receive(&mut edge, now, &data(3, SYN, &TYPE));
    receive(&mut edge, now, &data(5, SYN | FIN, &TYPE));
    edge.receive_eof();
    let id = StreamId(3);
    assert_eq!(edge.poll_chunk(&cx(), id), Poll::Ready(Ok(Some(TYPE.to_vec().into()))));
    let ended = StreamError::SessionEnded { code: ErrorCode::PeerEof };
    assert_eq!(edge.poll_chunk(&cx(), id), Poll::Ready(Err(ended)));
    let id = StreamId(5);
    assert_eq!(edge.poll_chunk(&cx(), id), Poll::Ready(Ok(Some(TYPE.to_vec().into()))));
    assert_eq!(edge.poll_chunk(&cx(), id), Poll::Ready(Ok(None)));
}

#[test]
fn a_reset_after_both_ends_reaches_a_reader_that_is_behind() {
    let now = Instant::now();
    let mut edge = Machine::new(Config::edge(), now);
    receive(&mut edge, now, &data(3, SYN, &TYPE));
    edge.finish(StreamId(3)).unwrap();
    wire(&mut edge, now);
    receive(&mut edge, now, &data(3, FIN, b"half a response"));
    receive(&mut edge, now, &crate::frame::rst(StreamId(3), ErrorCode::StreamCancelled));
    let first = [&TYPE[..], b"half a response"].concat();
    assert_eq!(edge.poll_chunk(&cx(), StreamId(3)), Poll::Ready(Ok(Some(first.into()))));
    assert!(matches!(edge.poll_chunk(&cx(), StreamId(3)), Poll::Ready(Err(_))));
    assert_eq!(edge.stats().n_streams, 0);
    assert_eq!(edge.deadline().map(|at| at <= now + Duration::from_secs(1)), Some(true));
}

#[test]
fn an_idle_stream_costs_little() {
    // 2,000 streams of one session shall cost about a megabyte on each side.
    assert!(size_of::<table::StreamState>() <= 400, "{}", size_of::<table::StreamState>());
    assert!(size_of::<Machine>() <= 1536, "{}", size_of::<Machine>());
}
