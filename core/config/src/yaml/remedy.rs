//! What to do about a text that is no YAML. The parser says what it was about when it stopped; a
//! person wants to know what to write.

use std::sync::Arc;

use saphyr_parser::ScanError;

use super::pos;
use crate::{diagnostic::Diagnostic, node::Pos};

/// The remedies, by what the parser says.
const REMEDIES: &[(&str, &str)] = &[
    ("did not find expected key", "the keys of one map stand in one column"),
    ("did not find expected node content", "a bracket may not be closed"),
    ("found unexpected end of stream", "a quote is not closed"),
    ("mapping values are not allowed", "quote a value with a colon; keys stand in one column"),
    ("simple key expect ':'", "a key ends with a colon and a blank"),
    ("unexpected character", "quote a value that begins with it"),
];

/// The problem, where it is and with what helps.
pub(super) fn refusal(error: &ScanError, text: &str, file: &Arc<str>) -> Diagnostic {
    let found = pos(*error.marker());
    let info = error.info();
    // Several complaints of the parser's are about the same mistake, some of them a line too early.
    if let Some(at) = tab(text, found).filter(|_| info.contains("tab")) {
        let d = Diagnostic::new(at.in_file(file), "not valid YAML: a tab cannot indent");
        return d.hint("write blanks");
    }
    let d = Diagnostic::new(found.in_file(file), format!("not valid YAML: {info}"));
    match REMEDIES.iter().find(|(says, _)| info.contains(says)) {
        Some((_, remedy)) => d.hint(*remedy),
        None => d,
    }
}

/// The tab in the indentation of a line, or of the one behind it.
fn tab(text: &str, from: Pos) -> Option<Pos> {
    let first = usize::try_from(from.line).ok()?.saturating_sub(1);
    let lines = text.lines().enumerate().skip(first).take(2);
    lines.into_iter().find_map(|(n, line)| {
        let indentation = &line[..line.len() - line.trim_start().len()];
        let column = indentation.chars().position(|c| c == '\t')?;
        let number = |n: usize| u32::try_from(n).ok()?.checked_add(1);
        Some(Pos { line: number(n)?, column: number(column)? })
    })
}
