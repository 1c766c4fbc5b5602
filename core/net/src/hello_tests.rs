#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use proptest::prelude::*;
use rustls::ClientConnection;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::tls;

const WITHIN: Duration = Duration::from_secs(3);

/// The first flight of a real client.
fn client_hello(name: &str, alpn: &[&[u8]]) -> Vec<u8> {
    let config = tls::client::unverified(alpn);
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(config, name).unwrap();
    let mut flight = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut flight).unwrap();
    }
    flight
}

async fn peek_bytes(bytes: &[u8]) -> Result<ClientHello, HelloError> {
    peek(&mut Rewind::new(bytes), WITHIN).await
}

#[tokio::test]
async fn name_and_protocols_are_read_and_every_byte_is_read_again() {
    let mut sent = client_hello("App.Example.COM", &[b"h2", b"http/1.1"]);
    sent.extend_from_slice(b"and what follows");
    let mut io = Rewind::new(&sent[..]);
    let hello = peek(&mut io, WITHIN).await.unwrap();
    assert_eq!(hello.server_name.as_deref(), Some("app.example.com"));
    assert_eq!(hello.alpn, [&b"h2"[..], b"http/1.1"]);
    assert!(hello.offers(b"h2") && !hello.offers(b"acme-tls/1"));
    let mut again = Vec::new();
    io.read_to_end(&mut again).await.unwrap();
    assert_eq!(again, sent);
}

#[tokio::test]
async fn a_client_that_names_an_address_sends_no_name() {
    let hello = peek_bytes(&client_hello("192.0.2.1", &[])).await.unwrap();
    assert_eq!(hello, ClientHello::default());
}

#[tokio::test]
async fn another_protocol_is_told_by_its_first_byte_and_not_consumed() {
    let mut io = Rewind::new(&b"GET / HTTP/1.1\r\n\r\n"[..]);
    assert!(matches!(peek(&mut io, WITHIN).await, Err(HelloError::NotTls)));
    let mut again = String::new();
    io.read_to_string(&mut again).await.unwrap();
    assert_eq!(again, "GET / HTTP/1.1\r\n\r\n");
}

#[tokio::test]
async fn an_end_before_or_within_the_hello_is_an_error() {
    assert!(matches!(peek_bytes(b"").await, Err(HelloError::Eof)));
    let sent = client_hello("a.example", &[]);
    assert!(matches!(peek_bytes(&sent[..sent.len() - 1]).await, Err(HelloError::Eof)));
}

#[tokio::test]
async fn garbage_behind_the_right_first_byte_is_malformed() {
    let result = peek_bytes(b"\x16\x03\x01\x00\x05hello").await;
    assert!(matches!(result, Err(HelloError::Malformed { .. })), "{result:?}");
}

#[tokio::test]
async fn a_hello_without_end_is_refused_at_the_limit() {
    // One handshake message that claims 60,000 bytes, in records of 1,000.
    let mut sent = Vec::new();
    for n in 0..60 {
        sent.extend_from_slice(&[0x16, 0x03, 0x01, 0x03, 0xe8]);
        let mut payload = [0; 1000];
        if n == 0 {
            payload[..4].copy_from_slice(&[0x01, 0x00, 0xea, 0x60]);
        }
        sent.extend_from_slice(&payload);
    }
    let mut io = Rewind::new(&sent[..]);
    assert!(matches!(peek(&mut io, WITHIN).await, Err(HelloError::TooLong)));
    assert_eq!(io.prefix().len(), MAX_CLIENT_HELLO);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stalls_meets_the_deadline() {
    let (mut client, server) = tokio::io::duplex(64);
    client.write_all(&[0x16, 0x03]).await.unwrap();
    let mut io = Rewind::new(server);
    let result = peek(&mut io, WITHIN).await;
    assert!(matches!(result, Err(HelloError::Timeout { after: WITHIN })));
    assert_eq!(&io.prefix()[..], [0x16, 0x03]);
}

#[tokio::test]
async fn bytes_that_were_read_before_count() {
    let sent = client_hello("a.example", &[]);
    let (head, tail) = sent.split_at(7);
    let mut io = Rewind::with_prefix(Bytes::copy_from_slice(head), tail);
    let hello = peek(&mut io, WITHIN).await.unwrap();
    assert_eq!(hello.server_name.as_deref(), Some("a.example"));
    assert_eq!(&io.prefix()[..], sent);
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_of_the_bytes_gives_the_same_hello(
        sizes in proptest::collection::vec(1_usize..300, 1..40),
        alpn in proptest::collection::vec("[a-z0-9/]{1,12}", 0..5),
    ) {
        let alpn: Vec<&[u8]> = alpn.iter().map(String::as_bytes).collect();
        let sent = client_hello("name.example", &alpn);
        let mut mock = in_pieces(&sent, &sizes);
        let (hello, prefix) = block_on(async {
            let mut io = Rewind::new(&mut mock);
            let hello = peek(&mut io, WITHIN).await.unwrap();
            (hello, io.into_parts().0)
        });
        prop_assert_eq!(hello.server_name.as_deref(), Some("name.example"));
        prop_assert_eq!(&hello.alpn[..], &alpn[..]);
        prop_assert_eq!(&prefix[..], &sent[..]);
    }

    #[test]
    fn no_input_panics(garbage in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = vec![0x16, 0x03, 0x01];
        bytes.extend(garbage);
        prop_assert!(block_on(peek_bytes(&bytes)).is_err());
    }

    #[test]
    fn no_damaged_hello_panics(at in 0_usize..180, with in any::<u8>()) {
        let mut sent = client_hello("name.example", &[b"h2"]);
        sent[at] = with;
        drop(block_on(peek_bytes(&sent)));
    }
}

/// A reader that yields `bytes` in pieces of the given sizes, over and over.
fn in_pieces(bytes: &[u8], sizes: &[usize]) -> impl AsyncRead + Unpin {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, tail) = rest.split_at((*size).min(rest.len()));
        pieces.push(Ok::<_, io::Error>(Bytes::copy_from_slice(piece)));
        rest = tail;
    }
    tokio_util::io::StreamReader::new(Pieces(pieces.into_iter()))
}

struct Pieces(std::vec::IntoIter<io::Result<Bytes>>);

impl futures_core::Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}
