//! Reads the `config` of an action: each field with its type, its limits, and its place.

use serde_json::{Map, Value as Json};

use crate::{expr::Template, phase::Phase, problem::Problems};

/// The fields of one action's `config`. Every method notes what is wrong and then returns `None`,
/// so that all mistakes of a document are told at once; [`finish`](Self::finish) warns of fields
/// that nobody asked for.
pub(crate) struct Fields<'a> {
    /// Where `config` stands.
    pub(crate) at: Vec<String>,
    pub(crate) phase: Phase,
    pub(crate) map: &'a Map<String, Json>,
    pub(crate) problems: &'a mut Problems,
    /// The fields that were asked for.
    pub(crate) used: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// A field as it stands; `null` is none.
    pub(crate) fn raw(&mut self, name: &'static str) -> Option<&'a Json> {
        self.used.push(name);
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// Notes that a field is wrong.
    pub(crate) fn error(&mut self, field: &str, code: u32, message: impl Into<String>) {
        let at: Vec<String> = self.at.iter().cloned().chain([field.to_owned()]).collect();
        self.problems.error(&at, code, message);
    }

    /// A text that may hold `${…}`. Numbers and booleans are taken as they were written.
    pub(crate) fn template(&mut self, name: &'static str) -> Option<Template> {
        let _ = name;
        todo!("owner: core")
    }
}
