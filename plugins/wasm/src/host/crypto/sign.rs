//! Signatures that a policy makes.

use adit_policy_rules::Refused;
use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256,
        RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
    },
};

use super::unknown;

/// Octets of the modulus of an RSA key that signs.
///
/// Reason: the time grows with the third power, and the guest cannot be stopped meanwhile; one
/// signature of this size takes some milliseconds.
const MAX_RSA: usize = 4_096 / 8;

/// Signs a message.
pub(super) fn sign(algorithm: &str, key: &[u8], message: &[u8]) -> Result<Vec<u8>, Refused> {
    match algorithm {
        "hs256" => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key);
            Ok(hmac::sign(&key, message).as_ref().to_vec())
        }
        "rs256" => rsa(&RSA_PKCS1_SHA256, key, message),
        "ps256" => rsa(&RSA_PSS_SHA256, key, message),
        "es256" => {
            let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key);
            let key = key.map_err(|_| bad_key("a P-256 key"))?;
            let signature = key.sign(&SystemRandom::new(), message).map_err(|_| failed())?;
            Ok(signature.as_ref().to_vec())
        }
        "eddsa" => {
            let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key);
            let key = key.map_err(|_| bad_key("an Ed25519 key"))?;
            Ok(key.sign(message).as_ref().to_vec())
        }
        _ => Err(unknown("signature", algorithm)),
    }
}

fn rsa(padding: &'static dyn RsaEncoding, key: &[u8], message: &[u8]) -> Result<Vec<u8>, Refused> {
    let key =
        RsaKeyPair::from_pkcs8(key).map_err(|_| bad_key("an RSA key of 2048 bits or more"))?;
    let len = key.public_modulus_len();
    check_size(len)?;
    let mut signature = vec![0; len];
    key.sign(padding, &SystemRandom::new(), message, &mut signature).map_err(|_| failed())?;
    Ok(signature)
}

pub(super) fn check_size(len: usize) -> Result<(), Refused> {
    if len > MAX_RSA {
        let (bits, most) = (len * 8, MAX_RSA * 8);
        return Err(Refused::limit(format!("RSA key: it has {bits} bits, limit is {most}")));
    }
    Ok(())
}

fn bad_key(expected: &str) -> Refused {
    Refused::invalid(format!("the key is not {expected} as PKCS #8 in DER"))
}

fn failed() -> Refused {
    Refused::invalid("the message cannot be signed with that key")
}
