//! What the parts of a schema look like.

use serde_json::{Value as Json, json};

use super::Properties;
use crate::node::{Plain, classify};

/// A string. Numbers and booleans are strings where a string is wanted.
pub(crate) fn text() -> Json {
    json!({ "type": ["string", "number", "boolean"] })
}

/// A boolean, in any of its spellings.
pub(crate) fn boolean() -> Json {
    const WORDS: [&str; 8] = ["true", "yes", "on", "y", "false", "no", "off", "n"];
    let letter = |c: char| format!("[{}{c}]", c.to_ascii_uppercase());
    let words = WORDS.map(|word| word.chars().map(letter).collect::<String>());
    // A string is held to the pattern, a boolean is not.
    json!({ "type": ["boolean", "string"], "pattern": format!("^({})$", words.join("|")) })
}

/// A whole number, which may be quoted.
pub(crate) fn integer(min: Json, max: Json) -> Json {
    json!({
        "type": ["integer", "string"],
        "minimum": min,
        "maximum": max,
        "pattern": "^[+-]?[0-9]+$",
    })
}

/// Which numbers stand for their text.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    /// None does.
    None,
    /// Whole ones, not below zero.
    Whole,
    /// Zero alone, which needs no unit.
    Zero,
}

/// A scalar that its own parser reads: `what` it is, and the pattern of its text.
pub(crate) fn pattern(what: &str, pattern: &str, number: Number) -> Json {
    let text = json!({ "type": "string", "pattern": pattern });
    let number = match number {
        Number::None => return json!({ "title": what, "type": "string", "pattern": pattern }),
        Number::Whole => json!({ "type": "integer", "minimum": 0 }),
        Number::Zero => json!({ "const": 0 }),
    };
    json!({ "title": what, "anyOf": [text, number] })
}

/// One of a few words, each with its docs.
pub(crate) fn words(words: &[(&str, &str)]) -> Json {
    let mut all: Vec<Json> = Vec::new();
    let mut about: Vec<String> = Vec::new();
    for (word, docs) in words {
        all.push((*word).into());
        about.push(joined(docs));
        // Without quotes, some words are something else to YAML.
        let plain = match classify(word) {
            Plain::Bool(value) => Some(value.into()),
            Plain::Int(value) => Some(value.into()),
            _ => None,
        };
        if let Some(plain) = plain {
            all.push(plain);
            about.push(joined(docs));
        }
    }
    json!({ "enum": all, "markdownEnumDescriptions": about })
}

/// What may be written behind a key: a value, or nothing, which counts as not written.
pub(crate) fn property(schema: Json, docs: &str) -> Json {
    let mut schema = match schema {
        Json::Bool(_) => json!({}),
        // Beside a reference, nothing counts.
        Json::Object(ref map) if map.contains_key("$ref") => {
            json!({ "anyOf": [schema, { "type": "null" }] })
        }
        schema => schema,
    };
    if let Some(types) = schema.get_mut("type") {
        match types {
            Json::Array(types) => types.push("null".into()),
            one => *one = json!([one.take(), "null"]),
        }
    } else if let Some(Json::Array(words)) = schema.get_mut("enum") {
        words.push(Json::Null);
    } else if let Some(Json::Array(any)) = schema.get_mut("anyOf")
        && !any.contains(&json!({ "type": "null" }))
    {
        any.push(json!({ "type": "null" }));
    }
    schema["description"] = joined(docs).into();
    schema
}

/// A map with these keys and no others.
pub(crate) fn object(docs: &str, properties: Properties) -> Json {
    json!({
        "description": joined(docs),
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

/// The lines of a doc comment, as one.
fn joined(docs: &str) -> String {
    docs.split_whitespace().collect::<Vec<_>>().join(" ")
}
