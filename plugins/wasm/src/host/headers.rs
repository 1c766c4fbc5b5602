//! Edits of header lines that can be taken back.
//!
//! They are made in the head itself; a journal knows how to undo them. So a policy that sets one
//! header pays for one, however many there are. Undone, the head is what it was, order included.

use adit_policy_rules::{Refused, head as rules};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header::Entry};
use smallvec::SmallVec;

use super::{Edit, error::Answer};
use crate::bindings::adit::policy::types::Field;

/// Steps that are undone one by one. A guest that makes more is charged one copy of the head, so
/// that the journal does not grow with its zeal.
const MAX_STEPS: usize = 64;

/// Octets that a call may write before those of the whole head are counted.
///
/// Reason: most calls write a few hundred, and counting all lines of a long head for each of them
/// would be the larger part of the work.
const UNCOUNTED: usize = 4 * 1024;

/// How to undo what a call did to header lines.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// Most calls make one.
    steps: SmallVec<[Step; 1]>,
    original: Option<Box<HeaderMap>>,
    /// Octets that this call wrote.
    written: usize,
    /// Octets of the head, once they were counted.
    octets: Option<usize>,
}

#[derive(Clone, Debug)]
enum Step {
    /// There was no such line; now it is the last name of all.
    Added,
    /// These were the values.
    Changed { name: HeaderName, old: Vec<HeaderValue> },
    /// These were the values, and this the place among the names.
    Removed { name: HeaderName, old: Vec<HeaderValue>, at: usize },
}

impl Journal {
    /// Replaces every line of that name by one.
    pub(super) fn set(
        &mut self,
        headers: &mut HeaderMap,
        name: &str,
        value: Vec<u8>,
    ) -> Answer<()> {
        let (name, value) = line(name, value)?;
        self.insert(headers, name, value)
    }

    /// Adds a line.
    pub(super) fn append(
        &mut self,
        headers: &mut HeaderMap,
        name: &str,
        value: Vec<u8>,
    ) -> Answer<()> {
        let (name, value) = line(name, value)?;
        let new = octets(&name, [&value]);
        self.write(headers, new);
        self.check_size(headers.len(), 0, 0, new)?;
        self.make_room(headers);
        let old = all(headers, &name);
        let is_new = old.is_empty();
        self.push(if is_new { Step::Added } else { Step::Changed { name: name.clone(), old } });
        headers.try_append(name, value).map_err(|_| too_many())?;
        Ok(())
    }

    /// Removes every line of that name.
    pub(super) fn remove(&mut self, headers: &mut HeaderMap, name: &str) -> Answer<()> {
        let name = rules::editable_header_name(name)?;
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            return Err(Refused::invalid(format!("{name:?} is not a header name")).into());
        };
        let old = all(headers, &name);
        if old.is_empty() {
            return Ok(());
        }
        if let Some(total) = &mut self.octets {
            *total -= octets(&name, &old);
        }
        self.make_room(headers);
        if self.original.is_none() {
            let at = headers.keys().position(|other| *other == name).unwrap_or_default();
            self.push(Step::Removed { name: name.clone(), old, at });
        }
        headers.remove(&name);
        Ok(())
    }

    /// Replaces every line of a name that was checked already. Looks the name up once.
    pub(super) fn insert(
        &mut self,
        headers: &mut HeaderMap,
        name: HeaderName,
        value: HeaderValue,
    ) -> Answer<()> {
        let (lines, new) = (headers.len(), octets(&name, [&value]));
        self.write(headers, new);
        self.make_room(headers);
        match headers.try_entry(name).map_err(|_| too_many())? {
            Entry::Vacant(place) => {
                self.check_size(lines, 0, 0, new)?;
                place.try_insert(value).map_err(|_| too_many())?;
                self.push(Step::Added);
            }
            Entry::Occupied(mut place) => {
                let old: Vec<_> = place.iter().cloned().collect();
                self.check_size(lines, old.len(), octets(place.key(), &old), new)?;
                drop(place.insert(value));
                self.push(Step::Changed { name: place.key().clone(), old });
            }
        }
        Ok(())
    }

    /// Takes everything back.
    pub(super) fn undo(self, headers: &mut HeaderMap) {
        match self.original {
            Some(original) => *headers = *original,
            None => self.steps.into_iter().rev().for_each(|step| step.undo(headers)),
        }
    }

    /// What the lines were before this call.
    pub(super) fn original(&self, headers: &HeaderMap) -> HeaderMap {
        if let Some(original) = &self.original {
            return HeaderMap::clone(original);
        }
        let mut headers = headers.clone();
        self.steps.iter().rev().for_each(|step| step.clone().undo(&mut headers));
        headers
    }

    /// Every name whose lines changed, with the lines as they are now.
    pub(super) fn changes(&self, headers: &HeaderMap) -> Vec<Edit> {
        let original = self.original(headers);
        let changed =
            |name: &&HeaderName| !headers.get_all(*name).iter().eq(original.get_all(*name));
        let gone = original.keys().filter(|name| !headers.contains_key(*name));
        let names = headers.keys().chain(gone).filter(changed);
        names.map(|name| Edit::Header(name.clone(), all(headers, name))).collect()
    }

    /// Goes over to a copy of the whole head where one more step would be too many.
    fn make_room(&mut self, headers: &HeaderMap) {
        if self.original.is_none() && self.steps.len() == MAX_STEPS {
            self.original = Some(Box::new(self.original(headers)));
            self.steps = SmallVec::new();
        }
    }

    /// Notes how to undo a step, unless the whole head was copied.
    fn push(&mut self, step: Step) {
        if self.original.is_none() {
            self.steps.push(step);
        }
    }

    /// So many octets will be written: from some number on, those of the head are counted.
    fn write(&mut self, headers: &HeaderMap, octets_new: usize) {
        self.written = self.written.saturating_add(octets_new);
        if self.octets.is_none() && self.written > UNCOUNTED {
            let of_line = |(name, value)| octets(name, [value]);
            self.octets = Some(headers.iter().map(of_line).sum());
        }
    }

    /// Whether one more line may take the place of `n_old`, where there are `lines`. A head that
    /// does not grow is always fine.
    fn check_size(
        &mut self,
        lines: usize,
        n_old: usize,
        octets_old: usize,
        octets_new: usize,
    ) -> Result<(), Refused> {
        let lines_then = lines - n_old + 1;
        let before = self.octets.unwrap_or(0);
        let total = if self.octets.is_some() { before - octets_old + octets_new } else { 0 };
        if lines_then > lines || total > before {
            rules::size(lines_then, total)?;
        }
        if let Some(octets) = &mut self.octets {
            *octets = total;
        }
        Ok(())
    }
}

impl Step {
    fn undo(self, headers: &mut HeaderMap) {
        match self {
            // Later steps are undone already: what was added then is the last one now.
            Self::Added => {
                if let Some(name) = headers.keys().last().cloned() {
                    headers.remove(name);
                }
            }
            Self::Changed { name, old } => put(headers, name, old),
            Self::Removed { name, old, at } => {
                put(headers, name, old);
                restore_place(headers, at);
            }
        }
    }
}

/// A removal had moved the last name into the gap. Now the removed one is last: they swap.
fn restore_place(headers: &mut HeaderMap, at: usize) {
    let last = headers.keys_len() - 1;
    if at == last {
        return;
    }
    let mut names: Vec<HeaderName> = headers.keys().cloned().collect();
    names.swap(at, last);
    let mut ordered = HeaderMap::with_capacity(names.len());
    for name in names {
        let values = all(headers, &name);
        put(&mut ordered, name, values);
    }
    *headers = ordered;
}

fn put(headers: &mut HeaderMap, name: HeaderName, values: Vec<HeaderValue>) {
    let mut values = values.into_iter();
    if let Some(first) = values.next() {
        headers.insert(name.clone(), first);
    }
    for value in values {
        headers.append(name.clone(), value);
    }
}

fn all(headers: &HeaderMap, name: &HeaderName) -> Vec<HeaderValue> {
    headers.get_all(name).iter().cloned().collect()
}

/// Octets of the lines of one name.
fn octets<'a>(name: &HeaderName, values: impl IntoIterator<Item = &'a HeaderValue>) -> usize {
    values.into_iter().map(|value| name.as_str().len() + value.len()).sum()
}

pub(super) fn line(name: &str, value: Vec<u8>) -> Answer<(HeaderName, HeaderValue)> {
    let name = rules::editable_header_name(name)?;
    rules::header_value(&value)?;
    let name = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Refused::invalid(format!("{name:?} is not a header name")))?;
    let value = HeaderValue::from_maybe_shared(Bytes::from(value))
        .map_err(|_| Refused::invalid("header value contains control characters"))?;
    Ok((name, value))
}

#[cold]
fn too_many() -> Refused {
    Refused::limit("head has too many header lines")
}

/// First value of that name.
pub(super) fn first(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    headers.get(name).map(|value| value.as_bytes().to_vec())
}

/// Every value of that name, in order.
pub(super) fn values(headers: &HeaderMap, name: &str) -> Vec<Vec<u8>> {
    headers.get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect()
}

/// Every line.
pub(super) fn fields(headers: &HeaderMap) -> Vec<Field> {
    let field = |(name, value): (&HeaderName, &HeaderValue)| Field {
        name: name.as_str().to_owned(),
        value: value.as_bytes().to_vec(),
    };
    headers.iter().map(field).collect()
}

#[cfg(test)]
mod tests;
