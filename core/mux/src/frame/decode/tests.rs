#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::frame::{FIN, SYN, StreamId, goaway, rst, wndinc};

const LIMIT: usize = 256 * 1024;

fn data(id: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap();
    [&Header { len, kind: Kind::Data, flags, id }.encode(), payload].concat()
}

/// Everything in `wire`, fed in parts that end at `cuts`, with payloads joined per frame.
fn decode(wire: &[u8], cuts: &[usize]) -> (Vec<Event>, Option<Fatal>) {
    let mut decoder = Decoder::new(LIMIT);
    let mut input = BytesMut::new();
    let mut events = Vec::new();
    let mut joined = Vec::new();
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (wire.len() + 1)).collect();
    ends.push(wire.len());
    ends.sort_unstable();
    let mut start = 0;
    for end in ends {
        input.extend_from_slice(&wire[start..end]);
        start = end;
        loop {
            match decoder.next(&mut input) {
                Ok(Some(Event::Payload { bytes, last })) => {
                    joined.extend_from_slice(&bytes);
                    if last {
                        let bytes = std::mem::take(&mut joined).into();
                        events.push(Event::Payload { bytes, last });
                    }
                }
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(fatal) => return (events, Some(fatal)),
            }
        }
    }
    (events, None)
}

fn one_of_each() -> Vec<u8> {
    [
        data(3, SYN, &[0xff; 4]),
        data(3, 0, &vec![7; 20_000]),
        wndinc(StreamId(2), 262_144).to_vec(),
        vec![0, 0, 3, 0x70, 0, 0, 0, 9, 1, 2, 3], // unassigned kind, skipped
        data(3, 0, &vec![8; LIMIT + 1]),          // too long, discarded
        data(5, FIN, &[]),
        rst(StreamId(2), ErrorCode::FlowControl).to_vec(),
        goaway(9, ErrorCode::Protocol, "bad frame"),
    ]
    .concat()
}

#[test]
fn one_of_each_is_understood() {
    let header = |id, flags, len| Header { len, kind: Kind::Data, flags, id };
    let (events, fatal) = decode(&one_of_each(), &[]);
    assert_eq!(fatal, None);
    assert_eq!(
        events,
        [
            Event::Data(header(3, SYN, 4)),
            Event::Payload { bytes: Bytes::from_static(&[0xff; 4]), last: true },
            Event::Data(header(3, 0, 20_000)),
            Event::Payload { bytes: vec![7; 20_000].into(), last: true },
            Event::Grant { id: 2, n: 262_144 },
            Event::Skipped,
            Event::Oversized(header(3, 0, 262_145)),
            Event::Data(header(5, FIN, 0)),
            Event::Reset { id: 2, code: ErrorCode::FlowControl },
            Event::GoAway { last: 9, code: ErrorCode::Protocol, text: "bad frame".into() },
        ]
    );
}

#[test]
fn a_goodbye_whose_length_is_eight_too_small_is_understood() {
    // Fact: so does one family encode it; the last eight bytes of the text lie outside the frame.
    let mut wire = goaway(0, ErrorCode::Protocol, "session closed");
    wire[2] -= 8;
    let (events, _) = decode(&wire, &[]);
    let text = "sessio".to_owned();
    assert_eq!(events[0], Event::GoAway { last: 0, code: ErrorCode::Protocol, text });
}

#[test]
fn a_long_payload_is_passed_on_before_it_is_complete() {
    let mut decoder = Decoder::new(LIMIT);
    let mut input = BytesMut::from(&data(3, 0, &vec![1; 60_000])[..10_008]);
    assert!(matches!(decoder.next(&mut input), Ok(Some(Event::Data(_)))));
    let bytes = Bytes::from(vec![1; 10_000]);
    assert_eq!(decoder.next(&mut input), Ok(Some(Event::Payload { bytes, last: false })));
    assert_eq!(decoder.next(&mut input), Ok(None));
}

#[test]
fn malformed_frames_end_the_session_with_the_right_code() {
    let frame = |kind: u8, flags: u8, len: u32, id: u32| {
        let [_, a, b, c] = len.to_be_bytes();
        let mut wire = vec![a, b, c, kind << 4 | flags];
        wire.extend_from_slice(&id.to_be_bytes());
        wire.resize(8 + len.min(64) as usize, 0);
        decode(&wire, &[]).1.map(|fatal| fatal.code)
    };
    let (protocol, size) = (Some(ErrorCode::Protocol), Some(ErrorCode::FrameSize));
    assert_eq!(frame(0, 0, 3, 2), size, "RST of three bytes");
    assert_eq!(frame(2, 0, 5, 2), size, "WNDINC of five bytes");
    assert_eq!(frame(0, 0, 4, 0), protocol, "RST on stream 0");
    assert_eq!(frame(2, 0, 4, 0), protocol, "WNDINC on stream 0");
    assert_eq!(frame(1, 0, 4, 0), protocol, "DATA on stream 0");
    assert_eq!(frame(3, 0, 16, 2), protocol, "GOAWAY on a stream");
    assert_eq!(frame(3, 0, 7, 0), size, "GOAWAY of seven bytes");
    assert_eq!(frame(3, 0, 8 + 4097, 0), size, "GOAWAY with a novel");
    assert_eq!(frame(0, SYN, 4, 2), protocol, "SYN on RST");
    assert_eq!(frame(2, SYN, 4, 2), protocol, "SYN on WNDINC");
    assert_eq!(frame(1, 0, 0x0010_0001, 2), size, "DATA above 1 MiB");
    assert_eq!(frame(1, 0, 0x0010_0000, 2), None, "DATA of 1 MiB is discarded");
    assert_eq!(frame(9, SYN, 20, 0), None, "unassigned kinds are skipped");
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_frames(
        cuts in proptest::collection::vec(any::<usize>(), 0..40)
    ) {
        let wire = one_of_each();
        prop_assert_eq!(decode(&wire, &cuts), decode(&wire, &[]));
    }

    #[test]
    fn no_input_panics(
        wire in proptest::collection::vec(any::<u8>(), 0..400),
        cuts in proptest::collection::vec(any::<usize>(), 0..8),
    ) {
        prop_assert_eq!(decode(&wire, &cuts), decode(&wire, &[]));
    }
}
