//! What a policy changed.

use std::collections::BTreeMap;

use super::double::{Lines, RequestState, ResponseState};
use crate::headers::text;

/// What a policy changed of a head, of its body and around it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Edits {
    /// The new method.
    pub method: Option<String>,
    /// The new authority.
    pub authority: Option<String>,
    /// The new target.
    pub target: Option<String>,
    /// The new status.
    pub status: Option<u16>,
    /// Names whose lines are not what they were, with their lines now.
    pub set: BTreeMap<String, Vec<String>>,
    /// Names that are gone.
    pub removed: Vec<String>,
    /// The identity that was set.
    pub identity: Option<String>,
    /// Variables that were set.
    pub vars: BTreeMap<String, String>,
    /// The new body.
    pub body: Option<Vec<u8>>,
}

impl Edits {
    /// First line now of a header that was changed.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.set.get(&name.to_ascii_lowercase())?;
        lines.first().map(String::as_str)
    }

    /// Whether nothing was changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn of_request(
        before: &RequestState,
        after: &RequestState,
        vars_before: &BTreeMap<String, String>,
        vars_after: &BTreeMap<String, String>,
    ) -> Self {
        let mut edits = Self {
            method: changed(&before.method, &after.method),
            authority: changed(&before.authority, &after.authority),
            target: changed(&before.target, &after.target),
            ..Self::default()
        };
        if before.identity != after.identity {
            edits.identity.clone_from(&after.identity);
        }
        let new = vars_after.iter().filter(|(name, value)| vars_before.get(*name) != Some(value));
        edits.vars = new.map(|(name, value)| (name.clone(), value.clone())).collect();
        edits.lines(&before.lines, &after.lines);
        edits
    }

    pub(super) fn of_response(before: &ResponseState, after: &ResponseState) -> Self {
        let status = (before.status != after.status).then_some(after.status);
        let mut edits = Self { status, ..Self::default() };
        edits.lines(&before.lines, &after.lines);
        edits
    }

    fn lines(&mut self, before: &Lines, after: &Lines) {
        for (name, _) in &after.0 {
            let lines = after.all(name);
            if lines != before.all(name) {
                self.set.insert(name.clone(), lines.into_iter().map(text).collect());
            }
        }
        for (name, _) in &before.0 {
            if after.first(name).is_none() && !self.removed.contains(name) {
                self.removed.push(name.clone());
            }
        }
    }
}

fn changed(before: &str, after: &str) -> Option<String> {
    (before != after).then(|| after.to_owned())
}
