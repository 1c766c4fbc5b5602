//! Credentials as they are written: text, or parts with names.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

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
