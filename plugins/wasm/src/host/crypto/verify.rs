//! Signatures that a policy checks.

use adit_policy_rules::Refused;
use aws_lc_rs::{
    hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
        RSA_PSS_2048_8192_SHA256, VerificationAlgorithm,
    },
};

use super::unknown;

/// SubjectPublicKeyInfo begins with a sequence in a sequence: length octets between them vary.
const SEQUENCE: u8 = 0x30;

/// Whether a signature of a message is right.
pub(super) fn verify(
    algorithm: &str,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<bool, Refused> {
    let known: &'static dyn VerificationAlgorithm = match algorithm {
        "hs256" => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key);
            return Ok(hmac::verify(&key, message, signature).is_ok());
        }
        "rs256" => &RSA_PKCS1_2048_8192_SHA256,
        "ps256" => &RSA_PSS_2048_8192_SHA256,
        "es256" => &ECDSA_P256_SHA256_FIXED,
        "eddsa" => &ED25519,
        _ => return Err(unknown("signature", algorithm)),
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

/// Whether the octets have the outer shape of SubjectPublicKeyInfo: the provider would take bare
/// keys too, and then policies would depend on it.
fn is_spki(key: &[u8]) -> bool {
    let Some((&SEQUENCE, rest)) = key.split_first() else { return false };
    let Some((&len, rest)) = rest.split_first() else { return false };
    let long_form = if len < 0x80 { 0 } else { usize::from(len & 0x7f) };
    rest.get(long_form) == Some(&SEQUENCE)
}
