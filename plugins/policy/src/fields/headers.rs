//! Headers whose values are templates.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value as Json;

use super::Fields;
use crate::{action::Failure, expr::Template, problem::code, scope::Scope};

/// How long a header's name may be, in bytes.
///
/// Reason: the language has such a limit and does not tell it; real names are below 64.
const MAX_NAME_LEN: usize = 128;

/// How long a header's value may be, in bytes.
///
/// Reason: the language has such a limit and does not tell it; servers take lines of this length.
const MAX_VALUE_LEN: usize = 8192;

/// Headers whose values are made when they are needed.
pub(crate) struct HeaderTemplates(Vec<(HeaderName, Template)>);

impl HeaderTemplates {
    /// No headers.
    pub(crate) const fn none() -> Self {
        Self(Vec::new())
    }

    /// Whether there are none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &HeaderName> {
        self.0.iter().map(|(name, _)| name)
    }

    /// The headers and their templates.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(HeaderName, Template)> {
        self.0.iter()
    }

    /// The headers with their values of now.
    pub(crate) fn values(&self, scope: &Scope) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
        let value = |(name, template): &(HeaderName, Template)| {
            let text = template.text(scope)?;
            let bad = |what: &str| Failure::new(2300, format!("the value of {name} {what}"));
            if text.len() > MAX_VALUE_LEN {
                return Err(bad("came out too long"));
            }
            let value = HeaderValue::from_bytes(text.as_bytes())
                .map_err(|_| bad("came out with control characters"))?;
            Ok((name.clone(), value))
        };
        self.0.iter().map(value).collect()
    }

    /// Sets the headers with their values of now, in the place of any of the same name.
    pub(crate) fn set(&self, headers: &mut HeaderMap, scope: &Scope) -> Result<(), Failure> {
        for (name, value) in self.values(scope)? {
            headers.insert(name, value);
        }
        Ok(())
    }
}

impl fmt::Debug for HeaderTemplates {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names().map(HeaderName::as_str)).finish()
    }
}

impl Fields<'_> {
    /// An object of at most that many headers, whose values may hold `${…}`.
    pub(crate) fn headers(&mut self, name: &'static str, most: usize) -> Option<HeaderTemplates> {
        let Json::Object(map) = self.raw(name)? else {
            self.error(name, code::FIELD_TYPE, "must be an object of names and values");
            return None;
        };
        if map.len() > most {
            self.error(name, code::N_HEADERS, format!("must have at most {most} headers"));
            return None;
        }
        let read: Vec<_> =
            map.iter().map(|(header, value)| self.header(name, header, value)).collect();
        read.into_iter().collect::<Option<_>>().map(HeaderTemplates)
    }

    /// The name of a header that stands there.
    pub(crate) fn header_name(&mut self, path: &[&str], text: &str) -> Option<HeaderName> {
        if text.len() > MAX_NAME_LEN {
            let message = format!("must have at most {MAX_NAME_LEN} bytes");
            self.error_in(path, code::HEADER_NAME_LEN, message);
            return None;
        }
        let name = HeaderName::from_bytes(text.as_bytes());
        if name.is_err() {
            let message = format!("{text:?} is not the name of a header");
            self.error_in(path, code::HEADER_NAME, message);
        }
        name.ok()
    }

    fn header(
        &mut self,
        field: &'static str,
        header: &str,
        value: &Json,
    ) -> Option<(HeaderName, Template)> {
        let path = [field, header];
        let name = self.header_name(&path, header);
        let text = self.scalar(&path, value)?;
        let template = self.compile(&path, &text)?;
        if text.len() > MAX_VALUE_LEN {
            let message = format!("must have at most {MAX_VALUE_LEN} bytes");
            self.error_in(&path, code::HEADER_VALUE_LEN, message);
            return None;
        }
        let literal = template.literal().map(|text| HeaderValue::from_bytes(text.as_bytes()));
        // The value may be a secret, so the message does not repeat it.
        if let Some(Err(_)) = literal {
            self.error_in(&path, code::HEADER_VALUE, "the value holds control characters");
            return None;
        }
        Some((name?, template))
    }
}
