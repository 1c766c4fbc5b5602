//! Flow control: exact, batched, and wide enough for long paths.

use super::{link::Link, *};
use crate::{PeerTraits, WindowPolicy};

const KIB: usize = 1024;

/// Bytes that one stream carries from edge to agent in `seconds` of a path with this round trip.
fn transfer(agent: Config, round_trip: Duration, seconds: u64) -> (u64, usize) {
    let mut link = Link::new(agent, Config::edge(), round_trip);
    let until = link.now + Duration::from_secs(seconds);
    let id = link.edge.open(link.now, TYPE.to_vec().into()).unwrap();
    let chunk = Bytes::from(vec![0; 64 * KIB]);
    let mut received = 0;
    while link.now < until {
        while let Poll::Ready(Ok(room)) = link.edge.poll_room(&cx(), id) {
            link.edge.send(id, chunk.slice(..room.min(chunk.len()))).unwrap();
            link.transmit();
        }
        link.transmit();
        link.advance();
        let _ = link.agent.poll_accept(&cx());
        while let Poll::Ready(Ok(Some(bytes))) = link.agent.poll_chunk(&cx(), id) {
            received += bytes.len() as u64;
            link.agent.release(link.now, id, bytes.len());
            link.transmit();
        }
    }
    (received, link.agent.stats().extra_window)
}

#[test]
fn a_long_path_is_used_twenty_times_better_than_with_a_fixed_window() {
    let round_trip = Duration::from_millis(100);
    let fixed = Config { recv_window: WindowPolicy::Fixed, ..Config::agent() };
    let (slow, none) = transfer(fixed, round_trip, 4);
    let (fast, extra) = transfer(Config::agent(), round_trip, 4);
    assert_eq!(none, 0);
    assert_eq!(extra, 16 * KIB * KIB - crate::INITIAL_WINDOW);
    assert!(fast > 20 * slow, "{fast} bytes against {slow}");
}

#[test]
fn windows_stay_towards_a_peer_that_clamps() {
    let agent = Config { peer: PeerTraits::clamping(), ..Config::agent() };
    let (_, extra) = transfer(agent, Duration::from_millis(100), 2);
    assert_eq!(extra, 0);
}

#[test]
fn the_budget_of_the_session_bounds_all_windows() {
    let recv_window = WindowPolicy::Grow { per_stream: 16 * KIB * KIB, per_session: 300 * KIB };
    let (_, extra) =
        transfer(Config { recv_window, ..Config::agent() }, Duration::from_millis(100), 2);
    assert_eq!(extra, 300 * KIB);
}

fn agent_with_a_stream(now: Instant) -> Machine {
    let mut agent = Machine::new(Config::agent(), now);
    receive(&mut agent, now, &data(2, SYN, &TYPE));
    agent
}

fn drain(agent: &mut Machine, id: StreamId) -> usize {
    let mut n = 0;
    while let Poll::Ready(Ok(Some(bytes))) = agent.poll_chunk(&cx(), id) {
        n += bytes.len();
    }
    n
}

#[test]
fn a_whole_window_is_kept_and_one_byte_more_resets_the_stream() {
    let now = Instant::now();
    let mut agent = agent_with_a_stream(now);
    let rest = vec![0; crate::INITIAL_WINDOW - 4];
    receive(&mut agent, now, &data(2, 0, &rest));
    assert_eq!(agent.reset_code(StreamId(2)), None);
    receive(&mut agent, now, &data(2, 0, b"x"));
    assert_eq!(agent.reset_code(StreamId(2)), Some(ErrorCode::FlowControl));
    assert_eq!(wire(&mut agent, now), b"\0\0\x04\0\0\0\0\x02\0\0\0\x03".as_slice());
    receive(&mut agent, now, &data(2, 0, b"x"));
    assert_eq!(wire(&mut agent, now), b"\0\0\x04\0\0\0\0\x02\0\0\0\x04".as_slice());
    assert!(agent.ended().is_none());
}

#[test]
fn sixteen_violations_end_the_session() {
    let now = Instant::now();
    let mut agent = Machine::new(Config::agent(), now);
    for i in 1..=16 {
        assert!(agent.ended().is_none());
        receive(&mut agent, now, &data(2 * i, SYN, &vec![0; crate::INITIAL_WINDOW]));
        receive(&mut agent, now, &data(2 * i, 0, b"x"));
    }
    assert_eq!(agent.ended().unwrap().code(), ErrorCode::FlowControl);
}

#[test]
fn credit_is_granted_at_half_a_window_of_consumed_bytes_not_at_receipt() {
    let now = Instant::now();
    let mut agent = agent_with_a_stream(now);
    receive(&mut agent, now, &data(2, 0, &vec![0; 200 * KIB]));
    let id = StreamId(2);
    assert_eq!(drain(&mut agent, id), 200 * KIB + 4);
    assert_eq!(wire(&mut agent, now), b"".as_slice());
    agent.release(now, id, 128 * KIB - 1);
    assert_eq!(wire(&mut agent, now), b"".as_slice());
    agent.release(now, id, 1);
    assert_eq!(wire(&mut agent, now), b"\0\0\x04\x20\0\0\0\x02\0\x02\0\0".as_slice());
}

#[test]
fn the_rest_is_granted_when_the_stream_is_idle_and_only_then_is_a_timer_set() {
    let now = Instant::now();
    let mut agent = agent_with_a_stream(now);
    let id = StreamId(2);
    let n = drain(&mut agent, id);
    agent.release(now, id, n);
    let later = agent.deadline().unwrap();
    assert_eq!(later - now, Duration::from_millis(100));
    agent.on_time(later);
    assert_eq!(wire(&mut agent, later), b"\0\0\x04\x20\0\0\0\x02\0\0\0\x04".as_slice());
    assert_eq!(agent.deadline(), None);
    agent.check_windows();
}

#[test]
fn nothing_is_granted_on_a_direction_that_has_ended() {
    let now = Instant::now();
    let mut agent = agent_with_a_stream(now);
    let id = StreamId(2);
    receive(&mut agent, now, &data(2, FIN, &vec![0; 200 * KIB]));
    let n = drain(&mut agent, id);
    agent.release(now, id, n);
    agent.on_time(now + Duration::from_secs(1));
    assert_eq!(wire(&mut agent, now), b"".as_slice());
}

#[test]
fn no_more_is_sent_than_there_is_credit_for_but_the_end_needs_none() {
    let now = Instant::now();
    let mut edge = Machine::new(Config::edge(), now);
    let id = edge.open(now, TYPE.to_vec().into()).unwrap();
    assert_eq!(edge.poll_room(&cx(), id), Poll::Ready(Ok(crate::INITIAL_WINDOW - 4)));
    edge.send(id, vec![0; crate::INITIAL_WINDOW - 4].into()).unwrap();
    assert_eq!(edge.poll_room(&cx(), id), Poll::Pending);
    wire(&mut edge, now);
    assert_eq!(edge.stats().bytes_out, crate::INITIAL_WINDOW as u64);
    assert_eq!(edge.poll_room(&cx(), id), Poll::Pending);
    edge.finish(id).unwrap();
    assert_eq!(wire(&mut edge, now), data(2, FIN, &[]));
}

#[test]
fn a_chunk_larger_than_the_credit_waits_for_more() {
    let now = Instant::now();
    let mut edge = Machine::new(Config::edge(), now);
    let id = edge.open(now, TYPE.to_vec().into()).unwrap();
    edge.send(id, vec![0; crate::INITIAL_WINDOW].into()).unwrap();
    edge.finish(id).unwrap();
    wire(&mut edge, now);
    assert_eq!(edge.poll_finished(&cx(), id), Poll::Pending);
    receive(&mut edge, now, &crate::frame::wndinc(id, 3));
    assert_eq!(wire(&mut edge, now), data(2, 0, &[0; 3]));
    receive(&mut edge, now, &crate::frame::wndinc(id, 9));
    assert_eq!(edge.poll_finished(&cx(), id), Poll::Ready(Ok(())));
    assert_eq!(wire(&mut edge, now), data(2, FIN, &[0]));
}

#[test]
fn credit_above_31_bits_resets_the_stream() {
    let now = Instant::now();
    let mut edge = Machine::new(Config::edge(), now);
    let id = edge.open(now, TYPE.to_vec().into()).unwrap();
    wire(&mut edge, now);
    receive(&mut edge, now, &crate::frame::wndinc(id, 0x7fff_ffff));
    assert_eq!(edge.reset_code(id), Some(ErrorCode::FlowControl));
    assert!(edge.ended().is_none());
}

#[test]
fn a_stream_that_trickles_keeps_its_window() {
    let start = Instant::now();
    let mut agent = agent_with_a_stream(start);
    let id = StreamId(2);
    for i in 0..1200 {
        let now = start + Duration::from_millis(10 * i);
        receive(&mut agent, now, &data(2, 0, &[0; 1024]));
        let n = drain(&mut agent, id);
        agent.release(now, id, n);
        agent.on_time(now);
        wire(&mut agent, now);
    }
    assert_eq!(agent.stats().extra_window, 0);
}

#[test]
fn from_one_grant_to_the_next_no_more_is_sent_than_the_limit() {
    const LIMIT: usize = 300 * KIB;
    let now = Instant::now();
    let mut edge = Machine::new(Config { max_send_credit: LIMIT, ..Config::edge() }, now);
    let id = edge.open(now, TYPE.to_vec().into()).unwrap();
    let mut sent = 0;
    let mut send_all = |edge: &mut Machine| {
        while let Poll::Ready(Ok(n)) = edge.poll_room(&cx(), id) {
            edge.send(id, vec![0; n].into()).unwrap();
            wire(edge, now);
        }
        let since = usize::try_from(edge.stats().bytes_out).unwrap() - sent;
        sent += since;
        since
    };
    assert_eq!(send_all(&mut edge), crate::INITIAL_WINDOW);
    receive(&mut edge, now, &crate::frame::wndinc(id, 8 << 20));
    assert_eq!(send_all(&mut edge), LIMIT);
    receive(&mut edge, now, &crate::frame::wndinc(id, 1));
    assert_eq!(send_all(&mut edge), LIMIT);
}

#[test]
fn a_limit_below_the_first_window_is_not_held_against_the_peer() {
    let start = Instant::now();
    let mut edge = Machine::new(Config { max_send_credit: 0, ..Config::edge() }, start);
    let id = edge.open(start, TYPE.to_vec().into()).unwrap();
    assert_eq!(edge.poll_room(&cx(), id), Poll::Ready(Ok(crate::INITIAL_WINDOW - 4)));
    wire(&mut edge, start);
    let second = crate::frame::wndinc(id, 1).repeat(2000);
    for n_seconds in 0..8 {
        receive(&mut edge, start + Duration::from_secs(n_seconds), &second);
    }
    assert!(edge.ended().is_none());
}
