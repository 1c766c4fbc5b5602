//! What a person reads: plain lines on standard output, error blocks on standard error.

use std::io::{self, Write};

use crate::failure;

/// Prints a line of an answer.
///
/// A reader that went away is nobody to tell; the process goes on.
pub(crate) fn line(text: impl std::fmt::Display) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

/// Prints a failure, each of its lines behind `ERROR:`.
///
/// Fact: wrappers of the v3 agent scan standard error for this prefix, and for a code that stands
/// on a line of its own.
pub(crate) fn error(text: &str) {
    for line in failure::block(text) {
        if line.is_empty() { eprintln!("ERROR:") } else { eprintln!("ERROR:  {line}") }
    }
}
