//! What a server is asked.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use url::Url;

use super::HttpRequest;
use crate::{
    action::{Failure, on_error::Trouble},
    expr::ExprError,
    scope::Scope,
};

/// Says that no visitor, but a rule asks.
const TYPE: HeaderName = HeaderName::from_static("ngrok-req-type");
/// For whose sake: the exchange.
const ID: HeaderName = HeaderName::from_static("ngrok-req-id");
/// Whom to tell of abuse.
const REPORT: HeaderName = HeaderName::from_static("ngrok-report-abuse");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What a server is asked.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) url: Url,
    /// All but `host`, which follows from the URL unless it is here.
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Asked {
    /// With the values of now.
    pub(super) fn new(of: &HttpRequest, scope: &Scope) -> Result<Self, Trouble> {
        let text = of.url.text(scope).map_err(unreadable)?;
        let mut url = parse(text.trim())?;
        if !of.query.is_empty() {
            let mut pairs = url.query_pairs_mut();
            for (key, value) in &of.query {
                pairs.append_pair(key, &value.text(scope).map_err(unreadable)?);
            }
        }
        let mut headers = HeaderMap::new();
        of.headers.set(&mut headers, scope).map_err(|failure| broken(&failure))?;
        let body = of.body.as_ref().map(|body| body.text(scope)).transpose();
        let body = Bytes::from(body.map_err(unreadable)?.unwrap_or_default());
        headers.entry(header::ACCEPT_ENCODING).or_insert(HeaderValue::from_static("gzip"));
        inject(&mut headers, scope);
        Ok(Self { method: of.method.clone(), url, headers, body })
    }

    /// What is asked where a redirect leads.
    ///
    /// Fact: browsers, and the clients that follow them, ask with GET after 301, 302 and 303.
    pub(super) fn redirected(mut self, status: StatusCode, to: Url) -> Self {
        let keeps_method =
            matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
        if !keeps_method {
            self.method = Method::GET;
            self.body = Bytes::new();
            self.headers.remove(header::CONTENT_TYPE);
        }
        if self.url.origin() != to.origin() {
            for name in [header::AUTHORIZATION, header::COOKIE, header::HOST] {
                self.headers.remove(name);
            }
        }
        self.url = to;
        self
    }
}

/// Reads a URL of a server that can be asked.
pub(super) fn parse(text: &str) -> Result<Url, Trouble> {
    let bad = |what: &str| {
        let message = format!("The request of a rule has a URL that {what}.");
        Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, Failure::GENERAL, message)
    };
    let url = Url::parse(text).map_err(|_| bad("is none"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(bad("is neither http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("has a user; set the header authorization"));
    }
    Ok(url)
}

/// Says who asks, whatever the rule says.
fn inject(headers: &mut HeaderMap, scope: &Scope) {
    let conn = &scope.conn;
    let client = conn.client.ip().to_canonical().to_string();
    let agent = concat!("adit/", env!("CARGO_PKG_VERSION"), " (traffic policy)");
    headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
    headers.insert(TYPE, HeaderValue::from_static("http-request"));
    let told =
        [(ID, scope.id.to_string()), (REPORT, conn.endpoint.url.clone()), (FORWARDED_FOR, client)];
    for (name, value) in told {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
}

fn unreadable(error: ExprError) -> Trouble {
    broken(&error.into())
}

/// What an expression failed with is for the log and the result, and not for visitors.
fn broken(failure: &Failure) -> Trouble {
    Trouble::internal(failure)
}
