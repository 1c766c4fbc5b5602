//! One request and its answer.

use std::{future::IntoFuture, pin::Pin};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Version, header};

use super::{Requests, Visitor, connect::whole};
use crate::{service::body, soon};

/// A request that is sent when it is awaited.
#[derive(Debug)]
#[must_use = "it is sent when it is awaited"]
pub struct Visit {
    visitor: Visitor,
    request: http::request::Builder,
    path: String,
    body: Bytes,
    is_http2: bool,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    trailers: Option<HeaderMap>,
    is_whole: bool,
}

impl Visit {
    pub(super) fn new(visitor: Visitor, method: Method, path: &str) -> Self {
        let request = Request::builder().method(method);
        Self { visitor, request, path: path.to_owned(), body: Bytes::new(), is_http2: false }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Shows a name and a password.
    pub fn basic(self, user: &str, password: &str) -> Self {
        let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
        self.header("authorization", &format!("Basic {pair}"))
    }

    /// Asks with another method.
    pub fn method(mut self, method: Method) -> Self {
        self.request = self.request.method(method);
        self
    }

    /// Sends a body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Asks over HTTP/2.
    pub fn http2(mut self) -> Self {
        self.is_http2 = true;
        self
    }

    async fn send(self) -> Result<Reply, hyper::Error> {
        let mut requests = match self.is_http2 {
            true => self.visitor.http2().await,
            false => self.visitor.http1().await,
        };
        self.send_on(&mut requests).await
    }

    async fn send_on(self, requests: &mut Requests) -> Result<Reply, hyper::Error> {
        let Self { visitor, request, path, body: bytes, .. } = self;
        let authority = visitor.authority();
        let request = if let Requests::Http2(_) = requests {
            let uri = format!("{}://{authority}{path}", visitor.scheme);
            request.version(Version::HTTP_2).uri(uri)
        } else {
            let has_host = request.headers_ref().is_some_and(|h| h.contains_key(header::HOST));
            let request = request.uri(path);
            if has_host { request } else { request.header(header::HOST, authority) }
        };
        let request = request.body(body(bytes)).expect("the test wrote a good request");
        let (head, incoming) = soon("a response", requests.send(request)).await?.into_parts();
        let (body, trailers, error) = whole(incoming).await;
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body,
            trailers,
            is_whole: error.is_none(),
        })
    }

    /// Sends it on a connection that there is.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn on(self, requests: &mut Requests) -> Reply {
        self.send_on(requests).await.expect("there is an answer")
    }

    /// Sends it, and expects that there may be no answer at all.
    ///
    /// # Errors
    /// The connection ended before the head of the response.
    pub async fn try_send(self) -> Result<Reply, hyper::Error> {
        self.send().await
    }
}

impl IntoFuture for Visit {
    type Output = Reply;
    type IntoFuture = Pin<Box<dyn Future<Output = Reply> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { self.send().await.expect("there is an answer") })
    }
}

impl Reply {
    /// The status.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body.
    pub const fn bytes(&self) -> &Bytes {
        &self.body
    }

    /// A header's first value; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// All headers.
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// A trailer; empty if there is none.
    pub fn trailer(&self, name: &str) -> &str {
        let value = self.trailers.as_ref().and_then(|trailers| trailers.get(name));
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The code of a failure that adit reports: `ERR_NGROK_8012`.
    pub fn code(&self) -> &str {
        self.header("ngrok-error-code")
    }

    /// Whether the body ended as it should.
    pub const fn is_whole(&self) -> bool {
        self.is_whole
    }
}
