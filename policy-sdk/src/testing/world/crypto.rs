//! Digests and keyed hashes; public keys with the feature `public-keys`.

use adit_policy_rules::Refused;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::backend::types::Error;
use crate::error::raw_error;

#[cfg(feature = "public-keys")]
mod keys;

pub(crate) fn digest(algorithm: &str, data: &[u8]) -> Result<Vec<u8>, Error> {
    match algorithm {
        "sha256" => Ok(Sha256::digest(data).to_vec()),
        "sha384" => Ok(Sha384::digest(data).to_vec()),
        "sha512" => Ok(Sha512::digest(data).to_vec()),
        _ => Err(unknown("digest", algorithm)),
    }
}

pub(crate) fn sign(algorithm: &str, key: &[u8], message: &[u8]) -> Result<Vec<u8>, Error> {
    match algorithm {
        "hs256" => Ok(hs256(key, message)),
        #[cfg(feature = "public-keys")]
        "rs256" | "ps256" | "es256" | "eddsa" => {
            keys::sign(algorithm, key, message).map_err(raw_error)
        }
        _ => Err(unknown("signature", algorithm)),
    }
}

pub(crate) fn verify(
    algorithm: &str,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<bool, Error> {
    match algorithm {
        "hs256" => Ok(equal(&hs256(key, message), signature)),
        #[cfg(feature = "public-keys")]
        "rs256" | "ps256" | "es256" | "eddsa" => {
            keys::verify(algorithm, key, message, signature).map_err(raw_error)
        }
        _ => Err(unknown("signature", algorithm)),
    }
}

pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    a == b
}

fn hs256(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

fn unknown(what: &str, algorithm: &str) -> Error {
    let more = match algorithm {
        "rs256" | "ps256" | "es256" | "eddsa" => {
            "; in native tests it needs the SDK's feature \"public-keys\""
        }
        _ => "",
    };
    raw_error(Refused::invalid(format!("{what} {algorithm:?} is not known{more}")))
}
