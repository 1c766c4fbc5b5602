//! Output that may be painted, and that says when nobody reads it any more.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
};

use anyhow::Result;

use crate::log;

/// Prints a line.
///
/// # Errors
/// Nobody reads it any more.
pub(super) fn line(text: impl fmt::Display) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// Prints bytes as they are.
///
/// # Errors
/// Nobody reads it any more.
pub(super) fn bytes(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(())
}

/// Whether standard output is a terminal: only there, colours are read by somebody.
pub(super) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// How a text is painted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Coloured,
}

impl Paint {
    /// As standard output and the environment want it.
    pub(super) fn here() -> Self {
        if is_terminal() && !log::is_plain() { Self::Coloured } else { Self::Plain }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(super) fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    /// In the colour of a status.
    pub(super) fn status(self, status: Option<u16>, text: &str) -> String {
        let code = match status {
            Some(..300) => "32",
            Some(300..400) => "36",
            Some(400..500) => "33",
            Some(500..) => "31",
            None => "2",
        };
        self.with(code, text)
    }

    fn with(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("\x1b[{code}m{text}\x1b[0m"),
        }
    }
}
