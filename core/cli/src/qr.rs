//! Addresses as QR codes, made of half blocks: two modules in a cell.

use std::io::{self, IsTerminal as _};

use anyhow::{Context, Result};
use qrcode::{EcLevel, QrCode};

/// Light modules around a code.
///
/// Fact: ISO/IEC 18004 asks for four; scanners rely on them.
const QUIET: usize = 4;

/// A code, ready to be shown.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    width: usize,
    /// Row by row; true is dark.
    modules: Vec<bool>,
}

impl Code {
    /// The code of a text.
    ///
    /// # Errors
    /// The text is too long.
    pub(crate) fn of(text: &str) -> Result<Self> {
        // The lowest level gives the smallest code; a screen has no dirt to correct.
        let code = QrCode::with_error_correction_level(text, EcLevel::L);
        let code = code.context("too long for a QR code")?;
        let width = code.width();
        let modules = code.to_colors().into_iter().map(|c| c == qrcode::Color::Dark).collect();
        Ok(Self { width, modules })
    }

    /// Columns of each line.
    pub(crate) const fn columns(&self) -> usize {
        self.width + 2 * QUIET
    }

    /// The code with its quiet zone, for black on white: blocks are dark.
    pub(crate) fn lines(&self) -> Vec<String> {
        let side = self.columns();
        let row = |y: usize| {
            let cell = |x: usize| match (self.is_dark(x, y), self.is_dark(x, y + 1)) {
                (false, false) => ' ',
                (false, true) => '▄',
                (true, false) => '▀',
                (true, true) => '█',
            };
            (0..side).map(cell).collect()
        };
        (0..side).step_by(2).map(row).collect()
    }

    /// Of a place in the code with its quiet zone; everything around is light.
    fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = |n: usize| n.checked_sub(QUIET).filter(|n| *n < self.width);
        match (inside(x), inside(y)) {
            (Some(x), Some(y)) => self.modules.get(y * self.width + x).copied().unwrap_or(false),
            _ => false,
        }
    }
}

/// The code of a URL on standard output, or why there is none: lines without the last line's end.
pub(crate) fn printed(url: &str) -> String {
    let columns = io::stdout().is_terminal().then(|| crossterm::terminal::size().ok()).flatten();
    match Code::of(url) {
        Ok(code) => code.text(columns.map(|(columns, _)| usize::from(columns))),
        Err(error) => format!("no QR code: {error:#}"),
    }
}

impl Code {
    /// For a terminal with so many columns, black on white whatever its colours are; without one,
    /// the bare blocks.
    fn text(&self, columns: Option<usize>) -> String {
        let needed = self.columns();
        match columns {
            Some(columns) if columns < needed => {
                format!("no QR code: it needs {needed} columns, this terminal has {columns}")
            }
            Some(_) => {
                let paint = |line| format!("\x1b[38;5;16;48;5;231m{line}\x1b[0m");
                self.lines().into_iter().map(paint).collect::<Vec<_>>().join("\n")
            }
            None => self.lines().join("\n"),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The modules of a code that is shown, row by row.
    fn seen(lines: &[String]) -> Vec<Vec<bool>> {
        let upper = |c: char| matches!(c, '█' | '▀');
        let lower = |c: char| matches!(c, '█' | '▄');
        let row = |line: &String, is: &dyn Fn(char) -> bool| line.chars().map(is).collect();
        lines.iter().flat_map(|line| [row(line, &upper), row(line, &lower)]).collect()
    }

    #[test]
    fn every_module_is_where_it_belongs_within_the_quiet_zone() {
        for url in ["http://a.localhost:7080", "https://app.example.com", &"x".repeat(400)] {
            let code = Code::of(url).unwrap();
            let reference = QrCode::with_error_correction_level(url, EcLevel::L).unwrap();
            let (width, colors) = (reference.width(), reference.to_colors());
            let seen = seen(&code.lines());
            assert_eq!(seen[0].len(), width + 8);
            assert!(seen.len() >= width + 8);
            for (y, row) in seen.iter().enumerate() {
                for (x, is_dark) in row.iter().enumerate() {
                    let inside = (4..4 + width).contains(&x) && (4..4 + width).contains(&y);
                    let dark = || colors[(y - 4) * width + x - 4] == qrcode::Color::Dark;
                    assert_eq!(*is_dark, inside && dark(), "{url} at {x}, {y}");
                }
            }
        }
    }

    #[test]
    fn a_terminal_that_is_too_narrow_gets_words() {
        let code = Code::of("http://a.localhost:7080").unwrap();
        assert_eq!(code.text(Some(20)), "no QR code: it needs 33 columns, this terminal has 20");
        assert!(code.text(Some(33)).starts_with("\x1b[38;5;16;48;5;231m "));
        assert!(!code.text(None).contains('\x1b'));
        assert!(Code::of(&"x".repeat(4000)).is_err());
    }
}
