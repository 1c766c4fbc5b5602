//! Texts that are signed in place of the request they stand for.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::{Incoming, Rejected, parts::Place};

const SIGNED_HEADERS: &str = "x-contentful-signed-headers";
const TIMESTAMP: &str = "x-contentful-timestamp";
/// Headers that a webhook may name as signed.
///
/// Reason: the provider names about ten.
const MAX_HEADERS: usize = 100;

/// What URLs may hold as they are.
const URL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b';')
    .remove(b'/')
    .remove(b'?')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b',')
    .remove(b'#')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');
/// What the value of a query parameter may hold as it is.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Method, path and the headers that the request names as signed, in lines.
///
/// Fact: the provider's own library escapes the query as if it were one value, and then the whole
/// once more.
pub(super) fn contentful(incoming: &Incoming<'_>) -> Result<String, Rejected> {
    let mut names: Vec<_> = incoming
        .header(SIGNED_HEADERS)?
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    names.sort_unstable();
    names.dedup();
    // A time that is not signed would be anybody's to choose.
    if names.len() > MAX_HEADERS || !names.iter().any(|name| name == TIMESTAMP) {
        return Err(Rejected::Malformed(SIGNED_HEADERS));
    }
    let mut headers = Vec::with_capacity(names.len());
    for name in names {
        let mut lines = incoming.headers.get_all(&name).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Err(Rejected::Malformed(SIGNED_HEADERS));
        };
        let value = line.to_str().map_err(|_| Rejected::Malformed(SIGNED_HEADERS))?;
        headers.push(format!("{name}:{}", value.trim()));
    }
    let path = match incoming.path_and_query() {
        (path, Some(query)) if !query.is_empty() => {
            format!("{path}?{}", utf8_percent_encode(query, VALUE))
        }
        (path, _) => path.to_owned(),
    };
    let path = utf8_percent_encode(&path, URL);
    Ok(format!("{}\n{path}\n{}\n", incoming.method, headers.join(";")))
}

/// A JSON object that holds the body as a text.
pub(super) fn graphcms(incoming: &Incoming<'_>) -> Result<String, Rejected> {
    const HEADER: &str = "gcms-signature";
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Signed<'a> {
        body: &'a str,
        environment_name: String,
        time_stamp: u64,
    }
    let field = |key| Place::Pair { header: HEADER, key }.find(incoming);
    let signed = Signed {
        body: str::from_utf8(incoming.body).map_err(|_| Rejected::Malformed("the body"))?,
        environment_name: field("env")?,
        time_stamp: field("t")?.parse().map_err(|_| Rejected::Malformed(HEADER))?,
    };
    serde_json::to_string(&signed).map_err(|_| Rejected::Malformed("the body"))
}
