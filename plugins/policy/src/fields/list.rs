//! Lists, and texts with a limited length.

use std::ops::RangeInclusive;

use serde_json::Value as Json;

use super::Fields;
use crate::{
    expr::{Expr, Template},
    problem::code,
};

impl<'a> Fields<'a> {
    /// A text as it stands, with so many characters.
    pub(crate) fn text(
        &mut self,
        name: &'static str,
        n_chars: RangeInclusive<usize>,
    ) -> Option<String> {
        let text = self.string(name)?;
        self.has_length(name, &text, n_chars).then_some(text)
    }

    /// Whether a text has so many characters; tells if not.
    pub(crate) fn has_length(
        &mut self,
        name: &str,
        text: &str,
        n_chars: RangeInclusive<usize>,
    ) -> bool {
        let n = text.chars().count();
        if n > *n_chars.end() {
            let message = format!("must have at most {} characters", n_chars.end());
            self.error(name, code::TOO_LONG, message);
        } else if n == 0 && *n_chars.start() > 0 {
            self.error(name, code::MISSING, format!("{name:?} is empty"));
        } else if n < *n_chars.start() {
            let message = format!("must have at least {} characters", n_chars.start());
            self.error(name, code::TOO_SHORT, message);
        }
        n_chars.contains(&n)
    }

    /// A list of that many texts, without `${…}` in them.
    pub(crate) fn strings(
        &mut self,
        name: &'static str,
        n: RangeInclusive<usize>,
    ) -> Option<Vec<String>> {
        self.each(name, n, |fields, path, value| Some(fields.scalar(path, value)?.into_owned()))
    }

    /// A list of that many texts that may hold `${…}`.
    pub(crate) fn template_list(
        &mut self,
        name: &'static str,
        n: RangeInclusive<usize>,
    ) -> Option<Vec<Template>> {
        self.each(name, n, |fields, path, value| {
            let text = fields.scalar(path, value)?;
            fields.compile(path, &text)
        })
    }

    /// A list of that many expressions, without `${}` around them.
    pub(crate) fn expr_list(
        &mut self,
        name: &'static str,
        n: RangeInclusive<usize>,
    ) -> Option<Vec<Expr>> {
        self.each(name, n, |fields, path, value| {
            let source = fields.scalar(path, value)?;
            Expr::compile(&source, fields.phase)
                .map_err(|error| fields.error_in(path, code::EXPRESSION, error.to_string()))
                .ok()
        })
    }

    /// A list of that many different names, as what they stand for.
    pub(crate) fn choices<T: Clone>(
        &mut self,
        name: &'static str,
        n: RangeInclusive<usize>,
        choices: &[(&str, T)],
    ) -> Option<Vec<T>> {
        let mut seen = Vec::new();
        self.each(name, n, |fields, path, value| {
            let text = fields.scalar(path, value)?;
            if seen.contains(&text) {
                fields.error_in(path, code::DUPLICATE, format!("{text:?} is here twice"));
                return None;
            }
            seen.push(text.clone());
            fields.chosen(path, &text, choices)
        })
    }

    /// A list of that many objects, each read by `read`, which need not call
    /// [`finish`](Fields::finish). One object is taken for a list of one.
    pub(crate) fn objects<T>(
        &mut self,
        name: &'static str,
        n: RangeInclusive<usize>,
        mut read: impl FnMut(&mut Fields<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.each(name, n, |fields, path, value| fields.object_at(path, value, &mut read))
    }

    /// A list of that many values, each read by `read`, which is told the place below these fields.
    /// A value that is not a list is taken for a list of one. `None` if any of them was wrong.
    pub(crate) fn each<T>(
        &mut self,
        name: &'static str,
        n: RangeInclusive<usize>,
        mut read: impl FnMut(&mut Self, &[&str], &'a Json) -> Option<T>,
    ) -> Option<Vec<T>> {
        let value = self.raw(name)?;
        let Json::Array(values) = value else {
            return read(self, &[name], value).map(|value| vec![value]);
        };
        if values.len() > *n.end() {
            let message = format!("must have at most {} entries", n.end());
            self.error(name, code::N_ENTRIES, message);
            return None;
        }
        if values.is_empty() && *n.start() > 0 {
            self.error(name, code::MISSING, format!("{name:?} is empty"));
            return None;
        }
        // Each is read even after a mistake, so that all of them are told.
        let read: Vec<_> = values
            .iter()
            .enumerate()
            .map(|(i, value)| read(self, &[name, &i.to_string()], value))
            .collect();
        read.into_iter().collect()
    }
}
