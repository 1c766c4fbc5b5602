#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rustls::ClientConnection;

use super::*;
use crate::tls;

/// A number that clients send at random.
const GREASE: u16 = 0x3a3a;

fn numbers(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn short(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

fn long(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

/// A message in one record.
fn hello(suites: &[u16], extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let extensions: Vec<u8> = extensions
        .iter()
        .flat_map(|(id, body)| [id.to_be_bytes().to_vec(), long(body)].concat())
        .collect();
    let body = [
        vec![3, 3],
        vec![7; RANDOM_LEN],
        short(&[9; 32]),
        long(&numbers(suites)),
        short(&[0]),
        long(&extensions),
    ]
    .concat();
    let len = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[CLIENT_HELLO], &len[1..], &body].concat();
    [vec![HANDSHAKE, 3, 1], long(&message)].concat()
}

/// What a widely used browser sent when the form was published.
fn browser() -> Vec<u8> {
    let suites = [
        GREASE, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
        0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
    ];
    let signatures = [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601];
    let versions = [GREASE, 0x0304, 0x0303];
    let mut extensions = vec![
        (GREASE, Vec::new()),
        (SERVER_NAME, vec![0]),
        (ALPN, long(&[short(b"h2"), short(b"http/1.1")].concat())),
        (SIGNATURE_ALGORITHMS, long(&numbers(&signatures))),
        (SUPPORTED_VERSIONS, short(&numbers(&versions))),
    ];
    let rest = [
        0x001b, 0x000a, 0x0033, 0x0005, 0x0023, 0xff01, 0x0012, 0x002d, 0x000b, 0x0017, 0x4469,
        0x0015,
    ];
    extensions.extend(rest.map(|id| (id, Vec::new())));
    hello(&suites, &extensions)
}

#[test]
fn the_published_example_has_its_published_fingerprint() {
    assert_eq!(ja4(&browser()).as_deref(), Some("t13d1516h2_8daaf6152771_e5627efa2ab1"));
}

#[test]
fn the_order_of_extensions_does_not_matter() {
    let (one, other) = ((5, vec![1]), (10, vec![2]));
    let print = ja4(&hello(&[0x1301], &[one.clone(), other.clone()]));
    assert_eq!(ja4(&hello(&[0x1301], &[other, one])), print);
}

#[test]
fn a_poor_hello_is_told_as_such() {
    let plain = hello(&[], &[]);
    assert_eq!(ja4(&plain).as_deref(), Some("t12i000000_000000000000_000000000000"));
    let odd = hello(&[], &[(ALPN, long(&short(&[0xab, 0x41, 0xcd])))]);
    assert_eq!(ja4(&odd).as_deref(), Some("t12i0001ad_000000000000_000000000000"));
    let single = hello(&[], &[(ALPN, long(&short(b"h")))]);
    assert_eq!(ja4(&single).as_deref(), Some("t12i0001hh_000000000000_000000000000"));
}

#[test]
fn a_hello_in_several_records_is_put_together() {
    let whole = browser();
    let message = &whole[5..];
    let mut pieces = Vec::new();
    for piece in message.chunks(3) {
        pieces.extend([HANDSHAKE, 3, 1]);
        pieces.extend(long(piece));
    }
    assert_eq!(ja4(&pieces), ja4(&whole));
}

#[test]
fn a_real_client_has_one() {
    let config = tls::client::unverified(&[b"h2"]);
    let mut client = ClientConnection::new(config, "a.test".try_into().unwrap()).unwrap();
    let mut flight = Vec::new();
    client.write_tls(&mut flight).unwrap();
    let print = ja4(&flight).unwrap();
    assert!(print.starts_with("t13d") && print[8..].starts_with("h2_"), "{print}");
    assert_eq!(print.len(), "t13d1516h2_8daaf6152771_e5627efa2ab1".len());
}

#[test]
fn what_is_cut_off_has_none() {
    let whole = browser();
    for end in 0..whole.len() {
        assert_eq!(ja4(&whole[..end]), None, "{end}");
    }
    assert_eq!(ja4(b"GET / HTTP/1.1\r\n\r\n"), None);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = ja4(&[&[HANDSHAKE, 3, 1][..], &long(&bytes)].concat());
        let mut changed = browser();
        for (at, byte) in bytes.iter().enumerate() {
            let place = (at * 37 + usize::from(*byte)) % changed.len();
            changed[place] ^= byte;
        }
        let _ = ja4(&changed);
    }
}
