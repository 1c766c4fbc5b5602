//! Arbitrary bytes, cut in two places, give the same frames as in one piece, and never panic.
#![no_main]

use adit_mux::frame::{Decoder, Event, Fatal};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fn decode<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Event>, Option<Fatal>) {
    let mut decoder = Decoder::new(64 * 1024);
    let mut input = BytesMut::new();
    let mut events = Vec::new();
    let mut joined = Vec::new();
    for part in parts {
        input.extend_from_slice(part);
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

fuzz_target!(|data: &[u8]| {
    let Some((cut, wire)) = data.split_first() else { return };
    let at = wire.len() * usize::from(*cut) / 256;
    let whole = decode([wire]);
    assert_eq!(decode([&wire[..at], &wire[at..]]), whole);
    assert_eq!(decode(wire.chunks(1)), whole);
});
