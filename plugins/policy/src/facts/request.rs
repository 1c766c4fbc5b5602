//! `req`: the request.

use std::borrow::Cow;

use adit_chain::Conn;
use cel::common::types::CelString;
use http::{
    HeaderMap, Version,
    header::{LOCATION, USER_AGENT},
};

use super::{
    content_type::{content_type, encoding, header, length},
    cookie,
    fact::{Boxed, Fact},
    multi::{Multi, Names},
    url::{self, Url},
    user_agent::UserAgent,
};
use crate::{expr::Type, scope::Asked};

/// `req`. The body is not among its facts, and neither are its trailers: they come behind it.
pub(super) fn request<'v>(ty: Type, asked: &'v Asked, conn: &'v Conn) -> Fact<'v> {
    let Asked { head, original, head_received, body_received, .. } = asked;
    let headers = &head.headers;
    Fact::object(ty, move |name, ty| match name {
        "content_encoding" => encoding(headers),
        "content_length" => length(headers),
        "content_type" => content_type(ty, headers),
        "cookies" => Fact::Known(Box::new(cookie::of_request(ty, headers))),
        "headers" => Fact::Known(Box::new(Multi::headers(headers))),
        "host" => Fact::text(url::authority(head)),
        "location" => Fact::maybe(header(headers, LOCATION)),
        "method" => Fact::text(head.method.as_str()),
        "ts" => Fact::object(ty, move |name, _| match name {
            "header_received" => Fact::time(*head_received),
            _ => body_received.map_or(Fact::Unknown, Fact::time),
        }),
        "url" => {
            let raw = move |name: &str| match name {
                "raw" => url::raw(original, conn),
                _ => original.uri.path().to_owned(),
            };
            of_url(ty, Url::of(head, conn), raw)
        }
        "user_agent" => user_agent(ty, headers),
        "version" => Fact::text(version(head.version, conn)),
        _ => Fact::Unknown,
    })
}

/// `req.url`.
fn of_url<'v>(ty: Type, url: Url, raw: impl Fn(&str) -> String + Send + Sync + 'v) -> Fact<'v> {
    let text = url.to_string();
    Fact::with_text(ty, text, move |name, _| match name {
        "authority" => Fact::text(url.authority()),
        "host" => Fact::text(url.host.clone()),
        "path" => Fact::text(url.path.clone()),
        "port" => Fact::int(url.port.unwrap_or_default()),
        "query" => Fact::maybe(url.query.clone()),
        "query_params" => Fact::Known(Box::new(query_params(url.query.as_deref()))),
        "raw" | "raw_path" => Fact::text(raw(name)),
        "scheme" => Fact::text(url.scheme),
        "uri" => Fact::text(url.uri()),
        "user_password" => Fact::text(url.user_password.clone()),
        _ => Fact::Unknown,
    })
}

/// The parameters of a query, decoded.
fn query_params<'v>(query: Option<&str>) -> Multi<'v> {
    let pairs = ::url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let pairs = pairs.map(|(name, value)| {
        let value = CelString::from(value.into_owned());
        (name.into_owned(), Box::new(value) as Boxed<'v>)
    });
    Multi::pairs(pairs, Names::Exact)
}

fn user_agent(ty: Type, headers: &HeaderMap) -> Fact<'_> {
    let Some(text) = header(headers, USER_AGENT) else { return Fact::Unknown };
    let agent = UserAgent::parse(&text);
    Fact::with_text(ty, text, move |name, _| match name {
        "device" => Fact::text(agent.device.clone()),
        "is_bot" => Fact::bool(agent.is_bot),
        "is_desktop" => Fact::bool(agent.is_desktop),
        "is_mobile" => Fact::bool(agent.is_mobile),
        "is_tablet" => Fact::bool(agent.is_tablet),
        "name" => Fact::text(agent.name.clone()),
        "os" => Fact::text(agent.os.clone()),
        "os_version" => Fact::text(agent.os_version.clone()),
        "url" => Fact::text(agent.url.clone()),
        "version" => Fact::text(agent.version.clone()),
        _ => Fact::Unknown,
    })
}

/// The version that the visitor speaks, which an edge before us may have turned into another one.
fn version(version: Version, conn: &Conn) -> Cow<'static, str> {
    let alpn = conn.tls.get().and_then(|tls| tls.alpn.as_deref());
    match version {
        _ if alpn == Some(b"h2") => "HTTP/2.0",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        Version::HTTP_3 => "HTTP/3.0",
        _ => "HTTP/1.1",
    }
    .into()
}
