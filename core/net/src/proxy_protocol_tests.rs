#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const WITHIN: Duration = Duration::from_secs(3);

fn proxied(source: &str, destination: &str) -> Header {
    Header::Proxied { source: source.parse().unwrap(), destination: destination.parse().unwrap() }
}

fn example() -> Header {
    proxied("192.0.2.7:5555", "198.51.100.1:443")
}

async fn read_bytes(bytes: &[u8]) -> Result<Header, ReadError> {
    read(&mut Rewind::new(bytes), WITHIN).await
}

#[test]
fn version_1_is_one_line() {
    assert_eq!(
        &example().to_bytes(Version::V1)[..],
        b"PROXY TCP4 192.0.2.7 198.51.100.1 5555 443\r\n"
    );
    assert_eq!(
        &proxied("[2001:db8::1]:1", "[2001:db8::2]:65535").to_bytes(Version::V1)[..],
        b"PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"
    );
    assert_eq!(&Header::Local.to_bytes(Version::V1)[..], b"PROXY UNKNOWN\r\n");
}

#[test]
fn version_2_is_binary() {
    let expected = [
        0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11, 0x00,
        0x0c, 0xc0, 0x00, 0x02, 0x07, 0xc6, 0x33, 0x64, 0x01, 0x15, 0xb3, 0x01, 0xbb,
    ];
    assert_eq!(&example().to_bytes(Version::V2)[..], expected);
    let v6 = proxied("[2001:db8::1]:1", "[2001:db8::2]:2").to_bytes(Version::V2);
    assert_eq!((v6.len(), &v6[12..16]), (52, &[0x21, 0x21, 0x00, 0x24][..]));
    let local = Header::Local.to_bytes(Version::V2);
    assert_eq!((local.len(), &local[12..]), (16, &[0x20, 0, 0, 0][..]));
}

#[test]
fn mapped_addresses_are_ipv4_and_mixed_families_are_written_as_ipv6() {
    let dual_stack = proxied("[::ffff:192.0.2.7]:5555", "198.51.100.1:443");
    assert_eq!(dual_stack.to_bytes(Version::V2), example().to_bytes(Version::V2));
    let mixed = proxied("192.0.2.7:5555", "[2001:db8::2]:443");
    assert_eq!(
        &mixed.to_bytes(Version::V1)[..],
        b"PROXY TCP6 ::ffff:192.0.2.7 2001:db8::2 5555 443\r\n"
    );
}

#[test]
fn versions_are_1_and_2() {
    assert_eq!(Version::try_from(1), Ok(Version::V1));
    assert_eq!(Version::try_from(2), Ok(Version::V2));
    assert_eq!(
        Version::try_from(3).unwrap_err().to_string(),
        "unknown PROXY protocol version 3; use 1 or 2"
    );
}

#[tokio::test]
async fn what_follows_the_header_is_kept() {
    for version in [Version::V1, Version::V2] {
        let mut sent = example().to_bytes(version).to_vec();
        sent.extend_from_slice(b"\x16\x03\x01hello");
        let mut io = Rewind::new(&sent[..]);
        assert_eq!(read(&mut io, WITHIN).await.unwrap(), example());
        let mut rest = Vec::new();
        io.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"\x16\x03\x01hello");
    }
}

#[tokio::test]
async fn a_connection_without_a_header_goes_on_as_it_is() {
    for sent in [&b"GET / HTTP/1.1\r\n"[..], b"\r\n\r\n\0\r\nQUIP", b"PRI * HTTP/2.0", b"PROXYX "] {
        let mut io = Rewind::new(sent);
        assert!(matches!(read(&mut io, WITHIN).await, Err(ReadError::Absent)));
        let mut again = Vec::new();
        io.read_to_end(&mut again).await.unwrap();
        assert_eq!(again, sent);
    }
}

#[tokio::test]
async fn version_2_extensions_are_skipped_and_local_has_no_addresses() {
    let mut sent = example().to_bytes(Version::V2).to_vec();
    sent[15] += 7;
    sent.extend_from_slice(b"\x02\x00\x04test-and-more"); // an authority TLV of 4 bytes
    let mut io = Rewind::new(&sent[..]);
    assert_eq!(read(&mut io, WITHIN).await.unwrap(), example());
    assert_eq!(&io.prefix()[..], b"-and-more");

    sent[12] = 0x20;
    assert_eq!(read_bytes(&sent).await.unwrap(), Header::Local);
}

#[tokio::test]
async fn headers_over_the_limit_are_refused_before_they_are_read() {
    let mut long = example().to_bytes(Version::V2).to_vec();
    long[14..16].copy_from_slice(&521_u16.to_be_bytes());
    assert!(matches!(read_bytes(&long).await, Err(ReadError::TooLong)));
    let endless = [&b"PROXY UNKNOWN "[..], &[b'x'; 200]].concat();
    assert!(matches!(read_bytes(&endless).await, Err(ReadError::TooLong)));
    // The longest allowed one: 520 bytes behind the fixed part.
    let mut longest = Header::Local.to_bytes(Version::V2).to_vec();
    longest[14..16].copy_from_slice(&520_u16.to_be_bytes());
    longest.resize(MAX_PROXY_HEADER, 0);
    longest.extend_from_slice(b"after");
    let mut io = Rewind::new(&longest[..]);
    assert_eq!(read(&mut io, WITHIN).await.unwrap(), Header::Local);
    let mut rest = Vec::new();
    io.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"after");
}

#[tokio::test]
async fn broken_headers_name_what_is_wrong() {
    for sent in ["PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "PROXY TCP4 a b 1 2\r\n", "PROXY \r\n"] {
        let result = read_bytes(sent.as_bytes()).await;
        assert!(matches!(result, Err(ReadError::Malformed { .. })), "{sent:?}: {result:?}");
    }
    let mut wrong_version = example().to_bytes(Version::V2).to_vec();
    wrong_version[12] = 0x31;
    let result = read_bytes(&wrong_version).await;
    assert!(matches!(result, Err(ReadError::Malformed { .. })), "{result:?}");
}

#[tokio::test]
async fn an_end_within_the_header_is_an_error() {
    for version in [Version::V1, Version::V2] {
        let sent = example().to_bytes(version);
        for n in [0, 1, 13, sent.len() - 1] {
            assert!(matches!(read_bytes(&sent[..n]).await, Err(ReadError::Eof)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_stalls_meets_the_deadline() {
    let (mut sender, receiver) = tokio::io::duplex(64);
    sender.write_all(b"PROXY").await.unwrap();
    let mut io = Rewind::new(receiver);
    let result = read(&mut io, WITHIN).await;
    assert!(matches!(result, Err(ReadError::Timeout { after: WITHIN })));
    assert_eq!(&io.prefix()[..], b"PROXY");
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

fn any_addresses() -> impl Strategy<Value = (SocketAddr, SocketAddr)> {
    let v4 = (any::<[u8; 4]>(), any::<u16>()).prop_map(SocketAddr::from);
    // Outside of the mapped range, whose members are IPv4 addresses.
    let v6 = (any::<[u8; 14]>(), any::<u16>()).prop_map(|(tail, port)| {
        let mut ip = [0x20; 16];
        ip[2..].copy_from_slice(&tail);
        SocketAddr::from((ip, port))
    });
    prop_oneof![(v4.clone(), v4), (v6.clone(), v6)]
}

proptest! {
    #[test]
    fn what_is_written_is_read_however_it_is_split(
        (source, destination) in any_addresses(),
        v2 in any::<bool>(),
        at in 0_usize..107,
        tail in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        let header = Header::Proxied { source, destination };
        let version = if v2 { Version::V2 } else { Version::V1 };
        let mut sent = header.to_bytes(version).to_vec();
        sent.extend_from_slice(&tail);
        let (head, rest) = sent.split_at(at.min(sent.len()));
        let (read, prefix, rest) = block_on(async {
            let mut io = Rewind::new(head.chain(rest));
            let header = read(&mut io, WITHIN).await.unwrap();
            let prefix = io.take_prefix();
            let mut rest = Vec::new();
            io.read_to_end(&mut rest).await.unwrap();
            (header, prefix, rest)
        });
        prop_assert_eq!(read, header);
        prop_assert_eq!([&prefix[..], &rest].concat(), tail);
    }

    #[test]
    fn no_input_panics(v2 in any::<bool>(), garbage in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut sent = if v2 { V2_SIGNATURE.to_vec() } else { V1_SIGNATURE.to_vec() };
        sent.extend(garbage);
        drop(block_on(read_bytes(&sent)));
    }

    #[test]
    fn no_version_2_frame_panics(
        command in 0x20_u8..0x22,
        family in any::<u8>(),
        len in 0_u16..300,
        filler in any::<u8>(),
    ) {
        let mut sent = V2_SIGNATURE.to_vec();
        sent.extend([command, family]);
        sent.extend(len.to_be_bytes());
        sent.resize(V2_FIXED + usize::from(len), filler);
        drop(block_on(read_bytes(&sent)));
    }
}
