//! Signatures with public keys, by the provider that the agent uses.

use adit_policy_rules::Refused;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair, VerificationAlgorithm,
};

pub(super) fn sign(algorithm: &str, key: &[u8], message: &[u8]) -> Result<Vec<u8>, Refused> {
    let failed = |_| Refused::invalid("the message cannot be signed with that key");
    let random = SystemRandom::new();
    match algorithm {
        "es256" => {
            let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key);
            let key = key.map_err(|_| bad_key("a P-256 key"))?;
            Ok(key.sign(&random, message).map_err(failed)?.as_ref().to_vec())
        }
        "eddsa" => {
            let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key);
            Ok(key.map_err(|_| bad_key("an Ed25519 key"))?.sign(message).as_ref().to_vec())
        }
        _ => {
            let padding: &'static dyn RsaEncoding =
                if algorithm == "ps256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
            let key = RsaKeyPair::from_pkcs8(key);
            let key = key.map_err(|_| bad_key("an RSA key of 2048 bits or more"))?;
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(padding, &random, message, &mut signature).map_err(failed)?;
            Ok(signature)
        }
    }
}

pub(super) fn verify(
    algorithm: &str,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<bool, Refused> {
    let known: &'static dyn VerificationAlgorithm = match algorithm {
        "rs256" => &RSA_PKCS1_2048_8192_SHA256,
        "ps256" => &RSA_PSS_2048_8192_SHA256,
        "es256" => &ECDSA_P256_SHA256_FIXED,
        _ => &ED25519,
    };
    let bad = || {
        let text = format!("the key is not one of {algorithm} as SubjectPublicKeyInfo in DER");
        Refused::invalid(text)
    };
    if !is_spki(key) {
        return Err(bad());
    }
    let key = ParsedPublicKey::new(known, key).map_err(|_| bad())?;
    Ok(key.verify_sig(message, signature).is_ok())
}

/// A sequence in a sequence: the provider would take bare keys too, the agent does not.
fn is_spki(key: &[u8]) -> bool {
    let [0x30, len, rest @ ..] = key else { return false };
    let long_form = if *len < 0x80 { 0 } else { usize::from(len & 0x7f) };
    rest.get(long_form) == Some(&0x30)
}

fn bad_key(expected: &str) -> Refused {
    Refused::invalid(format!("the key is not {expected} as PKCS #8 in DER"))
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
    use aws_lc_rs::signature::KeyPair as _;

    use super::*;

    fn round_trip(algorithm: &str, private: &[u8], public: &[u8]) {
        let signature = sign(algorithm, private, b"message").unwrap();
        assert_eq!(verify(algorithm, public, b"message", &signature), Ok(true));
        assert_eq!(verify(algorithm, public, b"other", &signature), Ok(false));
    }

    #[test]
    fn a_signature_is_right_for_its_message_only() {
        let random = SystemRandom::new();
        let private = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
        let private = private.unwrap();
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private.as_ref()).unwrap();
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
        round_trip("es256", private.as_ref(), public.as_ref());

        let private = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let key = Ed25519KeyPair::from_pkcs8(private.as_ref()).unwrap();
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
        round_trip("eddsa", private.as_ref(), public.as_ref());
        let bare = key.public_key().as_ref();
        assert_eq!(
            verify("eddsa", bare, b"", b"").unwrap_err().to_string(),
            "the key is not one of eddsa as SubjectPublicKeyInfo in DER"
        );
    }
}
