//! Reads the `config` of an action: each field with its type, its limits, and its place.
//!
//! ```text
//! let body = fields.template("body");                                  // optional
//! let url = fields.required("url", Fields::template);                  // told if it is missing
//! let rate = fields.required("rate", |f, name| f.duration(name, MIN..=MAX));
//! ```
//!
//! A reader returns `None` both for a field that is not there and for one that is wrong. The
//! second kind is noted, and a document with a noted mistake is never run; so whoever reads an
//! optional field takes `None` for its default and goes on.

mod headers;
mod list;
mod number;
mod pattern;
mod tree;

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

pub(crate) use self::{
    headers::HeaderTemplates,
    pattern::{Pattern, PatternError},
    tree::{Depth, Tree},
};
use crate::{
    expr::Template,
    phase::Phase,
    problem::{Problems, code},
};

/// The fields of one action's `config`, or of an object in it. Every method notes what is wrong
/// and then returns `None`, so that all mistakes of a document are told at once;
/// [`finish`](Self::finish) warns of fields that nobody asked for.
pub(crate) struct Fields<'a> {
    /// Where these fields stand.
    pub(crate) at: Vec<String>,
    pub(crate) phase: Phase,
    pub(crate) map: &'a Map<String, Json>,
    pub(crate) problems: &'a mut Problems,
    /// The fields that were asked for.
    pub(crate) used: Vec<&'static str>,
    /// The code for templates that do not compile.
    pub(crate) template_code: u32,
}

impl<'a> Fields<'a> {
    /// The fields of an object that stands there.
    pub(crate) fn new(
        at: Vec<String>,
        phase: Phase,
        map: &'a Map<String, Json>,
        problems: &'a mut Problems,
    ) -> Self {
        Self { at, phase, map, problems, used: Vec::new(), template_code: code::TEMPLATE }
    }

    /// Whether a field is there; `null` is none.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }

    /// A field as it stands; `null` is none.
    pub(crate) fn raw(&mut self, name: &'static str) -> Option<&'a Json> {
        self.used.push(name);
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// Which of two names a field was given under; told if both are there.
    pub(crate) fn either(&mut self, name: &'static str, older: &'static str) -> &'static str {
        self.used.extend([name, older]);
        match (self.has(name), self.has(older)) {
            (true, true) => {
                let message = format!("is an older name of {name:?}, which is here too; keep one");
                self.error(older, code::FIELD_VALUE, message);
                name
            }
            (false, true) => older,
            _ => name,
        }
    }

    /// A field that has to be there, read by `read`.
    pub(crate) fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self, &'static str) -> Option<T>,
    ) -> Option<T> {
        if self.has(name) {
            return read(self, name);
        }
        self.used.push(name);
        self.error(name, code::MISSING, format!("{name:?} is missing"));
        None
    }

    /// A text that may hold `${…}`. Numbers and booleans are taken as they were written.
    pub(crate) fn template(&mut self, name: &'static str) -> Option<Template> {
        let text = self.string(name)?;
        self.compile(&[name], &text)
    }

    /// A text, as it stands. Numbers and booleans are taken as they were written.
    pub(crate) fn string(&mut self, name: &'static str) -> Option<String> {
        let value = self.raw(name)?;
        self.scalar(&[name], value).map(Cow::into_owned)
    }

    /// A boolean, or `default` if it is not there.
    pub(crate) fn bool_or(&mut self, name: &'static str, default: bool) -> bool {
        match self.raw(name) {
            None => default,
            Some(Json::Bool(value)) => *value,
            Some(_) => {
                self.error(name, code::FIELD_TYPE, "must be true or false");
                default
            }
        }
    }

    /// One of several names, as what it stands for.
    pub(crate) fn choice<T: Clone>(
        &mut self,
        name: &'static str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let text = self.string(name)?;
        self.chosen(&[name], &text, choices)
    }

    /// A regular expression; see [`Pattern`].
    pub(crate) fn regex(&mut self, name: &'static str) -> Option<Pattern> {
        let template = self.template(name)?;
        match Pattern::new(template) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let message = format!("is not a regular expression: {error}");
                self.error(name, code::REGEX, message);
                None
            }
        }
    }

    /// An object in this one, read by `read`, which need not call [`finish`](Self::finish).
    pub(crate) fn object<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<T> {
        let value = self.raw(name)?;
        self.object_at(&[name], value, read)
    }

    /// Notes that a field is wrong.
    pub(crate) fn error(&mut self, field: &str, code: u32, message: impl Into<String>) {
        self.error_in(&[field], code, message);
    }

    /// Notes that something below these fields is wrong.
    pub(crate) fn error_in(&mut self, path: &[&str], code: u32, message: impl Into<String>) {
        let at = self.path(path);
        self.problems.error(&at, code, message);
    }

    /// Notes that a field is odd.
    pub(crate) fn warn(&mut self, field: &str, code: u32, message: impl Into<String>) {
        let at = self.path(&[field]);
        self.problems.warn(&at, code, message);
    }

    /// Warns of fields that nobody asked for.
    pub(crate) fn finish(self) {
        let unknown = self.map.keys().filter(|key| !self.used.contains(&key.as_str()));
        for key in unknown {
            let at: Vec<_> = self.at.iter().cloned().chain([key.clone()]).collect();
            self.problems.warn(&at, code::FIELD_VALUE, "is not known here, and does nothing");
        }
    }

    /// The place of something below these fields.
    fn path(&self, path: &[&str]) -> Vec<String> {
        self.at.iter().cloned().chain(path.iter().map(|key| (*key).to_owned())).collect()
    }

    /// A text with `${…}` that stands there.
    fn compile(&mut self, path: &[&str], text: &str) -> Option<Template> {
        match Template::compile(text, self.phase) {
            Ok(template) => Some(template),
            Err(error) => {
                let code = self.template_code;
                self.error_in(path, code, error.to_string());
                None
            }
        }
    }

    /// Text, number or boolean, as it was written.
    pub(crate) fn scalar<'j>(&mut self, path: &[&str], value: &'j Json) -> Option<Cow<'j, str>> {
        match value {
            Json::String(text) => Some(text.into()),
            Json::Number(number) => Some(number.to_string().into()),
            Json::Bool(value) => Some(value.to_string().into()),
            _ => {
                self.error_in(path, code::FIELD_TYPE, "must be a text");
                None
            }
        }
    }

    fn chosen<T: Clone>(&mut self, path: &[&str], text: &str, choices: &[(&str, T)]) -> Option<T> {
        if let Some((_, value)) = choices.iter().find(|(choice, _)| *choice == text) {
            return Some(value.clone());
        }
        let known: Vec<_> = choices.iter().map(|(choice, _)| *choice).collect();
        self.error_in(path, code::CHOICE, format!("must be one of {}", known.join(", ")));
        None
    }

    fn object_at<T>(
        &mut self,
        path: &[&str],
        value: &Json,
        read: impl FnOnce(&mut Fields<'_>) -> Option<T>,
    ) -> Option<T> {
        let Json::Object(map) = value else {
            self.error_in(path, code::FIELD_TYPE, "must be an object");
            return None;
        };
        let at = self.path(path);
        let mut inner = Fields::new(at, self.phase, map, self.problems);
        inner.template_code = self.template_code;
        let result = read(&mut inner);
        inner.finish();
        result
    }
}

#[cfg(test)]
mod tests;
