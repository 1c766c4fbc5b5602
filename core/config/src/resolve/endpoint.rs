//! One entry of `endpoints:`.

use super::{
    Context,
    idle::{self, Keys, written},
    or,
};
use crate::{
    diagnostic::Diagnostic,
    endpoint::{
        Address, Asked, Endpoint, KeyPair, PemSource, ProxyProtocol, Termination, TrafficPolicy,
        Upstream,
    },
    endpoint_url::{Binding, EndpointUrl, EndpointUrlError, Kind, Scheme},
    file::{self, AgentTls, HttpVersion, TerminateAt},
    middleware::Middleware,
    place::{At, Place},
    upstream::UpstreamAddr,
};

pub(super) fn resolve(
    At { value: e, place }: At<file::Endpoint>,
    cx: &mut Context,
) -> Option<Endpoint> {
    let Some(name) = e.name.filter(|n| !n.value.is_empty()) else {
        cx.missing(&place, "the endpoint has no name; add name: …");
        return None;
    };
    let binding = binding(e.bindings, cx);
    let scheme = match &e.url {
        Some(url) if url.value.contains("://") => Asked::Yes,
        _ => Asked::No,
    };
    let url = match e.url {
        None => any_url(Scheme::Https, binding.as_ref(), cx),
        Some(url) => endpoint_url(&url, None, binding.as_ref(), cx),
    };
    let policy = [
        e.traffic_policy.map(TrafficPolicy::Inline),
        e.traffic_policy_file.map(TrafficPolicy::File),
        e.traffic_policy_url.map(TrafficPolicy::Url),
    ];
    let traffic_policy = one_policy(policy, &name.value, &place, cx);
    // Without a valid URL nothing is known of the kind; the rest can wait for the next run.
    let url = url?;
    let kind = url.scheme.kind();
    let keys = keys(e.inspect.as_ref(), e.upstream.as_ref());
    let upstream = upstream(e.upstream, &name.value, &place, kind, cx)?;
    let tls = termination(e.agent_tls_termination, url.scheme, cx);
    Some(Endpoint {
        warnings: idle::warnings(&upstream, (kind, &tls), keys),
        tls,
        kind,
        address: Address::Urls(vec![url]),
        scheme,
        binding,
        description: or(e.description, String::new()),
        metadata: or(e.metadata, String::new()),
        pooling_enabled: or(e.pooling_enabled, false),
        inspect: kind == Kind::Http && or(e.inspect, true),
        upstream,
        traffic_policy,
        enforce: e.enforce,
        middleware: Middleware::default(),
        handlers: or(e.handlers, Vec::new()),
        name: name.value,
        place: name.place,
    })
}

/// What is asked for where no URL was written. An internal endpoint has to have one.
pub(super) fn any_url(
    scheme: Scheme,
    binding: Option<&At<Binding>>,
    cx: &mut Context,
) -> Option<EndpointUrl> {
    match binding {
        Some(At { value: Binding::Internal, place }) => {
            let error = EndpointUrlError::InternalWithoutHost;
            cx.fail(Diagnostic::new(place.clone(), error.to_string()).code(error.code()));
            None
        }
        _ => Some(EndpointUrl::any(scheme)),
    }
}

/// Reads a URL and notes what is wrong with it, with its public error code.
pub(super) fn endpoint_url(
    url: &At<String>,
    kind: Option<Kind>,
    binding: Option<&At<Binding>>,
    cx: &mut Context,
) -> Option<EndpointUrl> {
    match EndpointUrl::parse(&url.value, kind, binding.map(|b| b.value)) {
        Ok(url) => Some(url),
        Err(e) => {
            cx.fail(Diagnostic::new(url.place.clone(), e.to_string()).code(e.code()));
            None
        }
    }
}

pub(super) fn binding(
    written: Option<At<Vec<At<Binding>>>>,
    cx: &mut Context,
) -> Option<At<Binding>> {
    let list = written?;
    if list.value.len() > 1 {
        cx.error(&list.place, "an endpoint has at most one binding");
    }
    list.value.into_iter().next()
}

/// The one policy that was written, whichever way.
pub(super) fn one_policy<const N: usize>(
    written: [Option<TrafficPolicy>; N],
    name: &str,
    place: &Place,
    cx: &mut Context,
) -> Option<TrafficPolicy> {
    let mut written = written.into_iter().flatten();
    let first = written.next();
    if written.next().is_some() {
        let message = format!("endpoint {name:?} has more than one traffic policy; keep one");
        cx.fail(Diagnostic::new(place.clone(), message).code(9025));
    }
    first
}

fn upstream(
    written: Option<file::Upstream>,
    name: &str,
    place: &Place,
    kind: Kind,
    cx: &mut Context,
) -> Option<Upstream> {
    let u = written.unwrap_or_default();
    let Some(url) = u.url else {
        cx.missing(place, format!("endpoint {name:?} has no upstream; add upstream: {{url: …}}"));
        return None;
    };
    let parsed = UpstreamAddr::parse_endpoint(&url.value, kind);
    let addr = cx.check(&url.place, parsed).map(|addr| At::new(addr, url.place));
    if let (Some(protocol), Kind::Tcp | Kind::Tls) = (&u.protocol, kind) {
        cx.error(&protocol.place, "upstream.protocol has a meaning for HTTP endpoints only");
    }
    let proxy_protocol = proxy_protocol(u.proxy_protocol, cx);
    Some(Upstream {
        addr: addr?,
        protocol: or(u.protocol, HttpVersion::Http1),
        proxy_protocol,
        tls_verify: or(u.tls_verify, u.tls_verify_cas.is_some()),
        tls_verify_cas: u.tls_verify_cas,
    })
}

/// The keys that may have nothing to act on.
fn keys(inspect: Option<&At<bool>>, upstream: Option<&file::Upstream>) -> Keys {
    let of = |upstream: &file::Upstream| {
        let verify = written("tls_verify", upstream.tls_verify.as_ref());
        let protocol = written("upstream.protocol", upstream.protocol.as_ref());
        let proxy = written("proxy_protocol", upstream.proxy_protocol.as_ref());
        (verify.or(written("tls_verify_cas", upstream.tls_verify_cas.as_ref())), protocol, proxy)
    };
    let (verify, protocol, proxy) = upstream.map(of).unwrap_or_default();
    let inspect = written("inspect", inspect.filter(|at| at.value));
    Keys { inspect, protocol, proxy, verify }
}

pub(super) fn proxy_protocol(written: Option<At<u16>>, cx: &mut Context) -> ProxyProtocol {
    match written {
        None => ProxyProtocol::None,
        Some(At { value: 0, .. }) => ProxyProtocol::None,
        Some(At { value: 1, .. }) => ProxyProtocol::V1,
        Some(At { value: 2, .. }) => ProxyProtocol::V2,
        Some(At { value, place }) => {
            cx.error(&place, format!("there is no PROXY protocol version {value}; use 1 or 2"));
            ProxyProtocol::None
        }
    }
}

fn termination(written: Option<At<AgentTls>>, scheme: Scheme, cx: &mut Context) -> Termination {
    let Some(At { value: tls, place }) = written else {
        return Termination::by_default(scheme);
    };
    if !matches!(scheme, Scheme::Https | Scheme::Tls) {
        let message = format!("agent_tls_termination has no meaning for a {scheme}:// URL");
        let d = Diagnostic::new(place.clone(), message);
        cx.fail(d.hint("use tls:// or https://"));
    }
    let pem = |at: At<String>| at.map(PemSource::from_text);
    let certificate = match (tls.server_certificate, tls.server_private_key) {
        (Some(certificate), Some(key)) => {
            Some(KeyPair { certificate: pem(certificate), key: pem(key) })
        }
        (None, None) => None,
        _ => {
            cx.error(&place, "server_certificate and server_private_key need each other");
            None
        }
    };
    let cas = or(tls.mutual_tls_certificate_authorities, Vec::new());
    Termination {
        at: TerminateAt::Agent,
        certificate,
        client_cas: cas.into_iter().map(pem).collect(),
    }
}
