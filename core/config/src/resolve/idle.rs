//! What is written, of an upstream above all, and has nothing to act on there.
//!
//! Scripts pass the same flags for whatever upstream they are given, so it is no mistake; but who
//! believes that a certificate is verified should know where none is.

use crate::{
    diagnostic::Diagnostic,
    endpoint::{Endpoint, ProxyProtocol, Termination, Upstream},
    endpoint_url::Kind,
    file::{HttpVersion, TerminateAt},
    place::{At, Place},
    upstream::UpstreamAddr,
};

/// A key that was written, and where.
pub(super) type Written = Option<(&'static str, Place)>;

/// What may have nothing to act on, as far as it was written.
pub(super) struct Keys {
    /// Asks for captured exchanges.
    pub(super) inspect: Written,
    /// The version of HTTP.
    pub(super) protocol: Written,
    /// The PROXY header.
    pub(super) proxy: Written,
    /// Asks for a verified certificate.
    pub(super) verify: Written,
}

/// The key, if it was written.
pub(super) fn written<T>(key: &'static str, at: Option<&At<T>>) -> Written {
    at.map(|at| (key, at.place.clone()))
}

/// What is told of them.
pub(super) fn warnings(
    upstream: &Upstream,
    (kind, tls): (Kind, &Termination),
    keys: Keys,
) -> Vec<Diagnostic> {
    let addr = &upstream.addr.value;
    let inspect = keys.inspect.filter(|_| kind != Kind::Http);
    let protocol = keys.protocol.filter(|_| upstream.protocol == HttpVersion::Http2);
    let proxy = keys.proxy.filter(|_| upstream.proxy_protocol != ProxyProtocol::None);
    let asks = upstream.tls_verify || upstream.tls_verify_cas.is_some();
    let told = [
        inspect.zip(Some(("only HTTP is captured".into(), None))),
        protocol.zip(no_connection(addr)),
        keys.verify.filter(|_| asks).zip(no_certificate(addr, kind, tls.at)),
        proxy.zip(no_connection(addr)),
    ];
    let told = told.into_iter().flatten().map(|((key, place), (reason, remedy))| {
        let message = format!("{key} has nothing to act on: {reason}");
        let hint =
            remedy.map_or_else(|| "leave it out".into(), |r| format!("{r}, or leave it out"));
        Diagnostic::new(place, message).hint(hint)
    });
    told.collect()
}

/// Where rules run says nothing where there are none.
pub(super) fn without_policy(endpoint: &Endpoint) -> Option<Diagnostic> {
    let enforce = endpoint.enforce.as_ref().filter(|_| endpoint.traffic_policy.is_none())?;
    let message = "enforce has nothing to act on: there is no traffic policy";
    Some(Diagnostic::new(enforce.place.clone(), message).hint("write one, or leave it out"))
}

/// Why, and what to do about it besides leaving it out.
type Reason = (String, Option<String>);

fn no_certificate(addr: &UpstreamAddr, kind: Kind, end: TerminateAt) -> Option<Reason> {
    let no_tls = |remedy| (format!("{addr} is reached without TLS"), remedy);
    match addr {
        UpstreamAddr::Https(_) | UpstreamAddr::Tls(_) => {
            (end == TerminateAt::Upstream).then(|| {
                let reason = format!("the visitor's own TLS goes through to {addr}");
                (reason, Some("end it at the edge or at the agent".into()))
            })
        }
        UpstreamAddr::Http(at) => Some(no_tls(Some(format!("write https://{at}")))),
        UpstreamAddr::Tcp { addr: at, .. } if kind == Kind::Tls => {
            Some(no_tls(Some(format!("write tls://{at}"))))
        }
        UpstreamAddr::Tcp { .. } | UpstreamAddr::Unix { .. } => Some(no_tls(None)),
        UpstreamAddr::Files { .. } => no_connection(addr),
    }
}

fn no_connection(addr: &UpstreamAddr) -> Option<Reason> {
    let UpstreamAddr::Files { dir } = addr else { return None };
    Some((format!("the agent itself answers from {}", dir.display()), None))
}
