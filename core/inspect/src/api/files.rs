//! The page and its files, embedded in the program.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::LazyLock,
};

use adit_chain::Body;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH},
};

use super::{
    answer::{self, Answer},
    error::ApiError,
};

/// Paths below `web/`, sorted.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// Changes with any of the files, so that a browser never mixes those of two versions.
static TAG: LazyLock<HeaderValue> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    FILES.hash(&mut hasher);
    HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish()))
        .unwrap_or(HeaderValue::from_static("\"0\""))
});

/// The page. It finds out by its own address what to show.
pub(super) fn page(headers: &HeaderMap) -> Answer {
    match find("index.html") {
        Some(content) => Ok(serve("index.html", content, headers)),
        None => Err(ApiError::no_route("index.html")),
    }
}

/// A file of the page.
pub(super) fn file(path: &str, headers: &HeaderMap) -> Answer {
    match find(path) {
        Some(content) if path != "index.html" => Ok(serve(path, content, headers)),
        _ => Err(ApiError::no_route(&format!("/static/{path}"))),
    }
}

fn find(path: &str) -> Option<&'static [u8]> {
    let at = FILES.binary_search_by(|(name, _)| (*name).cmp(path)).ok()?;
    FILES.get(at).map(|(_, content)| *content)
}

fn serve(path: &str, content: &'static [u8], headers: &HeaderMap) -> Response<Body> {
    let is_known = headers.get(IF_NONE_MATCH).is_some_and(|known| known == *TAG);
    let mut response = if is_known {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        answer::bytes(StatusCode::OK, media_type(path), Bytes::from_static(content))
    };
    let headers = response.headers_mut();
    headers.insert(ETAG, TAG.clone());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "js" => "text/javascript; charset=utf-8",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_their_paths_and_nothing_else_is() {
        assert!(FILES.is_sorted_by_key(|(name, _)| *name));
        for (name, _) in FILES {
            assert!(find(name).is_some(), "{name}");
        }
        for path in ["", "index.html", "../Cargo.toml", "js", "js/", "./index.html", "js/%2e"] {
            assert!(file(path, &HeaderMap::new()).is_err(), "{path}");
        }
    }
}
