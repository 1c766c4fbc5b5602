//! A link of a chain as the configuration describes it: a kind, options, and where they stand.
//!
//! The options stay a neutral value: what they mean is the business of the handler's factory, which
//! reports a path (`credentials[0]`) that [`HandlerSpec::place_of`] turns into a line.

use std::fmt;

use serde_json::{Map, Value as Json, json};

use crate::{
    node::{Node, Value},
    opaque::{Opaque, Places, foreign_key},
    place::Place,
    read::{Read, Reader, choice},
    schema::{self, Schemas},
};

choice! {
    /// What happens to a visitor when a handler breaks.
    pub enum OnError {
        /// The exchange fails.
        "deny" => Deny,
        /// The chain goes on without the handler.
        "pass" => Pass,
    }
}

/// A link of a chain.
///
/// The options may hold secrets, so `Debug` does not show them.
#[derive(Clone)]
pub struct HandlerSpec {
    /// Which factory builds it, for instance `basic-auth`.
    pub kind: String,
    /// What the factory is given; `{}` when nothing was written.
    pub options: Json,
    /// What happens when it breaks.
    pub on_error: OnError,
    /// Where it stands.
    pub place: Place,
    places: Places,
    generated: Option<Codes>,
}

/// Public codes of mistakes in options, by the paths of these.
type Codes = &'static [(&'static str, u16)];

impl HandlerSpec {
    /// A link that was not written as such: `place` is that of the option or flag behind it.
    pub fn new(kind: impl Into<String>, options: Json, place: Place) -> Self {
        let places = Places::of(place.clone());
        Self { kind: kind.into(), options, on_error: OnError::Deny, place, places, generated: None }
    }

    /// A link with options that were written somewhere. Nothing written is no option.
    pub fn with_options(kind: impl Into<String>, options: Opaque, place: Place) -> Self {
        let Opaque { json, places, .. } = options;
        let options = if json.is_null() { Json::Object(Map::new()) } else { json };
        Self { kind: kind.into(), options, on_error: OnError::Deny, place, places, generated: None }
    }

    /// Notes where options stand that were gathered from several keys.
    pub(crate) fn with_places<'a>(
        mut self,
        places: impl IntoIterator<Item = (String, &'a Place)>,
    ) -> Self {
        self.places.extend(places);
        self
    }

    /// Notes that nobody wrote these options as such, and which codes mistakes in them have.
    pub(crate) fn generated(self, codes: Codes) -> Self {
        Self { generated: Some(codes), ..self }
    }

    /// Whether the options follow from something else that was written.
    pub fn is_generated(&self) -> bool {
        self.generated.is_some()
    }

    /// The public code of a mistake in the option at `path`, where what was written has one.
    pub fn code_of(&self, path: &str) -> Option<u16> {
        let codes = self.generated.unwrap_or_default();
        codes.iter().find(|(known, _)| *known == path).map(|(_, code)| *code)
    }

    /// Where the option at `path` stands, for instance `credentials[0]`.
    pub fn place_of(&self, path: &str) -> Place {
        self.places.find(path)
    }
}

impl fmt::Debug for HandlerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HandlerSpec({} at {})", self.kind, self.place)
    }
}

/// Reads an entry of `handlers:`: a kind, or a map of one kind to its options, beside which
/// `on_error` may stand.
pub(crate) fn read(node: &Node, r: &mut Reader) -> Option<HandlerSpec> {
    const SHAPE: &str = "a handler's name, or a map of its name to its options";
    let place = r.place(node.pos);
    if let Value::Scalar(_) = &node.value {
        let kind = r.text(SHAPE, node)?;
        return Some(HandlerSpec::new(kind, Json::Object(Map::new()), place));
    }
    let Value::Map(entries) = &node.value else { return r.expected(SHAPE, node) };
    let mut on_error = OnError::Deny;
    let mut found: Option<HandlerSpec> = None;
    for (key, value) in entries {
        if key.text == "on_error" {
            on_error = OnError::read(value, r).unwrap_or(on_error);
        } else if let Some(first) = &found {
            let message = format!(
                "{:?} follows {:?} in one entry; begin each handler with its own \"-\"",
                key.text, first.kind
            );
            r.error(key.pos, message);
        } else {
            found = Some(from_options(&key.text, r.place(key.pos), value, r)?);
        }
    }
    match found {
        Some(spec) => Some(HandlerSpec { on_error, ..spec }),
        None => r.expected(SHAPE, node),
    }
}

/// What [`read`] accepts. Which handlers there are, and what their options are, is not known here.
pub(crate) fn schema(s: &mut Schemas) -> Json {
    s.define("Handler", |s| {
        let mut on_error = OnError::schema(s);
        on_error["description"] = "What happens to a visitor when the handler breaks.".into();
        json!({
            "description": "A handler: its name, or a map of its name to its options.",
            "anyOf": [
                schema::text(),
                {
                    "type": "object",
                    "properties": { "on_error": on_error },
                    "minProperties": 1,
                    "maxProperties": 2,
                },
            ],
        })
    })
}

fn from_options(kind: &str, place: Place, value: &Node, r: &mut Reader) -> Option<HandlerSpec> {
    if let Some((key, pos)) = foreign_key(value) {
        r.error(pos, format!("the key {key} is not a string; quote it"));
        return None;
    }
    Some(HandlerSpec::with_options(kind, Opaque::read(value, r)?, place))
}

#[cfg(test)]
mod tests;
