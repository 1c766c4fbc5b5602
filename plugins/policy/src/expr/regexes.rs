//! Patterns, of `matches` and of fields: compiled once, and kept.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use cel::common::{
    types::Type,
    value::{StaticVal, Val},
};
use parking_lot::Mutex;
use regex::{Regex, RegexBuilder};

/// Reason: patterns can be made from requests; the largest that anybody needs is far smaller, and
/// compiling one takes time in proportion.
const MAX_COMPILED_SIZE: usize = 1024 * 1024;
/// Reason: patterns that are made at run time are few; at worst, this many are kept twice.
const MAX_KEPT: usize = 128;

static PATTERN: Type = Type::new_unspecified_type("pattern");

/// A compiled pattern as a value: what stands for a literal pattern in a compiled expression.
#[derive(Clone, Debug)]
pub(super) struct Pattern(pub(super) Arc<Regex>);

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        &PATTERN
    }

    fn cel_type() -> &'static Type {
        &PATTERN
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}

/// Compiles a pattern. Unanchored, without look-around and back-references.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(MAX_COMPILED_SIZE).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
        // The last line says what is wrong; those before it draw where.
        error => {
            let text = error.to_string();
            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
    })
}

/// Two generations: what was used since the last turn, and what was used before.
#[derive(Default)]
struct Kept {
    now: HashMap<String, Arc<Regex>>,
    before: HashMap<String, Arc<Regex>>,
}

impl Kept {
    fn find(&mut self, pattern: &str) -> Option<Arc<Regex>> {
        if let Some(regex) = self.now.get(pattern) {
            return Some(Arc::clone(regex));
        }
        let (pattern, regex) = self.before.remove_entry(pattern)?;
        self.keep(pattern, Arc::clone(&regex));
        Some(regex)
    }

    fn keep(&mut self, pattern: String, regex: Arc<Regex>) {
        if self.now.len() >= MAX_KEPT {
            self.before = std::mem::take(&mut self.now);
        }
        self.now.insert(pattern, regex);
    }
}

static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

/// A pattern that is known at run time only.
pub(crate) fn cached(pattern: &str) -> Result<Arc<Regex>, String> {
    if let Some(regex) = KEPT.lock().find(pattern) {
        return Ok(regex);
    }
    let regex = Arc::new(compile(pattern)?);
    KEPT.lock().keep(pattern.to_owned(), Arc::clone(&regex));
    Ok(regex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let mut kept = Kept::default();
        let regex = Arc::new(compile("x").unwrap());
        kept.keep("used".to_owned(), Arc::clone(&regex));
        kept.keep("unused".to_owned(), Arc::clone(&regex));
        for n in 0..3 * MAX_KEPT {
            kept.keep(n.to_string(), Arc::clone(&regex));
            assert!(kept.find("used").is_some());
        }
        assert!(kept.find("unused").is_none());
        assert!(kept.now.len() + kept.before.len() <= 2 * MAX_KEPT);
    }

    #[test]
    fn a_bad_pattern_says_what_is_wrong() {
        assert_eq!(compile("(").unwrap_err(), "unclosed group");
        assert_eq!(
            compile("(?=x)").unwrap_err(),
            "look-around, including look-ahead and look-behind, is not supported"
        );
        assert_eq!(compile(r"\w{9999}").unwrap_err(), "the pattern is too large");
    }

    #[test]
    fn a_pattern_is_compiled_once() {
        let first = cached("a.pattern.of.this.test").unwrap();
        assert!(Arc::ptr_eq(&first, &cached("a.pattern.of.this.test").unwrap()));
    }
}
