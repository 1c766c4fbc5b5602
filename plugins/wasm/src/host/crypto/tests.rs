use adit_policy_rules::Kind;
use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der},
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
    },
};

use super::{
    hash,
    sign::{check_size, sign},
    verify::verify,
};

/// A private key and its public one, DER.
type Pair = (Vec<u8>, Vec<u8>);

fn rsa(size: KeySize) -> Pair {
    let pair = RsaKeyPair::generate(size).unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    (private.as_ref().to_vec(), public.as_ref().to_vec())
}

fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm) -> Pair {
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    (pair.to_pkcs8v1().unwrap().as_ref().to_vec(), public.as_ref().to_vec())
}

fn ed25519() -> Pair {
    let pair = Ed25519KeyPair::generate().unwrap();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    (pair.to_pkcs8v1().unwrap().as_ref().to_vec(), public.as_ref().to_vec())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[test]
fn digests_are_those_of_the_standard() {
    let start = |algorithm, data: &[u8]| hex(&hash(algorithm, data).unwrap()[..8]);
    assert_eq!(start("sha256", b"abc"), "ba7816bf8f01cfea");
    assert_eq!(start("sha384", b"abc"), "cb00753f45a35e8b");
    assert_eq!(start("sha512", b"abc"), "ddaf35a193617aba");
    assert_eq!(hash("sha512", b"").unwrap().len(), 64);
    let refused = hash("md5", b"").unwrap_err();
    assert_eq!(refused.kind, Kind::Invalid);
    assert_eq!(refused.message, r#"digest "md5" is not known"#);
}

#[test]
fn a_keyed_digest_is_that_of_the_standard() {
    let mac = sign("hs256", b"Jefe", b"what do ya want for nothing?").unwrap();
    let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(hex(&mac), expected);
    assert_eq!(verify("hs256", b"Jefe", b"what do ya want for nothing?", &mac), Ok(true));
    assert_eq!(verify("hs256", b"Jefe", b"what do ya want for something?", &mac), Ok(false));
    assert_eq!(verify("hs256", b"Jefe", b"what do ya want for nothing?", &mac[..31]), Ok(false));
}

#[test]
fn each_algorithm_verifies_what_it_signed_and_nothing_else() {
    let rsa = rsa(KeySize::Rsa2048);
    let pairs = [
        ("rs256", &rsa, 256),
        ("ps256", &rsa, 256),
        ("es256", &ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING), 64),
        ("eddsa", &ed25519(), 64),
    ];
    for (algorithm, (private, public), len) in pairs {
        let mut signature = sign(algorithm, private, b"message").unwrap();
        assert_eq!(signature.len(), len, "{algorithm}");
        assert_eq!(verify(algorithm, public, b"message", &signature), Ok(true), "{algorithm}");
        assert_eq!(verify(algorithm, public, b"massage", &signature), Ok(false), "{algorithm}");
        assert_eq!(verify(algorithm, public, b"message", b""), Ok(false), "{algorithm}");
        signature[len / 2] ^= 1;
        assert_eq!(verify(algorithm, public, b"message", &signature), Ok(false), "{algorithm}");
    }
    let signature = sign("rs256", &rsa.0, b"message").unwrap();
    assert_eq!(verify("ps256", &rsa.1, b"message", &signature), Ok(false));
}

#[test]
fn keys_of_another_kind_or_shape_are_refused() {
    let p256 = ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING);
    let p384 = ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING);
    let ed = ed25519();
    for algorithm in ["rs256", "ps256", "es256", "eddsa"] {
        for (private, public) in
            [&(Vec::new(), Vec::new()), &p384, &(vec![0x30; 100], vec![0x30; 100])]
        {
            assert_eq!(
                sign(algorithm, private, b"").unwrap_err().kind,
                Kind::Invalid,
                "{algorithm}"
            );
            let refused = verify(algorithm, public, b"", b"").unwrap_err();
            assert_eq!(refused.kind, Kind::Invalid, "{algorithm}");
        }
    }
    assert!(sign("es256", &ed.0, b"").is_err());
    assert!(verify("eddsa", &p256.1, b"", b"").is_err());
    // Bare keys, which the provider itself would take.
    let bare_ed = &ed.1[ed.1.len() - 32..];
    let bare_p256 = &p256.1[p256.1.len() - 65..];
    let refused = verify("eddsa", bare_ed, b"", b"").unwrap_err();
    let text = "the key is not one of eddsa as SubjectPublicKeyInfo in DER";
    assert_eq!(refused.message, text);
    assert!(verify("es256", bare_p256, b"", b"").is_err());
    assert_eq!(sign("none", b"", b"").unwrap_err().message, r#"signature "none" is not known"#);
    assert_eq!(verify("none", b"", b"", b"").unwrap_err().kind, Kind::Invalid);
}

#[test]
fn a_bare_rsa_key_is_refused() {
    let (_, public) = rsa(KeySize::Rsa2048);
    // What stands in the bit string: the header of SubjectPublicKeyInfo has 24 octets here.
    assert!(verify("rs256", &public, b"", b"").is_ok());
    assert!(verify("rs256", &public[24..], b"", b"").is_err());
}

#[test]
fn rsa_keys_that_take_too_long_do_not_sign() {
    let refused = check_size(8_192 / 8).unwrap_err();
    assert_eq!(refused.kind, Kind::Limit);
    assert_eq!(refused.message, "RSA key: it has 8192 bits, limit is 4096");
    assert_eq!(check_size(4_096 / 8), Ok(()));
}
