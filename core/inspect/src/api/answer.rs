//! What is answered: JSON, texts, files, streams; and what stands on every answer.

use adit_chain::Body;
use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
    },
};
use serde::Serialize;

use super::error::ApiError;

/// What a handler comes to.
pub(super) type Answer = Result<Response<Body>, ApiError>;

/// The page is its own files and nothing else; what is captured can never be run.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// Captured bytes are nobody's page.
const CAPTURED_POLICY: &str = "default-src 'none'; sandbox; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

/// 200 with a value.
pub(super) fn json(value: &impl Serialize) -> Answer {
    with_status(StatusCode::OK, value)
}

/// 201 with a value.
pub(super) fn created(value: &impl Serialize) -> Answer {
    with_status(StatusCode::CREATED, value)
}

/// A value. Compact: scripts look for `"public_url":"https://`.
pub(super) fn with_status(status: StatusCode, value: &impl Serialize) -> Answer {
    let text = serde_json::to_vec(value).map_err(|error| ApiError::internal(&error))?;
    Ok(bytes(status, "application/json", text))
}

/// 204.
pub(super) fn nothing() -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// 302.
pub(super) fn elsewhere(path: &'static str) -> Response<Body> {
    let mut response = bytes(StatusCode::FOUND, "text/plain; charset=utf-8", Bytes::new());
    response.headers_mut().insert(http::header::LOCATION, HeaderValue::from_static(path));
    response
}

/// Text for a person.
pub(super) fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    bytes(status, "text/plain; charset=utf-8", text)
}

/// Anything that is at hand.
pub(super) fn bytes(
    status: StatusCode,
    media_type: &'static str,
    bytes: impl Into<Bytes>,
) -> Response<Body> {
    let bytes = bytes.into();
    let len = bytes.len();
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(len));
    response
}

/// Says that a browser shall save it under a name, which is made of safe characters.
pub(super) fn attachment(mut response: Response<Body>, name: &str) -> Response<Body> {
    let value = HeaderValue::try_from(format!("attachment; filename=\"{name}\""));
    let value = value.unwrap_or(HeaderValue::from_static("attachment"));
    response.headers_mut().insert(http::header::CONTENT_DISPOSITION, value);
    response
}

/// Says that it was captured: a browser may neither run it nor guess what it is.
pub(super) fn captured(mut response: Response<Body>) -> Response<Body> {
    let policy = HeaderValue::from_static(CAPTURED_POLICY);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response
}

/// What stands on every answer. No header lets another origin read it.
pub(super) fn secure(response: &mut Response<Body>) {
    const FIXED: [(HeaderName, &str); 5] = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(PAGE_POLICY));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
