//! Brings a file to a later version of the layout and keeps its comments.
//!
//! | from | to | what changes |
//! |---|---|---|
//! | none, 1 | 2 | `version`, the old defaults `region: us` and both schemes, keys with new names |
//! | 2 | 3 | `version`, the agent's settings move under `agent:`, two of them get new names |
//!
//! `tunnels:` stay as they are: version 3 reads them. Each step changes the text; what comes out is
//! read again, and nothing is returned that could not be read.

mod to_current;
mod to_second;

use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    edit::Source,
    file::File,
    yaml::outline::{Kind, Layout, Outline},
};

/// The latest version of the layout.
pub const CURRENT: u8 = 3;

/// What an upgrade made of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Upgraded {
    /// The version that the file had; one without a version counts as 1.
    pub from: u8,
    /// The version that it has now.
    pub to: u8,
    /// The file.
    pub text: String,
    /// What has no place in the new version and was left out, for people.
    pub notes: Vec<String>,
}

/// Brings a file to version `to`, or to the next one. `name` is how the user named the file.
///
/// A file that has the version already comes back as it is: `from` and `to` are the same then.
///
/// # Errors
/// The file is not valid YAML, its version is later than `to` or unknown, or it has something that
/// the later version has not.
pub fn upgrade(name: &str, bytes: &[u8], to: Option<u8>) -> Result<Upgraded, Diagnostics> {
    let source = Source::read(name, bytes)?;
    let from = version(&source)?;
    let to = to.unwrap_or(match from {
        1 => 2,
        _ => CURRENT,
    });
    if to < from {
        let message = format!("the file has version {from}; it cannot go back to {to}");
        return Err(source.refuse(&message).into());
    }
    let text = String::from_utf8_lossy(bytes).into_owned();
    let mut upgraded = Upgraded { from, to, text, notes: Vec::new() };
    for step in from..to {
        let text = upgraded.text;
        let source = Source::read(name, text.as_bytes())?;
        let changed = match step {
            1 => to_second::upgrade(&source)?,
            _ => to_current::upgrade(&source, &mut upgraded.notes)?,
        };
        upgraded.text = source.bom.to_owned() + &changed;
    }
    if to > from {
        confirm(&source, bytes, &upgraded.text)?;
    }
    Ok(upgraded)
}

fn version(source: &Source<'_>) -> Result<u8, Diagnostic> {
    if let Some(root) = &source.outline
        && !root.is_null()
        && !matches!(root.kind, Kind::Map(..))
    {
        return Err(source.refuse("the file is not a map of settings"));
    }
    match source.version() {
        Some("1") => Ok(1),
        // Without a version, `agent:` can only be meant for the latest one.
        None if source.is_current() && source.has_entries() => {
            Err(source.refuse("the version property is required").hint("add version: \"3\""))
        }
        None => Ok(1),
        Some("2") => Ok(2),
        Some("3") => Ok(3),
        Some(other) => Err(source.refuse(&format!("unknown version {other:?}"))),
    }
}

/// What could be read before can be read now.
fn confirm(source: &Source<'_>, before: &[u8], after: &str) -> Result<(), Diagnostics> {
    let problems = |bytes: &[u8]| {
        let file = File::parse(&source.name, bytes);
        let real = file.problems.iter().filter(|p| !p.message.starts_with("the version property"));
        real.map(|p| p.message.clone()).collect::<Vec<_>>()
    };
    let (before, after) = (problems(before), problems(after.as_bytes()));
    match after.into_iter().find(|problem| !before.contains(problem)) {
        None => Ok(()),
        Some(problem) => {
            let message = format!("the file cannot be upgraded by itself: {problem}");
            Err(source.refuse(&message).hint("change it with an editor").into())
        }
    }
}

impl Source<'_> {
    fn has_entries(&self) -> bool {
        self.outline.as_ref().is_some_and(|root| !root.entries().is_empty())
    }

    /// The root, if it has entries.
    fn root(&self) -> Option<&Outline> {
        self.outline.as_ref().filter(|root| !root.entries().is_empty())
    }

    /// Where the document's own text starts, behind directives and `---`.
    fn body(&self) -> usize {
        let mut at = 0;
        for line in self.text.split_inclusive('\n') {
            let start = line.starts_with('%') || line.trim_end() == "---";
            at += line.len();
            if start && line.trim_end() == "---" {
                return at;
            }
        }
        0
    }
}

fn layout(root: &Outline) -> Layout {
    match root.kind {
        Kind::Map(_, layout) => layout,
        _ => Layout::Block,
    }
}

#[cfg(test)]
mod tests;
