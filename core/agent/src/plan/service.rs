//! The upstream of a plan.

use std::sync::Arc;

use adit_config::{
    UpstreamAddr,
    addr::HostPort,
    endpoint::{ProxyProtocol, Upstream},
    file,
};
use adit_net::{proxy_protocol::Version, tls};
use adit_runtime::HttpVersion;
use rustls::ClientConfig;

use crate::{
    EndpointSpec, PlanError, error,
    files::Files,
    upstream::{Service, ServiceTls, Target},
};

/// The upstream that a spec names. Reads files.
pub(super) fn service(spec: &EndpointSpec) -> Result<Service, PlanError> {
    let upstream = &spec.upstream;
    let place = &upstream.addr.place;
    let addr = &upstream.addr.value;
    addr.check_dir().map_err(|e| PlanError::new(place, e.to_string()))?;
    let tcp = |addr: &HostPort| Target::Tcp { host: addr.host.clone(), port: addr.port };
    let target = match addr {
        UpstreamAddr::Files { dir } => Target::Files(Files::new(dir.clone())),
        UpstreamAddr::Unix { path } => Target::Unix(path.clone()),
        UpstreamAddr::Http(addr)
        | UpstreamAddr::Https(addr)
        | UpstreamAddr::Tls(addr)
        | UpstreamAddr::Tcp { addr, .. } => tcp(addr),
        other => {
            return Err(PlanError::new(place, format!("{other} is no upstream of this agent")));
        }
    };
    let http_version = match upstream.protocol {
        file::HttpVersion::Http1 => HttpVersion::Http1,
        file::HttpVersion::Http2 => HttpVersion::Http2,
    };
    let tls = match addr {
        UpstreamAddr::Https(addr) => {
            // Only what will be spoken is offered: a service without it says so in the handshake.
            let alpn = match http_version {
                HttpVersion::Http1 => tls::ALPN_HTTP1,
                HttpVersion::Http2 => tls::ALPN_H2,
            };
            Some(service_tls(upstream, addr, &[alpn])?)
        }
        UpstreamAddr::Tls(addr) => Some(service_tls(upstream, addr, &[])?),
        _ => None,
    };
    let proxy_header = match upstream.proxy_protocol {
        ProxyProtocol::None => None,
        ProxyProtocol::V1 => Some(Version::V1),
        ProxyProtocol::V2 => Some(Version::V2),
    };
    let display: Arc<str> = addr.to_string().into();
    let address = addr.host_port().map_or_else(|| Arc::clone(&display), |a| a.to_string().into());
    Ok(Service { target, display, address, tls, http_version, proxy_header })
}

fn service_tls(
    upstream: &Upstream,
    addr: &HostPort,
    alpn: &[&[u8]],
) -> Result<ServiceTls, PlanError> {
    let place = &upstream.addr.place;
    let name = tls::server_name(&addr.host).map_err(|e| PlanError::new(place, e.to_string()))?;
    Ok(ServiceTls { config: trust(upstream, alpn)?, name })
}

/// Off by default: the service is the user's own, near, and its certificate rarely has a name that
/// could be verified.
fn trust(upstream: &Upstream, alpn: &[&[u8]]) -> Result<Arc<ClientConfig>, PlanError> {
    let (roots, place) = match &upstream.tls_verify_cas {
        Some(path) => (tls::Roots::File(path.value.clone()), &path.place),
        None if upstream.tls_verify => (tls::Roots::Host, &upstream.addr.place),
        None => return Ok(tls::client::unverified(alpn)),
    };
    let store = roots.load().map_err(|e| PlanError::new(place, &*error::chain(&e)))?;
    Ok(tls::client::verified(store, alpn))
}

/// What an HTTP upstream expects in `Host`; the port is left out when it is the scheme's default.
pub(super) fn host(addr: &UpstreamAddr) -> Option<String> {
    let (addr, default) = match addr {
        UpstreamAddr::Http(addr) => (addr, 80),
        UpstreamAddr::Https(addr) => (addr, 443),
        UpstreamAddr::Unix { .. } => return Some("localhost".to_owned()),
        _ => return None,
    };
    let text = addr.to_string();
    match text.strip_suffix(&format!(":{default}")) {
        Some(host) if addr.port == default => Some(host.to_owned()),
        _ => Some(text),
    }
}
