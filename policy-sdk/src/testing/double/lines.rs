//! Header lines in the order of arrival.

use adit_policy_rules::{Refused, head};

use crate::backend::types::Field;

/// Header lines in the order of arrival, names in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines(pub(crate) Vec<(String, Vec<u8>)>);

impl Lines {
    pub(crate) fn first(&self, name: &str) -> Option<Vec<u8>> {
        self.of(name).next().cloned()
    }

    pub(crate) fn all(&self, name: &str) -> Vec<Vec<u8>> {
        self.of(name).cloned().collect()
    }

    pub(crate) fn fields(&self) -> Vec<Field> {
        crate::reply::into_fields(self.0.clone())
    }

    pub(crate) fn set(&mut self, name: &str, value: &[u8]) -> Result<(), Refused> {
        let name = head::editable_header_name(name)?.into_owned();
        head::header_value(value)?;
        let place = self.0.iter().position(|(other, _)| *other == name);
        let mut lines = self.0.clone();
        lines.retain(|(other, _)| *other != name);
        lines.insert(place.unwrap_or(lines.len()), (name, value.to_vec()));
        self.replace(lines)
    }

    pub(crate) fn append(&mut self, name: &str, value: &[u8]) -> Result<(), Refused> {
        let name = head::editable_header_name(name)?.into_owned();
        head::header_value(value)?;
        let mut lines = self.0.clone();
        lines.push((name, value.to_vec()));
        self.replace(lines)
    }

    pub(crate) fn remove(&mut self, name: &str) -> Result<(), Refused> {
        let name = head::editable_header_name(name)?;
        self.0.retain(|(other, _)| *other != name);
        Ok(())
    }

    /// Corrects the length after a body was replaced, as the agent does.
    pub(crate) fn set_length(&mut self, length: usize) {
        for (name, value) in &mut self.0 {
            if name == "content-length" {
                *value = length.to_string().into_bytes();
            }
        }
    }

    pub(crate) fn content_length(&self) -> Option<u64> {
        String::from_utf8(self.first("content-length")?).ok()?.parse().ok()
    }

    fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Vec<u8>> {
        let lines = self.0.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name));
        lines.map(|(_, value)| value)
    }

    fn replace(&mut self, lines: Vec<(String, Vec<u8>)>) -> Result<(), Refused> {
        let octets = |lines: &[(String, Vec<u8>)]| {
            lines.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
        };
        if lines.len() > self.0.len() || octets(&lines) > octets(&self.0) {
            head::size(lines.len(), octets(&lines))?;
        }
        self.0 = lines;
        Ok(())
    }
}
