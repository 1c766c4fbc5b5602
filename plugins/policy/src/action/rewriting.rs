//! Makes another URL of a request's: what `redirect` and `url-rewrite` have in common.

use cel::Value;
use regex::Regex;

use super::{Failure, outcome};
use crate::{
    expr::Template,
    facts,
    fields::{Fields, Pattern, PatternError},
    scope::Scope,
    value,
};

/// Longest URL that may come out, in bytes.
///
/// Fact: the documented limit of a request's. Reason: both what is replaced and what takes its
/// place may be a visitor's choice, and the lengths of the two multiply.
const MAX_LEN: usize = 1024 * 1024;

/// How many matches expressions see.
///
/// Reason: a pattern may match at every letter of a URL.
const MAX_TOLD: usize = 100;

/// The code for what would take too much memory.
const TOO_LONG: u32 = 2249;

/// What of a URL becomes what.
#[derive(Debug)]
pub(super) struct Rewriting {
    /// Every match of it is replaced; without it, the whole URL is.
    from: Option<Pattern>,
    to: Template,
}

/// What came out.
pub(super) struct Rewritten {
    /// The URL as it was.
    pub(super) before: String,
    /// The URL as it is now, not looked at yet. `None`: nothing matched.
    pub(super) after: Option<String>,
    /// What matched.
    matches: Vec<String>,
}

impl Rewriting {
    /// Reads `from` and `to`.
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let from = fields.regex("from");
        let to = fields.required("to", Fields::template)?;
        Some(Self { from, to })
    }

    /// Applies it to the URL of the request, all of it: scheme, authority, path and query.
    pub(super) fn apply(&self, scope: &Scope) -> Result<Rewritten, Failure> {
        let before = facts::url(scope);
        let to = self.to.text(scope)?;
        let Some(from) = &self.from else {
            return Ok(Rewritten { before, after: Some(to), matches: Vec::new() });
        };
        let from = from.regex(scope).map_err(|error| match error {
            PatternError::Expr(error) => error.into(),
            PatternError::Regex(_) => Failure::new(Failure::GENERAL, error.to_string()),
        })?;
        let hits = from.find_iter(&before).take(MAX_TOLD);
        let matches: Vec<_> = hits.map(|hit| hit.as_str().to_owned()).collect();
        let is_hit = !matches.is_empty();
        let after = if is_hit { Some(replaced(&from, &before, &to)?) } else { None };
        Ok(Rewritten { before, after, matches })
    }
}

/// A text with all matches replaced.
fn replaced(from: &Regex, text: &str, to: &str) -> Result<String, Failure> {
    let n_groups = to.matches('$').count();
    let (mut out, mut done) = (String::new(), 0);
    for groups in from.captures_iter(text) {
        let hit = groups.get_match();
        out.push_str(&text[done..hit.start()]);
        // No group is longer than all of the match.
        if out.len() + to.len() + n_groups * hit.len() > MAX_LEN {
            return Err(Failure::new(TOO_LONG, "the URL came out too long"));
        }
        groups.expand(to, &mut out);
        done = hit.end();
    }
    out.push_str(&text[done..]);
    Ok(out)
}

impl Rewritten {
    /// The result of the action, with the URL that it left.
    pub(super) fn result(&self, url: &str) -> Value {
        value::map([
            ("matches", value::list(self.matches.iter().map(|hit| value::text(hit)))),
            ("url", value::text(url)),
            ("error", outcome::no_error()),
        ])
    }
}

/// The result of an action that broke.
pub(super) fn failed(failure: &Failure) -> Value {
    value::map([
        ("matches", value::list::<Value>([])),
        ("url", value::text("")),
        ("error", outcome::error(failure.code.0, "the URL could not be rewritten")),
    ])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn regex(pattern: &str) -> Regex {
        Regex::new(pattern).unwrap()
    }

    #[test]
    fn what_comes_out_stays_short() {
        let url = format!("https://app.example/{}", "a".repeat(60_000));
        let code = |to: &str, from: &str| replaced(&regex(from), &url, to).unwrap_err().code.0;
        assert_eq!(code(&"b".repeat(8000), "a"), TOO_LONG);
        assert_eq!(code(&"$0".repeat(4000), ".*"), TOO_LONG);
        assert_eq!(replaced(&regex("a+"), &url, "b").unwrap(), "https://bpp.exbmple/b");
    }

    proptest! {
        #[test]
        fn it_replaces_as_the_library_does(
            text in "[a-c/é]{0,20}",
            from in prop::sample::select(&["a", "(a)(b)?", "", "b*", "(?P<x>[ab])c", "é", "^.|$"][..]),
            to in "[xé]{0,3}(\\$[0-2x]|\\$\\$|\\$)?[y-]{0,2}",
        ) {
            let from = regex(from);
            let whole = from.replace_all(&text, to.as_str()).into_owned();
            prop_assert_eq!(replaced(&from, &text, &to).unwrap(), whole);
        }
    }
}
