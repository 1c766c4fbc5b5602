//! PROXY protocol headers, version 1 (text) and 2 (binary), both ways.
//!
//! The header is the very first bytes of a connection, before any TLS or HTTP, and tells the
//! receiver whom the sender speaks for. Fact: public specification "The PROXY protocol" by
//! HAProxy Technologies.

use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::AsyncRead;
use tokio::time::timeout;

use crate::limits::MAX_PROXY_HEADER;
use crate::peek::Peek;
use crate::rewind::Rewind;

/// First bytes of a version 2 header.
const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// First bytes of a version 1 header.
const V1_SIGNATURE: &[u8; 6] = b"PROXY ";
/// Longest version 1 header, with its line end. Fact: the specification's own number.
const MAX_V1: usize = 107;
/// Length of a version 2 header before addresses.
const V2_FIXED: usize = 16;

/// Which form of the header to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// One line of text.
    V1,
    /// Binary.
    V2,
}

impl TryFrom<i64> for Version {
    type Error = UnknownVersion;

    fn try_from(number: i64) -> Result<Self, UnknownVersion> {
        match number {
            1 => Ok(Self::V1),
            2 => Ok(Self::V2),
            _ => Err(UnknownVersion { number }),
        }
    }
}

/// The PROXY protocol has no such version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown PROXY protocol version {number}; use 1 or 2")]
pub struct UnknownVersion {
    /// What was asked for.
    pub number: i64,
}

/// Whom the sender of a connection speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Header {
    /// Nobody that has an IP address: a health check, a Unix socket, or not known.
    Local,
    /// A peer that connected elsewhere.
    Proxied {
        /// Address of the visitor.
        source: SocketAddr,
        /// Address that the visitor connected to.
        destination: SocketAddr,
    },
}

impl Header {
    /// The bytes to send.
    ///
    /// IPv4 addresses in IPv6 clothes (`::ffff:192.0.2.7`, what a dual-stack socket reports) are
    /// written as IPv4. Ours: if only one of the two is IPv4 then, it is written as a mapped IPv6
    /// address, as haproxy does; `UNKNOWN` would lose the visitor.
    pub fn to_bytes(&self, version: Version) -> Bytes {
        let mut out = BytesMut::with_capacity(MAX_V1);
        let Self::Proxied { source, destination } = *self else {
            match version {
                Version::V1 => out.put_slice(b"PROXY UNKNOWN\r\n"),
                Version::V2 => {
                    out.put_slice(V2_SIGNATURE);
                    out.put_slice(&[0x20, 0x00, 0x00, 0x00]); // version 2 LOCAL, unspecified, empty
                }
            }
            return out.freeze();
        };
        let (from, to) = one_family(source.ip(), destination.ip());
        match version {
            Version::V1 => {
                let family = if from.is_ipv4() { "TCP4" } else { "TCP6" };
                let (sport, dport) = (source.port(), destination.port());
                write!(out, "PROXY {family} {from} {to} {sport} {dport}\r\n")
                    .expect("writing to a growing buffer cannot fail");
            }
            Version::V2 => {
                out.put_slice(V2_SIGNATURE);
                out.put_u8(0x21); // version 2, PROXY
                let (family, len) = if from.is_ipv4() { (0x11, 12) } else { (0x21, 36) };
                out.put_u8(family); // TCP over IPv4 or IPv6
                out.put_u16(len);
                for ip in [from, to] {
                    match ip {
                        IpAddr::V4(ip) => out.put_slice(&ip.octets()),
                        IpAddr::V6(ip) => out.put_slice(&ip.octets()),
                    }
                }
                out.put_u16(source.port());
                out.put_u16(destination.port());
            }
        }
        out.freeze()
    }
}

/// Both addresses in one family, IPv4 if possible.
fn one_family(a: IpAddr, b: IpAddr) -> (IpAddr, IpAddr) {
    match (a.to_canonical(), b.to_canonical()) {
        (IpAddr::V4(a), IpAddr::V6(b)) => (a.to_ipv6_mapped().into(), b.into()),
        (IpAddr::V6(a), IpAddr::V4(b)) => (a.into(), b.to_ipv6_mapped().into()),
        same => same,
    }
}

/// There is no PROXY header at the start of a stream.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The stream begins with something else.
    #[error("no PROXY protocol header at the start of the connection")]
    Absent,
    /// The header is longer than [`MAX_PROXY_HEADER`] bytes, or a text line than 107.
    #[error("PROXY protocol header is too long")]
    TooLong,
    /// The header did not come in time.
    #[error("no PROXY protocol header within {after:?}")]
    Timeout {
        /// The deadline.
        after: Duration,
    },
    /// The stream ended first.
    #[error("connection ended before its PROXY protocol header did")]
    Eof,
    /// The header breaks the protocol's rules.
    #[error("malformed PROXY protocol header: {reason}")]
    Malformed {
        /// Which rule.
        reason: String,
    },
    /// The stream failed.
    #[error("could not read the PROXY protocol header")]
    Read {
        /// What the system said.
        source: io::Error,
    },
}

/// Takes the header off the start of `io`, which then yields what follows it.
///
/// # Errors
///
/// See [`ReadError`]. After an error nothing is consumed, so that a caller for whom the header is
/// optional may go on after [`ReadError::Absent`].
///
/// # Cancel safety
///
/// Dropping the future loses no byte.
pub async fn read<T>(io: &mut Rewind<T>, within: Duration) -> Result<Header, ReadError>
where
    T: AsyncRead + Unpin,
{
    match timeout(within, read_unlimited(io)).await {
        Ok(result) => result,
        Err(_) => Err(ReadError::Timeout { after: within }),
    }
}

async fn read_unlimited<T: AsyncRead + Unpin>(io: &mut Rewind<T>) -> Result<Header, ReadError> {
    let mut peek = Peek::new(io);
    loop {
        if let Some(len) = find_end(peek.seen())? {
            let header = parse(&peek.seen()[..len])?;
            peek.take(len);
            return Ok(header);
        }
        match peek.more(MAX_PROXY_HEADER).await {
            Ok(0) => return Err(ReadError::Eof),
            Ok(_) => {}
            Err(source) => return Err(ReadError::Read { source }),
        }
    }
}

/// Length of the header, `None` while it cannot be told or the header is not complete.
fn find_end(seen: &[u8]) -> Result<Option<usize>, ReadError> {
    if begins_like(seen, V2_SIGNATURE) {
        let Some(&[high, low]) = seen.get(V2_FIXED - 2..V2_FIXED) else { return Ok(None) };
        let len = V2_FIXED + usize::from(u16::from_be_bytes([high, low]));
        if len > MAX_PROXY_HEADER {
            return Err(ReadError::TooLong);
        }
        Ok((seen.len() >= len).then_some(len))
    } else if begins_like(seen, V1_SIGNATURE) {
        let line = &seen[..seen.len().min(MAX_V1)];
        match line.windows(2).position(|pair| pair == b"\r\n") {
            Some(at) => Ok(Some(at + 2)),
            None if line.len() == MAX_V1 => Err(ReadError::TooLong),
            None => Ok(None),
        }
    } else {
        Err(ReadError::Absent)
    }
}

/// Whether `seen` begins with `signature`, or may once more of it is there.
fn begins_like(seen: &[u8], signature: &[u8]) -> bool {
    seen.iter().zip(signature).all(|(a, b)| a == b)
}

/// Parses exactly one whole header.
fn parse(bytes: &[u8]) -> Result<Header, ReadError> {
    use ppp::{v1, v2};

    fn malformed(error: impl ToString) -> ReadError {
        ReadError::Malformed { reason: error.to_string() }
    }

    if bytes.starts_with(V1_SIGNATURE) {
        let header = v1::Header::try_from(bytes).map_err(malformed)?;
        return Ok(match header.addresses {
            v1::Addresses::Unknown => Header::Local,
            v1::Addresses::Tcp4(ip) => Header::Proxied {
                source: (ip.source_address, ip.source_port).into(),
                destination: (ip.destination_address, ip.destination_port).into(),
            },
            v1::Addresses::Tcp6(ip) => Header::Proxied {
                source: (ip.source_address, ip.source_port).into(),
                destination: (ip.destination_address, ip.destination_port).into(),
            },
        });
    }
    let header = v2::Header::try_from(bytes).map_err(malformed)?;
    if header.command == v2::Command::Local || header.protocol != v2::Protocol::Stream {
        return Ok(Header::Local);
    }
    Ok(match header.addresses {
        v2::Addresses::IPv4(ip) => Header::Proxied {
            source: (ip.source_address, ip.source_port).into(),
            destination: (ip.destination_address, ip.destination_port).into(),
        },
        v2::Addresses::IPv6(ip) => Header::Proxied {
            source: (ip.source_address, ip.source_port).into(),
            destination: (ip.destination_address, ip.destination_port).into(),
        },
        v2::Addresses::Unix(_) | v2::Addresses::Unspecified => Header::Local,
    })
}

#[cfg(test)]
#[path = "proxy_protocol_tests.rs"]
mod tests;
