//! Numbers that nobody guesses, and what is made of them.

use std::sync::LazyLock;

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    rand,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// 256 bits that nobody guesses.
pub(crate) fn random() -> [u8; 32] {
    let mut octets = [0; 32];
    rand::fill(&mut octets).expect("the system has random numbers");
    octets
}

/// As text for cookies and URLs.
pub(crate) fn to_text(octets: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(octets)
}

/// SHA-256 of several parts, told apart by their lengths.
pub(crate) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// Closes small messages so that only this process can read and make them.
///
/// The key is made when it is first needed: the library gathers entropy for milliseconds then, which
/// a program without logins shall not wait for.
pub(crate) struct Seal(LazyLock<RandomizedNonceKey>);

impl Seal {
    /// With a key of its own.
    pub(crate) const fn new() -> Self {
        Self(LazyLock::new(|| {
            let key = RandomizedNonceKey::new(&AES_256_GCM_SIV, &random());
            key.expect("the key has the length that the algorithm wants")
        }))
    }

    /// Closes a message that is about `about`.
    pub(crate) fn close(&self, about: &[u8], message: &[u8]) -> Option<String> {
        let mut octets = message.to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(about), &mut octets).ok()?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.extend_from_slice(&octets);
        Some(to_text(&sealed))
    }

    /// Opens what was closed about the same.
    pub(crate) fn open(&self, about: &[u8], sealed: &str) -> Option<Vec<u8>> {
        let octets = BASE64_URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, rest) = octets.split_at_checked(NONCE_LEN)?;
        let (nonce, mut rest) = (Nonce::try_assume_unique_for_key(nonce).ok()?, rest.to_vec());
        let message = self.0.open_in_place(nonce, Aad::from(about), &mut rest).ok()?;
        Some(message.to_vec())
    }
}

impl Default for Seal {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_closed_here_about_the_same_opens() {
        let seal = Seal::new();
        let closed = seal.close(b"a", b"hello").unwrap();
        assert_eq!(seal.open(b"a", &closed).as_deref(), Some(&b"hello"[..]));
        assert_eq!(seal.open(b"b", &closed), None);
        assert_eq!(Seal::new().open(b"a", &closed), None);
        let mut forged = closed.into_bytes();
        forged[20] ^= 1;
        assert_eq!(seal.open(b"a", &String::from_utf8(forged).unwrap()), None);
        assert_eq!(seal.open(b"a", "short"), None);
    }

    #[test]
    fn parts_are_told_apart() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
    }
}
