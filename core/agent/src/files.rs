//! A directory as an upstream: the agent answers by itself.
//!
//! ```text
//! path -> segments -> canonical path below the root -> file | index.html | listing | slash added
//! ```
//!
//! Visitors are strangers, so nothing outside the directory can be named, by any spelling or link;
//! and what they may not have looks the same to them as what is not there.

mod body;
mod conditions;
mod listing;
mod open;
mod path;

use std::{
    io::{self, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use adit_chain::Body;
use http::{HeaderMap, Method, Response, StatusCode, header};

use self::{
    body::FileBody,
    conditions::{Part, Validators, Verdict},
    open::{Found, OpenFile},
    path::Target,
};

/// A directory whose files are served.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    dir: Arc<Path>,
}

impl Files {
    /// Serves `dir`, an absolute path. It is looked up anew for each request, so that it may be
    /// replaced as a whole.
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir: dir.into() }
    }

    /// Answers one request.
    pub(crate) async fn respond(
        &self,
        method: &Method,
        path: &str,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Response<Body> {
        if method != Method::GET && method != Method::HEAD {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(header::ALLOW, "GET, HEAD".parse().expect("ASCII"));
            return response;
        }
        let response = match Target::parse(path) {
            Some(target) => self.answer(target, method, query, headers).await,
            None => Ok(plain(StatusCode::NOT_FOUND)),
        };
        let mut response = response.unwrap_or_else(|error| failed(path, &error));
        if method == Method::HEAD {
            *response.body_mut() = Body::Empty;
        }
        response
    }

    async fn answer(
        &self,
        target: Target,
        method: &Method,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> io::Result<Response<Body>> {
        let (dir, wanted) = (Arc::clone(&self.dir), target.clone());
        let found = tokio::task::spawn_blocking(move || open::find(&dir, &wanted));
        match found.await.map_err(io::Error::other)?? {
            Found::File(file) => send(file, method, headers),
            Found::Listing(list) => {
                let page = listing::page(&target.display(), target.is_root(), &list);
                Ok(html(page))
            }
            Found::Redirect => {
                let query = query.map(|q| format!("?{q}")).unwrap_or_default();
                redirect(&(target.dir_path() + &query))
            }
        }
    }
}

/// A file, or the part of it that is asked for.
fn send(open: OpenFile, method: &Method, headers: &HeaderMap) -> io::Result<Response<Body>> {
    let OpenFile { mut file, len, modified, path } = open;
    let validators = Validators::new(len, modified);
    let mut response = Response::builder()
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, &validators.etag);
    if let Some(modified) = validators.modified {
        response = response.header(header::LAST_MODIFIED, httpdate::fmt_http_date(modified));
    }
    match validators.check(headers) {
        Verdict::Send => {}
        Verdict::NotModified => {
            return finish(response.status(StatusCode::NOT_MODIFIED), Body::Empty);
        }
        Verdict::Failed => {
            let response = response.status(StatusCode::PRECONDITION_FAILED);
            return finish(response.header(header::CONTENT_LENGTH, 0), Body::Empty);
        }
    }
    // The RFC gives ranges a meaning for GET alone.
    let part = match *method {
        Method::GET => validators.part(headers, len),
        _ => Part::Whole,
    };
    let range = match part {
        Part::Whole => 0..len,
        Part::Bytes(range) => {
            let content_range = format!("bytes {}-{}/{len}", range.start, range.end - 1);
            response = response
                .status(StatusCode::PARTIAL_CONTENT)
                .header(header::CONTENT_RANGE, content_range);
            range
        }
        Part::Unsatisfiable => {
            let response = response
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(header::CONTENT_RANGE, format!("bytes */{len}"))
                .header(header::CONTENT_LENGTH, 0);
            return finish(response, Body::Empty);
        }
    };
    if range.start > 0 {
        // Moves a number in the kernel, nothing that could block.
        file.seek(SeekFrom::Start(range.start))?;
    }
    let n_bytes = range.end - range.start;
    let response = response
        .header(header::CONTENT_TYPE, content_type(&path))
        .header(header::CONTENT_LENGTH, n_bytes);
    let body = match n_bytes {
        0 => Body::Empty,
        _ if method == Method::HEAD => Body::Empty,
        _ => Body::boxed(FileBody::new(file, n_bytes)),
    };
    finish(response, body)
}

/// By the name's extension; text is taken for UTF-8, as nearly all of it is.
fn content_type(path: &Path) -> String {
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    let is_text = mime.type_() == "text"
        || matches!(mime.essence_str(), "application/javascript" | "application/json");
    match is_text {
        true if mime.get_param("charset").is_none() => format!("{mime}; charset=utf-8"),
        _ => mime.to_string(),
    }
}

fn html(page: String) -> Response<Body> {
    let len = page.len();
    let mut response = Response::new(Body::from(page));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, "text/html; charset=utf-8".parse().expect("ASCII"));
    headers.insert(header::CONTENT_LENGTH, len.into());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, "nosniff".parse().expect("ASCII"));
    response
}

fn redirect(to: &str) -> io::Result<Response<Body>> {
    let response = Response::builder()
        .status(StatusCode::MOVED_PERMANENTLY)
        .header(header::LOCATION, to)
        .header(header::CONTENT_LENGTH, 0);
    finish(response, Body::Empty)
}

/// A status with its own words as the page.
fn plain(status: StatusCode) -> Response<Body> {
    let text = format!("{} {}\n", status.as_u16(), status.canonical_reason().unwrap_or_default());
    let len = text.len();
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, "text/plain; charset=utf-8".parse().expect("ASCII"));
    headers.insert(header::CONTENT_LENGTH, len.into());
    response
}

fn failed(path: &str, error: &io::Error) -> Response<Body> {
    if error.kind() == io::ErrorKind::NotFound {
        return plain(StatusCode::NOT_FOUND);
    }
    tracing::warn!(path, %error, "could not serve a file");
    plain(StatusCode::INTERNAL_SERVER_ERROR)
}

fn finish(response: http::response::Builder, body: Body) -> io::Result<Response<Body>> {
    response.body(body).map_err(io::Error::other)
}

#[cfg(test)]
mod tests;
