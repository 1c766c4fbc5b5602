//! Finds the end of a JSON object without understanding it.

/// Deepest nesting that can be allowed: one bit of memory per level.
pub const MAX_DEPTH: u32 = 64;

/// The bytes cannot become a JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SyntaxError {
    /// Something other than white space and `{` came first.
    #[error("a message must be a JSON object")]
    NotAnObject,
    /// `]` closes `{`, or the other way round.
    #[error("brackets do not match")]
    Mismatch,
    /// Too many objects and arrays inside each other.
    #[error("nested more than {max_depth} deep")]
    TooDeep {
        /// The limit.
        max_depth: u32,
    },
    /// A control character inside a string.
    #[error("control character in a string")]
    Control,
}

/// Follows strings, escapes and brackets over any number of pieces.
///
/// It accepts every JSON object and also much that is none; a parser has to follow. What it refuses
/// is never JSON, so nobody waits for the rest of something hopeless.
#[derive(Clone, Debug)]
pub struct Scanner {
    max_depth: u32,
    depth: u32,
    /// Bit `n` tells whether level `n` is an array (1) or an object (0).
    arrays: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first brace.
    Before,
    /// Inside, but not in a string.
    Between,
    InString,
    /// Behind a backslash.
    Escaped,
}

impl Scanner {
    /// A scanner for one object. `max_depth` is capped at [`MAX_DEPTH`].
    pub fn new(max_depth: u32) -> Self {
        Self { max_depth: max_depth.min(MAX_DEPTH), depth: 0, arrays: 0, state: State::Before }
    }

    /// Looks at the next piece. `Some(n)`: the object ended with the `n`th byte of this piece.
    ///
    /// # Errors
    /// If the bytes so far cannot be the beginning of a JSON object within the limit.
    pub fn scan(&mut self, piece: &[u8]) -> Result<Option<usize>, SyntaxError> {
        for (i, &byte) in piece.iter().enumerate() {
            match (self.state, byte) {
                (State::Before, b' ' | b'\t' | b'\r' | b'\n') => {}
                (State::Before | State::Between, b'{') => self.open(0)?,
                (State::Before, _) => return Err(SyntaxError::NotAnObject),
                (State::Between, b'[') => self.open(1)?,
                (State::Between, b'"') => self.state = State::InString,
                (State::Between, b'}') => self.close(0)?,
                (State::Between, b']') => self.close(1)?,
                (State::InString, b'"') | (State::Escaped, _) if byte >= 0x20 => {
                    self.state = match self.state {
                        State::Escaped => State::InString,
                        _ => State::Between,
                    };
                }
                (State::InString, b'\\') => self.state = State::Escaped,
                (State::InString | State::Escaped, 0..0x20) => return Err(SyntaxError::Control),
                (State::Between | State::InString | State::Escaped, _) => {}
            }
            if self.depth == 0 && self.state == State::Between {
                return Ok(Some(i + 1));
            }
        }
        Ok(None)
    }

    fn open(&mut self, array: u64) -> Result<(), SyntaxError> {
        if self.depth == self.max_depth {
            return Err(SyntaxError::TooDeep { max_depth: self.max_depth });
        }
        self.arrays = self.arrays & !(1 << self.depth) | array << self.depth;
        self.depth += 1;
        self.state = State::Between;
        Ok(())
    }

    fn close(&mut self, array: u64) -> Result<(), SyntaxError> {
        // Never below zero: at depth 0 the state is `Before`, or scanning has ended.
        self.depth = self.depth.checked_sub(1).ok_or(SyntaxError::Mismatch)?;
        if self.arrays >> self.depth & 1 == array { Ok(()) } else { Err(SyntaxError::Mismatch) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Result<Option<usize>, SyntaxError> {
        Scanner::new(MAX_DEPTH).scan(text.as_bytes())
    }

    #[test]
    fn the_end_is_the_brace_that_closes_the_first() {
        assert_eq!(scan("{}"), Ok(Some(2)));
        assert_eq!(scan(" \n{\"a\":{}} {"), Ok(Some(10)));
        assert_eq!(scan("{\"a\":["), Ok(None));
    }

    #[test]
    fn brackets_in_strings_do_not_count() {
        assert_eq!(scan(r#"{"}":"\"}]"}"#), Ok(Some(12)));
        assert_eq!(scan(r#"{"a":"\\"}"#), Ok(Some(10)));
        assert_eq!(scan(r#"{"a":"\"}"#), Ok(None));
    }

    #[test]
    fn what_cannot_be_an_object_is_refused_at_once() {
        assert_eq!(scan("[{}]"), Err(SyntaxError::NotAnObject));
        assert_eq!(scan("null"), Err(SyntaxError::NotAnObject));
        assert_eq!(scan("}"), Err(SyntaxError::NotAnObject));
        assert_eq!(scan("{]"), Err(SyntaxError::Mismatch));
        assert_eq!(scan("{[{]"), Err(SyntaxError::Mismatch));
        assert_eq!(scan("{\"a\n"), Err(SyntaxError::Control));
        assert_eq!(scan("{\"a\\\u{0}"), Err(SyntaxError::Control));
    }

    #[test]
    fn the_deepest_allowed_nesting_is_exact() {
        let nest = |n: usize| format!("{}1{}", "{\"a\":".repeat(n), "}".repeat(n));
        assert!(matches!(scan(&nest(64)), Ok(Some(_))));
        assert_eq!(scan(&nest(65)), Err(SyntaxError::TooDeep { max_depth: 64 }));
        let mixed = format!("{{\"a\":{}{}}}", "[".repeat(63), "]".repeat(63));
        assert_eq!(scan(&mixed), Ok(Some(mixed.len())));
    }
}
