//! Peers that break the rules or the limits.

use super::*;
use crate::{
    Limits,
    frame::{rst, wndinc},
};

fn edge() -> (Machine, Instant) {
    let now = Instant::now();
    (Machine::new(Config::edge(), now), now)
}

/// What the peer is told when it sends this, and whether the session goes on.
fn answer(bytes: &[u8]) -> (Bytes, Option<ErrorCode>) {
    let (mut edge, now) = edge();
    receive(&mut edge, now, &data(3, SYN, &TYPE));
    receive(&mut edge, now, bytes);
    let code = edge.ended().map(SessionError::code);
    (wire(&mut edge, now), code)
}

fn goodbye(code: u8) -> impl Fn((Bytes, Option<ErrorCode>)) -> bool {
    move |(bytes, ended)| {
        ended == Some(ErrorCode::from(u32::from(code)))
            && bytes[3] == 0x30
            && bytes[12..16] == [0, 0, 0, code]
            && bytes.len() == 8 + usize::from(bytes[1]) * 256 + usize::from(bytes[2])
    }
}

#[test]
fn breaking_the_protocol_ends_the_session_with_the_right_code() {
    let protocol = goodbye(1);
    assert!(protocol(answer(&data(0, 0, b"x"))), "DATA on stream 0");
    assert!(protocol(answer(&data(2, SYN, &TYPE))), "wrong parity");
    assert!(protocol(answer(&data(3, SYN, &TYPE))), "opened twice");
    assert!(protocol(answer(&data(1, SYN, &TYPE))), "out of order");
    assert!(goodbye(8)(answer(&[0, 0, 3, 0, 0, 0, 0, 3, 0, 0, 0])), "RST of three bytes");
}

#[test]
fn strays_are_answered_only_if_they_carry_payload() {
    let silent = |bytes: &[u8]| assert_eq!(answer(bytes), (Bytes::new(), None));
    silent(&data(99, FIN, &[]));
    silent(&rst(StreamId(99), ErrorCode::StreamClosed));
    silent(&wndinc(StreamId(99), 5));
    silent(&[0, 0, 1, 0xf0, 0, 0, 0, 0, 7]); // unassigned kind
    let closed = rst(StreamId(99), ErrorCode::StreamClosed).to_vec();
    assert_eq!(answer(&data(99, 0, b"x")), (closed.into(), None));
    let closed = rst(StreamId(3), ErrorCode::StreamClosed).to_vec();
    let after_fin = [data(3, FIN, &[]), data(3, 0, b"x")].concat();
    assert_eq!(answer(&after_fin), (closed.into(), None));
}

#[test]
fn a_frame_that_is_too_long_is_skipped_exactly_and_costs_its_stream_only() {
    let (mut edge, now) = edge();
    edge.set_limits(Limits::before_auth(), now);
    receive(&mut edge, now, &data(3, SYN, &TYPE));
    let long = data(3, 0, &vec![0; 65_537]);
    receive(&mut edge, now, &[long, data(5, SYN, &TYPE)].concat());
    assert_eq!(edge.reset_code(StreamId(3)), Some(ErrorCode::FlowControl));
    assert_eq!(wire(&mut edge, now), rst(StreamId(3), ErrorCode::FlowControl).as_slice());
    assert_eq!(edge.stats().n_streams, 1);
}

#[test]
fn a_fifth_stream_before_authentication_ends_the_session() {
    let (mut edge, now) = edge();
    edge.set_limits(Limits::before_auth(), now);
    for id in [3, 5, 7, 9] {
        receive(&mut edge, now, &data(id, SYN, &TYPE));
    }
    assert!(edge.ended().is_none());
    receive(&mut edge, now, &data(11, SYN, &TYPE));
    assert_eq!(edge.ended().unwrap().code(), ErrorCode::EnhanceYourCalm);
}

#[test]
fn a_stream_above_the_limit_is_refused_and_a_closed_one_makes_room() {
    let (mut edge, now) = edge();
    for i in 0..64 {
        receive(&mut edge, now, &data(3 + 2 * i, SYN, &TYPE));
    }
    receive(&mut edge, now, &data(201, SYN, &TYPE));
    assert_eq!(wire(&mut edge, now), rst(StreamId(201), ErrorCode::StreamRefused).as_slice());
    receive(&mut edge, now, &rst(StreamId(3), ErrorCode::StreamCancelled));
    receive(&mut edge, now, &data(203, SYN, &TYPE));
    assert_eq!(wire(&mut edge, now), b"".as_slice());
}

#[test]
fn cheap_frames_in_numbers_end_the_session() {
    let stray = wndinc(StreamId(99), 1).to_vec();
    let empty = data(3, 0, &[]);
    let unknown = vec![0, 0, 0, 0x50, 0, 0, 0, 3];
    let over = wndinc(StreamId(3), 0).to_vec();
    for frame in [stray, empty, unknown, over] {
        let (mut edge, start) = edge();
        receive(&mut edge, start, &data(3, SYN, &TYPE));
        let second = frame.repeat(1001);
        let mut n_seconds = 0;
        while edge.ended().is_none() {
            receive(&mut edge, start + Duration::from_secs(n_seconds), &second);
            n_seconds += 1;
        }
        assert_eq!(edge.ended().unwrap().code(), ErrorCode::EnhanceYourCalm);
        assert_eq!(n_seconds, 6);
    }
}

#[test]
fn what_is_skipped_and_what_a_goodbye_may_say_are_limits() {
    let limits = Limits { max_skipped_len: 300_000, max_goaway_text: 9, ..Limits::before_auth() };
    let ended = |bytes: &[u8]| {
        let (mut edge, now) = edge();
        edge.set_limits(limits, now);
        receive(&mut edge, now, &data(3, SYN, &TYPE));
        receive(&mut edge, now, bytes);
        edge.ended().map(SessionError::code)
    };
    assert_eq!(ended(&data(3, 0, &vec![0; 300_000])), None);
    assert_eq!(ended(&data(3, 0, &vec![0; 300_001])), Some(ErrorCode::FrameSize));
    let goodbye = |text| crate::frame::goaway(0, ErrorCode::Internal, text);
    assert_eq!(ended(&goodbye("too much.")), Some(ErrorCode::RemoteGoneAway));
    assert_eq!(ended(&goodbye("too little")), Some(ErrorCode::FrameSize));
}

#[test]
fn ordinary_credit_in_numbers_is_no_flood() {
    let (mut edge, start) = edge();
    receive(&mut edge, start, &data(3, SYN, &TYPE));
    let second = wndinc(StreamId(3), 1).repeat(20_000);
    for n_seconds in 0..8 {
        receive(&mut edge, start + Duration::from_secs(n_seconds), &second);
    }
    assert!(edge.ended().is_none());
}

#[test]
fn a_peer_that_reads_no_answers_is_not_read_from() {
    let (mut edge, now) = edge();
    assert!(!edge.is_choked());
    receive(&mut edge, now, &data(99, 0, b"x").repeat(1025));
    assert!(edge.is_choked());
    wire(&mut edge, now);
    assert!(!edge.is_choked());
}

#[test]
fn after_a_goodbye_every_byte_is_ignored() {
    let (mut edge, now) = edge();
    let mut bytes = crate::frame::goaway(0, ErrorCode::NoError, "session closed");
    bytes[2] -= 8; // as one family encodes it
    bytes.extend(data(0, 0, b"rubbish"));
    receive(&mut edge, now, &bytes);
    assert!(matches!(
        edge.ended(),
        Some(SessionError::GoAway { code: ErrorCode::NoError, text }) if text == "sessio"
    ));
    assert_eq!(wire(&mut edge, now), b"".as_slice());
}

#[test]
fn tiny_frames_are_joined_so_that_a_window_of_them_costs_a_window() {
    let (mut edge, now) = edge();
    receive(&mut edge, now, &data(3, SYN, &TYPE));
    receive(&mut edge, now, &data(3, 0, b"x").repeat(40_000));
    let mut n_chunks = 0;
    while let Poll::Ready(Ok(Some(_))) = edge.poll_chunk(&cx(), StreamId(3)) {
        n_chunks += 1;
    }
    assert_eq!(n_chunks, 3);
}
