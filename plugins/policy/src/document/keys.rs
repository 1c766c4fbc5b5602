//! Keys as people and programs write them.

use serde_json::{Map, Value as Json};

/// A key of an object with its value; `null` is none. The clients' programs write some documents
/// out of their own structures, whose keys start with a capital letter.
pub(super) fn find<'a>(map: &'a Map<String, Json>, name: &str) -> Option<(&'a str, &'a Json)> {
    let written = map.get_key_value(name).or_else(|| map.get_key_value(&capitalised(name)));
    let (key, value) = written.filter(|(_, value)| !value.is_null())?;
    Some((key, value))
}

/// The keys of an object that are none of these.
pub(super) fn unknown<'a>(
    map: &'a Map<String, Json>,
    known: &[&str],
) -> impl Iterator<Item = &'a str> {
    let known: Vec<String> =
        known.iter().flat_map(|name| [(*name).to_owned(), capitalised(name)]).collect();
    map.keys().map(String::as_str).filter(move |key| !known.iter().any(|name| name == key))
}

/// A place below another.
pub(super) fn below(at: &[String], keys: &[&str]) -> Vec<String> {
    at.iter().cloned().chain(keys.iter().map(|key| (*key).to_owned())).collect()
}

fn capitalised(name: &str) -> String {
    let mut chars = name.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}
