//! One entry of `tunnels:`, or the flags of `http`, `tcp` and `tls`.

use super::{
    Context,
    endpoint::{any_url, binding, endpoint_url, one_policy, proxy_protocol},
    idle::{self, Keys, written},
    or,
};
use crate::{
    addr::{HostPort, check_host},
    diagnostic::Diagnostic,
    endpoint::{
        Address, Asked, Endpoint, KeyPair, PemSource, Termination, TrafficPolicy, Upstream,
    },
    endpoint_url::{Binding, EndpointUrl, Kind, Scheme},
    file::{HttpVersion, TerminateAt, Tunnel},
    middleware::Middleware,
    place::{At, Place},
    upstream::UpstreamAddr,
};

pub(super) fn resolve(name: At<String>, mut t: Tunnel, cx: &mut Context) -> Option<Endpoint> {
    if name.value.is_empty() {
        cx.error(&name.place, "the tunnel has no name");
        return None;
    }
    let keys = keys(&t);
    t.upstream_tls_verify = t.upstream_tls_verify.take().or(t.verify_upstream_tls.take());
    let kind = kind(&name, &t, cx)?;
    refuse_foreign(&name, &t, kind, cx);
    let binding = binding(t.bindings.take(), cx);
    let names_scheme = t.url.as_ref().is_some_and(|url| url.value.contains("://"));
    let scheme = if names_scheme || t.schemes.is_some() { Asked::Yes } else { Asked::No };
    let address = match kind {
        Some(kind) => address(&name, &mut t, kind, binding.as_ref(), cx),
        None => Some(Address::Labels(labels(&t, cx))),
    };
    let upstream = upstream(&name, &mut t, kind, cx);
    let kind = kind.unwrap_or(Kind::Http);
    let traffic_policy = [
        t.traffic_policy.take().map(TrafficPolicy::Inline),
        t.traffic_policy_file.take().map(TrafficPolicy::File),
        t.traffic_policy_url.take().map(TrafficPolicy::Url),
        t.policy.take().map(TrafficPolicy::Inline),
        t.policy_file.take().map(TrafficPolicy::File),
    ];
    let traffic_policy = one_policy(traffic_policy, &name.value, &name.place, cx);
    let tls = termination(&mut t, kind, cx);
    let upstream = upstream?;
    Some(Endpoint {
        warnings: idle::warnings(&upstream, (kind, &tls), keys),
        kind,
        address: address?,
        scheme,
        binding,
        description: or(t.description, String::new()),
        metadata: or(t.metadata, String::new()),
        pooling_enabled: or(t.pooling_enabled, false),
        inspect: kind == Kind::Http && or(t.inspect, true),
        upstream,
        tls,
        traffic_policy,
        enforce: t.enforce,
        middleware: Middleware {
            basic_auth: or(t.basic_auth, Vec::new()),
            circuit_breaker: t.circuit_breaker,
            compression: on(t.compression),
            host_header: t.host_header,
            ip_restriction: t.ip_restriction,
            oauth: t.oauth,
            oidc: t.oidc,
            request_header: t.request_header,
            response_header: t.response_header,
            user_agent_filter: t.user_agent_filter,
            verify_webhook: t.verify_webhook,
            websocket_tcp_converter: on(t.websocket_tcp_converter),
        },
        handlers: or(t.handlers, Vec::new()),
        name: name.value,
        place: name.place,
    })
}

/// The place of a switch that is on.
fn on(switch: Option<At<bool>>) -> Option<Place> {
    switch.filter(|s| s.value).map(|s| s.place)
}

/// The kind that `proto` names; inside, `None` for a labelled tunnel.
fn kind(name: &At<String>, t: &Tunnel, cx: &mut Context) -> Option<Option<Kind>> {
    match (&t.proto, &t.labels) {
        (Some(proto), Some(_)) => {
            cx.error(&proto.place, "a labelled tunnel has no proto; remove proto or labels");
            None
        }
        (None, Some(_)) => Some(None),
        (None, None) => {
            if cx.is_read(&name.place) {
                let message = format!("tunnel {:?} has neither proto nor labels", name.value);
                let d = Diagnostic::new(name.place.clone(), message);
                cx.fail(d.hint("add proto: http, tcp or tls").code(394));
            }
            None
        }
        (Some(proto), None) => match proto.value.parse() {
            Ok(kind) => Some(Some(kind)),
            Err(_) => {
                let message = format!("Invalid protocol name '{}'", proto.value);
                let d = Diagnostic::new(proto.place.clone(), message);
                cx.fail(d.hint("use http, tcp or tls"));
                None
            }
        },
    }
}

fn labels(t: &Tunnel, cx: &mut Context) -> Vec<(String, String)> {
    let mut labels = Vec::new();
    for label in t.labels.iter().flat_map(|list| &list.value) {
        match label.value.split_once('=') {
            Some((k, v)) if !k.is_empty() => labels.push((k.to_owned(), v.to_owned())),
            _ => cx.error(&label.place, format!("label {:?} is not name=value", label.value)),
        }
    }
    labels
}

/// Brings `url`, `domain`, `hostname`, `subdomain`, `remote_addr` and `schemes` together.
fn address(
    name: &At<String>,
    t: &mut Tunnel,
    kind: Kind,
    binding: Option<&At<Binding>>,
    cx: &mut Context,
) -> Option<Address> {
    // What scripts pass from a variable that is not set asks for nothing.
    let all = [&mut t.url, &mut t.remote_addr, &mut t.domain, &mut t.hostname, &mut t.subdomain];
    all.into_iter().for_each(|at| drop(at.take_if(|at| at.value.is_empty())));
    let written = [&t.url, &t.remote_addr, &t.domain, &t.hostname, &t.subdomain];
    if let Some(second) = written.into_iter().flatten().nth(1) {
        let message = format!("tunnel {:?} asks for more than one address", name.value);
        let d = Diagnostic::new(second.place.clone(), message);
        cx.fail(d.hint("keep one of url, domain, hostname, subdomain, remote_addr").code(9021));
        return None;
    }
    let schemes = schemes(t, kind);
    let urls =
        |url: EndpointUrl| Address::Urls(schemes.iter().map(|s| with_scheme(&url, *s)).collect());
    if let Some(subdomain) = t.subdomain.take() {
        let parsed = cx.check(&subdomain.place, check_host(&subdomain.value))?;
        return Some(Address::Subdomain { name: At::new(parsed, subdomain.place), schemes });
    }
    if let Some(addr) = t.remote_addr.take() {
        let parsed = cx.check(&addr.place, addr.value.parse::<HostPort>())?;
        return Some(Address::Urls(vec![(Scheme::Tcp, parsed).into()]));
    }
    if let Some(host) = t.domain.take().or_else(|| t.hostname.take()) {
        if host.value.contains("://") {
            let d =
                Diagnostic::new(host.place, format!("{:?} is more than a host name", host.value));
            cx.fail(d.hint("leave the scheme out, or write it as url").code(9034));
            return None;
        }
        let url = host.map(|h| format!("{}://{h}", kind.default_scheme()));
        return endpoint_url(&url, Some(kind), binding, cx).map(urls);
    }
    let Some(url) = t.url.take() else {
        return any_url(kind.default_scheme(), binding, cx).map(urls);
    };
    let parsed = endpoint_url(&url, Some(kind), binding, cx)?;
    if !url.value.contains("://") {
        return Some(urls(parsed));
    }
    if t.schemes.is_some() && schemes != [parsed.scheme] {
        let d = Diagnostic::new(url.place, "url and schemes ask for different schemes");
        cx.fail(d.hint("remove schemes"));
    }
    Some(Address::Urls(vec![parsed]))
}

/// The schemes that are asked for, each once, `https` first.
fn schemes(t: &Tunnel, kind: Kind) -> Vec<Scheme> {
    let mut schemes: Vec<Scheme> = match &t.schemes {
        Some(list) if kind == Kind::Http => list.value.iter().map(|s| s.value).collect(),
        _ => Vec::new(),
    };
    schemes.sort_by(|a, b| b.cmp(a));
    schemes.dedup();
    match schemes.is_empty() {
        true => vec![kind.default_scheme()],
        false => schemes,
    }
}

fn with_scheme(url: &EndpointUrl, scheme: Scheme) -> EndpointUrl {
    EndpointUrl {
        scheme,
        port: url.port.filter(|p| Some(*p) != scheme.default_port()),
        ..url.clone()
    }
}

fn upstream(
    name: &At<String>,
    t: &mut Tunnel,
    kind: Option<Kind>,
    cx: &mut Context,
) -> Option<Upstream> {
    let Some(addr) = t.addr.take() else {
        cx.missing(&name.place, format!("tunnel {:?} has no addr; add addr: …", name.value));
        return None;
    };
    let parsed = match kind {
        Some(kind) => UpstreamAddr::parse(&addr.value, kind),
        None => UpstreamAddr::parse(&addr.value, Kind::Http)
            .or_else(|e| UpstreamAddr::parse(&addr.value, Kind::Tls).map_err(|_| e)),
    };
    let proxy_protocol = proxy_protocol(t.proxy_proto.take(), cx);
    let parsed = cx.check(&addr.place, parsed)?;
    let tls_verify_cas = t.upstream_tls_verify_cas.take();
    Some(Upstream {
        addr: At::new(parsed, addr.place),
        protocol: t.app_protocol.as_ref().map_or(HttpVersion::Http1, |p| p.value),
        proxy_protocol,
        tls_verify: or(t.upstream_tls_verify.take(), tls_verify_cas.is_some()),
        tls_verify_cas,
    })
}

/// The keys that may have nothing to act on.
fn keys(t: &Tunnel) -> Keys {
    let verify = written("upstream_tls_verify", t.upstream_tls_verify.as_ref())
        .or(written("verify_upstream_tls", t.verify_upstream_tls.as_ref()))
        .or(written("upstream_tls_verify_cas", t.upstream_tls_verify_cas.as_ref()));
    Keys {
        inspect: written("inspect", t.inspect.as_ref().filter(|at| at.value)),
        protocol: written("app_protocol", t.app_protocol.as_ref()),
        proxy: written("proxy_proto", t.proxy_proto.as_ref()),
        verify,
    }
}

/// Refuses options that would be ignored: somebody relies on them.
fn refuse_foreign(name: &At<String>, t: &Tunnel, kind: Option<Kind>, cx: &mut Context) {
    fn place<T>(at: &Option<At<T>>) -> Option<Place> {
        at.as_ref().map(|at| at.place.clone())
    }
    fn inside<T>(record: &Option<T>, name: &At<String>) -> Option<Place> {
        record.as_ref().map(|_| name.place.clone())
    }
    let http = [
        ("app_protocol", place(&t.app_protocol)),
        ("basic_auth", place(&t.basic_auth)),
        ("circuit_breaker", place(&t.circuit_breaker)),
        ("compression", place(&t.compression)),
        ("host_header", place(&t.host_header)),
        ("oauth", inside(&t.oauth, name)),
        ("oidc", inside(&t.oidc, name)),
        ("request_header", inside(&t.request_header, name)),
        ("response_header", inside(&t.response_header, name)),
        ("schemes", place(&t.schemes)),
        ("user_agent_filter", inside(&t.user_agent_filter, name)),
        ("verify_webhook", inside(&t.verify_webhook, name)),
        ("websocket_tcp_converter", place(&t.websocket_tcp_converter)),
    ];
    let not_tcp = [
        ("crt", place(&t.crt)),
        ("domain", place(&t.domain)),
        ("hostname", place(&t.hostname)),
        ("key", place(&t.key)),
        ("mutual_tls_cas", place(&t.mutual_tls_cas)),
        ("subdomain", place(&t.subdomain)),
        ("terminate_at", place(&t.terminate_at)),
        ("upstream_tls_verify", place(&t.upstream_tls_verify)),
        ("upstream_tls_verify_cas", place(&t.upstream_tls_verify_cas)),
    ];
    let tcp = [("remote_addr", place(&t.remote_addr))];
    // The labels say where it is reached, and TLS ends there. It carries whatever their route
    // carries, HTTP too.
    let addressed = [
        ("bindings", place(&t.bindings)),
        ("crt", place(&t.crt)),
        ("domain", place(&t.domain)),
        ("hostname", place(&t.hostname)),
        ("key", place(&t.key)),
        ("mutual_tls_cas", place(&t.mutual_tls_cas)),
        ("pooling_enabled", place(&t.pooling_enabled)),
        ("schemes", place(&t.schemes)),
        ("subdomain", place(&t.subdomain)),
        ("terminate_at", place(&t.terminate_at)),
        ("url", place(&t.url)),
    ];
    let foreign: Vec<_> = match kind {
        None => addressed.into_iter().chain(tcp).collect(),
        Some(Kind::Http) => tcp.into(),
        Some(Kind::Tcp) => http.into_iter().chain(not_tcp).collect(),
        Some(Kind::Tls) => http.into_iter().chain(tcp).collect(),
    };
    let of = kind.map_or("labelled", Kind::as_str);
    for (key, place) in foreign {
        if let Some(place) = place {
            cx.error(&place, format!("{key} has no meaning for a {of} tunnel; remove it"));
        }
    }
    let schemes =
        t.schemes.iter().filter(|_| kind == Some(Kind::Http)).flat_map(|list| &list.value);
    for scheme in schemes.filter(|scheme| scheme.value.kind() != Kind::Http) {
        let d = format!("scheme \"{}\" is not possible for a http tunnel", scheme.value);
        cx.fail(Diagnostic::new(scheme.place.clone(), d).hint("use http or https"));
    }
}

fn termination(t: &mut Tunnel, kind: Kind, cx: &mut Context) -> Termination {
    let pem = |at: At<_>| at.map(PemSource::File);
    let asked = t.terminate_at.take();
    let client_cas: Vec<_> = t.mutual_tls_cas.take().map(pem).into_iter().collect();
    let certificate = match (t.crt.take(), t.key.take()) {
        (Some(crt), Some(key)) => Some(KeyPair { certificate: pem(crt), key: pem(key) }),
        (None, None) => None,
        (Some(at), None) | (None, Some(at)) => {
            cx.error(&at.place, "crt and key need each other");
            None
        }
    };
    let at = match &asked {
        Some(at) => at.value,
        None if certificate.is_some() => TerminateAt::Edge,
        None => Termination::by_default(kind.default_scheme()).at,
    };
    if at == TerminateAt::Upstream {
        let needs = client_cas.first().map(|at| (&at.place, "mutual_tls_cas"));
        let needs = needs.or(certificate.as_ref().map(|c| (&c.certificate.place, "crt")));
        if let Some((place, key)) = needs {
            let message = format!("{key} has no meaning where the upstream ends TLS");
            let hint = "set terminate_at to agent or edge, or give crt and key";
            cx.fail(Diagnostic::new(place.clone(), message).hint(hint));
        }
    }
    Termination { at, certificate, client_cas }
}
