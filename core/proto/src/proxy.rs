//! The header in front of a proxied connection.
//!
//! ```text
//! 00 00 00 03                 type: proxy, u32 big-endian
//! 5d 00 00 00 00 00 00 00     length of the JSON: i64, little-endian
//! 7b … 7d                     JSON
//! …                           the visitor's bytes; the other direction has no header
//! ```
//!
//! Fact: the number and its byte order are as in the published clients; a negative one makes a Rust
//! agent panic. Ours: lengths outside `1..=65536` are refused before memory is reserved.

use std::{io, net::SocketAddr};

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::{
    StreamType,
    json::{self, MAX_DEPTH, ReadJsonError},
    message::Proto,
    stream_type::TYPE_LEN,
};

/// Longest header that is read, in bytes of JSON.
pub const MAX_HEADER_LEN: usize = 65_536;

/// Longest header that is written unless its writer says otherwise, in bytes of JSON.
pub const MAX_EMITTED_LEN: usize = 4096;

/// Whose connection this is, and for which bind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ProxyHeader {
    /// The bind.
    pub id: String,
    /// The visitor. `None` if it was not a socket address, which is tolerated.
    #[serde(serialize_with = "write_addr", deserialize_with = "read_addr")]
    pub client_addr: Option<SocketAddr>,
    /// What the bind speaks. `None` if it is none that we know; the bind's own counts.
    #[serde(serialize_with = "write_proto", deserialize_with = "read_proto")]
    pub proto: Option<Proto>,
    /// Which kind of labelled edge it came through.
    pub edge_type: EdgeType,
    /// The bytes are the visitor's TLS stream.
    #[serde(rename = "PassthroughTLS")]
    pub passthrough_tls: bool,
}

impl Default for ProxyHeader {
    fn default() -> Self {
        Self {
            id: String::new(),
            client_addr: None,
            proto: None,
            edge_type: EdgeType::Undefined,
            passthrough_tls: false,
        }
    }
}

/// Which kind of labelled edge a connection came through. Ordinary binds have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EdgeType {
    /// An ordinary bind, or one we do not know.
    Undefined,
    /// TCP.
    Tcp,
    /// TLS.
    Tls,
    /// HTTPS.
    Https,
}

/// The header cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("proxy header of {len} bytes, longer than {max_len}")]
pub struct HeaderTooLong {
    /// Its length as JSON.
    pub len: usize,
    /// The limit.
    pub max_len: usize,
}

/// Why a header could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadHeaderError {
    /// The stream failed or ended.
    #[error("the stream ended inside the proxy header")]
    Io(#[source] io::Error),
    /// The length is outside `1..=65536`.
    #[error("proxy header says it has {len} bytes")]
    Length {
        /// As sent.
        len: i64,
    },
    /// The JSON is not a header.
    #[error("malformed proxy header")]
    Json(#[source] ReadJsonError),
}

impl ProxyHeader {
    /// Reads a header, and not one byte more. The type has been read already.
    ///
    /// The caller sets the deadline, and must not wait for this inside its accept loop.
    ///
    /// # Errors
    /// If the stream ends, or if this is not a header.
    ///
    /// # Cancel safety
    /// Not cancel safe: bytes already read are lost. Give up the stream with the future.
    pub async fn read<S: AsyncRead + Unpin>(io: &mut S) -> Result<Self, ReadHeaderError> {
        let declared = io.read_i64_le().await.map_err(ReadHeaderError::Io)?;
        let mut text = vec![0; checked_len(declared)?];
        io.read_exact(&mut text).await.map_err(ReadHeaderError::Io)?;
        Self::from_json(&text)
    }

    /// Takes a header from bytes that begin with its length. Returns it with the number of bytes it
    /// had, or `None` if more bytes are needed.
    ///
    /// # Errors
    /// If this is not a header.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, ReadHeaderError> {
        let Some((declared, rest)) = bytes.split_first_chunk::<8>() else {
            return Ok(None);
        };
        let len = checked_len(i64::from_le_bytes(*declared))?;
        match rest.get(..len) {
            Some(text) => Ok(Some((Self::from_json(text)?, declared.len() + len))),
            None => Ok(None),
        }
    }

    /// The beginning of a stream: type, length, JSON. To be sent in the frame that opens it.
    ///
    /// # Errors
    /// If the header is longer than [`MAX_EMITTED_LEN`].
    pub fn to_first_bytes(&self) -> Result<Bytes, HeaderTooLong> {
        self.to_first_bytes_within(MAX_EMITTED_LEN)
    }

    /// As [`Self::to_first_bytes`], with another limit.
    ///
    /// # Errors
    /// If the header is longer than `max_len`.
    pub fn to_first_bytes_within(&self, max_len: usize) -> Result<Bytes, HeaderTooLong> {
        let text = json::encode(self);
        if text.len() > max_len {
            return Err(HeaderTooLong { len: text.len(), max_len });
        }
        let mut bytes = BytesMut::with_capacity(TYPE_LEN + 8 + text.len());
        bytes.put_slice(&StreamType::PROXY.to_bytes());
        bytes.put_u64_le(text.len() as u64);
        bytes.put_slice(&text);
        Ok(bytes.freeze())
    }

    fn from_json(text: &[u8]) -> Result<Self, ReadHeaderError> {
        let value = json::from_slice(text, MAX_DEPTH).map_err(ReadHeaderError::Json)?;
        json::decode(value).map_err(|e| ReadHeaderError::Json(ReadJsonError::Parse(e)))
    }
}

fn checked_len(declared: i64) -> Result<usize, ReadHeaderError> {
    usize::try_from(declared)
        .ok()
        .filter(|n| (1..=MAX_HEADER_LEN).contains(n))
        .ok_or(ReadHeaderError::Length { len: declared })
}

/// An IPv4 visitor on a dual-stack listener is written as IPv4.
fn write_addr<S: Serializer>(addr: &Option<SocketAddr>, to: S) -> Result<S::Ok, S::Error> {
    match addr {
        Some(addr) => to.collect_str(&SocketAddr::new(addr.ip().to_canonical(), addr.port())),
        None => to.serialize_str(""),
    }
}

fn read_addr<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    Ok(String::deserialize(from)?.parse().ok())
}

fn write_proto<S: Serializer>(proto: &Option<Proto>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(proto.map_or("", Proto::as_str))
}

fn read_proto<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Proto>, D::Error> {
    Ok(String::deserialize(from)?.parse().ok())
}

impl Serialize for EdgeType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Undefined => "0",
            Self::Tcp => "1",
            Self::Tls => "2",
            Self::Https => "3",
        })
    }
}

impl<'de> Deserialize<'de> for EdgeType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match String::deserialize(deserializer)?.as_str() {
            "1" => Self::Tcp,
            "2" => Self::Tls,
            "3" => Self::Https,
            _ => Self::Undefined,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame's payload, after its 8 bytes of frame header.
    #[rustfmt::skip]
    const EXAMPLE: [u8; 105] = [
                                                        0x00, 0x00, 0x00, 0x03, 0x5d, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x7b, 0x22, 0x49, 0x64, 0x22, 0x3a, 0x22, 0x74, 0x31, 0x22, 0x2c, 0x22,
        0x43, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x41, 0x64, 0x64, 0x72, 0x22, 0x3a, 0x22, 0x31, 0x39, 0x32,
        0x2e, 0x30, 0x2e, 0x32, 0x2e, 0x37, 0x3a, 0x35, 0x35, 0x35, 0x35, 0x22, 0x2c, 0x22, 0x50, 0x72,
        0x6f, 0x74, 0x6f, 0x22, 0x3a, 0x22, 0x74, 0x63, 0x70, 0x22, 0x2c, 0x22, 0x45, 0x64, 0x67, 0x65,
        0x54, 0x79, 0x70, 0x65, 0x22, 0x3a, 0x22, 0x30, 0x22, 0x2c, 0x22, 0x50, 0x61, 0x73, 0x73, 0x74,
        0x68, 0x72, 0x6f, 0x75, 0x67, 0x68, 0x54, 0x4c, 0x53, 0x22, 0x3a, 0x66, 0x61, 0x6c, 0x73, 0x65,
        0x7d,
    ];

    fn example() -> ProxyHeader {
        ProxyHeader {
            id: "t1".into(),
            client_addr: Some("192.0.2.7:5555".parse().unwrap()),
            proto: Some(Proto::Tcp),
            ..ProxyHeader::default()
        }
    }

    #[test]
    fn a_header_is_written_byte_for_byte() {
        assert_eq!(example().to_first_bytes().unwrap(), &EXAMPLE[..]);
    }

    #[tokio::test]
    async fn a_header_is_read_and_the_payload_left() {
        let bytes = [&EXAMPLE[4..], b"ping"].concat();
        let mut io = &bytes[..];
        assert_eq!(ProxyHeader::read(&mut io).await.unwrap(), example());
        assert_eq!(io, b"ping");
    }

    #[test]
    fn a_header_in_pieces_asks_for_more() {
        for len in 0..EXAMPLE.len() - 4 {
            assert!(ProxyHeader::parse(&EXAMPLE[4..4 + len]).unwrap().is_none(), "{len}");
        }
        assert_eq!(ProxyHeader::parse(&EXAMPLE[4..]).unwrap(), Some((example(), 101)));
    }

    #[tokio::test]
    async fn impossible_lengths_are_refused_before_memory_is_reserved() {
        for len in [0, -1, i64::MIN, i64::MAX, 65_537] {
            let err = ProxyHeader::read(&mut &len.to_le_bytes()[..]).await.unwrap_err();
            assert!(matches!(err, ReadHeaderError::Length { len: l } if l == len), "{err:?}");
        }
    }

    #[test]
    fn a_visitor_without_an_address_is_tolerated() {
        let text = br#"{"Id":"t1","ClientAddr":"pipe","Proto":"quic","EdgeType":"9","X":1}"#;
        let header = ProxyHeader::from_json(text).unwrap();
        assert_eq!(header, ProxyHeader { id: "t1".into(), ..ProxyHeader::default() });
    }

    #[test]
    fn mapped_addresses_are_written_as_ipv4_and_ipv6_in_brackets() {
        let text = |addr: &str| {
            let client_addr = Some(addr.parse().unwrap());
            String::from_utf8(json::encode(&ProxyHeader { client_addr, ..example() })).unwrap()
        };
        assert!(text("[::ffff:192.0.2.7]:1").contains(r#""ClientAddr":"192.0.2.7:1""#));
        assert!(text("[2001:db8::1]:1").contains(r#""ClientAddr":"[2001:db8::1]:1""#));
    }

    #[test]
    fn a_header_over_the_limit_is_not_sent() {
        let header = ProxyHeader { id: "x".repeat(4096), ..ProxyHeader::default() };
        let len = json::encode(&header).len();
        assert_eq!(header.to_first_bytes(), Err(HeaderTooLong { len, max_len: 4096 }));
        assert!(header.to_first_bytes_within(len).is_ok());
    }

    proptest! {
        #[test]
        fn any_header_survives(id in ".{0,64}", ip: [u8; 4], port: u16, edge in 0usize..4, tls: bool) {
            let header = ProxyHeader {
                id,
                client_addr: Some((ip, port).into()),
                proto: Some([Proto::Http, Proto::Https, Proto::Tcp, Proto::Tls][edge]),
                edge_type:
                    [EdgeType::Undefined, EdgeType::Tcp, EdgeType::Tls, EdgeType::Https][edge],
                passthrough_tls: tls,
            };
            let bytes = header.to_first_bytes().unwrap();
            prop_assert_eq!(
                ProxyHeader::parse(&bytes[4..]).unwrap(),
                Some((header, bytes.len() - 4))
            );
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64), len in 0i64..64) {
            let _ = ProxyHeader::parse(&bytes);
            let _ = ProxyHeader::parse(&[&len.to_le_bytes()[..], &bytes].concat());
        }
    }
}
