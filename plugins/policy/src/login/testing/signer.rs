//! Keys that sign tokens, without the library that checks them.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
        RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
        RSA_PSS_SHA512, RsaPublicKeyComponents,
    },
};
use serde_json::{Value as Json, json};

use crate::login::secrets::to_text;

/// A key with a name.
pub(crate) struct Signer {
    kid: String,
    alg: &'static str,
    key: Key,
}

enum Key {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Hmac(Vec<u8>),
    None,
    Rsa(RsaKeyPair),
}

impl Signer {
    /// A new key.
    pub(crate) fn new(alg: &'static str, kid: &str) -> Self {
        let ec = |kind| Key::Ec(EcdsaKeyPair::generate(kind).unwrap());
        let key = match alg {
            "ES256" => ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
            "ES512" => ec(&ECDSA_P521_SHA512_FIXED_SIGNING),
            "EdDSA" => Key::Ed(Ed25519KeyPair::generate().unwrap()),
            "none" => Key::None,
            alg if alg.starts_with("HS") => Key::Hmac(vec![7; 64]),
            _ => Key::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
        };
        Self { kid: kid.to_owned(), alg, key }
    }

    /// A secret that both sides know.
    pub(crate) fn secret(alg: &'static str, kid: &str, secret: Vec<u8>) -> Self {
        Self { kid: kid.to_owned(), alg, key: Key::Hmac(secret) }
    }

    /// What is published of it.
    pub(crate) fn jwk(&self) -> Json {
        let mut jwk = match &self.key {
            Key::Ec(key) => {
                let point = &key.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = ["P-256", "P-384", "P-521"];
                let curve =
                    curve[["ES256", "ES384", "ES512"].iter().position(|a| *a == self.alg).unwrap()];
                json!({"kty": "EC", "crv": curve, "x": to_text(x), "y": to_text(y)})
            }
            Key::Ed(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": to_text(key.public_key().as_ref())})
            }
            Key::Hmac(secret) => json!({"kty": "oct", "k": to_text(secret)}),
            Key::None => json!({}),
            Key::Rsa(key) => {
                let parts = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
                json!({"kty": "RSA", "n": to_text(&parts.n), "e": to_text(&parts.e)})
            }
        };
        jwk["kid"] = self.kid.as_str().into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// The modulus of an RSA key, as octets that strangers know.
    pub(crate) fn public_octets(&self) -> Vec<u8> {
        match &self.key {
            Key::Rsa(key) => key.public_key().as_ref().to_vec(),
            _ => panic!("not an RSA key"),
        }
    }

    /// A token with these claims.
    pub(crate) fn token(&self, claims: &Json) -> String {
        self.token_with(&json!({"alg": self.alg, "kid": self.kid, "typ": "JWT"}), claims)
    }

    /// A token with this header and these claims.
    pub(crate) fn token_with(&self, header: &Json, claims: &Json) -> String {
        let part = |json: &Json| to_text(json.to_string().as_bytes());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = to_text(&self.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Ec(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Key::Ed(key) => key.sign(message).as_ref().to_vec(),
            Key::Hmac(secret) => {
                let kind = match self.alg {
                    "HS384" => hmac::HMAC_SHA384,
                    "HS512" => hmac::HMAC_SHA512,
                    _ => hmac::HMAC_SHA256,
                };
                hmac::sign(&hmac::Key::new(kind, secret), message).as_ref().to_vec()
            }
            Key::None => Vec::new(),
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                macro_rules! sign {
                    ($kind:expr) => {
                        key.sign($kind, &random, message, &mut signature).unwrap()
                    };
                }
                match self.alg {
                    "RS384" => sign!(&RSA_PKCS1_SHA384),
                    "RS512" => sign!(&RSA_PKCS1_SHA512),
                    "PS256" => sign!(&RSA_PSS_SHA256),
                    "PS384" => sign!(&RSA_PSS_SHA384),
                    "PS512" => sign!(&RSA_PSS_SHA512),
                    _ => sign!(&RSA_PKCS1_SHA256),
                }
                signature
            }
        }
    }
}
