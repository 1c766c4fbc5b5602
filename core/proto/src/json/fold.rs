//! Deserialising with the tolerance of Go's JSON package.
//!
//! The types stay plain serde types with the exact spelling. What is forgiving is the deserialiser: it
//! knows, at each struct, the names that are wanted, and renames the members that differ only in case.
//! Maps whose keys are data (labels) are not structs, so their keys stay as they came.

use std::{borrow::Cow, fmt};

use serde::{
    de::{
        self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Unexpected, Visitor,
        value::SeqDeserializer,
    },
    forward_to_deserialize_any,
};
use serde_json::{Map, Value};

use super::DecodeError;

/// A value to deserialise from: names in any case, `null` as zero.
pub(super) struct Fold(pub(super) Value);

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self(text.to_string())
    }

    /// The default would quote the value, which may be a secret.
    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self(format!("expected {expected}, found {}", kind(&found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self(format!("expected {expected}, found another {}", kind(&found)))
    }
}

fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "number",
        Unexpected::Str(_) => "string",
        Unexpected::Seq => "list",
        Unexpected::Map => "object",
        Unexpected::Unit => "null",
        _ => "value",
    }
}

/// Numbers and strings where `null` is zero.
macro_rules! zero_for_null {
    ($($method:ident => $visit:ident($zero:expr);)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            match self.0 {
                Value::Null => visitor.$visit($zero),
                _ => self.deserialize_any(visitor),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Fold {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(b) => visitor.visit_bool(b),
            Value::Number(n) => match (n.as_u64(), n.as_i64(), n.as_f64()) {
                (Some(u), ..) => visitor.visit_u64(u),
                (None, Some(i), _) => visitor.visit_i64(i),
                (None, None, f) => visitor.visit_f64(f.unwrap_or_default()),
            },
            Value::String(s) => visitor.visit_string(s),
            Value::Array(list) => {
                visitor.visit_seq(SeqDeserializer::new(list.into_iter().map(Fold)))
            }
            Value::Object(map) => visitor.visit_map(Members::as_sent(map)),
        }
    }

    zero_for_null! {
        deserialize_bool => visit_bool(false);
        deserialize_i64 => visit_i64(0);
        deserialize_u32 => visit_u64(0);
        deserialize_u64 => visit_u64(0);
        deserialize_f64 => visit_f64(0.0);
        deserialize_str => visit_str("");
        deserialize_string => visit_str("");
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => Self(Value::Array(Vec::new())).deserialize_any(visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_map(Members::as_sent(Map::new())),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_map(Members::as_sent(Map::new())),
            Value::Object(map) => visitor.visit_map(Members::folded(map, fields)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct enum
        identifier ignored_any
    }
}

impl IntoDeserializer<'_, DecodeError> for Fold {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The members of an object under the names they are wanted by.
struct Members {
    left: std::vec::IntoIter<(Cow<'static, str>, Value)>,
    next: Option<(Cow<'static, str>, Value)>,
}

impl Members {
    fn as_sent(map: Map<String, Value>) -> Self {
        Self::new(map.into_iter().map(|(name, value)| (Cow::Owned(name), value)).collect())
    }

    /// Drops what nobody asked for and what is null; of several spellings the exact one wins.
    fn folded(map: Map<String, Value>, fields: &'static [&'static str]) -> Self {
        let mut chosen: Vec<(Cow<'static, str>, Value)> = Vec::with_capacity(map.len());
        for (name, value) in map {
            let wanted = fields.iter().find(|field| field.eq_ignore_ascii_case(&name));
            let Some(&field) = wanted.filter(|_| !value.is_null()) else {
                continue;
            };
            match chosen.iter_mut().find(|(known, _)| known == field) {
                None => chosen.push((Cow::Borrowed(field), value)),
                Some((_, known)) if name == field => *known = value,
                Some(_) => {}
            }
        }
        Self::new(chosen)
    }

    fn new(members: Vec<(Cow<'static, str>, Value)>) -> Self {
        Self { left: members.into_iter(), next: None }
    }
}

impl<'de> MapAccess<'de> for Members {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        self.next = self.left.next();
        match &self.next {
            Some((name, _)) => seed.deserialize(name.as_ref().into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        let Some((name, value)) = self.next.take() else {
            return Err(DecodeError("value without a name".to_owned()));
        };
        seed.deserialize(Fold(value)).map_err(|e| DecodeError(within(&name, &e.0)))
    }
}

/// Puts the member's name in front: `Extra.LegNumber: expected u32, found string`.
fn within(name: &str, text: &str) -> String {
    let known = name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let name = if known { name } else { "…" };
    match text.split_once(": ") {
        Some((path, _)) if !path.contains(' ') => format!("{name}.{text}"),
        _ => format!("{name}: {text}"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::json;

    use super::super::decode;
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct Outer {
        name: String,
        n: i64,
        on: bool,
        list: Vec<String>,
        labels: BTreeMap<String, String>,
        inner: Inner,
        maybe: Option<Inner>,
        raw: Map<String, Value>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct Inner {
        leg: u32,
        ratio: f64,
    }

    #[test]
    fn names_match_in_any_case_at_every_level() {
        let value = json!({"NAME": "x", "iNNer": {"lEG": 3, "ratio": 1}, "maybe": {"LEG": 4}});
        let outer: Outer = decode(value).unwrap();
        assert_eq!(outer.name, "x");
        assert_eq!(outer.inner, Inner { leg: 3, ratio: 1.0 });
        assert_eq!(outer.maybe, Some(Inner { leg: 4, ratio: 0.0 }));
    }

    #[test]
    fn null_and_missing_are_zero() {
        let null = json!({"Name": null, "N": null, "On": null, "List": null, "Labels": null,
            "Inner": null, "Maybe": null, "Raw": null, "Other": null});
        assert_eq!(decode::<Outer>(null).unwrap(), Outer::default());
        assert_eq!(decode::<Outer>(json!({})).unwrap(), Outer::default());
    }

    #[test]
    fn null_inside_lists_and_maps_is_zero() {
        let outer: Outer = decode(json!({"List": ["a", null], "Labels": {"k": null}})).unwrap();
        assert_eq!(outer.list, ["a", ""]);
        assert_eq!(outer.labels, BTreeMap::from([("k".to_owned(), String::new())]));
    }

    #[test]
    fn keys_that_are_data_stay_as_they_came() {
        let outer: Outer =
            decode(json!({"Labels": {"Env": "a", "env": "b"}, "Raw": {"hOST": {"Leg": null}}}))
                .unwrap();
        assert_eq!(outer.labels.len(), 2);
        assert_eq!(Value::Object(outer.raw), json!({"hOST": {"Leg": null}}));
    }

    #[test]
    fn of_several_spellings_the_exact_one_wins() {
        for text in [r#"{"NAME":"a","Name":"b"}"#, r#"{"Name":"b","name":"a"}"#] {
            let outer: Outer = decode(serde_json::from_str(text).unwrap()).unwrap();
            assert_eq!(outer.name, "b");
        }
    }

    #[test]
    fn errors_name_the_member_and_keep_the_value() {
        let err = decode::<Outer>(json!({"Inner": {"Leg": "hush"}})).unwrap_err();
        assert_eq!(err.to_string(), "Inner.Leg: expected u32, found string");
        let err = decode::<Outer>(json!({"Inner": {"Leg": -1}})).unwrap_err();
        assert_eq!(err.to_string(), "Inner.Leg: expected u32, found another number");
    }
}
