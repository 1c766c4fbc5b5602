//! What is wrong with files, with the lines that it is about.
//!
//! ```text
//! adit.yml:14:3: unknown key "basic_atuh"; did you mean "basic_auth"?
//!    14 |   basic_atuh: [ann:…]
//!       |   ^
//! ```
//!
//! Values of keys that hold secrets are not shown.

mod secrets;

use std::fmt::{self, Write};

use crate::diagnostic::{Diagnostic, Diagnostics};

/// Most characters of a line that are shown.
const MAX_SHOWN: usize = 100;
/// Of those, how many stand before the place.
const BEFORE: usize = 60;

/// Problems of files, and the files.
#[derive(Debug)]
pub struct Report<'a> {
    problems: &'a Diagnostics,
    sources: Vec<(&'a str, Vec<String>)>,
}

impl<'a> Report<'a> {
    /// Problems in these files, each with its name and what it says.
    pub fn new<'s: 'a>(
        problems: &'a Diagnostics,
        files: impl IntoIterator<Item = (&'s str, &'s [u8])>,
    ) -> Self {
        let named = |name: &str| problems.iter().any(|p| &*p.place.file == name);
        let files = files.into_iter().filter(|(name, _)| named(name));
        let lines = files.map(|(name, bytes)| (name, secrets::hide(name, bytes)));
        Self { problems, sources: lines.collect() }
    }

    fn problem(&self, problem: &Diagnostic, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{problem}")?;
        let place = &problem.place;
        let Some((_, lines)) = self.sources.iter().find(|(name, _)| **name == *place.file) else {
            return Ok(());
        };
        if place.line == 0 {
            return Ok(());
        }
        // Some mistakes are only seen when the file is over.
        let index = usize::try_from(place.line).map_or(0, |line| line - 1);
        let (number, line, at) = match lines.get(index) {
            Some(line) => {
                (index + 1, line, usize::try_from(place.column).map_or(0, |c| c.max(1) - 1))
            }
            None => match lines.iter().rposition(|line| !line.trim().is_empty()) {
                Some(last) => (last + 1, &lines[last], lines[last].chars().count()),
                None => return Ok(()),
            },
        };
        let (shown, at) = window(line, at);
        write!(f, "\n{number:>5} | {shown}\n{:>5} | {:at$}^", "", "")
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_char('\n')?;
            }
            self.problem(problem, f)?;
        }
        match self.problems.n_dropped() {
            0 => Ok(()),
            n => write!(f, "\n{n} more problems are not shown"),
        }
    }
}

/// The part of a line around a place, and where the place is in it.
fn window(line: &str, at: usize) -> (String, usize) {
    // One column for each character, whatever a terminal makes of it.
    let chars: Vec<char> = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let at = at.min(chars.len());
    if chars.len() <= MAX_SHOWN {
        return (chars.into_iter().collect::<String>().trim_end().to_owned(), at);
    }
    let from = at.saturating_sub(BEFORE);
    let part: String = chars.iter().skip(from).take(MAX_SHOWN).collect();
    let behind = if from + MAX_SHOWN < chars.len() { "…" } else { "" };
    match from {
        0 => (format!("{part}{behind}"), at),
        _ => (format!("…{part}{behind}"), at - from + 1),
    }
}

#[cfg(test)]
mod tests;
