//! What a client sends: parameters and bodies, with their limits.

use std::{borrow::Cow, str::FromStr};

use bytes::Bytes;
use http::{HeaderMap, header::CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use super::{error::ApiError, limits::BODY_TIMEOUT};

/// The parameters of a query. Those that nobody asked for are passed over, unless
/// [`only`](Self::only) is asked first.
pub(super) struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    pub(super) fn of(query: Option<&'a str>) -> Self {
        Self(url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).collect())
    }

    /// Refuses parameters that are not known.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), ApiError> {
        match self.0.iter().find(|(name, _)| !known.contains(&&**name)) {
            None => Ok(()),
            Some((name, _)) => {
                let known = known.join(", ");
                Err(ApiError::malformed(format!("unknown parameter {name:?}; known are {known}")))
            }
        }
    }

    /// The value of a parameter; an empty one is none.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(n, _)| n == name)?;
        (!value.is_empty()).then_some(value)
    }

    /// The same, as a number or anything else that is written.
    pub(super) fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, ApiError>
    where
        T::Err: std::fmt::Display,
    {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse()
            .map(Some)
            .map_err(|error| ApiError::malformed(format!("parameter {name:?}: {error}")))
    }

    /// One of some words; the first one if nothing is said.
    pub(super) fn word(
        &self,
        name: &str,
        words: &[&'static str],
    ) -> Result<&'static str, ApiError> {
        let Some(text) = self.text(name) else { return Ok(words.first().copied().unwrap_or("")) };
        words.iter().find(|word| **word == text).copied().ok_or_else(|| {
            let words = words.join(", ");
            ApiError::malformed(format!("parameter {name:?}: {text:?} is none of {words}"))
        })
    }
}

/// Refuses a body that is not said to be JSON: a page of another origin can send forms and texts
/// without asking, but not that.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let found = headers.get(CONTENT_TYPE).map_or("", |value| value.to_str().unwrap_or("?"));
    let media_type = found.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(ApiError::content_type(found))
    }
}

/// Reads a body, of at most `limit` octets.
pub(super) async fn read(body: Incoming, limit: usize) -> Result<Bytes, ApiError> {
    match timeout(BODY_TIMEOUT, Limited::new(body, limit).collect()).await {
        Err(_) => Err(ApiError::timeout()),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::too_large("body", limit)),
        Ok(Err(error)) => Err(ApiError::malformed(error)),
    }
}

/// A body as what it describes, which is an object: the library would take a list of the values too.
pub(super) fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    match body.trim_ascii_start() {
        [] | [b'{', ..] => serde_json::from_slice(body).map_err(ApiError::malformed),
        _ => Err(ApiError::malformed("the body is not an object")),
    }
}

/// The definition of an endpoint.
pub(super) fn definition(body: &[u8]) -> Result<Value, ApiError> {
    match serde_json::from_slice(body).map_err(ApiError::malformed)? {
        object @ Value::Object(_) => Ok(object),
        _ => Err(ApiError::invalid("the definition is not an object")),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn type_of(value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))])
    }

    #[test]
    fn only_json_may_be_sent() {
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/json;"] {
            assert!(require_json(&type_of(good)).is_ok(), "{good}");
        }
        for bad in ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
            assert_eq!(
                require_json(&type_of(bad)).unwrap_err().message(),
                "unsupported content type"
            );
        }
        assert!(require_json(&HeaderMap::new()).is_err());
    }

    #[test]
    fn parameters_are_decoded_and_typed() {
        let query = Query::of(Some("limit=5&tunnel_name=x+%28http%29&none=&bad=x"));
        assert_eq!(query.parsed::<usize>("limit").unwrap(), Some(5));
        assert_eq!(query.text("tunnel_name"), Some("x (http)"));
        assert_eq!(query.text("none"), None);
        let error = query.parsed::<usize>("bad").unwrap_err().cause();
        assert_eq!(error, "parameter \"bad\": invalid digit found in string");
        let error = query.only(&["limit", "tunnel_name", "none"]).unwrap_err().cause();
        assert_eq!(error, "unknown parameter \"bad\"; known are limit, tunnel_name, none");
        let error = query.word("bad", &["mask", "include"]).unwrap_err().cause();
        assert_eq!(error, "parameter \"bad\": \"x\" is none of mask, include");
        assert_eq!(query.word("absent", &["mask", "include"]).unwrap(), "mask");
    }
}
