//! Which names this service answers to.
//!
//! A web page that a browser shows can make a name of its own lead to 127.0.0.1 and then talk to
//! whatever listens there as to its own origin. The `Host` header still says that name, so requests
//! under names that are not ours are refused, whatever they ask for.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use http::{HeaderMap, Uri, Version, header::HOST, uri::Authority};
use ipnet::IpNet;

use crate::control::Control;

/// How a request may be treated, by the name that it came under.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// All of it.
    Full,
    /// Under the name of an endpoint, which leads here: from the public. It may look.
    ReadOnly,
    /// None of it; the host that it named.
    Refused(String),
}

/// The names.
pub(super) struct HostRule {
    is_local: bool,
    allowed: Vec<Allowed>,
}

/// One entry of `web_allow_hosts`.
enum Allowed {
    Ip(IpAddr),
    Name(String),
    Net(IpNet),
    /// With the dot in front.
    Suffix(String),
}

impl HostRule {
    /// The rule of a listener.
    pub(super) fn new(listener: SocketAddr, allow_hosts: &[String]) -> Self {
        let allowed = allow_hosts.iter().map(|entry| Allowed::of(entry)).collect();
        Self { is_local: is_loopback(listener.ip()), allowed }
    }

    /// Judges a request.
    pub(super) fn admit(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        version: Version,
        control: &dyn Control,
    ) -> Admission {
        let mut hosts = headers.get_all(HOST).iter();
        let host = match (uri.authority(), hosts.next(), hosts.next()) {
            // Fact: RFC 9112, section 3.2.2: the target goes before the header.
            (Some(authority), ..) => authority.as_str(),
            (None, Some(host), None) => match host.to_str() {
                Ok(host) => host,
                Err(_) => return Admission::Refused(lossy(host.as_bytes())),
            },
            // No browser is as old as that; some health checks are.
            (None, None, None) if version == Version::HTTP_10 => return Admission::Full,
            _ => return Admission::Refused(String::new()),
        };
        let Some(name) = without_port(host) else {
            return Admission::Refused(lossy(host.as_bytes()));
        };
        if self.is_ours(&name) {
            Admission::Full
        } else if control.is_online_host(&name) {
            Admission::ReadOnly
        } else {
            Admission::Refused(lossy(host.as_bytes()))
        }
    }

    fn is_ours(&self, name: &str) -> bool {
        let ip = name.parse::<IpAddr>().ok();
        if name == "localhost" || ip.is_some_and(is_loopback) {
            return true;
        }
        if self.allowed.is_empty() {
            return !self.is_local;
        }
        self.allowed.iter().any(|allowed| allowed.matches(name, ip))
    }
}

impl fmt::Debug for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostRule({} entries)", self.allowed.len())
    }
}

impl Allowed {
    fn of(entry: &str) -> Self {
        let entry = entry.trim().to_ascii_lowercase();
        let bare = entry.strip_prefix('[').and_then(|e| e.strip_suffix(']')).unwrap_or(&entry);
        if let Ok(ip) = bare.parse() {
            Self::Ip(ip)
        } else if let Ok(net) = bare.parse() {
            Self::Net(net)
        } else if entry.starts_with('.') {
            Self::Suffix(entry)
        } else {
            Self::Name(entry)
        }
    }

    fn matches(&self, name: &str, ip: Option<IpAddr>) -> bool {
        match self {
            Self::Ip(allowed) => ip == Some(*allowed),
            Self::Name(allowed) => name == allowed,
            Self::Net(net) => ip.is_some_and(|ip| net.contains(&ip)),
            Self::Suffix(suffix) => name.len() > suffix.len() && name.ends_with(suffix.as_str()),
        }
    }
}

/// The name in lower case, without port, brackets and the dot of the root.
fn without_port(host: &str) -> Option<String> {
    let authority: Authority = host.parse().ok()?;
    if authority.as_str().contains('@') {
        return None;
    }
    let name = authority.host();
    let port = authority.as_str().strip_prefix(name)?;
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    if !(port.is_empty() || port.strip_prefix(':').is_some_and(is_port)) {
        return None;
    }
    let name = name.strip_prefix('[').and_then(|n| n.strip_suffix(']')).unwrap_or(name);
    let name = name.strip_suffix('.').unwrap_or(name);
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// What a person may be shown of it.
fn lossy(host: &[u8]) -> String {
    let shown = host.get(..256).unwrap_or(host);
    shown.iter().map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '?' }).collect()
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
