//! What is asked of the edge: the options of a bind.
//!
//! Handlers run at the agent, so the options stay empty of them. What only the edge can do stands
//! there: the address, the PROXY header, TLS that ends at the edge, whose certificates visitors must
//! have then, and a traffic policy that is enforced there.

use adit_config::{
    At, EndpointUrl,
    endpoint::{Address, KeyPair, PemSource, ProxyProtocol},
    endpoint_url::{Kind, Scheme},
    file::HttpVersion,
};
use adit_proto::{
    ErrorCode,
    message::{Bind, BindExtra, MAX_LABELS, MAX_METADATA_LEN, Proto, StartTunnelWithLabel},
    options::{self, HttpOptions, MutualTls, Options, TcpOptions, TlsOptions, TlsTermination},
    secret::{Base64, Secret},
};

use super::{Request, Tls, requested};
use crate::{EndpointSpec, PlanError};

/// Longest description: it is a line in lists.
const MAX_DESCRIPTION_LEN: usize = 255;

/// What is asked of the edge. Reads certificates.
pub(super) fn request(spec: &EndpointSpec, tls: Tls) -> Result<Request, PlanError> {
    if spec.metadata.len() > MAX_METADATA_LEN {
        let text = format!("metadata has more than {MAX_METADATA_LEN} bytes; shorten it");
        return Err(PlanError::new(&spec.place, text).with_code(ErrorCode::BIND_INVALID));
    }
    if spec.description.len() > MAX_DESCRIPTION_LEN {
        let text = format!("description has more than {MAX_DESCRIPTION_LEN} bytes; shorten it");
        return Err(PlanError::new(&spec.place, text).with_code(ErrorCode::BIND_INVALID));
    }
    let forwards_to = spec.upstream.addr.value.to_string();
    let forwards_proto = match (spec.kind, spec.upstream.protocol) {
        (Kind::Http, HttpVersion::Http1) => "http1",
        (Kind::Http, HttpVersion::Http2) => "http2",
        (Kind::Tcp | Kind::Tls, _) => "",
    };
    if let Address::Labels(labels) = &spec.address {
        if labels.len() > MAX_LABELS {
            let text = format!("more than {MAX_LABELS} labels; remove some");
            return Err(PlanError::new(&spec.place, text).with_code(ErrorCode::BIND_INVALID));
        }
        return Ok(Request::Labelled(StartTunnelWithLabel {
            labels: labels.iter().cloned().collect(),
            forwards_to,
            forwards_proto: forwards_proto.to_owned(),
            metadata: spec.metadata.clone(),
        }));
    }
    let scheme = spec.scheme().unwrap_or_else(|| spec.kind.default_scheme());
    let (proto, opts) = match (scheme, tls) {
        (Scheme::Tcp, _) => (Proto::Tcp, Options::from_typed(&tcp(spec))),
        (Scheme::Http, _) => {
            in_the_clear(spec)?;
            (Proto::Http, Options::from_typed(&http(spec)?))
        }
        (Scheme::Https, Tls::Ended) => (Proto::Https, Options::from_typed(&http(spec)?)),
        // Only as TLS does the edge pass it on untouched.
        (Scheme::Https | Scheme::Tls, _) => {
            (Proto::Tls, Options::from_typed(&tls_opts(spec, tls)?))
        }
    };
    let mut bind = Bind::new(proto, opts);
    bind.forwards_to = forwards_to;
    bind.forwards_proto = forwards_proto.to_owned();
    bind.extra = BindExtra {
        name: spec.name.clone(),
        metadata: spec.metadata.clone(),
        description: spec.description.clone(),
        bindings: spec.binding.iter().map(ToString::to_string).collect(),
        pooling_enabled: spec.pooling_enabled,
        ..BindExtra::default()
    };
    Ok(Request::Bind(bind))
}

/// Served without TLS, an endpoint that asks for certificates would let everybody in.
fn in_the_clear(spec: &EndpointSpec) -> Result<(), PlanError> {
    let Some(authority) = spec.tls.client_cas.first() else { return Ok(()) };
    let text = "visitors show certificates over TLS only; leave http out of its schemes";
    Err(PlanError::new(&authority.place, text).with_code(ErrorCode::BIND_INVALID))
}

fn http(spec: &EndpointSpec) -> Result<HttpOptions, PlanError> {
    if let Some(pair) = &spec.tls.certificate {
        let text = "the edge ends the TLS of this endpoint with its own certificate; \
                    use terminate_at: agent to end it with this one";
        return Err(PlanError::new(&pair.certificate.place, text));
    }
    let url = requested(&spec.address);
    Ok(HttpOptions {
        url: url.map(ToString::to_string).unwrap_or_default(),
        domain: host(url),
        subdomain: subdomain(&spec.address),
        local_url_scheme: local_scheme(spec).to_owned(),
        proxy_proto: proxy_proto(spec.upstream.proxy_protocol),
        mutual_tls_ca: client_cas(spec)?,
        traffic_policy: policy(spec),
        ..HttpOptions::default()
    })
}

fn tcp(spec: &EndpointSpec) -> TcpOptions {
    let url = requested(&spec.address);
    let addr = url.filter(|url| url.host.is_some()).map(ToString::to_string);
    TcpOptions {
        url: url.map(ToString::to_string).unwrap_or_default(),
        addr: addr.as_deref().and_then(|a| a.strip_prefix("tcp://")).unwrap_or_default().to_owned(),
        proxy_proto: proxy_proto(spec.upstream.proxy_protocol),
        traffic_policy: policy(spec),
        ..TcpOptions::default()
    }
}

fn tls_opts(spec: &EndpointSpec, tls: Tls) -> Result<TlsOptions, PlanError> {
    let url = requested(&spec.address).cloned();
    let url = url.map(|url| EndpointUrl { scheme: Scheme::Tls, ..url });
    let (at_edge, termination) = match tls {
        Tls::Ended => (client_cas(spec)?, Some(termination(spec.tls.certificate.as_ref())?)),
        Tls::EndsHere | Tls::Passes => (None, None),
    };
    Ok(TlsOptions {
        domain: host(url.as_ref()),
        url: url.map(|url| url.to_string()).unwrap_or_default(),
        subdomain: subdomain(&spec.address),
        proxy_proto: proxy_proto(spec.upstream.proxy_protocol),
        mutual_tls_at_agent: tls == Tls::EndsHere && !spec.tls.client_cas.is_empty(),
        mutual_tls_at_edge: at_edge,
        tls_termination: termination,
        traffic_policy: policy(spec),
        ..TlsOptions::default()
    })
}

fn termination(pair: Option<&KeyPair>) -> Result<TlsTermination, PlanError> {
    let Some(pair) = pair else { return Ok(TlsTermination::default()) };
    let cert = Base64(read(&pair.certificate)?.into_bytes());
    let key = Base64(read(&pair.key)?.into_bytes());
    Ok(TlsTermination { cert, key, ..TlsTermination::default() })
}

fn client_cas(spec: &EndpointSpec) -> Result<Option<MutualTls>, PlanError> {
    if spec.tls.client_cas.is_empty() {
        return Ok(None);
    }
    let pems: Vec<String> = spec.tls.client_cas.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Some(MutualTls { mutual_tls_ca: Base64(pems.join("\n").into_bytes()) }))
}

fn read(pem: &At<PemSource>) -> Result<String, PlanError> {
    // The error names the file.
    let unreadable = |error| format!("could not read a PEM file: {error}");
    pem.value.read().map_err(|error| PlanError::new(&pem.place, unreadable(error)))
}

/// The policy that the edge enforces, as the text that edges take.
fn policy(spec: &EndpointSpec) -> Secret {
    let document = spec.edge_policy.as_ref().map(|policy| policy.options.to_string());
    document.unwrap_or_default().into()
}

fn host(url: Option<&EndpointUrl>) -> String {
    url.and_then(|url| url.host.clone()).unwrap_or_default()
}

fn subdomain(address: &Address) -> String {
    match address {
        Address::Subdomain { name, .. } => name.value.clone(),
        Address::Labels(_) | Address::Urls(_) => String::new(),
    }
}

fn local_scheme(spec: &EndpointSpec) -> &'static str {
    match spec.upstream.addr.value {
        adit_config::UpstreamAddr::Https(_) => "https",
        _ => "http",
    }
}

fn proxy_proto(version: ProxyProtocol) -> options::ProxyProto {
    match version {
        ProxyProtocol::None => options::ProxyProto::None,
        ProxyProtocol::V1 => options::ProxyProto::V1,
        ProxyProtocol::V2 => options::ProxyProto::V2,
    }
}
