use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::login::testing::Signer;

const ALL: [&str; 13] = [
    "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512", "PS256", "PS384", "PS512",
    "RS256", "RS384", "RS512",
];

fn all() -> Vec<Alg> {
    ALL.into_iter().map(|name| Alg::parse(name).unwrap()).collect()
}

fn keys(signers: &[&Signer]) -> KeySet {
    let keys: Vec<_> = signers.iter().map(|signer| signer.jwk()).collect();
    KeySet::parse(&json!({ "keys": keys })).unwrap()
}

fn verify(text: &str, keys: &KeySet, allowed: &[Alg]) -> Result<(), Unsigned> {
    Token::parse(text).unwrap().verify(keys, allowed)
}

#[test]
fn every_way_of_signing_is_known_and_told_from_a_wrong_signature() {
    for name in ALL {
        let signer = Signer::new(name, "a");
        let (keys, text) = (keys(&[&signer]), signer.token(&json!({"sub": "1"})));
        assert_eq!(verify(&text, &keys, &all()), Ok(()), "{name}");
        let (message, signature) = text.rsplit_once('.').unwrap();
        let (header, _) = message.split_once('.').unwrap();
        let forged = format!("{header}.{}.{signature}", "eyJzdWIiOiIyIn0");
        assert_eq!(verify(&forged, &keys, &all()), Err(Unsigned::Signature), "{name}");
        let others: Vec<_> =
            all().into_iter().filter(|alg| Some(*alg) != Alg::parse(name)).collect();
        assert_eq!(verify(&text, &keys, &others), Err(Unsigned::Algorithm), "{name}");
    }
}

#[test]
fn none_is_no_way_of_signing() {
    let (signer, keys) = (Signer::new("none", "a"), keys(&[&Signer::new("ES256", "a")]));
    for name in ["none", "None", "NONE", "nOnE", ""] {
        let text = signer.token_with(&json!({"alg": name, "kid": "a"}), &json!({}));
        assert_eq!(verify(&text, &keys, &all()), Err(Unsigned::Algorithm), "{name}");
    }
    let text = signer.token_with(&json!({"alg": "ES256", "kid": "a"}), &json!({}));
    assert_eq!(verify(&text, &keys, &all()), Err(Unsigned::Signature));
    let text = signer.token_with(&json!({"kid": "a"}), &json!({}));
    assert_eq!(verify(&text, &keys, &all()), Err(Unsigned::Algorithm));
}

#[test]
fn a_public_key_is_no_secret() {
    let rsa = Signer::new("RS256", "a");
    let forger = Signer::secret("HS256", "a", rsa.public_octets());
    let text = forger.token(&json!({"sub": "1"}));
    assert_eq!(verify(&text, &keys(&[&rsa]), &all()), Err(Unsigned::NoKey));
}

#[test]
fn a_token_is_tried_with_the_keys_that_may_have_signed_it() {
    let (one, two) = (Signer::new("ES256", "one"), Signer::new("ES256", "two"));
    let both = keys(&[&one, &two]);
    let text = two.token(&json!({}));
    assert_eq!(verify(&text, &both, &all()), Ok(()));
    assert_eq!(verify(&text, &keys(&[&one]), &all()), Err(Unsigned::NoKey));
    let unnamed = two.token_with(&json!({"alg": "ES256"}), &json!({}));
    assert_eq!(verify(&unnamed, &both, &all()), Ok(()));
    let misnamed = two.token_with(&json!({"alg": "ES256", "kid": "one"}), &json!({}));
    assert_eq!(verify(&misnamed, &both, &all()), Err(Unsigned::Signature));
}

#[test]
fn a_key_is_only_for_what_its_owner_says() {
    let signer = Signer::new("RS256", "a");
    let text = signer.token(&json!({}));
    let with = |name: &str, value: &str| {
        let mut key = signer.jwk();
        key[name] = value.into();
        let keys = KeySet::parse(&json!({"keys": [key, {"kty": "??"}, 7]})).unwrap();
        verify(&text, &keys, &all())
    };
    assert_eq!(with("alg", "RS256"), Ok(()));
    assert_eq!(with("alg", "PS256"), Err(Unsigned::NoKey));
    assert_eq!(with("alg", "RSA-OAEP"), Err(Unsigned::NoKey));
    assert_eq!(with("use", "enc"), Err(Unsigned::NoKey));
}

#[test]
fn what_must_be_understood_and_is_not_is_refused() {
    let signer = Signer::new("ES256", "a");
    let header = json!({"alg": "ES256", "kid": "a", "crit": ["b64"], "b64": false});
    let text = signer.token_with(&header, &json!({}));
    assert_eq!(verify(&text, &keys(&[&signer]), &all()), Err(Unsigned::Algorithm));
}

#[test]
fn what_is_not_a_token_is_not_read_as_one() {
    let long = format!("e30.e30.{}", "a".repeat(MAX_TOKEN));
    for text in
        ["", "a", "a.b", "..", "e30.e30", "e30.e30.e30.e30", "W10.e30.", "e30.MQ.", "!.e30.", &long]
    {
        assert!(Token::parse(text).is_err(), "{text:.20}");
    }
    assert!(Token::parse("e30.e30.").is_ok());
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "[A-Za-z0-9_.=-]{0,40}|\\PC{0,20}") {
        let _ = Token::parse(&text).map(|token| token.verify(&keys(&[]), &all()));
    }

    #[test]
    fn no_key_set_breaks_the_reader(n in "[A-Za-z0-9_-]{0,12}", kty in "RSA|EC|OKP|oct|x", crv in "P-256|P-521|Ed25519|x") {
        let key = json!({"kty": kty, "crv": crv, "n": n, "e": n, "x": n, "y": n, "k": n});
        let keys = KeySet::parse(&json!({ "keys": [key] })).unwrap();
        let text = Signer::secret("HS256", "a", vec![1; 32]).token_with(&json!({"alg": "ES256"}), &json!({}));
        prop_assert!(Token::parse(&text).unwrap().verify(&keys, &all()).is_err());
    }
}
