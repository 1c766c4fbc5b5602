//! Credentials as they are written. Read by hand, because what serde says of a mistyped value
//! quotes the value, and these are secrets.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// One or many.
#[derive(Default)]
pub(super) struct Credentials(pub(super) Vec<Credential>);

/// One way in.
pub(super) enum Credential {
    /// `user:password`.
    Pair(String),
    /// With its parts named.
    Fields { username: String, password: Option<String>, hashed_password: Option<String> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    username: String,
    #[serde(default, alias = "cleartext_password")]
    password: Option<String>,
    #[serde(default)]
    hashed_password: Option<String>,
}

impl<'de> Deserialize<'de> for Credentials {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Credentials;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of \"user:password\"")
            }

            fn visit_str<E: Error>(self, pair: &str) -> Result<Credentials, E> {
                Ok(Credentials(vec![Credential::Pair(pair.into())]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Credentials, A::Error> {
                let mut all = Vec::new();
                while let Some(credential) = seq.next_element()? {
                    all.push(credential);
                }
                Ok(Credentials(all))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

impl<'de> Deserialize<'de> for Credential {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairOrFields;
        impl<'de> Visitor<'de> for PairOrFields {
            type Value = Credential;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"user:password\", or a username and a password")
            }

            fn visit_str<E: Error>(self, pair: &str) -> Result<Credential, E> {
                Ok(Credential::Pair(pair.into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Credential, A::Error> {
                let fields = Fields::deserialize(MapAccessDeserializer::new(map))?;
                let Fields { username, password, hashed_password } = fields;
                Ok(Credential::Fields { username, password, hashed_password })
            }
        }
        deserializer.deserialize_any(PairOrFields)
    }
}
