//! Changes one setting in a file and leaves the rest of it, comments included, as it was written.
//!
//! The change is made in the text. Afterwards the text is read again: it must say what it said
//! before, with only this setting changed, or nothing is changed at all.

mod patch;
mod word;

use std::sync::Arc;

use serde_json::{Map, Value as Json};

pub(crate) use self::{
    patch::{Patch, list, newline_of},
    word::word,
};
use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    opaque::Opaque,
    place::Place,
    yaml::outline::{Entry, Kind, Layout, Outline},
};

/// A setting that can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Key for the management API.
    ApiKey,
    /// Token that the edge knows the agent by.
    Authtoken,
    /// Where the edge is.
    ConnectUrl,
}

impl Setting {
    /// Its key, in the layout of version 3 and in that of versions 1 and 2.
    const fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::ApiKey => ("api_key", "api_key"),
            Self::Authtoken => ("authtoken", "authtoken"),
            Self::ConnectUrl => ("connect_url", "server_addr"),
        }
    }
}

/// A file of the current version that says only `setting`.
pub fn fresh(setting: Setting, value: &str) -> String {
    format!("version: \"3\"\nagent:\n  {}: {}\n", setting.keys().0, word(value))
}

/// The text of a file with `setting` changed to `value`. `name` is how the user named the file.
///
/// # Errors
/// The file is not valid YAML, or its layout is one that cannot be changed safely.
pub fn set(name: &str, bytes: &[u8], setting: Setting, value: &str) -> Result<String, Diagnostics> {
    let source = Source::read(name, bytes)?;
    let edited = match &source.outline {
        Some(root) if !root.entries().is_empty() => {
            source.bom.to_owned() + &change(&source, root, setting, value)?
        }
        Some(root) if matches!(root.kind, Kind::Map(..)) => fresh(setting, value),
        Some(root) if !root.is_null() => {
            return Err(source.refuse("the file is not a map of settings").into());
        }
        // Nothing but comments.
        _ => source.bom.to_owned() + &source.with_line_end() + &fresh(setting, value),
    };
    confirm(&source, &edited, setting, value)?;
    Ok(edited)
}

fn change(
    source: &Source<'_>,
    root: &Outline,
    setting: Setting,
    value: &str,
) -> Result<String, Diagnostic> {
    let (new, old) = setting.keys();
    let mut patch = Patch::new(source.text);
    if !source.is_current() {
        match root.find(old) {
            Some(entry) => patch.replace_value(entry, &word(value)),
            None => patch.insert(root, root.find("version"), old, &word(value)),
        }
        return Ok(patch.apply());
    }
    match root.find("agent") {
        None => {
            let map = match root.kind {
                Kind::Map(_, Layout::Flow) => format!("{{\"{new}\": {}}}", word(value)),
                _ => format!("{}  {new}: {}", patch.newline(), word(value)),
            };
            patch.insert(root, root.find("version"), "agent", &map);
        }
        Some(agent) if agent.value.is_null() => patch.fill(agent, new, &word(value)),
        Some(Entry { value: agent, .. }) => match (agent.find(new), &agent.kind) {
            (Some(entry), _) => patch.replace_value(entry, &word(value)),
            (None, Kind::Map(entries, _)) => patch.insert(agent, entries.last(), new, &word(value)),
            (None, _) => return Err(source.refuse("agent: is not a map of settings")),
        },
    }
    Ok(patch.apply())
}

/// Reads the new text and compares it with what the old one said.
fn confirm(
    source: &Source<'_>,
    edited: &str,
    setting: Setting,
    value: &str,
) -> Result<(), Diagnostic> {
    let (new, old) = setting.keys();
    let mut expected = match &source.json {
        Json::Object(map) if !map.is_empty() => source.json.clone(),
        _ => serde_json::json!({ "version": "3" }),
    };
    let map = |json: &mut Json| {
        if !json.is_object() {
            *json = Json::Object(Map::new());
        }
    };
    if source.is_current() {
        map(&mut expected["agent"]);
        expected["agent"][new] = value.into();
    } else {
        expected[old] = value.into();
    }
    match Opaque::parse(&source.name, edited.as_bytes()) {
        Ok(after) if after.json == expected => Ok(()),
        _ => {
            let key = if source.is_current() { new } else { old };
            let message = format!("{key} cannot be changed here without changing something else");
            Err(source.refuse(&message).hint("change the file with an editor"))
        }
    }
}

/// A file that was read for changing it.
pub(crate) struct Source<'a> {
    pub(crate) name: Arc<str>,
    /// Some editors begin a file with a mark of its encoding.
    pub(crate) bom: &'static str,
    /// The rest.
    pub(crate) text: &'a str,
    pub(crate) outline: Option<Outline>,
    pub(crate) json: Json,
}

impl<'a> Source<'a> {
    pub(crate) fn read(name: &str, bytes: &'a [u8]) -> Result<Self, Diagnostics> {
        // Also refuses what is not UTF-8, too long or too deep.
        let json = Opaque::parse(name, bytes)?.json;
        let name: Arc<str> = Arc::from(name);
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let (bom, text) = match text.strip_prefix('\u{feff}') {
            Some(rest) => ("\u{feff}", rest),
            None => ("", text),
        };
        let outline = Outline::parse(&name, text)?;
        Ok(Self { name, bom, text, outline, json })
    }

    /// The version that the file says, if it says one.
    pub(crate) fn version(&self) -> Option<&str> {
        let version = self.outline.as_ref()?.find("version")?;
        version.value.text().map(str::trim)
    }

    /// Whether the agent's settings stand under `agent:`. Without a version, the keys tell.
    pub(crate) fn is_current(&self) -> bool {
        let Some(root) = &self.outline else { return true };
        match self.version() {
            Some(version) => !matches!(version, "1" | "2"),
            None => {
                root.entries().is_empty()
                    || root.find("agent").is_some()
                    || root.find("endpoints").is_some()
            }
        }
    }

    /// A problem of the file as a whole.
    pub(crate) fn refuse(&self, message: &str) -> Diagnostic {
        Diagnostic::new(Place::of(self.name.clone()), message)
    }

    /// The text, with an end to its last line.
    pub(crate) fn with_line_end(&self) -> String {
        let mut text = self.text.to_owned();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str(newline_of(self.text));
        }
        text
    }
}

#[cfg(test)]
mod tests;
