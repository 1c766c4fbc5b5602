//! Where a value was written, so that whoever refuses it can point there.

use std::{fmt, sync::Arc};

/// A position in a configuration file, or the flag or variable a value came from.
///
/// Prints as `adit.yml:14:3`, or as the bare source (`--url`, `ADIT_AUTHTOKEN`) when it has no line.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// File as the user named it, or the name of a flag or variable.
    pub file: Arc<str>,
    /// Line, from 1; 0 when the source has no lines.
    pub line: u32,
    /// Column in characters, from 1; 0 when the source has no lines.
    pub column: u32,
}

impl Place {
    /// A position in a file.
    pub fn new(file: impl Into<Arc<str>>, line: u32, column: u32) -> Self {
        Self { file: file.into(), line, column }
    }

    /// A source without lines: a flag (`--url`), a variable, or a whole file.
    pub fn of(source: impl Into<Arc<str>>) -> Self {
        Self::new(source, 0, 0)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}:{}", self.file, self.column),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A value together with the place that it was written at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub place: Place,
}

impl<T> At<T> {
    /// A value written at `place`.
    pub fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }

    /// A value that came from a flag or a variable, for instance `At::from_flag(url, "--url")`.
    pub fn from_flag(value: T, source: &str) -> Self {
        Self::new(value, Place::of(source))
    }

    /// The same place with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> At<U> {
        At { value: f(self.value), place: self.place }
    }
}
