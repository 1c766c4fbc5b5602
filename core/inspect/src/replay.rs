//! Sending an exchange again, as it was or changed.

use std::fmt;

use adit_chain::{Body, BoxFuture, Id};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri,
    header::{
        CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHORIZATION, TE, TRAILER,
        TRANSFER_ENCODING, UPGRADE,
    },
};
use http_body_util::{BodyExt as _, Full};

use crate::model::{Entry, Headers, Source};

/// Sends requests to where an endpoint leads, past the edge: the handlers of the agent run, and
/// what comes of it is captured as an exchange of its own.
pub trait Replayer: fmt::Debug + Send + Sync + 'static {
    /// Sends a request to an endpoint and waits until the answer has been captured. A service that
    /// fails is an answer too.
    fn replay<'a>(
        &'a self,
        entry: &'a Entry,
        request: http::Request<Body>,
    ) -> BoxFuture<'a, Result<Id, ReplayError>>;
}

/// What is to be different. What is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The method.
    pub method: Option<String>,
    /// Path and query.
    pub path: Option<String>,
    /// All headers.
    pub headers: Option<Vec<(String, String)>>,
    /// All trailers.
    pub trailers: Option<Vec<(String, String)>>,
    /// The octets of the body.
    pub body: Option<Bytes>,
}

/// Why an exchange is not sent again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The body is not there as it was.
    #[error("only {kept} of {total} bytes of the body were kept: say what body to send")]
    BodyCut {
        /// Bytes that are there.
        kept: u64,
        /// Bytes that there were.
        total: u64,
    },
    /// A change cannot be sent.
    #[error("{what} {value:?} cannot be sent")]
    Invalid {
        /// Which change.
        what: &'static str,
        /// What it says.
        value: String,
    },
    /// The endpoint is not served any more, or not captured.
    #[error("there is no endpoint {endpoint:?} that exchanges can be sent to")]
    NoEndpoint {
        /// Its name.
        endpoint: String,
    },
    /// The agent hung up on the request.
    #[error("the request was not answered: {why}")]
    Unanswered {
        /// Why, if that is known.
        why: String,
    },
    /// The exchange left HTTP.
    #[error("a request that switches protocols cannot be sent again")]
    Upgrade,
}

/// The request of an exchange, with changes: in origin form, with `Host`, framed by what is sent
/// and not by what was. The octets of the body are those that came, unless others are given.
///
/// # Errors
/// [`BodyCut`](ReplayError::BodyCut), [`Invalid`](ReplayError::Invalid),
/// [`Upgrade`](ReplayError::Upgrade).
pub fn request(entry: &Entry, changes: Changes) -> Result<http::Request<Body>, ReplayError> {
    let Changes { method, path, headers, trailers, body } = changes;
    let captured = &entry.request;
    let method = match method {
        Some(method) => Method::from_bytes(method.as_bytes())
            .ok()
            .filter(|method| *method != Method::CONNECT)
            .ok_or(ReplayError::Invalid { what: "method", value: method })?,
        None => captured.method.clone(),
    };
    let uri = target(path.unwrap_or_else(|| captured.target.to_string()))?;
    let mut headers = match headers {
        Some(headers) => map(&headers)?,
        None => captured.headers.to_map(),
    };
    let trailers = match trailers {
        Some(trailers) => map(&trailers)?,
        None => captured.trailers.as_ref().map(Headers::to_map).unwrap_or_default(),
    };
    let body = match body {
        Some(body) => body,
        None if captured.body.is_truncated() => {
            let (kept, total) = (captured.body.bytes.len() as u64, captured.body.total);
            return Err(ReplayError::BodyCut { kept, total });
        }
        None => captured.body.bytes.clone(),
    };
    strip(&mut headers)?;
    if !headers.contains_key(HOST) {
        headers.insert(HOST, host_of(entry));
    }
    let body = with_trailers(body, &mut headers, trailers);
    let mut request = http::Request::new(body);
    (*request.method_mut(), *request.uri_mut()) = (method, uri);
    *request.headers_mut() = headers;
    Ok(request)
}

/// What the exchange that was sent again repeats; itself if it is the first.
pub const fn original(entry: &Entry) -> Id {
    match entry.source {
        Source::Replay { of } => of,
        Source::Import | Source::Visitor => entry.id,
    }
}

fn target(path: String) -> Result<Uri, ReplayError> {
    let is_origin = path.starts_with('/') || path == "*";
    let uri = is_origin.then(|| path.parse::<Uri>().ok()).flatten();
    uri.filter(|uri| uri.authority().is_none())
        .ok_or(ReplayError::Invalid { what: "path", value: path })
}

fn map(pairs: &[(String, String)]) -> Result<HeaderMap, ReplayError> {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        let invalid = |what, value: &str| ReplayError::Invalid { what, value: value.to_owned() };
        let key = HeaderName::from_bytes(name.as_bytes());
        let key = key.map_err(|_| invalid("header name", name))?;
        // The name and not the value: that may be a secret.
        let value = HeaderValue::from_str(value).map_err(|_| invalid("value of header", name))?;
        let is_new = map.try_append(key, value);
        is_new.map_err(|_| invalid("header", name))?;
    }
    Ok(map)
}

/// Removes what concerned the connection that the exchange came on.
fn strip(headers: &mut HeaderMap) -> Result<(), ReplayError> {
    let has = |name: &HeaderName, token: &str| {
        headers.get_all(name).iter().any(|value| {
            let mut tokens = value.as_bytes().split(|b| *b == b',');
            tokens.any(|other| other.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
        })
    };
    if headers.contains_key(UPGRADE) && has(&CONNECTION, "upgrade") {
        return Err(ReplayError::Upgrade);
    }
    let wants_trailers = has(&TE, "trailers");
    for name in [CONNECTION, CONTENT_LENGTH, EXPECT, PROXY_AUTHORIZATION, TE, TRAILER] {
        headers.remove(name);
    }
    for name in [TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
    if wants_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    Ok(())
}

fn host_of(entry: &Entry) -> HeaderValue {
    let uri: Option<Uri> = entry.url.parse().ok();
    let authority = uri.as_ref().and_then(Uri::authority);
    let host = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    host.unwrap_or_else(|| HeaderValue::from_static("localhost"))
}

/// The HTTP library sends trailers that the head announces, after a body in chunks.
fn with_trailers(body: Bytes, headers: &mut HeaderMap, trailers: HeaderMap) -> Body {
    if trailers.is_empty() {
        return body.into();
    }
    for name in trailers.keys() {
        headers.append(TRAILER, HeaderValue::from(name.clone()));
    }
    headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    Body::boxed(Full::new(body).with_trailers(std::future::ready(Some(Ok(trailers)))))
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
