//! How tokens are stored: never as themselves.

use std::{fmt, str::FromStr};

use subtle::ConstantTimeEq;

/// SHA-256 of a token, written `sha256:<64 hex digits>`. Compared in constant time.
///
/// A plain hash is enough because tokens are random, not chosen by people.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Wraps a digest.
    pub fn new(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// Whether it is the hash that `sha256` is the digest of.
    pub fn matches(&self, sha256: &[u8; 32]) -> bool {
        self.0.ct_eq(sha256).into()
    }
}

/// Why a hash was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenHashError {
    /// Not `sha256:` and 64 hex digits. What was written is not repeated: it may be a token.
    #[error("not a token's hash; write sha256: and 64 hex digits")]
    Shape,
}

impl FromStr for TokenHash {
    type Err = TokenHashError;

    fn from_str(text: &str) -> Result<Self, TokenHashError> {
        let hex = text.strip_prefix("sha256:").ok_or(TokenHashError::Shape)?;
        let digits: Option<Vec<u8>> =
            hex.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
        let digits = digits.filter(|d| d.len() == 64).ok_or(TokenHashError::Shape)?;
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().fold(0, |byte, digit| byte << 4 | digit);
        }
        Ok(Self(hash))
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_prints_as_it_is_read() {
        let text = format!("sha256:{}", "0a".repeat(32));
        let hash: TokenHash = text.parse().unwrap();
        assert_eq!(hash.to_string(), text);
        assert!(hash.matches(&[0x0a; 32]));
        assert!(!hash.matches(&[0x0b; 32]));
    }

    #[test]
    fn anything_else_is_refused_without_repeating_it() {
        for text in ["", "sha256:", "sha256:zz", "2abc_token", &format!("md5:{}", "0a".repeat(32))]
        {
            assert_eq!(text.parse::<TokenHash>().unwrap_err(), TokenHashError::Shape);
        }
    }
}
