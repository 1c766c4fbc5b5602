#![allow(clippy::unwrap_used, reason = "tests")]

use futures_util::{SinkExt, StreamExt};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

type Visitor = WebSocketStream<DuplexStream>;

/// A visitor and the bytes that its messages become, over a connection that holds `capacity` bytes.
async fn pair(capacity: usize) -> (Visitor, BytesOver<DuplexStream>) {
    let (near, far) = duplex(capacity);
    let visitor = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
    (visitor, BytesOver::new(near))
}

async fn read(bytes: &mut BytesOver<DuplexStream>, n: usize) -> Vec<u8> {
    let mut read = vec![0; n];
    bytes.read_exact(&mut read).await.unwrap();
    read
}

async fn close_code(visitor: &mut Visitor) -> u16 {
    match visitor.next().await.unwrap().unwrap() {
        Message::Close(Some(frame)) => frame.code.into(),
        other => panic!("{other:?} is not a Close with a code"),
    }
}

#[tokio::test]
async fn messages_become_bytes_and_bytes_become_messages() {
    let (mut visitor, mut bytes) = pair(4096).await;
    visitor.send(Message::binary("hel")).await.unwrap();
    visitor.send(Message::binary("lo")).await.unwrap();
    assert_eq!(read(&mut bytes, 5).await, b"hello");
    bytes.write_all(b"world").await.unwrap();
    assert_eq!(visitor.next().await.unwrap().unwrap(), Message::binary("world"));
}

#[tokio::test]
async fn an_empty_message_is_not_the_end() {
    let (mut visitor, mut bytes) = pair(4096).await;
    visitor.send(Message::binary("")).await.unwrap();
    visitor.send(Message::binary("x")).await.unwrap();
    assert_eq!(read(&mut bytes, 1).await, b"x");
}

#[tokio::test]
async fn a_ping_is_answered_between_the_bytes() {
    let (mut visitor, mut bytes) = pair(4096).await;
    visitor.send(Message::Ping("are you there".into())).await.unwrap();
    visitor.send(Message::binary("x")).await.unwrap();
    assert_eq!(read(&mut bytes, 1).await, b"x");
    assert_eq!(visitor.next().await.unwrap().unwrap(), Message::Pong("are you there".into()));
}

#[tokio::test]
async fn the_visitors_close_is_the_end_of_file_and_is_answered() {
    let (mut visitor, mut bytes) = pair(4096).await;
    visitor.close(Some(CloseFrame { code: CloseCode::Normal, reason: "".into() })).await.unwrap();
    assert_eq!(bytes.read(&mut [0; 8]).await.unwrap(), 0);
    assert_eq!(close_code(&mut visitor).await, 1000);
    assert_eq!(bytes.write(b"late").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    bytes.shutdown().await.unwrap();
    assert!(visitor.next().await.is_none());
}

#[tokio::test]
async fn after_the_upstreams_end_the_visitor_may_go_on() {
    let (mut visitor, mut bytes) = pair(4096).await;
    bytes.write_all(b"last words").await.unwrap();
    bytes.shutdown().await.unwrap();
    visitor.send(Message::binary("one more")).await.unwrap();
    assert_eq!(read(&mut bytes, 8).await, b"one more");
    assert_eq!(visitor.next().await.unwrap().unwrap(), Message::binary("last words"));
    assert_eq!(close_code(&mut visitor).await, 1000);
    visitor.flush().await.unwrap();
    assert_eq!(bytes.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn the_upstreams_end_waits_for_a_visitor_who_reads_late() {
    let (mut visitor, mut bytes) = pair(64).await;
    let mut said = 0;
    while let Some(written) = bytes.write(&[7; MAX_SENT]).now_or_never() {
        said += written.unwrap();
    }
    assert!(bytes.shutdown().now_or_never().is_none());
    let shutdown = async { bytes.shutdown().await.unwrap() };
    let heard = async {
        let mut heard = 0;
        loop {
            match visitor.next().await.unwrap().unwrap() {
                Message::Binary(bytes) => heard += bytes.len(),
                Message::Close(frame) => return (heard, u16::from(frame.unwrap().code)),
                other => panic!("{other:?}"),
            }
        }
    };
    let ((), heard) = tokio::join!(shutdown, heard);
    assert_eq!(heard, (said, 1000));
}

#[tokio::test]
async fn text_is_refused_with_1003() {
    let (mut visitor, mut bytes) = pair(4096).await;
    visitor.send(Message::text("hello")).await.unwrap();
    let error = bytes.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(error.to_string(), "WebSocket refused with close code 1003");
    assert_eq!(close_code(&mut visitor).await, 1003);
    assert_eq!(bytes.read(&mut [0; 8]).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_with_1009() {
    let (mut visitor, mut bytes) = pair(4 * MAX_MESSAGE).await;
    visitor.send(Message::binary(vec![0; MAX_MESSAGE + 1])).await.unwrap();
    let error = bytes.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(error.to_string(), "WebSocket refused with close code 1009");
    assert_eq!(close_code(&mut visitor).await, 1009);
}

#[tokio::test]
async fn garbage_is_refused_with_1002() {
    let (near, mut far) = duplex(4096);
    let mut bytes = BytesOver::new(near);
    far.write_all(&[0xff; 16]).await.unwrap();
    let error = bytes.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(error.to_string(), "WebSocket refused with close code 1002");
    let mut told = [0; 4];
    far.read_exact(&mut told).await.unwrap();
    assert_eq!(told, [0x88, 2, 0x03, 0xea]);
}

#[tokio::test]
async fn a_visitor_who_vanishes_has_not_ended_its_stream() {
    let (visitor, mut bytes) = pair(4096).await;
    drop(visitor);
    let error = bytes.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_visitor_who_never_reads_stops_the_writer() {
    let (_visitor, mut bytes) = pair(4096).await;
    let chunk = vec![0; 4 * MAX_SENT];
    let written = bytes.write(&chunk).await.unwrap();
    assert_eq!(written, MAX_SENT);
    assert!(bytes.write(&chunk).now_or_never().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_messages_the_bytes_arrive_once_and_in_order(
        messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..12),
        capacity in 16_usize..512,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let expected = messages.concat();
        let received = runtime.block_on(async {
            let (mut visitor, mut bytes) = pair(capacity).await;
            let send = async {
                for message in messages {
                    visitor.send(Message::binary(message)).await.unwrap();
                }
                visitor.close(None).await.unwrap();
                while visitor.next().await.is_some() {}
            };
            let mut received = Vec::new();
            let receive = async {
                bytes.read_to_end(&mut received).await.unwrap();
                bytes.shutdown().await.unwrap();
            };
            tokio::join!(send, receive);
            received
        });
        prop_assert_eq!(received, expected);
    }

    #[test]
    fn no_bytes_make_it_panic(garbage in proptest::collection::vec(any::<u8>(), 0..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (near, mut far) = duplex(4096);
            far.write_all(&garbage).await.unwrap();
            far.shutdown().await.unwrap();
            let _ = BytesOver::new(near).read_to_end(&mut Vec::new()).await;
        });
    }
}
