//! Primitives at native speed. Do not bring your own.
//!
//! Names of algorithms are an open set: an agent that does not know one answers `Invalid`. Public
//! keys are `SubjectPublicKeyInfo` in DER, private keys PKCS#8 in DER, `hs256` keys are octets.

use crate::backend::crypto;
use crate::error::Result;

/// Digests: `sha256`, `sha384`, `sha512`.
///
/// # Errors
///
/// `Invalid` for an algorithm that the agent does not know.
pub fn digest(algorithm: &str, data: &[u8]) -> Result<Vec<u8>> {
    Ok(crypto::digest(algorithm, data)?)
}

/// SHA-256, which every agent knows.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let digest = digest("sha256", data).expect("every agent knows sha256");
    digest.try_into().expect("a SHA-256 digest has 32 octets")
}

/// Signatures: `hs256`, `rs256`, `ps256`, `es256`, `eddsa`.
///
/// # Errors
///
/// `Invalid` for an algorithm that the agent does not know and for a key that is none.
pub fn sign(algorithm: &str, key: &[u8], message: &[u8]) -> Result<Vec<u8>> {
    Ok(crypto::sign(algorithm, key, message)?)
}

/// Whether a signature is right.
///
/// # Errors
///
/// As [`sign`]. A wrong signature is not an error: it is `false`.
pub fn verify(algorithm: &str, key: &[u8], message: &[u8], signature: &[u8]) -> Result<bool> {
    Ok(crypto::verify(algorithm, key, message, signature)?)
}

/// Comparison that takes the same time whatever is equal. Use it for whatever is secret.
pub fn equal(a: impl AsRef<[u8]>, b: impl AsRef<[u8]>) -> bool {
    crypto::equal(a.as_ref(), b.as_ref())
}
