//! Finds the expressions in a text.

use crate::expr::ExprError;

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    /// What stands between `${` and its `}`.
    Expr(&'a str),
}

/// Cuts a text into pieces. Two texts never follow each other, and none is empty.
pub(super) fn scan(source: &str) -> Result<Vec<Piece<'_>>, ExprError> {
    let mut pieces = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find("${") {
        let (text, from) = rest.split_at(start);
        let inside = &from["${".len()..];
        let Some(end) = end_of_expression(inside) else {
            let before = &source[..source.len() - from.len()];
            let n = before.chars().count() + 1;
            return Err(ExprError::compile(format!("the ${{ at character {n} is never closed")));
        };
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        pieces.push(Piece::Expr(&inside[..end]));
        rest = &inside[end + "}".len()..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// Where the `}` stands that closes an expression. Braces in it come in pairs; those in literals
/// and comments are none.
fn end_of_expression(source: &str) -> Option<usize> {
    let bytes = source.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            b'/' if source[at..].starts_with("//") => {
                at += source[at..].find('\n')?;
                continue;
            }
            b'\'' | b'"' => {
                at += end_of_literal(&source[at..], is_raw(&source[..at]))?;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Whether what stands before a quote makes the literal a raw one: `r'…'`, `br'…'`.
fn is_raw(before: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let start = before.trim_end_matches(is_of_name).len();
    matches!(before[start..].to_ascii_lowercase().as_str(), "r" | "br" | "rb")
}

/// The length of the literal that a text starts with, quotes included.
fn end_of_literal(source: &str, is_raw: bool) -> Option<usize> {
    let quote = source.get(..1)?;
    let triple = quote.repeat(3);
    let quote = if source.starts_with(&triple) { triple.as_str() } else { quote };
    let mut at = quote.len();
    loop {
        let rest = source.get(at..)?;
        if rest.starts_with(quote) {
            return Some(at + quote.len());
        }
        let mut chars = rest.chars();
        at += chars.next()?.len_utf8();
        if rest.starts_with('\\') && !is_raw {
            at += chars.next()?.len_utf8();
        }
    }
}

#[cfg(test)]
mod tests;
