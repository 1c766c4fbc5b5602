//! Signatures that a secret, or a public key in its place, can be checked with.

use std::borrow::Cow;

use aws_lc_rs::{
    digest,
    hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY, HMAC_SHA256, HMAC_SHA512},
    signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey},
};
use subtle::ConstantTimeEq as _;

use super::{
    Incoming, Rejected,
    encoding::Encoding,
    parts::{Part, Place, Signatures},
    stamp::Stamp,
};

/// How a provider signs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed {
    pub(super) signatures: Signatures,
    pub(super) encoding: Encoding,
    pub(super) algorithm: Algorithm,
    pub(super) key: Key,
    /// When it was sent; it should be among what is signed.
    pub(super) stamp: Option<Stamp>,
    /// The signed text.
    pub(super) parts: &'static [Part],
    /// Other texts, any of which may be the signed one.
    pub(super) or: &'static [&'static [Part]],
}

/// What signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// ECDSA over P-256 with SHA-256, in ASN.1. The secret is a public key.
    EcdsaP256,
    HmacSha1,
    HmacSha256,
    HmacSha512,
    /// SHA-256 of the secret and then the text.
    ///
    /// Fact: two older schemes of one provider. It is weaker than HMAC: who knows a signed text
    /// can sign longer ones that begin with it.
    PrefixSha256,
}

/// What the secret is to the algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Base64 of the key.
    Base64,
    /// Base64 of the key, which may have this in front of it.
    Base64After(&'static str),
    /// The key as it is written.
    Text,
}

impl Signed {
    /// HMAC-SHA256 of the body, in hex, in a header.
    pub(super) const fn hex(header: &'static str) -> Self {
        Self {
            signatures: Signatures::Whole { place: Place::Header(header), prefix: "" },
            encoding: Encoding::Hex,
            algorithm: Algorithm::HmacSha256,
            key: Key::Text,
            stamp: None,
            parts: &[Part::Body],
            or: &[],
        }
    }

    /// HMAC-SHA256 of the body, in base64, in a header.
    pub(super) const fn base64(header: &'static str) -> Self {
        Self { encoding: Encoding::Base64, ..Self::hex(header) }
    }

    /// HMAC-SHA256 in hex over `time.body`, in a header like `t=1,v1=ab`.
    pub(super) const fn pairs(header: &'static str, time: &'static str, key: &'static str) -> Self {
        Self {
            signatures: Signatures::Pairs { header, key },
            stamp: Some(Stamp::pair(header, time)),
            parts: &[Part::Stamp, Part::Text("."), Part::Body],
            ..Self::hex(header)
        }
    }

    pub(super) const fn after(self, prefix: &'static str) -> Self {
        let signatures = match self.signatures {
            Signatures::Whole { place, .. } => Signatures::Whole { place, prefix },
            other => other,
        };
        Self { signatures, ..self }
    }

    pub(super) const fn by(self, algorithm: Algorithm) -> Self {
        Self { algorithm, ..self }
    }

    pub(super) const fn found(self, signatures: Signatures) -> Self {
        Self { signatures, ..self }
    }

    pub(super) const fn with_key(self, key: Key) -> Self {
        Self { key, ..self }
    }

    pub(super) const fn at(self, stamp: Stamp) -> Self {
        Self { stamp: Some(stamp), ..self }
    }

    /// With another tolerance of its time, in seconds.
    pub(super) const fn within(self, seconds: u64) -> Self {
        let stamp = match self.stamp {
            Some(stamp) => Some(stamp.within(seconds)),
            None => None,
        };
        Self { stamp, ..self }
    }

    pub(super) const fn of(self, parts: &'static [Part]) -> Self {
        Self { parts, ..self }
    }

    pub(super) const fn or(self, or: &'static [&'static [Part]]) -> Self {
        Self { or, ..self }
    }

    /// Whether a secret is of the form that the provider gives out.
    pub(super) fn takes(&self, secret: &str) -> bool {
        self.key.bytes(secret).is_ok()
    }

    /// Checks a webhook.
    pub(super) fn check(&self, incoming: &Incoming<'_>, secret: &str) -> Result<(), Rejected> {
        let signatures = self.signatures.find(incoming, self.encoding)?;
        let stamp = match &self.stamp {
            Some(stamp) => stamp.read(incoming)?,
            None => String::new(),
        };
        let key = self.key.bytes(secret)?;
        for parts in [&self.parts].into_iter().chain(self.or) {
            let parts = parts.iter().map(|part| part.bytes(incoming, &stamp));
            let parts = parts.collect::<Result<Vec<_>, _>>()?;
            if self.algorithm.is_signed(&parts, &key, &signatures) {
                return Ok(());
            }
        }
        Err(Rejected::Mismatch)
    }
}

/// Compares with each of them, in the same time whichever matches.
fn any_equal(signatures: &[Vec<u8>], expected: &[u8]) -> bool {
    let equal = signatures.iter().map(|signature| signature.ct_eq(expected));
    equal.fold(subtle::Choice::from(0), |any, is| any | is).into()
}

impl Algorithm {
    /// Whether any of the signatures is one of this text.
    fn is_signed(self, text: &[Cow<'_, [u8]>], key: &[u8], signatures: &[Vec<u8>]) -> bool {
        let hmac = |algorithm| {
            let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm, key));
            text.iter().for_each(|part| context.update(part));
            any_equal(signatures, context.sign().as_ref())
        };
        match self {
            Self::EcdsaP256 => {
                let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key);
                let text = text.concat();
                signatures.iter().any(|signature| public.verify(&text, signature).is_ok())
            }
            Self::HmacSha1 => hmac(HMAC_SHA1_FOR_LEGACY_USE_ONLY),
            Self::HmacSha256 => hmac(HMAC_SHA256),
            Self::HmacSha512 => hmac(HMAC_SHA512),
            Self::PrefixSha256 => {
                let mut context = digest::Context::new(&digest::SHA256);
                context.update(key);
                text.iter().for_each(|part| context.update(part));
                any_equal(signatures, context.finish().as_ref())
            }
        }
    }
}

impl Key {
    /// The key's bytes. An empty key would be known to everybody.
    pub(super) fn bytes(self, secret: &str) -> Result<Vec<u8>, Rejected> {
        let base64 = |text: &str| Encoding::Base64.decode(text.trim()).ok_or(Rejected::Secret);
        let key = match self {
            Self::Text => secret.as_bytes().to_vec(),
            Self::Base64 => base64(secret)?,
            Self::Base64After(prefix) => base64(secret.strip_prefix(prefix).unwrap_or(secret))?,
        };
        if key.is_empty() { Err(Rejected::Secret) } else { Ok(key) }
    }
}
