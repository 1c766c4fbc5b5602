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

/// Prints a failure, each of its lines behind `ERROR:`. Whether somebody reads it changes nothing.
///
/// Fact: wrappers of the v3 agent scan standard error for this prefix, and for a code that stands
/// on a line of its own.
pub(crate) fn error(text: &str) {
    let mut out = io::stderr().lock();
    for line in failure::block(text) {
        let line =
            if line.is_empty() { "ERROR:\n".to_owned() } else { format!("ERROR:  {line}\n") };
        // One write for each line: standard error has no buffer, and others write there as well.
        let _ = out.write_all(line.as_bytes());
    }
}
