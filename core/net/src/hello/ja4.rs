//! The fingerprint of a ClientHello that people compare and share lists of.
//!
//! ```text
//! t 13 d 15 16 h2 _ 8daaf6152771 _ e5627efa2ab1
//! │ │  │ │  │  │    │              └ extensions, sorted, and signature algorithms, hashed
//! │ │  │ │  │  │    └ cipher suites, sorted, hashed
//! │ │  │ │  │  └ first protocol that is offered in ALPN: its first and last letter
//! │ │  │ │  └ how many extensions
//! │ │  │ └ how many cipher suites
//! │ │  └ with a server name, or `i` without
//! │ └ highest version
//! └ TLS over TCP
//! ```
//!
//! Fact: the published description of JA4.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Record type of handshakes, and message type of ClientHello.
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

const SERVER_NAME: u16 = 0;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;

/// How many letters of a hash are told, and what is told where there is nothing to hash.
const N_LETTERS: usize = 12;
const NOTHING: &str = "000000000000";

/// Fingerprint of the ClientHello that a stream starts with. `None`: it is not all there, or is
/// none.
pub fn ja4(stream: &[u8]) -> Option<String> {
    let message = message(stream)?;
    let mut hello = Reader(&message);
    let legacy_version = hello.u16()?;
    hello.take(RANDOM_LEN)?;
    hello.short()?;
    let mut suites = hello.long()?.numbers();
    hello.short()?;
    let mut extensions = Vec::new();
    let mut asked = Asked { version: legacy_version, ..Asked::default() };
    // Very old clients send none.
    if let Some(mut all) = hello.long() {
        while let (Some(id), Some(body)) = (all.u16(), all.long()) {
            asked.read(id, body);
            extensions.push(id);
        }
    }
    suites.retain(is_real);
    extensions.retain(is_real);
    let (n_suites, n_extensions) = (suites.len().min(99), extensions.len().min(99));
    let name = if asked.has_name { 'd' } else { 'i' };
    let version = version(asked.version);
    let mut print = format!("t{version}{name}{n_suites:02}{n_extensions:02}{}_", asked.alpn());
    suites.sort_unstable();
    print.push_str(&hash(&listed(&suites)));
    print.push('_');
    extensions.retain(|id| !matches!(*id, SERVER_NAME | ALPN));
    extensions.sort_unstable();
    let mut text = listed(&extensions);
    if !text.is_empty() && !asked.signatures.is_empty() {
        text.push('_');
        text.push_str(&listed(&asked.signatures));
    }
    print.push_str(&hash(&text));
    Some(print)
}

/// Fact: RFC 8446, section 4.1.2.
const RANDOM_LEN: usize = 32;

/// The body of the first message, put together from as many records as it is in.
fn message(stream: &[u8]) -> Option<Vec<u8>> {
    let mut records = Reader(stream);
    let mut message = Vec::new();
    loop {
        if records.u8()? != HANDSHAKE {
            return None;
        }
        records.take(2)?;
        message.extend_from_slice(records.long()?.0);
        let mut reader = Reader(&message);
        let Some(head) = reader.take(4) else { continue };
        if head[0] != CLIENT_HELLO {
            return None;
        }
        let len = usize::from(head[1]) << 16 | usize::from(head[2]) << 8 | usize::from(head[3]);
        if let Some(body) = reader.take(len) {
            return Some(body.to_vec());
        }
    }
}

/// What extensions ask for.
#[derive(Debug, Default)]
struct Asked<'a> {
    version: u16,
    has_name: bool,
    alpn: Option<&'a [u8]>,
    signatures: Vec<u16>,
}

impl<'a> Asked<'a> {
    fn read(&mut self, id: u16, mut body: Reader<'a>) {
        match id {
            SERVER_NAME => self.has_name = true,
            ALPN => self.alpn = body.long().and_then(|mut names| Some(names.short()?.0)),
            SIGNATURE_ALGORITHMS => {
                self.signatures = body.long().map(Reader::numbers).unwrap_or_default();
                self.signatures.retain(is_real);
            }
            SUPPORTED_VERSIONS => {
                let versions = body.short().map(Reader::numbers).unwrap_or_default();
                let highest = versions.into_iter().filter(is_real).max();
                self.version = highest.unwrap_or(self.version);
            }
            _ => {}
        }
    }

    fn alpn(&self) -> String {
        let (Some(first), Some(last)) =
            (self.alpn.and_then(<[u8]>::first), self.alpn.and_then(<[u8]>::last))
        else {
            return "00".to_owned();
        };
        if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
            [char::from(*first), char::from(*last)].iter().collect()
        } else {
            format!("{:x}{:x}", first >> 4, last & 0xf)
        }
    }
}

const fn version(version: u16) -> &'static str {
    match version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        _ => "00",
    }
}

/// Whether a number means something. Fact: RFC 8701 keeps those of both bytes alike and ending in
/// `a` for clients to send at random.
fn is_real(number: &u16) -> bool {
    let [high, low] = number.to_be_bytes();
    high != low || low & 0xf != 0xa
}

fn listed(numbers: &[u16]) -> String {
    let mut text = String::with_capacity(numbers.len() * 5);
    for (n, number) in numbers.iter().enumerate() {
        let comma = if n > 0 { "," } else { "" };
        let _ = write!(text, "{comma}{number:04x}");
    }
    text
}

fn hash(text: &str) -> String {
    if text.is_empty() {
        return NOTHING.to_owned();
    }
    let digest = Sha256::digest(text.as_bytes());
    let mut hex = String::with_capacity(N_LETTERS);
    for byte in &digest[..N_LETTERS / 2] {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// What is left to read.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// What has its length in one byte before it.
    fn short(&mut self) -> Option<Self> {
        let len = self.u8()?;
        self.take(usize::from(len)).map(Self)
    }

    /// What has its length in two bytes before it.
    fn long(&mut self) -> Option<Self> {
        let len = self.u16()?;
        self.take(usize::from(len)).map(Self)
    }

    fn numbers(mut self) -> Vec<u16> {
        std::iter::from_fn(|| self.u16()).collect()
    }
}

#[cfg(test)]
#[path = "ja4_tests.rs"]
mod tests;
