//! One attempt: a request, the redirects that follow, and an answer.

use std::{net::IpAddr, sync::Arc};

use adit_chain::{Body, BodyLimits, Errand, Inside, InsideUrl, Protocol, code, is_internal};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use tokio::time::Instant;
use url::Url;

use super::asked::{Asked, parse};
use crate::{
    action::{Failure, on_error::Trouble},
    coding::{self, Coding, CodingError},
    gather::{GatherError, gather},
    services::{Fetch, FetchError, Reach},
};

/// Bytes of an answer's body, without its codings.
///
/// Fact: the documented limit.
const MAX_BODY: usize = 256 * 1024;

/// The answer is too long.
const TOO_LONG: u32 = 3601;
/// There were too many redirects.
const REDIRECTS: u32 = 3214;

/// Who asks.
pub(super) struct Asker {
    pub(super) inside: Option<Arc<dyn Inside>>,
    pub(super) fetch: Option<Arc<dyn Fetch>>,
    pub(super) reach: Reach,
    pub(super) max_redirects: usize,
    pub(super) deadline: Instant,
}

/// What a server answered.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// Without its codings.
    pub(super) body: Bytes,
    /// Who answered, where that is an address.
    pub(super) address: Option<IpAddr>,
}

impl Asker {
    /// Asks, and follows redirects.
    pub(super) async fn ask(&self, mut asked: Asked) -> Result<Answered, Trouble> {
        let mut n_redirects = 0;
        loop {
            let answered = self.send(&asked).await?;
            let Some(to) = self.follows(&asked.url, &answered)? else { return Ok(answered) };
            if n_redirects == self.max_redirects {
                let message = format!("There were more than {n_redirects} redirects.");
                return Err(Trouble::new(StatusCode::BAD_GATEWAY, REDIRECTS, message));
            }
            n_redirects += 1;
            asked = asked.redirected(answered.status, to);
        }
    }

    /// Where a redirect leads, if it is followed.
    fn follows(&self, from: &Url, answered: &Answered) -> Result<Option<Url>, Trouble> {
        let is_redirect = matches!(answered.status.as_u16(), 301 | 302 | 303 | 307 | 308);
        let location = answered.headers.get(header::LOCATION);
        let Some(location) = location.filter(|_| is_redirect && self.max_redirects > 0) else {
            return Ok(None);
        };
        let location = String::from_utf8_lossy(location.as_bytes());
        let Ok(to) = from.join(&location) else { return Ok(None) };
        let to = parse(to.as_str())?;
        // A server outside has no say about what is asked in here.
        if is_inside(&to) && !is_inside(from) {
            return Err(forbidden("a redirect from outside leads to an internal endpoint"));
        }
        Ok(Some(to))
    }

    async fn send(&self, asked: &Asked) -> Result<Answered, Trouble> {
        let (response, address) = if is_inside(&asked.url) {
            (self.send_inside(asked).await?, None)
        } else {
            self.send_outside(asked).await?
        };
        let (mut head, body) = response.into_parts();
        let codings = Coding::of(&head.headers).map_err(|error| undecoded(&error))?;
        let decoded = coding::decode(body, &codings, MAX_BODY).await;
        let body = decoded.map_err(|error| undecoded(&error))?;
        if !codings.is_empty() {
            coding::relabel(&mut head.headers, Some(body.len()));
        }
        Ok(Answered { status: head.status, headers: head.headers, body, address })
    }

    async fn send_inside(&self, asked: &Asked) -> Result<Response<Bytes>, Trouble> {
        let url = &asked.url;
        let protocol = if url.scheme() == "https" { Protocol::Https } else { Protocol::Http };
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = url.host_str().unwrap_or_default();
        let to = InsideUrl::parse(&format!("{}://{host}{port}", protocol.as_str()));
        let to = to.map_err(|error| forbidden(&error.to_string()))?;
        let Some(inside) = &self.inside else {
            return Err(forbidden("no internal endpoint can be reached from here"));
        };
        let uri = target(url).parse::<Uri>().map_err(|_| forbidden("the URL has no path"))?;
        let request = request(asked, uri, &to.authority(), Body::from(asked.body.clone()))?;
        let (head, body) = inside.send(&to, request, Errand::Ask).await?.into_parts();
        let timeout = self.deadline.saturating_duration_since(Instant::now());
        let limits = BodyLimits { max_len: MAX_BODY, timeout };
        let body = gather(body, limits).await.map_err(|error| match error {
            GatherError::TooLong(_) => too_long(),
            other => broken(&other.to_string()),
        })?;
        Ok(Response::from_parts(head, body))
    }

    async fn send_outside(
        &self,
        asked: &Asked,
    ) -> Result<(Response<Bytes>, Option<IpAddr>), Trouble> {
        if self.reach == Reach::Inside {
            return Err(forbidden(
                "only internal endpoints may be asked; an operator may allow more",
            ));
        }
        let Some(fetch) = &self.fetch else {
            return Err(forbidden("servers outside cannot be asked from here"));
        };
        let mut url = asked.url.clone();
        url.set_fragment(None);
        let uri = url.as_str().parse::<Uri>().map_err(|_| forbidden("the URL is none"))?;
        let authority = uri.authority().map(|authority| authority.as_str().to_owned());
        let request = request(asked, uri, &authority.unwrap_or_default(), asked.body.clone())?;
        let deadline = self.deadline.into_std();
        let fetched = fetch.fetch_within(request, MAX_BODY, deadline, self.reach).await;
        let fetched = fetched.map_err(|error| match error {
            FetchError::TooLong => too_long(),
            FetchError::Forbidden(_) => forbidden(&error.to_string()),
            FetchError::Broken(reason) => broken(&reason),
            error => unreachable(&error.to_string()),
        })?;
        Ok((fetched.response, fetched.address))
    }
}

/// Whether an internal endpoint is asked.
fn is_inside(url: &Url) -> bool {
    url.domain().is_some_and(is_internal)
}

/// Path and query.
fn target(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

fn request<B>(asked: &Asked, uri: Uri, host: &str, body: B) -> Result<Request<B>, Trouble> {
    let mut request = Request::new(body);
    *request.method_mut() = asked.method.clone();
    *request.uri_mut() = uri;
    *request.headers_mut() = asked.headers.clone();
    let host = HeaderValue::try_from(host).map_err(|_| forbidden("the URL has no host"))?;
    request.headers_mut().entry(header::HOST).or_insert(host);
    if !asked.body.is_empty() {
        request.headers_mut().insert(header::CONTENT_LENGTH, asked.body.len().into());
    }
    Ok(request)
}

fn too_long() -> Trouble {
    let message = format!("The answer to a rule's request is longer than {MAX_BODY} bytes.");
    Trouble::new(StatusCode::BAD_GATEWAY, TOO_LONG, message)
}

fn undecoded(error: &CodingError) -> Trouble {
    match error {
        CodingError::TooLong(_) => too_long(),
        error => broken(&error.to_string()),
    }
}

fn forbidden(why: &str) -> Trouble {
    let message = format!("The request of a rule was not sent: {why}.");
    Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, Failure::GENERAL, message)
}

fn unreachable(why: &str) -> Trouble {
    let message = format!("The server that a rule asks could not be reached: {why}.");
    Trouble::new(StatusCode::BAD_GATEWAY, code::UPSTREAM_UNREACHABLE.0, message)
}

fn broken(why: &str) -> Trouble {
    let message = format!("The answer to a rule's request cannot be used: {why}.");
    Trouble::new(StatusCode::BAD_GATEWAY, code::BAD_UPSTREAM_RESPONSE.0, message)
}
