//! `replacements`: what the actions that find and replace have in common.

use std::ops::RangeInclusive;

use cel::Value;
use regex::bytes::{Regex, RegexBuilder};

use super::Failure;
use crate::{
    expr::Template,
    fields::{Fields, Pattern, PatternError},
    problem::code,
    scope::Scope,
    value,
};

/// Replacements of one action.
///
/// Reason: each reads all of the content once more.
pub(super) const N_REPLACEMENTS: RangeInclusive<usize> = 1..=100;
/// Bytes of the first match that expressions see.
///
/// Ours: a pattern may match all of a content, which would stay in memory for the whole exchange.
const MAX_MATCHED_LEN: usize = 64 * 1024;
/// How much memory a compiled expression may take, in bytes.
///
/// Reason: twice of what [`Pattern`] takes at most, so that nothing fails here that it let pass.
const MAX_COMPILED_LEN: usize = 2 * 1024 * 1024;
/// Bytes that are searched on the spot; more of them go where they stall nobody.
///
/// Reason: 64 KiB take some 100 µs.
const MAX_INLINE_LEN: usize = 64 * 1024;

/// The codes that visitors see when contents cannot be changed.
pub(super) mod failed {
    /// An expression in a field failed.
    pub(crate) const INTERPOLATION: u32 = 3900;
    /// What came out of a field is not a regular expression.
    pub(crate) const PATTERN: u32 = 3901;
    /// The content cannot be had.
    pub(crate) const READ: u32 = 3902;
    /// The content is too long.
    pub(crate) const TOO_LONG: u32 = 3903;
    /// The content cannot be changed.
    pub(crate) const CHANGE: u32 = 3904;
}

/// What is replaced by what.
#[derive(Debug)]
pub(super) struct Replacement {
    from: Source,
    to: Option<Template>,
}

/// The pattern, over bytes: contents need not be text.
#[derive(Debug)]
enum Source {
    Fixed(Regex),
    Made(Pattern),
}

/// A replacement as it is now.
#[derive(Clone, Debug)]
pub(super) struct Ready {
    from: Regex,
    to: Vec<u8>,
}

/// What a replacement found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Which replacement.
    pub(super) index: usize,
    /// What it found first.
    pub(super) content: String,
}

impl Replacement {
    /// Reads its fields.
    pub(super) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let from = fields.required("from", Fields::regex);
        let to = fields.template("to");
        let from = match from? {
            Pattern::Fixed(regex) => match compile(regex.as_str()) {
                Ok(regex) => Source::Fixed(regex),
                Err(error) => {
                    fields.error("from", code::REGEX, format!("is too large: {error}"));
                    return None;
                }
            },
            made @ Pattern::Made(_) => Source::Made(made),
        };
        Some(Self { from, to })
    }

    /// Interpolates its fields.
    pub(super) fn ready(&self, scope: &Scope) -> Result<Ready, Failure> {
        let not_a_pattern = |error: String| Failure::new(failed::PATTERN, error);
        let from = match &self.from {
            Source::Fixed(regex) => regex.clone(),
            Source::Made(pattern) => match pattern.regex(scope) {
                Ok(regex) => {
                    compile(regex.as_str()).map_err(|error| not_a_pattern(error.to_string()))?
                }
                Err(PatternError::Regex(error)) => return Err(not_a_pattern(error)),
                Err(PatternError::Expr(error)) => {
                    return Err(Failure::new(failed::INTERPOLATION, error.to_string()));
                }
            },
        };
        let to = self.to.as_ref().map(|to| to.text(scope)).transpose();
        let to = to.map_err(|error| Failure::new(failed::INTERPOLATION, error.to_string()))?;
        Ok(Ready { from, to: to.unwrap_or_default().into_bytes() })
    }
}

fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).size_limit(MAX_COMPILED_LEN).build()
}

impl Ready {
    /// The content with all matches replaced, and the first of them; `None` if there is none.
    ///
    /// # Errors
    /// More than `max_len` bytes would come out.
    pub(super) fn apply(
        &self,
        content: &[u8],
        max_len: usize,
    ) -> Result<Option<(Vec<u8>, String)>, Failure> {
        let Some(first) = self.from.find(content) else { return Ok(None) };
        let len = first.len().min(MAX_MATCHED_LEN);
        let first = String::from_utf8_lossy(&first.as_bytes()[..len]).into_owned();
        let mut out = Vec::with_capacity(content.len());
        let mut rest_from = 0;
        let too_long = || {
            let reason = format!("more than {max_len} bytes come out of a replacement");
            Failure::new(failed::CHANGE, reason)
        };
        let mut put = |range: std::ops::Range<usize>, expand: &dyn Fn(&mut Vec<u8>)| {
            out.extend_from_slice(&content[rest_from..range.start]);
            expand(&mut out);
            rest_from = range.end;
            if out.len() > max_len { Err(too_long()) } else { Ok(()) }
        };
        if self.to.contains(&b'$') {
            for captures in self.from.captures_iter(content) {
                let Some(whole) = captures.get(0) else { continue };
                put(whole.range(), &|out| captures.expand(&self.to, out))?;
            }
        } else {
            for found in self.from.find_iter(content) {
                put(found.range(), &|out| out.extend_from_slice(&self.to))?;
            }
        }
        out.extend_from_slice(&content[rest_from..]);
        if out.len() > max_len { Err(too_long()) } else { Ok(Some((out, first))) }
    }
}

/// A content after replacements, each of which ran on what came out of the one before; and what
/// they found, nothing if the content is as it was.
pub(super) async fn apply_all<C>(
    content: C,
    ready: Vec<Ready>,
    max_len: usize,
) -> Result<(Vec<u8>, Vec<Match>), Failure>
where
    C: AsRef<[u8]> + Send + 'static,
{
    let is_short = content.as_ref().len() * ready.len() <= MAX_INLINE_LEN;
    let apply = move || {
        let (mut changed, mut matches) = (None::<Vec<u8>>, Vec::new());
        for (index, ready) in ready.iter().enumerate() {
            let now = changed.as_deref().unwrap_or(content.as_ref());
            if let Some((after, content)) = ready.apply(now, max_len)? {
                changed = Some(after);
                matches.push(Match { index, content });
            }
        }
        Ok((changed.unwrap_or_default(), matches))
    };
    if is_short {
        return apply();
    }
    let done = tokio::task::spawn_blocking(apply).await;
    done.map_err(|error| Failure::new(failed::CHANGE, error.to_string()))?
}

/// The result that expressions see.
pub(super) fn result(matches: &[Match]) -> Value {
    let matches = matches.iter().map(|Match { index, content }| {
        let index = i64::try_from(*index).unwrap_or(i64::MAX);
        value::map([
            ("replacement_index", Value::Int(index)),
            ("matched_content", value::text(content)),
        ])
    });
    value::map([("replacements", value::list(matches))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(from: &str, to: &str) -> Ready {
        Ready { from: compile(from).unwrap(), to: to.as_bytes().to_vec() }
    }

    fn applied(content: &str, from: &str, to: &str) -> Option<(String, String)> {
        let done = ready(from, to).apply(content.as_bytes(), 1000).unwrap();
        done.map(|(out, first)| (String::from_utf8(out).unwrap(), first))
    }

    fn some(out: &str, first: &str) -> Option<(String, String)> {
        Some((out.to_owned(), first.to_owned()))
    }

    #[test]
    fn every_match_is_replaced_and_the_first_is_told() {
        assert_eq!(applied("a1b22c", "[0-9]+", "#"), some("a#b#c", "1"));
        assert_eq!(applied("a1b22c", "[0-9]+", ""), some("abc", "1"));
        assert_eq!(applied("abc", "[0-9]+", "#"), None);
    }

    #[test]
    fn groups_are_filled_in_by_number_and_by_name() {
        let pattern = "(?P<user>[a-z]+)@(\\w+)";
        assert_eq!(applied("ann@x, bob@y", pattern, "$2/$user"), some("x/ann, y/bob", "ann@x"));
        // A group's name takes all letters, digits and underscores that follow.
        assert_eq!(applied("ann@x", pattern, "$2x-$$"), some("-$", "ann@x"));
    }

    #[test]
    fn contents_need_not_be_text() {
        let (out, first) = ready("b+", "c").apply(b"a\xffbb\xfe", 9).unwrap().unwrap();
        assert_eq!((&out[..], &first[..]), (&b"a\xffc\xfe"[..], "bb"));
    }

    #[test]
    fn a_content_that_would_grow_past_the_limit_is_refused() {
        let error = ready("", "12345").apply(&[b'x'; 100], 300).unwrap_err();
        assert_eq!(error.code.0, failed::CHANGE);
        assert_eq!(error.reason, "more than 300 bytes come out of a replacement");
    }

    #[tokio::test]
    async fn replacements_run_one_after_another_here_or_elsewhere() {
        let all = || vec![ready("a", "b"), ready("x", "y"), ready("b", "c")];
        for len in [1, 2 * MAX_INLINE_LEN] {
            let content = "a".repeat(len).into_bytes();
            let (out, matches) = apply_all(content, all(), 1 << 20).await.unwrap();
            assert_eq!(out, "c".repeat(len).as_bytes());
            let expected =
                [Match { index: 0, content: "a".into() }, Match { index: 2, content: "b".into() }];
            assert_eq!(matches, expected);
        }
    }
}
