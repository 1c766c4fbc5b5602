//! Values that this crate does not understand: they leave as neutral JSON with their places.

use std::{collections::BTreeMap, fmt, path::Path, sync::Arc};

use serde_json::{Map, Number, Value as Json};

use crate::{
    diagnostic::Diagnostics,
    file::read_limited,
    node::{Node, Plain, Pos, Scalar, Style, Value},
    place::Place,
    read::{Read, Reader},
    record::Merge,
    schema::Schemas,
    yaml,
};

/// A value for somebody else: a policy, a handler's options, a module's settings.
///
/// It may hold secrets, so `Debug` shows only where it stands.
#[derive(Clone)]
pub struct Opaque {
    /// The value.
    pub json: Json,
    /// Where it starts.
    pub place: Place,
    /// Where its parts stand.
    pub places: Places,
}

impl Opaque {
    /// A value from a flag or a request, all of it at `place`.
    pub fn new(json: Json, place: Place) -> Self {
        Self { json, places: Places::of(place.clone()), place }
    }

    /// A whole file that means something to somebody else: YAML, of which JSON is a part. An empty
    /// one is `null`.
    ///
    /// # Errors
    /// Everything that is wrong with it, with its line.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, Diagnostics> {
        let mut r = Reader::new(name);
        let read = match yaml::parse(&r.file, bytes, &mut r.problems)? {
            None => Some(Self::new(Json::Null, Place::of(name))),
            Some(node) => {
                if let Some((key, pos)) = foreign_key(&node) {
                    r.error(pos, format!("the key {key} is not a string; quote it"));
                }
                Self::read(&node, &mut r)
            }
        };
        match read {
            Some(value) => r.problems.into_result(value),
            None => Err(r.problems),
        }
    }

    /// The file at `path`, and no more of it than a configuration may have.
    ///
    /// # Errors
    /// That it cannot be read, or everything that is wrong with it.
    pub fn load(path: &Path) -> Result<Self, Diagnostics> {
        Self::parse(&path.display().to_string(), &read_limited(path)?)
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opaque({})", self.place)
    }
}

impl Merge for Opaque {
    fn merge(&mut self, later: Self) {
        *self = later;
    }
}

impl Read for Opaque {
    fn read(node: &Node, r: &mut Reader) -> Option<Self> {
        let place = r.place(node.pos);
        let mut places = Places::of(place.clone());
        let json = to_json(node, &mut String::new(), &mut places);
        Some(Self { json, place, places })
    }

    fn schema(_: &mut Schemas) -> Json {
        Json::Bool(true)
    }
}

/// Where the parts of a value stand. A path is written as `users[0].name`; the value itself is `""`.
#[derive(Clone, Debug)]
pub struct Places {
    root: Place,
    at: Arc<BTreeMap<String, Spot>>,
}

/// Most parts stand in the file of the whole; those that were gathered from several flags do not.
#[derive(Clone, Debug)]
enum Spot {
    Elsewhere(Place),
    Here(Pos),
}

impl Places {
    /// Everything at one place.
    pub fn of(root: Place) -> Self {
        Self { root, at: Arc::default() }
    }

    /// Where `path` stands; the nearest known part that holds it, if it is not known itself.
    pub fn find(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            match self.at.get(path) {
                Some(Spot::Here(pos)) => return pos.in_file(&self.root.file),
                Some(Spot::Elsewhere(place)) => return place.clone(),
                None => {}
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = path.get(..end).unwrap_or_default(),
                None => return self.root.clone(),
            }
        }
    }

    pub(crate) fn extend<'a>(&mut self, parts: impl IntoIterator<Item = (String, &'a Place)>) {
        let spots = parts.into_iter().map(|(path, place)| (path, Spot::Elsewhere(place.clone())));
        Arc::make_mut(&mut self.at).extend(spots);
    }

    fn note(&mut self, path: &str, pos: Pos) {
        Arc::make_mut(&mut self.at).insert(path.to_owned(), Spot::Here(pos));
    }
}

/// Keys from the outside in, `["allow", "2", "name"]`, as paths are written: `allow[2].name`.
pub fn path_of(keys: &[String]) -> String {
    let mut path = String::new();
    for key in keys {
        if !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit()) {
            path.push_str(&format!("[{key}]"));
        } else {
            path.push_str(if path.is_empty() { "" } else { "." });
            path.push_str(key);
        }
    }
    path
}

/// The first part of `node` that JSON has no word for: a key that is not a string.
pub(crate) fn foreign_key(node: &Node) -> Option<(&str, Pos)> {
    match &node.value {
        Value::Scalar(_) => None,
        Value::List(items) => items.iter().find_map(foreign_key),
        Value::Map(entries) => entries.iter().find_map(|(key, value)| {
            let scalar = Scalar { text: key.text.clone(), style: key.style };
            match scalar.plain() {
                Plain::Text(_) => foreign_key(value),
                _ if key.style == Style::Text => foreign_key(value),
                _ => Some((key.text.as_str(), key.pos)),
            }
        }),
    }
}

/// Recursion is bounded by the depth that the YAML module accepts.
fn to_json(node: &Node, path: &mut String, places: &mut Places) -> Json {
    if !path.is_empty() {
        places.note(path, node.pos);
    }
    let len = path.len();
    match &node.value {
        Value::Scalar(scalar) => scalar_to_json(scalar),
        Value::List(items) => {
            let mut list = Vec::with_capacity(items.len());
            for (i, item) in items.iter().enumerate() {
                path.push_str(&format!("[{i}]"));
                list.push(to_json(item, path, places));
                path.truncate(len);
            }
            Json::Array(list)
        }
        Value::Map(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                if len > 0 {
                    path.push('.');
                }
                path.push_str(&key.text);
                map.insert(key.text.clone(), to_json(value, path, places));
                path.truncate(len);
            }
            Json::Object(map)
        }
    }
}

fn scalar_to_json(scalar: &Scalar) -> Json {
    match scalar.plain() {
        Plain::Null => Json::Null,
        Plain::Bool(b) => Json::Bool(b),
        Plain::Int(n) => Json::from(n),
        Plain::Unsigned(n) => Json::from(n),
        // JSON has no infinity: keep what was written.
        Plain::Float(x) => {
            Number::from_f64(x).map_or_else(|| Json::from(scalar.text.as_str()), Json::Number)
        }
        Plain::Text(text) => Json::from(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_for_somebody_else_is_read_as_json() {
        let value = Opaque::parse("cases.yml", b"cases:\n- {name: a, n: 1}\n").unwrap();
        assert_eq!(value.json, json!({ "cases": [{ "name": "a", "n": 1 }] }));
        assert_eq!(value.places.find("cases[0].n").to_string(), "cases.yml:2:16");
        assert_eq!(Opaque::parse("x", b"{\"a\": [true]}").unwrap().json, json!({ "a": [true] }));
        assert_eq!(Opaque::parse("x", b"").unwrap().json, Json::Null);
    }

    #[test]
    fn keys_become_a_path() {
        let path =
            |list: &[&str]| path_of(&list.iter().map(|k| (*k).to_owned()).collect::<Vec<_>>());
        assert_eq!(path(&["allow", "2", "name"]), "allow[2].name");
        assert_eq!(path(&["credentials", "0"]), "credentials[0]");
        assert_eq!(path(&[]), "");
    }

    #[test]
    fn what_json_has_no_word_for_is_refused_with_its_line() {
        let refused = |text: &str| Opaque::parse("x", text.as_bytes()).unwrap_err().to_string();
        assert_eq!(refused("a:\n  1: b\n"), "x:2:3: the key 1 is not a string; quote it");
        assert!(refused("a: [").starts_with("x:"));
    }
}
