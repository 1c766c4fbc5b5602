//! Makes another URL of a request's: what `redirect` and `url-rewrite` have in common.

use cel::Value;

use super::{Failure, outcome};
use crate::{
    expr::Template,
    facts,
    fields::{Fields, Pattern, PatternError},
    scope::Scope,
    value,
};

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
        let matches: Vec<_> = from.find_iter(&before).map(|hit| hit.as_str().to_owned()).collect();
        let is_hit = !matches.is_empty();
        let after = is_hit.then(|| from.replace_all(&before, to.as_str()).into_owned());
        Ok(Rewritten { before, after, matches })
    }
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
