//! `compression`: compresses responses in a coding that the visitor accepts.
//!
//! [`wanted`] finds the coding in the request, [`compress`] applies it to the response.
//!
//! Bodies are streamed: whatever the upstream has sent is on its way to the visitor before the next
//! wait for the upstream, so that server-sent events are not delayed.
//!
//! Left alone: responses without a body, partial ones, those encoded already, those marked
//! `no-transform`, and gRPC, which has a compression of its own.

use std::sync::Arc;

use adit_chain::{
    Body, BoxError, BoxHandler, BuildCx, BuildError, Exchange, Handler, Needs, OnRequest,
};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{
        ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE,
        CONTENT_TYPE, ETAG, VARY,
    },
};
use http_body::Body as _;
use serde::Deserialize;

use self::{encoded::Encoded, negotiate::negotiate};

mod encoded;
mod encoder;
mod negotiate;

/// A content coding, by its registered name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Algorithm {
    /// As everybody has it.
    Gzip,
    /// The zlib format, whatever the name says.
    Deflate,
    /// Brotli.
    #[serde(alias = "brotli")]
    Br,
    /// LZW. Accepted in options, never negotiated: nobody asks for it.
    Compress,
    /// Ours; the service's list ends before it.
    Zstd,
}

/// Ties between equally welcome codings go to this order.
const DEFAULT: [Algorithm; 4] =
    [Algorithm::Gzip, Algorithm::Deflate, Algorithm::Br, Algorithm::Zstd];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    algorithms: Option<Vec<Algorithm>>,
}

pub(crate) fn build(options: Options, _: &BuildCx) -> Result<BoxHandler, BuildError> {
    let algorithms = options.algorithms.unwrap_or_else(|| DEFAULT.to_vec());
    if algorithms.is_empty() {
        let message = "no algorithms; leave the list out to allow all";
        return Err(BuildError::new(message).at(["algorithms"]));
    }
    for (i, algorithm) in algorithms.iter().enumerate() {
        if algorithms[..i].contains(algorithm) {
            let message = format!("{algorithm:?} is listed twice");
            return Err(BuildError::new(message).at(["algorithms".into(), i.to_string()]));
        }
    }
    Ok(BoxHandler::new(Compression { offered: algorithms.into() }))
}

impl Algorithm {
    /// Its registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Br => "br",
            Self::Compress => "compress",
            Self::Zstd => "zstd",
        }
    }
}

#[derive(Debug)]
struct Compression {
    offered: Arc<[Algorithm]>,
}

impl Handler for Compression {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD | Needs::RESPONSE_HEAD
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        let request = &exchange.request;
        let Some(algorithm) = wanted(request.method(), request.headers(), &self.offered) else {
            return Ok(OnRequest::Next);
        };
        Ok(OnRequest::NextThen(Box::new(move |response| Ok(compress(response, algorithm)))))
    }
}

/// The coding of the offered ones that a request wants its response in. `None`: it stays as it is.
pub fn wanted(method: &Method, headers: &HeaderMap, offered: &[Algorithm]) -> Option<Algorithm> {
    if matches!(*method, Method::HEAD | Method::CONNECT) {
        return None;
    }
    negotiate(headers, offered)
}

/// Compresses a response, unless it is one that is left alone.
pub fn compress(response: Response<Body>, algorithm: Algorithm) -> Response<Body> {
    if !is_compressible(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    relabel(&mut parts.headers, algorithm);
    Response::from_parts(parts, Body::boxed(Encoded::new(body, algorithm)))
}

/// Whether a response came encoded.
pub fn is_encoded(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(CONTENT_ENCODING).iter();
    codings.any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Whether [`compress`] does anything to a response.
pub fn is_compressible(response: &Response<Body>) -> bool {
    let (status, headers) = (response.status(), response.headers());
    let has_token = |name: HeaderName, token: &str| {
        let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).any(|item| item.trim().eq_ignore_ascii_case(token))
    };
    let bodiless = [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED];
    let grpc = |kind: &HeaderValue| kind.as_bytes().starts_with(b"application/grpc");
    !(status.is_informational()
        || bodiless.contains(&status)
        || status == StatusCode::PARTIAL_CONTENT
        || headers.contains_key(CONTENT_RANGE)
        || is_encoded(headers)
        || has_token(CACHE_CONTROL, "no-transform")
        || headers.get(CONTENT_TYPE).is_some_and(grpc)
        || response.body().is_end_stream())
}

/// Makes the headers tell the truth about the compressed body.
fn relabel(headers: &mut HeaderMap, algorithm: Algorithm) {
    // Of the bytes before compression: their number, their digest, and that ranges of them can be
    // asked for.
    headers.remove(CONTENT_LENGTH);
    headers.remove(ACCEPT_RANGES);
    headers.remove(HeaderName::from_static("content-digest"));
    headers.remove(HeaderName::from_static("content-md5"));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(algorithm.as_str()));
    let varies = headers.get_all(VARY).iter().filter_map(|line| line.to_str().ok());
    let mut varies = varies.flat_map(|line| line.split(',')).map(str::trim);
    if !varies.any(|name| name == "*" || name.eq_ignore_ascii_case("accept-encoding")) {
        headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    // A strong validator promises the same bytes.
    let etag = headers.get(ETAG).filter(|etag| !etag.as_bytes().starts_with(b"W/"));
    let weak =
        etag.and_then(|etag| HeaderValue::from_bytes(&[b"W/", etag.as_bytes()].concat()).ok());
    if let Some(weak) = weak {
        headers.insert(ETAG, weak);
    }
}

#[cfg(test)]
mod tests;
