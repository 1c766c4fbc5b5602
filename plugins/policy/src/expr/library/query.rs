//! URLs and query strings.

use cel::{DeclarationError, Env, ExecutionError, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use url::Url;

use super::args::{AnyVal, define};
use crate::{expr::convert, value};

/// Everything but letters, digits and `-_.~`.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b' ');

/// As a form writes it: a space is `+`.
fn escape(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string().replace(' ', "+")
}

/// The inverse. `None` for an escape that is none, and for what is not UTF-8 then.
fn unescape(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut escapes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    let is_well_formed = escapes.all(|(at, _)| {
        bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    });
    if !is_well_formed {
        return None;
    }
    let text = text.replace('+', " ");
    percent_decode(text.as_bytes()).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The pairs of a query string. `None` if one does not decode.
fn pairs(query: &str) -> Option<Vec<(String, String)>> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            Some((unescape(key)?, unescape(value)?))
        })
        .collect()
}

fn is_query_string(text: &str) -> bool {
    !text.is_empty()
        && text.split('&').all(|part| {
            part.split_once('=').is_some_and(|(key, value)| {
                !key.is_empty() && unescape(key).is_some() && unescape(value).is_some()
            })
        })
}

fn decode_query(query: &str) -> Result<Value, ExecutionError> {
    let query = query.strip_prefix('?').unwrap_or(query);
    let mut pairs = pairs(query)
        .ok_or_else(|| ExecutionError::function_error("queryString.decode", "a bad escape"))?;
    // The last of equal keys stays in a map, and the first one counts.
    pairs.reverse();
    Ok(value::map(pairs))
}

fn encode_query(val: AnyVal<'_>) -> Result<String, ExecutionError> {
    let fail = |message| ExecutionError::function_error("queryString.encode", message);
    let Value::Map(map) = convert::to_value(val)? else {
        return Err(fail("not a map"));
    };
    let mut keys: Vec<_> = map.map.iter().map(|(key, value)| (key.to_string(), value)).collect();
    keys.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let mut pairs = Vec::with_capacity(keys.len());
    for (key, value) in keys {
        let key = escape(&key);
        let mut push = |value: &Value| match value {
            Value::List(_) | Value::Map(_) => {
                Err(fail("a value is neither text nor a list of texts"))
            }
            value => {
                pairs.push(format!("{key}={}", escape(&value::to_text(value))));
                Ok(())
            }
        };
        match value {
            Value::List(values) => values.iter().try_for_each(push)?,
            value => push(value)?,
        }
    }
    Ok(pairs.join("&"))
}

/// A URL with scheme and host.
fn is_url(text: &str) -> bool {
    text.contains("://") && Url::parse(text).is_ok_and(|url| url.has_host())
}

/// The parts of a URL that are there, as they are written.
fn parse_url(text: &str) -> Result<Value, ExecutionError> {
    let is_written_badly = |c: char| c.is_control() || c == ' ';
    if text.contains(is_written_badly) || unescape(text).is_none() {
        return Err(ExecutionError::function_error("url.parse", "not a URL"));
    }
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = match rest.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme.to_ascii_lowercase(), rest),
        _ => (String::new(), rest),
    };
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let parts = [
        ("scheme", scheme.as_str()),
        ("host", host),
        ("path", path),
        ("query", query),
        ("fragment", fragment),
        ("user", user),
    ];
    Ok(value::map(parts.into_iter().filter(|(_, part)| !part.is_empty())))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

pub(super) fn register(env: &mut Env) -> Result<(), DeclarationError> {
    define!(env, "@url.escape", |s: &str| -> String { escape(s) })?;
    define!(env, "@url.unescape", |s: &str| -> Result<String, ExecutionError> {
        unescape(s).ok_or_else(|| ExecutionError::function_error("url.unescape", "a bad escape"))
    })?;
    define!(env, "@url.parse", |s: &str| -> Result<Value, ExecutionError> { parse_url(s) })?;
    define!(env, "@queryString.encode", |map: AnyVal<'_>| -> Result<String, ExecutionError> {
        encode_query(map)
    })?;
    define!(env, "@queryString.decode", |s: &str| -> Result<Value, ExecutionError> {
        decode_query(s)
    })?;
    define!(env, "@isURL", |s: &str| -> bool { is_url(s) })?;
    define!(env, "@isQueryString", |s: &str| -> bool { is_query_string(s) })
}
