//! JSON that arrives in pieces and has no length in front.
//!
//! A message is one object. It is complete with its last brace: Go clients send a line feed after it,
//! Rust clients nothing, and neither ends its direction before it has the answer. So the reader has to
//! find the end by itself; waiting for the end of the stream would wait for ever.
//!
//! What follows the object is not looked at. A reader that refused it would depend on how the bytes
//! happened to be cut.

mod fold;
mod scan;

use std::io;

use bytes::{BufMut, BytesMut};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};

pub use self::scan::{MAX_DEPTH, Scanner, SyntaxError};
use crate::StreamType;

const KIB: usize = 1024;

/// How much JSON is accepted from the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonLimit {
    /// Bytes, white space in front included.
    pub max_len: usize,
    /// Objects and arrays inside each other, at most [`MAX_DEPTH`].
    pub max_depth: u32,
}

impl JsonLimit {
    /// For everything without a need of its own.
    pub const SMALL: Self = Self { max_len: 64 * KIB, max_depth: MAX_DEPTH };
    /// For binds: they carry certificates and policies.
    pub const BIND: Self = Self { max_len: 1024 * KIB, max_depth: MAX_DEPTH };
    /// For answers to binds: they echo the options, perhaps with more escapes.
    pub const BIND_ANSWER: Self = Self { max_len: 2048 * KIB, max_depth: MAX_DEPTH };

    /// The limit for answers on a stream of this type.
    pub fn for_answer(stream_type: StreamType) -> Self {
        match stream_type {
            StreamType::BIND => Self::BIND_ANSWER,
            _ => Self::SMALL,
        }
    }
}

/// Why no message could be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadJsonError {
    /// The stream failed.
    #[error("the stream failed")]
    Io(#[source] io::Error),
    /// The stream ended before the object did.
    #[error("the stream ended after {len} bytes of an unfinished message")]
    Eof {
        /// Bytes that had come.
        len: usize,
    },
    /// The message is longer than allowed.
    #[error("message longer than {max_len} bytes")]
    TooLong {
        /// The limit.
        max_len: usize,
    },
    /// The bytes are not one JSON object, or too deep.
    #[error("malformed message")]
    Syntax(#[source] SyntaxError),
    /// The brackets match, but it is not JSON.
    #[error("malformed message")]
    Parse(#[source] DecodeError),
}

/// A JSON value that is not the message it should be.
///
/// Its text names members and types. It never quotes values, which may be secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(pub(crate) String);

/// Reads one object and acts as soon as its last brace is there.
///
/// Each byte is looked at once, however the bytes are cut. The caller sets the deadline.
///
/// # Errors
/// If the stream fails or ends first, or if the bytes are not JSON within `limit`.
///
/// # Cancel safety
/// Not cancel safe: bytes already read are lost. Give up the stream with the future.
pub async fn read<S: AsyncRead + Unpin>(
    io: &mut S,
    limit: JsonLimit,
) -> Result<Value, ReadJsonError> {
    let mut buffer = BytesMut::new();
    let mut scanner = Scanner::new(limit.max_depth);
    let mut n_scanned = 0;
    loop {
        let room = limit.max_len.saturating_sub(buffer.len());
        if room == 0 {
            return Err(ReadJsonError::TooLong { max_len: limit.max_len });
        }
        buffer.reserve(room.min(4 * KIB));
        let n_read =
            io.read_buf(&mut (&mut buffer).limit(room)).await.map_err(ReadJsonError::Io)?;
        if n_read == 0 {
            return Err(ReadJsonError::Eof { len: buffer.len() });
        }
        let fresh = buffer.get(n_scanned..).unwrap_or_default();
        if let Some(n_used) = scanner.scan(fresh).map_err(ReadJsonError::Syntax)? {
            buffer.truncate(n_scanned + n_used);
            return parse(&buffer).map_err(ReadJsonError::Parse);
        }
        n_scanned = buffer.len();
    }
}

/// Parses one complete object that is already in memory, with the depth checked first.
///
/// # Errors
/// If it is not exactly one JSON object within the depth limit.
pub fn from_slice(bytes: &[u8], max_depth: u32) -> Result<Value, ReadJsonError> {
    match Scanner::new(max_depth).scan(bytes).map_err(ReadJsonError::Syntax)? {
        Some(_) => parse(bytes).map_err(ReadJsonError::Parse),
        None => Err(ReadJsonError::Eof { len: bytes.len() }),
    }
}

/// Turns a JSON value into a message, with the tolerance the protocol asks for.
///
/// Member names match whatever their ASCII case (an exact match wins), `null` and missing mean the
/// zero value, unknown members are ignored. Keys of free maps, such as labels, are left alone.
///
/// # Errors
/// If a member has a type that cannot be read as the expected one.
pub fn decode<T: DeserializeOwned>(value: Value) -> Result<T, DecodeError> {
    T::deserialize(fold::Fold(value))
}

/// Writes a message as JSON.
///
/// # Panics
/// If a message type has a map with keys that are not strings; none has.
pub fn encode<T: serde::Serialize + ?Sized>(message: &T) -> Vec<u8> {
    serde_json::to_vec(message).expect("messages are structs of strings, numbers and lists")
}

fn parse(bytes: &[u8]) -> Result<Value, DecodeError> {
    // The parser's text says where, and what kind of token; it quotes no string.
    serde_json::from_slice(bytes).map_err(|e| DecodeError(e.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use serde_json::json;
    use tokio::io::AsyncWriteExt;

    use super::*;

    const TRICKY: &str =
        r#" {"a":"}\"\\","b":[{},[]],"c":{"\\":"{["},"d":"é\u007d","e":-1.5e3,"f":null}"#;

    #[tokio::test(start_paused = true)]
    async fn a_message_split_at_any_byte_is_read_without_its_end_of_stream() {
        for tail in ["", "\n", " \r\n"] {
            let text = format!("{TRICKY}{tail}");
            for cut in 0..text.len() {
                let (mut near, mut far) = tokio::io::duplex(1024);
                let (head, rest) = text.as_bytes().split_at(cut);
                let write = async {
                    near.write_all(head).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    near.write_all(rest).await.unwrap();
                };
                let ((), value) = tokio::join!(write, read(&mut far, JsonLimit::SMALL));
                assert_eq!(value.unwrap()["c"]["\\"], json!("{["), "cut at {cut}");
            }
        }
    }

    #[tokio::test]
    async fn what_follows_the_object_is_not_looked_at() {
        let mut io: &[u8] = b"{\"a\":1}garbage";
        assert_eq!(read(&mut io, JsonLimit::SMALL).await.unwrap(), json!({"a": 1}));
    }

    #[tokio::test]
    async fn a_message_of_exactly_the_limit_is_read_and_one_byte_more_is_not() {
        let limit = JsonLimit { max_len: 7, max_depth: 1 };
        assert!(read(&mut &b"{\"a\":1}"[..], limit).await.is_ok());
        let err = read(&mut &b" {\"a\":1}"[..], limit).await.unwrap_err();
        assert!(matches!(err, ReadJsonError::TooLong { max_len: 7 }), "{err:?}");
    }

    #[tokio::test]
    async fn an_early_end_is_told_apart() {
        let err = read(&mut &b"{\"a\":"[..], JsonLimit::SMALL).await.unwrap_err();
        assert!(matches!(err, ReadJsonError::Eof { len: 5 }), "{err:?}");
    }

    #[tokio::test]
    async fn matching_brackets_are_not_yet_json() {
        let err = read(&mut &b"{a}"[..], JsonLimit::SMALL).await.unwrap_err();
        assert!(matches!(err, ReadJsonError::Parse(_)), "{err:?}");
    }

    #[test]
    fn syntax_errors_do_not_quote_what_was_sent() {
        let err = parse(br#"{"Authtoken":"hush" "x"}"#).unwrap_err();
        assert!(!err.0.contains("hush"), "{err}");
    }

    proptest! {
        #[test]
        fn any_object_in_any_pieces_is_read(
            map in proptest::collection::btree_map(".*", ".*", 0..8),
            size in 1usize..40,
        ) {
            let text = serde_json::to_vec(&map).unwrap();
            let mut scanner = Scanner::new(MAX_DEPTH);
            let mut end = None;
            for (i, piece) in text.chunks(size).enumerate() {
                prop_assert_eq!(end, None);
                end = scanner.scan(piece).unwrap().map(|n| i * size + n);
            }
            prop_assert_eq!(end, Some(text.len()));
            prop_assert_eq!(parse(&text).unwrap(), serde_json::to_value(&map).unwrap());
        }

        #[test]
        fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = from_slice(&bytes, 4);
        }
    }
}
