//! Requests and answers as the chain sees them.

use std::{
    collections::VecDeque,
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use adit_chain::{Body, BoxError, Conn, Endpoint, Origin, Protocol, TlsInfo};
use anyhow::{Result, anyhow, bail};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http_body::Frame;

use super::{Content, Request};
use crate::policy::request::Answer;

/// The host of requests that name none.
const AUTHORITY: &str = "app.example";
/// Longest body that is gathered to be shown, in bytes.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// The endpoint that the policy believes to stand in front of.
pub(super) fn endpoint(is_https: bool) -> Arc<Endpoint> {
    let protocol = if is_https { Protocol::Https } else { Protocol::Http };
    named(protocol)
}

fn named(protocol: Protocol) -> Arc<Endpoint> {
    Arc::new(Endpoint {
        name: "app".into(),
        url: format!("{}://{AUTHORITY}", protocol.as_str()),
        protocol,
        upstream: "http://localhost:8080".into(),
        upstream_host: Some("localhost:8080".into()),
    })
}

/// The visitor's connection.
pub(in crate::policy) fn conn(request: &Request) -> Result<Arc<Conn>> {
    let conn = Conn::new(request.from, here(), endpoint(request.is_https));
    know(&conn, &request.attributes)?;
    Ok(Arc::new(conn))
}

/// A connection that is not HTTP.
pub(in crate::policy) fn raw<'a>(
    from: SocketAddr,
    protocol: &str,
    attributes: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> Result<Arc<Conn>> {
    let protocol = match protocol {
        "tcp" => Protocol::Tcp,
        "tls" => Protocol::Tls,
        "http" => Protocol::Http,
        "https" => Protocol::Https,
        other => bail!("there is no protocol {other:?}; there are tcp, tls, http, https"),
    };
    let conn = Conn::new(from, here(), named(protocol));
    know(&conn, attributes)?;
    Ok(Arc::new(conn))
}

fn here() -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 1], 443))
}

/// Facts about the connection that a component can be told.
fn know<'a>(
    conn: &Conn,
    attributes: impl IntoIterator<Item = (&'a String, &'a String)>,
) -> Result<()> {
    let mut attributes = attributes.into_iter().peekable();
    if attributes.peek().is_none() {
        return Ok(());
    }
    let mut tls = TlsInfo { version: "1.3", ..TlsInfo::default() };
    for (name, value) in attributes {
        match (name.as_str(), value.as_str()) {
            ("tls.version", "1.2") => tls.version = "1.2",
            ("tls.version", "1.3") => {}
            ("tls.sni", name) => tls.sni = Some(name.to_owned()),
            ("tls.alpn", name) => tls.alpn = Some(name.as_bytes().to_vec()),
            ("tls.cipher-suite", name) => tls.cipher_suite = name.to_owned(),
            ("tls.client.subject", name) => tls.client_subject = Some(name.to_owned()),
            _ => bail!("a component cannot be made to believe {name} = {value:?}"),
        }
    }
    let _ = conn.tls.set(tls);
    Ok(())
}

/// The request, with what every one of them has.
pub(super) fn of_request(request: &Request) -> http::Request<Body> {
    let mut headers = request.headers.clone();
    if !headers.contains_key(HOST) {
        headers.insert(HOST, http::HeaderValue::from_static(AUTHORITY));
    }
    announce(&request.body, &mut headers);
    let mut message = http::Request::new(to_body(&request.body));
    *message.method_mut() = request.method.clone();
    *message.uri_mut() = request.target.clone();
    *message.version_mut() = request.version;
    *message.headers_mut() = headers;
    message
}

/// The service's answer.
pub(super) fn of_answer(answer: &Answer) -> http::Response<Body> {
    let mut response = http::Response::new(to_body(&answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers.clone();
    announce(&answer.body, response.headers_mut());
    Origin::Upstream.mark(&mut response);
    response
}

fn announce(body: &Content, headers: &mut http::HeaderMap) {
    if let Some(len) = body.len()
        && !headers.contains_key(CONTENT_LENGTH)
    {
        headers.insert(CONTENT_LENGTH, len.into());
    }
}

fn to_body(content: &Content) -> Body {
    match content {
        Content::None => Body::Empty,
        Content::Whole(bytes) => Body::Whole(Bytes::copy_from_slice(bytes)),
        Content::Pieces(pieces) => {
            Body::boxed(Pieces(pieces.iter().map(|piece| Bytes::copy_from_slice(piece)).collect()))
        }
    }
}

/// All of a body; a policy that watches it is called meanwhile.
pub(super) async fn whole(body: Body) -> Result<Vec<u8>> {
    let told = |error: BoxError| anyhow!("the body broke off: {error}");
    Ok(body.into_whole(MAX_BODY).await.map_err(told)?.to_vec())
}

/// A body that comes piece by piece.
struct Pieces(VecDeque<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }
}
