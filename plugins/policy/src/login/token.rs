//! Signed tokens: their three parts, and whether a key made the last of them.

use aws_lc_rs::signature::{ECDSA_P521_SHA512_FIXED, UnparsedPublicKey};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, crypto};
use serde_json::{Map, Value as Json};

use super::keys::{Key, KeySet, Material};

/// Octets of a token.
///
/// Reason: heads of requests end at 1 MiB, but real tokens, even with hundreds of groups in them,
/// have a few KiB; what is longer costs time to look at.
pub(crate) const MAX_TOKEN: usize = 32 * 1024;

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alg {
    /// What the library for tokens knows.
    Known(Algorithm),
    /// ECDSA with P-521.
    Es512,
}

impl Alg {
    /// By its registered name. `none` is none.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        if name == "ES512" {
            return Some(Self::Es512);
        }
        name.parse().ok().map(Self::Known)
    }
}

/// A token in its parts, which nobody has vouched for yet.
#[derive(Debug)]
pub(crate) struct Token<'a> {
    /// What it says of itself.
    pub(crate) header: Map<String, Json>,
    /// What it claims.
    pub(crate) payload: Map<String, Json>,
    /// As it was sent.
    pub(crate) signature: &'a str,
    /// What is signed.
    message: &'a str,
}

/// A text is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Why no key vouches for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsigned {
    /// Its way of signing is not allowed, or unknown.
    Algorithm,
    /// No key of the set can have signed it: newer keys may.
    NoKey,
    /// A key that might have signed it did not.
    Signature,
}

impl<'a> Token<'a> {
    /// Takes it apart.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Malformed> {
        if text.len() > MAX_TOKEN {
            return Err(Malformed);
        }
        let (message, signature) = text.rsplit_once('.').ok_or(Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Malformed)?;
        if payload.contains('.') {
            return Err(Malformed);
        }
        let (header, payload) = (object(header)?, object(payload)?);
        Ok(Self { header, payload, signature, message })
    }

    /// The algorithm that it names.
    pub(crate) fn alg(&self) -> Option<Alg> {
        self.header.get("alg")?.as_str().and_then(Alg::parse)
    }

    fn kid(&self) -> Option<&str> {
        self.header.get("kid")?.as_str()
    }

    /// Whether a key of the set made its signature, in one of these ways.
    pub(crate) fn verify(&self, keys: &KeySet, allowed: &[Alg]) -> Result<(), Unsigned> {
        let alg = self.alg().filter(|alg| allowed.contains(alg)).ok_or(Unsigned::Algorithm)?;
        // RFC 7515, 4.1.11: what is marked so must be understood, and we understand none.
        if self.header.contains_key("crit") {
            return Err(Unsigned::Algorithm);
        }
        let mut tried = false;
        for key in keys.iter().filter(|key| key.fits(alg, self.kid())) {
            tried = true;
            if self.is_signed_by(key, alg) {
                return Ok(());
            }
        }
        Err(if tried { Unsigned::Signature } else { Unsigned::NoKey })
    }

    fn is_signed_by(&self, key: &Key, alg: Alg) -> bool {
        match (&key.material, alg) {
            (Material::Known(key), Alg::Known(alg)) => {
                crypto::verify(self.signature, self.message.as_bytes(), key, alg).unwrap_or(false)
            }
            (Material::P521(point), Alg::Es512) => {
                let Ok(signature) = BASE64_URL_SAFE_NO_PAD.decode(self.signature) else {
                    return false;
                };
                UnparsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, point)
                    .verify(self.message.as_bytes(), &signature)
                    .is_ok()
            }
            _ => false,
        }
    }
}

fn object(part: &str) -> Result<Map<String, Json>, Malformed> {
    let octets = BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| Malformed)?;
    serde_json::from_slice(&octets).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests;
