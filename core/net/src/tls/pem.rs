//! Where PEM text comes from: a file, or the configuration itself.

use std::borrow::Cow;
use std::path::PathBuf;
use std::{fmt, io};

use bytes::Bytes;

/// PEM text, or the file that has it. Printing it never prints the text.
#[derive(Clone, PartialEq, Eq)]
pub enum PemSource {
    /// A file.
    File(PathBuf),
    /// The text itself.
    Text(Bytes),
}

impl PemSource {
    /// Takes what a user wrote: PEM text if it has a PEM header, else a path.
    pub fn from_text_or_path(value: &str) -> Self {
        if value.contains("-----BEGIN") {
            Self::Text(Bytes::copy_from_slice(value.as_bytes()))
        } else {
            Self::File(value.into())
        }
    }

    /// The bytes, read from the file if it is one.
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn read(&self) -> io::Result<Cow<'_, [u8]>> {
        match self {
            Self::File(path) => std::fs::read(path).map(Cow::Owned),
            Self::Text(text) => Ok(Cow::Borrowed(text)),
        }
    }
}

impl fmt::Display for PemSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Text(_) => f.write_str("the given PEM text"),
        }
    }
}

impl fmt::Debug for PemSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Text(_) => f.write_str("Text([redacted])"),
        }
    }
}
