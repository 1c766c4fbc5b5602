//! What `request-body-find-replace` and `response-body-find-replace` have in common: a body is
//! gathered, its codings are taken off, and it is replaced if anything was found in it. A body in
//! which nothing was found goes on as it came.

use adit_chain::{Body, BodyLimits};
use bytes::Bytes;
use http::HeaderMap;

use super::{
    Failure,
    replacements::{self, Match, N_REPLACEMENTS, Ready, Replacement, failed},
};
use crate::{
    coding::{self, Coding, CodingError},
    fields::Fields,
    gather::{GatherError, gather},
    scope::Scope,
};

/// Which of them, read from the fields of an action.
pub(super) fn read(fields: &mut Fields<'_>) -> Option<Vec<Replacement>> {
    fields.required("replacements", |fields, name| {
        fields.objects(name, N_REPLACEMENTS, Replacement::read)
    })
}

/// A body as it goes on.
pub(super) struct Changed {
    pub(super) body: Body,
    /// What was found; nothing if the body is as it was.
    pub(super) matches: Vec<Match>,
}

/// The replacements as they are now.
pub(super) fn ready(replacements: &[Replacement], scope: &Scope) -> Result<Vec<Ready>, Failure> {
    replacements.iter().map(|replacement| replacement.ready(scope)).collect()
}

/// Replaces in a body, whose headers are told about it.
pub(super) async fn replace(
    body: Body,
    headers: &mut HeaderMap,
    ready: Vec<Ready>,
    limits: BodyLimits,
) -> Result<Changed, Failure> {
    let codings = Coding::of(headers).map_err(unreadable)?;
    let raw = gather(body, limits).await.map_err(|error| match error {
        GatherError::TooLong(error) => Failure::new(failed::TOO_LONG, error.to_string()),
        error => Failure::new(failed::READ, error.to_string()),
    })?;
    if raw.is_empty() {
        return Ok(Changed { body: Body::Empty, matches: Vec::new() });
    }
    let content =
        coding::decode(raw.clone(), &codings, limits.max_len).await.map_err(unreadable)?;
    let (content, matches) = replacements::apply_all(content, ready, limits.max_len).await?;
    if matches.is_empty() {
        return Ok(Changed { body: raw.into(), matches });
    }
    coding::relabel(headers, Some(content.len()));
    Ok(Changed { body: Bytes::from(content).into(), matches })
}

fn unreadable(error: CodingError) -> Failure {
    let code = match error {
        CodingError::TooLong(_) => failed::TOO_LONG,
        CodingError::Corrupt(_) | CodingError::Unknown(_) => failed::READ,
    };
    Failure::new(code, error.to_string())
}

#[cfg(test)]
mod tests;
