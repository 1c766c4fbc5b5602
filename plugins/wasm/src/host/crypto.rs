//! `crypto`: digests, signatures and comparison at native speed, by the provider of the agent's TLS.
//!
//! Names of algorithms are those of JOSE in lower case, and so are the shapes of signatures: that of
//! `es256` is the two numbers side by side, not DER. Public keys are SubjectPublicKeyInfo in DER,
//! private ones PKCS #8 in DER; the key of `hs256` is any octets.

mod sign;
mod verify;

use adit_policy_rules::{Refused, observe};
use aws_lc_rs::{constant_time, digest};

use super::{State, error::Answer};
use crate::bindings::adit::policy::crypto::Host;

impl Host for State {
    fn digest(&mut self, algorithm: String, data: Vec<u8>) -> Answer<Vec<u8>> {
        Ok(hash(&algorithm, &data)?)
    }

    fn sign(&mut self, algorithm: String, key: Vec<u8>, message: Vec<u8>) -> Answer<Vec<u8>> {
        Ok(sign::sign(&algorithm, &key, &message)?)
    }

    fn verify(
        &mut self,
        algorithm: String,
        key: Vec<u8>,
        message: Vec<u8>,
        signature: Vec<u8>,
    ) -> Answer<bool> {
        Ok(verify::verify(&algorithm, &key, &message, &signature)?)
    }

    fn equal(&mut self, a: Vec<u8>, b: Vec<u8>) -> bool {
        constant_time::verify_slices_are_equal(&a, &b).is_ok()
    }
}

fn hash(algorithm: &str, data: &[u8]) -> Result<Vec<u8>, Refused> {
    let known = match algorithm {
        "sha256" => &digest::SHA256,
        "sha384" => &digest::SHA384,
        "sha512" => &digest::SHA512,
        _ => return Err(unknown("digest", algorithm)),
    };
    Ok(digest::digest(known, data).as_ref().to_vec())
}

fn unknown(what: &str, algorithm: &str) -> Refused {
    let algorithm = observe::cut(algorithm, 40);
    Refused::invalid(format!("{what} {algorithm:?} is not known"))
}

#[cfg(test)]
mod tests;
