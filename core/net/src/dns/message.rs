//! One question and its answer. Fact: RFC 1035, 4; AAAA: RFC 3596.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::limits::MAX_ADDRESSES;

/// Largest answer over UDP without extensions, which this resolver does not offer.
pub(super) const MAX_UDP: usize = 512;
const HEADER_LEN: usize = 12;
const CLASS_IN: u16 = 1;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// IPv4 addresses.
    A = 1,
    /// IPv6 addresses.
    Aaaa = 28,
}

/// What a server said to the question.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The addresses; none if the name has none of this kind.
    Addresses(Vec<IpAddr>),
    /// The answer did not fit: ask over TCP.
    Truncated,
}

/// A question, as it is sent.
pub(super) struct Query {
    bytes: Vec<u8>,
    kind: Kind,
}

impl Query {
    /// Refuses what cannot be a name.
    pub(super) fn new(host: &str, kind: Kind, id: u16) -> io::Result<Self> {
        let not_a_name = || io::Error::new(io::ErrorKind::InvalidInput, "not a DNS name");
        let mut bytes = id.to_be_bytes().to_vec();
        bytes.extend([0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]); // recursion desired, one question
        let name = host.strip_suffix('.').unwrap_or(host);
        if name.is_empty() || name.len() > 253 || !name.is_ascii() {
            return Err(not_a_name());
        }
        for label in name.split('.') {
            let len = u8::try_from(label.len()).ok().filter(|len| (1..=63).contains(len));
            bytes.push(len.ok_or_else(not_a_name)?);
            bytes.extend(label.as_bytes());
        }
        bytes.push(0);
        bytes.extend((kind as u16).to_be_bytes());
        bytes.extend(CLASS_IN.to_be_bytes());
        Ok(Self { bytes, kind })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// `None` if `message` is not an answer to this question.
    pub(super) fn parse(&self, message: &[u8]) -> Option<io::Result<Answer>> {
        let question = &self.bytes[HEADER_LEN..];
        let header = message.get(..HEADER_LEN)?;
        let end = HEADER_LEN + question.len();
        let is_answer = header[..2] == self.bytes[..2]
            && header[2] & 0x80 != 0
            && header[4..6] == [0, 1]
            && message.get(HEADER_LEN..end)?.eq_ignore_ascii_case(question);
        if !is_answer {
            return None;
        }
        if header[2] & 0x02 != 0 {
            return Some(Ok(Answer::Truncated));
        }
        Some(match header[3] & 0x0f {
            0 => {
                let n_answers = u16::from_be_bytes([header[6], header[7]]);
                let ips = addresses(self.kind, &message[end..], n_answers);
                ips.map(Answer::Addresses).ok_or_else(|| io::ErrorKind::InvalidData.into())
            }
            3 => Err(io::Error::new(io::ErrorKind::NotFound, "the name does not exist")),
            code => Err(io::Error::other(format!("DNS server failed with code {code}"))),
        })
    }
}

fn addresses(kind: Kind, mut records: &[u8], n_records: u16) -> Option<Vec<IpAddr>> {
    let mut ips = Vec::new();
    for _ in 0..n_records {
        records = skip_name(records)?;
        let (fixed, rest) = records.split_at_checked(10)?;
        let record_kind = u16::from_be_bytes([fixed[0], fixed[1]]);
        let (data, rest) =
            rest.split_at_checked(u16::from_be_bytes([fixed[8], fixed[9]]).into())?;
        records = rest;
        // Others are aliases on the way to the addresses.
        if record_kind == kind as u16 && ips.len() < MAX_ADDRESSES {
            ips.push(match kind {
                Kind::A => Ipv4Addr::from(<[u8; 4]>::try_from(data).ok()?).into(),
                Kind::Aaaa => Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?).into(),
            });
        }
    }
    Some(ips)
}

/// A name ends with an empty label or with a pointer to the rest of it.
fn skip_name(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        let (&len, rest) = bytes.split_first()?;
        match len {
            0 => return Some(rest),
            0xc0.. => return rest.get(1..),
            _ => bytes = rest.get(usize::from(len)..)?,
        }
    }
}
