use proptest::prelude::*;

use super::*;
use crate::model::MAX_EXCERPT;

/// A frame as it is sent, with a mask if it comes from a visitor.
fn frame(first: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let mut frame = vec![first];
    let flag = if mask.is_some() { 0x80 } else { 0 };
    match payload.len() {
        n @ 0..=125 => frame.push(flag | n as u8),
        n @ 126..=0xffff => {
            frame.push(flag | 126);
            frame.extend_from_slice(&(n as u16).to_be_bytes());
        }
        n => {
            frame.push(flag | 127);
            frame.extend_from_slice(&(n as u64).to_be_bytes());
        }
    }
    frame.extend(mask.iter().flatten());
    let mask = mask.unwrap_or_default();
    frame.extend(payload.iter().enumerate().map(|(i, b)| b ^ mask[i % 4]));
    frame
}

fn found(stream: &[u8]) -> Vec<(Kind, bool, u64, Vec<u8>)> {
    let (mut splitter, mut found) = (splitter(None), Vec::new());
    splitter.push(stream, &mut |piece| {
        found.push((piece.kind, piece.is_compressed, piece.len, piece.excerpt.to_vec()));
    });
    found
}

const MASK: Option<[u8; 4]> = Some([1, 2, 3, 4]);

#[test]
fn messages_of_both_parties_are_read() {
    let stream = [frame(0x81, b"hello", MASK), frame(0x82, &[0, 255], None)].concat();
    let hello = (Kind::Text, false, 5, b"hello".to_vec());
    assert_eq!(found(&stream), [hello, (Kind::Binary, false, 2, vec![0, 255])]);
}

#[test]
fn fragments_are_one_message_and_control_frames_may_come_between() {
    let stream = [
        frame(0x01, b"he", MASK),
        frame(0x89, b"?", MASK),
        frame(0x00, b"l", Some([9, 8, 7, 6])),
        frame(0x80, b"lo", MASK),
        frame(0x8a, b"", MASK),
        frame(0x88, &[3, 232, b'b', b'y', b'e'], MASK),
    ];
    let expected = [
        (Kind::Ping, false, 1, b"?".to_vec()),
        (Kind::Text, false, 5, b"hello".to_vec()),
        (Kind::Pong, false, 0, vec![]),
        (Kind::Close { code: Some(1000) }, false, 5, b"\x03\xe8bye".to_vec()),
    ];
    assert_eq!(found(&stream.concat()), expected);
}

#[test]
fn a_compressed_message_says_so_and_a_close_may_be_empty() {
    let stream = [frame(0x41, b"ab", None), frame(0x80, b"c", None), frame(0x88, b"", None)];
    let compressed = (Kind::Text, true, 3, b"abc".to_vec());
    assert_eq!(
        found(&stream.concat()),
        [compressed, (Kind::Close { code: None }, false, 0, vec![])]
    );
}

#[test]
fn compressed_messages_are_read_until_one_makes_no_sense() {
    // RFC 7692, section 7.2.3: "Hello", in one frame, in two, and referring to the one before.
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let stream = [
        frame(0xc1, &hello, MASK),
        frame(0x41, &hello[..3], MASK),
        frame(0x89, b"?", None),
        frame(0x80, &hello[3..], MASK),
        frame(0x81, b"plain", MASK),
        frame(0xc1, &[0xf2, 0x00, 0x11, 0x00, 0x00], MASK),
        frame(0xc1, &[0xff, 0xff], MASK),
        frame(0xc1, &hello, MASK),
    ];
    let (mut splitter, mut found) = (splitter(Some(Takeover::Yes)), Vec::new());
    for byte in stream.concat() {
        splitter.push(&[byte], &mut |piece| {
            found.push((piece.kind, piece.is_compressed, piece.excerpt.to_vec()));
        });
    }
    let text = |text: &str| (Kind::Text, false, text.as_bytes().to_vec());
    let expected = [
        text("Hello"),
        (Kind::Ping, false, b"?".to_vec()),
        text("Hello"),
        text("plain"),
        text("Hello"),
        (Kind::Text, true, vec![0xff, 0xff]),
        (Kind::Text, true, hello.to_vec()),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_long_message_is_counted_and_its_beginning_kept() {
    for len in [126, 0xffff, 0x1_0000] {
        let payload: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        let got = found(&frame(0x82, &payload, MASK));
        let kept = payload[..payload.len().min(MAX_EXCERPT)].to_vec();
        assert_eq!(got, [(Kind::Binary, false, len as u64, kept)], "{len}");
    }
}

#[test]
fn nonsense_ends_the_list() {
    let ok = frame(0x81, b"a", None);
    for nonsense in [
        frame(0x80, b"", None),       // nothing to continue
        frame(0x83, b"", None),       // a kind that is not defined
        frame(0xa1, b"", None),       // a bit that is not defined
        frame(0x09, b"", None),       // a control frame in parts
        frame(0x89, &[0; 126], None), // a control frame that is too long
        [frame(0x01, b"a", None), frame(0x81, b"b", None)].concat(), // a message in a message
        vec![0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255],
    ] {
        let stream = [&ok[..], &nonsense, &ok].concat();
        let kinds: Vec<_> = found(&stream).into_iter().map(|(kind, ..)| kind).collect();
        assert_eq!(kinds, [Kind::Text, Kind::Invalid], "{nonsense:02x?}");
    }
}

proptest! {
    #[test]
    fn any_split_of_the_bytes_gives_the_same_messages(
        messages in proptest::collection::vec((any::<bool>(), any::<Option<[u8; 4]>>(),
            proptest::collection::vec(any::<u8>(), 0..300)), 0..10),
        cuts in proptest::collection::vec(1_usize..40, 0..100),
    ) {
        let stream: Vec<u8> = messages
            .iter()
            .flat_map(|(is_text, mask, payload)| frame(if *is_text { 0x81 } else { 0x82 }, payload, *mask))
            .collect();
        let (mut splitter, mut got, mut rest) = (splitter(None), Vec::new(), &stream[..]);
        let mut tell = |piece: Piece| got.push((piece.kind == Kind::Text, piece.excerpt.to_vec()));
        for n in cuts {
            let (now, later) = rest.split_at(n.min(rest.len()));
            splitter.push(now, &mut tell);
            rest = later;
        }
        splitter.push(rest, &mut tell);
        let expected: Vec<_> = messages.into_iter().map(|(kind, _, payload)| (kind, payload)).collect();
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn no_bytes_panic(stream: Vec<u8>, cut: usize) {
        let mut splitter = splitter(None);
        let (a, b) = stream.split_at(cut % (stream.len() + 1));
        splitter.push(a, &mut |_| {});
        splitter.push(b, &mut |_| {});
    }
}
