//! JSON Schemas of the files, so that editors complete and check them.
//!
//! They come from the types that read the files: a type cannot be read from a file without saying
//! what it accepts, and the keys, their docs and the words of a choice are written once for both.
//! A schema accepts every file that the reader accepts. It may accept more, because it sees only the
//! shape of a value: whether an address is one is for the reader.

mod shape;

use serde_json::{Map, Value as Json, json};

pub(crate) use self::shape::{Number, boolean, integer, object, pattern, property, text, words};
use crate::{
    edge::EdgeFile,
    file::{Agent, CONNECT_PLACES, Endpoint, Tunnel, V1_AGENT, V1_TUNNEL, V3_KEYS},
    opaque::Opaque,
    place::At,
    read::Read,
    record::Named,
};

/// What may be written behind each key of a map.
pub(crate) type Properties = Map<String, Json>;

/// The dialect that editors understand best.
const DIALECT: &str = "http://json-schema.org/draft-07/schema#";

/// Records that are described once and used by name.
#[derive(Debug, Default)]
pub(crate) struct Schemas(Properties);

impl Schemas {
    /// A reference to the description called `name`, which `make` makes if there is none yet.
    pub(crate) fn define(&mut self, name: &str, make: impl FnOnce(&mut Self) -> Json) -> Json {
        if !self.0.contains_key(name) {
            // A record that holds itself finds this.
            self.0.insert(name.to_owned(), Json::Null);
            let made = make(self);
            self.0.insert(name.to_owned(), made);
        }
        json!({ "$ref": format!("#/definitions/{name}") })
    }

    fn document(self, title: &str, mut root: Properties) -> Json {
        let mut document = Properties::new();
        document.insert("$schema".to_owned(), DIALECT.into());
        document.insert("title".to_owned(), title.into());
        document.append(&mut root);
        document.insert("definitions".to_owned(), self.0.into());
        document.into()
    }
}

/// The schema of the agent's file, in each of its versions.
pub fn agent() -> Json {
    let mut s = Schemas::default();
    let layouts = [(3, current(&mut s)), (2, older(2, &mut s)), (1, older(1, &mut s))];
    let mut root = Properties::new();
    root.insert("type".to_owned(), "object".into());
    root.insert("required".to_owned(), json!(["version"]));
    let versions: Vec<Json> =
        layouts.iter().flat_map(|(n, _)| [n.to_string().into(), (*n).into()]).collect();
    let about = "Version of the file's layout; \"3\" is the current one.";
    let version = json!({ "description": about, "enum": versions });
    root.insert("properties".to_owned(), json!({ "version": version }));
    let choose = layouts.into_iter().map(|(n, layout)| {
        let is = json!({ "properties": { "version": { "enum": [n.to_string(), n] } } });
        json!({ "if": is, "then": s.define(&format!("Version{n}"), |_| layout) })
    });
    let choose: Vec<Json> = choose.collect();
    root.insert("allOf".to_owned(), choose.into());
    s.document("Configuration of an adit agent", root)
}

/// The schema of the edge's file.
pub fn edge() -> Json {
    let mut s = Schemas::default();
    let properties = EdgeFile::properties(&mut s);
    let mut root = object("The file of `adit edge`.", properties);
    // An empty file is one.
    root["type"] = json!(["object", "null"]);
    let Json::Object(root) = root else { return Json::Null };
    s.document("Configuration of an adit edge", root)
}

/// Version 3.
fn current(s: &mut Schemas) -> Json {
    let mut settings = Agent::properties(s);
    settings.remove("region");
    let mut properties = Properties::new();
    for key in V3_KEYS {
        let (schema, about) = match *key {
            "agent" => {
                let agent =
                    s.define("Agent", |_| object("Settings of the agent.", settings.clone()));
                (agent, "Settings of the agent itself.")
            }
            "endpoints" => (At::<Vec<At<Endpoint>>>::schema(s), "Endpoints, in their order."),
            "tunnels" => (tunnels(2, s), "Endpoints in the form of version 2, by name."),
            "plugins" => (plugins(s), PLUGINS),
            _ => (Json::Bool(true), VERSION),
        };
        properties.insert((*key).to_owned(), property(schema, about));
    }
    object("A file of version 3.", properties)
}

const PLUGINS: &str = "Policies in WebAssembly that handlers may name.";
const VERSION: &str = "Version of the file's layout.";

/// Versions 1 and 2.
fn older(version: u8, s: &mut Schemas) -> Json {
    let settings = Agent::properties(s);
    let v1 = if version == 1 { V1_AGENT } else { &[] };
    let mut properties = Properties::new();
    for (key, schema) in &settings {
        match CONNECT_PLACES.iter().find(|(_, ours)| ours == key) {
            Some((theirs, _)) => properties.insert((*theirs).to_owned(), schema.clone()),
            None => properties.insert(key.clone(), schema.clone()),
        };
    }
    for (theirs, ours) in v1 {
        if let Some(schema) = settings.get(*ours) {
            properties.insert((*theirs).to_owned(), schema.clone());
        }
    }
    let more = [
        ("version", Json::Bool(true), VERSION),
        ("tunnels", tunnels(version, s), "Endpoints, by name."),
        ("plugins", plugins(s), PLUGINS),
    ];
    for (key, schema, about) in more {
        properties.insert(key.to_owned(), property(schema, about));
    }
    object(&format!("A file of version {version}."), properties)
}

fn tunnels(version: u8, s: &mut Schemas) -> Json {
    let name = if version == 1 { "Tunnel1" } else { "Tunnel" };
    let tunnel = s.define(name, |s| {
        let mut properties = Tunnel::properties(s);
        if version > 1 {
            properties.retain(|key, _| !V1_TUNNEL.iter().any(|(theirs, _)| theirs == key));
        }
        object("One entry of `tunnels:`.", properties)
    });
    json!({ "type": "object", "additionalProperties": tunnel })
}

fn plugins(s: &mut Schemas) -> Json {
    Named::<Opaque>::schema(s)
}
