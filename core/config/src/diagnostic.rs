//! What is wrong with a configuration, all of it at once.

use std::{fmt, path::Path, sync::Arc};

use crate::place::Place;

/// One problem: where, what, and what to do about it.
///
/// Prints as `adit.yml:14:3: unknown key "basic_atuh"; did you mean "basic_auth"?`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// Where the problem is.
    pub place: Place,
    /// What is wrong. One line, lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Number of the public error code (`ERR_NGROK_<code>`), for problems that have one.
    pub code: Option<u16>,
}

impl Diagnostic {
    /// A problem at `place`.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into(), hint: None, code: None }
    }

    /// Adds a remedy.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the number of the public error code.
    #[must_use]
    pub fn code(mut self, code: impl Into<Option<u16>>) -> Self {
        self.code = code.into();
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        if let Some(code) = self.code {
            write!(f, " (ERR_NGROK_{code})")?;
        }
        Ok(())
    }
}

/// Every problem that was found, in the order of the files and then of their lines.
///
/// Prints one per line. Holds at most [`MAX_PROBLEMS`] of each file: nobody reads more, and the
/// search for what was meant by each unknown key takes time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    problems: Vec<Diagnostic>,
    n_dropped: usize,
}

/// Most problems that are kept.
pub const MAX_PROBLEMS: usize = 100;

impl Diagnostics {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// How many problems there are.
    pub fn len(&self) -> usize {
        self.problems.len()
    }

    /// How many more there are that were not kept.
    pub fn n_dropped(&self) -> usize {
        self.n_dropped
    }

    /// The problems in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.problems.iter()
    }

    /// Adds one, if there is still room.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        match self.is_full() {
            true => self.n_dropped += 1,
            false => self.problems.push(diagnostic),
        }
    }

    /// Whether another one would only be counted.
    pub fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    /// Adds all of `other`.
    pub fn append(&mut self, other: Self) {
        self.problems.extend(other.problems);
        self.n_dropped += other.n_dropped;
    }

    /// `value` if nothing is wrong.
    ///
    /// # Errors
    /// `self`, put in order, otherwise.
    pub fn into_result<T>(mut self, value: T) -> Result<T, Self> {
        if self.is_empty() {
            return Ok(value);
        }
        self.sort();
        Err(self)
    }

    /// Lines of one file in order; files stay in the order they were read.
    fn sort(&mut self) {
        let mut files: Vec<Arc<str>> = Vec::new();
        for d in &self.problems {
            if !files.contains(&d.place.file) {
                files.push(d.place.file.clone());
            }
        }
        self.problems.sort_by_key(|d| {
            let file = files.iter().position(|f| *f == d.place.file);
            (file, d.place.line, d.place.column)
        });
        self.problems.dedup();
    }

    /// Gives a code to the problems of a text, which have a line, unless they have one.
    pub(crate) fn of_text(mut self, code: u16) -> Self {
        for problem in self.problems.iter_mut().filter(|problem| problem.place.line > 0) {
            problem.code.get_or_insert(code);
        }
        self
    }

    /// The problem of a file that cannot be read at all.
    pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        let place = Place::of(path.display().to_string());
        Diagnostic::new(place, format!("cannot read the file: {error}")).into()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { problems: vec![diagnostic], n_dropped: 0 }
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.problems.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            diagnostic.fmt(f)?;
        }
        match self.n_dropped {
            0 => Ok(()),
            n => write!(f, "\n{n} more problems are not shown"),
        }
    }
}

impl std::error::Error for Diagnostics {}
