//! Key sets (RFC 7517) that providers publish.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse},
};
use serde::Deserialize as _;
use serde_json::Value as Json;

use super::{ask::AskError, token::Alg};

/// Keys of one set.
///
/// Reason: a token without a key's name is tried with all of them.
const MAX_KEYS: usize = 100;

/// Keys that somebody published.
#[derive(Debug)]
pub(crate) struct KeySet(Vec<Key>);

/// One of them.
#[derive(Debug)]
pub(crate) struct Key {
    kid: Option<String>,
    /// The one algorithm that it is for, if it says.
    alg: Option<Alg>,
    family: Family,
    pub(crate) material: Material,
}

/// What a signature is checked with.
#[derive(Debug)]
pub(crate) enum Material {
    /// As the library for tokens has it.
    Known(DecodingKey),
    /// A point of P-521, uncompressed.
    P521(Vec<u8>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Ed,
    Hmac,
    P256,
    P384,
    P521,
    Rsa,
}

impl KeySet {
    /// Reads a set. Keys that nobody here can use are left out, as the standard asks.
    pub(crate) fn parse(json: &Json) -> Result<Self, AskError> {
        let keys = json.get("keys").and_then(Json::as_array);
        let keys = keys.ok_or_else(|| AskError::Garbage("it has no \"keys\"".to_owned()))?;
        Ok(Self(keys.iter().take(MAX_KEYS).filter_map(Key::parse).collect()))
    }

    /// The keys, in the set's order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }
}

impl Key {
    fn parse(json: &Json) -> Option<Self> {
        let jwk = Jwk::deserialize(json).ok()?;
        if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return None;
        }
        // The library's list of names lacks one.
        let alg = match json.get("alg").and_then(Json::as_str) {
            Some(name) => Some(Alg::parse(name)?),
            None => None,
        };
        let (family, material) = match &jwk.algorithm {
            AlgorithmParameters::EllipticCurve(curve) => {
                let (x, y) = (&curve.x, &curve.y);
                let known = |point: Vec<u8>| Material::Known(DecodingKey::from_ec_der(&point));
                match curve.curve {
                    EllipticCurve::P256 => (Family::P256, known(point(x, y, 32)?)),
                    EllipticCurve::P384 => (Family::P384, known(point(x, y, 48)?)),
                    EllipticCurve::P521 => (Family::P521, Material::P521(point(x, y, 66)?)),
                    _ => return None,
                }
            }
            AlgorithmParameters::OctetKey(_) => (Family::Hmac, known(&jwk)?),
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
                (Family::Ed, known(&jwk)?)
            }
            AlgorithmParameters::RSA(_) => (Family::Rsa, known(&jwk)?),
            _ => return None,
        };
        Some(Self { kid: jwk.common.key_id, alg, family, material })
    }

    /// Whether it may have made a signature of this kind, under this name. A key without a name may
    /// have any.
    pub(crate) fn fits(&self, alg: Alg, kid: Option<&str>) -> bool {
        if let (Some(asked), Some(own)) = (kid, &self.kid)
            && asked != own
        {
            return false;
        }
        self.family == family(alg) && self.alg.is_none_or(|own| own == alg)
    }
}

fn family(alg: Alg) -> Family {
    match alg {
        Alg::Es512 => Family::P521,
        Alg::Known(Algorithm::ES256) => Family::P256,
        Alg::Known(Algorithm::ES384) => Family::P384,
        Alg::Known(Algorithm::EdDSA) => Family::Ed,
        Alg::Known(Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512) => Family::Hmac,
        Alg::Known(_) => Family::Rsa,
    }
}

fn known(jwk: &Jwk) -> Option<Material> {
    DecodingKey::from_jwk(jwk).ok().map(Material::Known)
}

/// A point as SEC 1 writes it: 4, then both coordinates, of so many octets each.
fn point(x: &str, y: &str, len: usize) -> Option<Vec<u8>> {
    let mut point = vec![4];
    for coordinate in [x, y] {
        let octets = BASE64_URL_SAFE_NO_PAD.decode(coordinate).ok()?;
        // Some publishers leave leading zeros out.
        let missing = len.checked_sub(octets.len())?;
        point.resize(point.len() + missing, 0);
        point.extend_from_slice(&octets);
    }
    Some(point)
}
