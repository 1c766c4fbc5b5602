//! From the options of a bind to links of a chain.
//!
//! Clients whose middleware runs at the edge send it with the bind; here it becomes the same links
//! that a file's `handlers:` would give.

pub(crate) mod policy;

use std::fmt;

use adit_chain::{LinkSpec, OnError};
use adit_config::HandlerSpec;
use adit_proto::{
    ErrorText,
    message::{Bind, Proto},
    options::{
        BasicAuth, Headers, HttpOptions, IpRestriction, MutualTls, ProxyProto, TcpOptions,
        TlsOptions, TlsTermination,
    },
};
use serde_json::{Value, json};

use self::policy::document;
use crate::address::invalid;

/// The handler that terminates TLS, and its option that holds a certificate.
const TERMINATE: &str = "terminate-tls";
const OWN_CERTIFICATE: &str = "server_certificate";

/// What the options of a bind ask of the edge.
#[derive(Clone)]
pub(crate) struct Lowered {
    /// In the order in which visitors pass them.
    pub(crate) links: Vec<LinkSpec>,
    /// The traffic policy, which visitors pass behind them.
    pub(crate) policy: Option<HandlerSpec>,
    /// What ends the chain.
    pub(crate) last: Option<LinkSpec>,
    pub(crate) tls: Termination,
    pub(crate) proxy_proto: ProxyProto,
}

/// Options hold passwords and keys: only the kinds are printed.
impl fmt::Debug for Lowered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self.links.iter().map(|link| &link.kind).collect();
        let mut out = f.debug_struct("Lowered");
        out.field("links", &kinds).field("policy", &self.policy).field("tls", &self.tls).finish()
    }
}

impl Lowered {
    /// Whether the agent sent a certificate for the edge to show.
    pub(crate) fn brings_certificate(&self) -> bool {
        self.links
            .iter()
            .any(|link| link.kind == TERMINATE && link.options.get(OWN_CERTIFICATE).is_some())
    }
}

impl PartialEq for Lowered {
    fn eq(&self, other: &Self) -> bool {
        let same = |(a, b): (&LinkSpec, &LinkSpec)| a.kind == b.kind && a.options == b.options;
        let document =
            |lowered: &Self| lowered.policy.as_ref().map(|policy| policy.options.clone());
        self.links.len() == other.links.len()
            && self.links.iter().zip(&other.links).all(same)
            && document(self) == document(other)
            && self.last.is_some() == other.last.is_some()
            && self.tls == other.tls
            && self.proxy_proto == other.proxy_proto
    }
}

/// Where TLS ends when no link says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Termination {
    /// There is none.
    None,
    /// Here, with the edge's certificate.
    Here,
    /// At the agent or behind it.
    Pass,
}

/// Reads the options of a bind.
pub(crate) fn lower(bind: &Bind) -> Result<Lowered, ErrorText> {
    let decode = |error: adit_proto::json::DecodeError| invalid(format!("Opts: {error}."));
    match bind.proto {
        Proto::Http | Proto::Https => http(bind.proto, &bind.opts.http().map_err(decode)?),
        Proto::Tcp => tcp(&bind.opts.tcp().map_err(decode)?),
        Proto::Tls => tls(&bind.opts.tls().map_err(decode)?),
    }
}

fn http(proto: Proto, opts: &HttpOptions) -> Result<Lowered, ErrorText> {
    let policy = document(opts.policy.as_ref(), &opts.traffic_policy)?;
    let mut links = Vec::new();
    links.extend(opts.ip_restriction.as_ref().map(ip_restriction));
    if let Some(mutual) = &opts.mutual_tls_ca {
        if proto == Proto::Http {
            return Err(invalid("MutualTLSCA needs an https endpoint."));
        }
        links.push(terminate(None, Some(("MutualTLSCA", mutual)))?);
    }
    if let Some(filter) = &opts.user_agent_filter {
        links.push(link("user-agent-filter", json!({"allow": filter.allow, "deny": filter.deny})));
    }
    let mut providers = policy::providers(opts)?;
    // Signatures are checked before passwords, and logins come in the place of these.
    links.extend(providers.signatures.take());
    links.extend(opts.basic_auth.as_ref().map(basic_auth).transpose()?);
    if !opts.auth.is_empty() {
        links.push(link("basic-auth", json!({"credentials": [opts.auth.expose()]})));
    }
    links.append(&mut providers.logins);
    if let Some(breaker) = &opts.circuit_breaker {
        links.push(link("circuit-breaker", json!({"error_threshold": breaker.error_threshold})));
    }
    // Before the changes of headers, as at an agent: responses pass the list backwards.
    if opts.compression.is_some() {
        links.push(link("compression", json!({})));
    }
    if opts.host_header_rewrite {
        links.push(link("host-header", json!({"value": "rewrite"})));
    }
    links.extend(opts.request_headers.as_ref().map(|h| headers("request-headers", h)));
    links.extend(opts.response_headers.as_ref().map(|h| headers("response-headers", h)));
    let tls = if proto == Proto::Https { Termination::Here } else { Termination::None };
    // It must not hide anything behind it.
    let last = opts.websocket_tcp_converter.map(|_| link("websocket-tcp-converter", json!({})));
    Ok(Lowered { links, policy, last, tls, proxy_proto: opts.proxy_proto })
}

fn tcp(opts: &TcpOptions) -> Result<Lowered, ErrorText> {
    let policy = document(opts.policy.as_ref(), &opts.traffic_policy)?;
    let links = opts.ip_restriction.as_ref().map(ip_restriction).into_iter().collect();
    let tls = Termination::None;
    Ok(Lowered { links, policy, last: None, tls, proxy_proto: opts.proxy_proto })
}

fn tls(opts: &TlsOptions) -> Result<Lowered, ErrorText> {
    let policy = document(opts.policy.as_ref(), &opts.traffic_policy)?;
    let mut links: Vec<_> = opts.ip_restriction.as_ref().map(ip_restriction).into_iter().collect();
    let mutual = opts.mutual_tls_at_edge.as_ref().map(|mutual| ("MutualTLSAtEdge", mutual));
    let tls = match &opts.tls_termination {
        None if mutual.is_some() => {
            return Err(invalid(
                "MutualTLSAtEdge needs TLSTermination: the edge passes TLS through.",
            ));
        }
        None => Termination::Pass,
        Some(termination) => {
            absent("TLSTermination.sealed_key", termination.sealed_key.is_empty())?;
            let own = !termination.cert.is_empty() || !termination.key.is_empty();
            if own || mutual.is_some() {
                links.push(terminate(own.then_some(termination), mutual)?);
            }
            Termination::Here
        }
    };
    Ok(Lowered { links, policy, last: None, tls, proxy_proto: opts.proxy_proto })
}

fn link(kind: &str, options: Value) -> LinkSpec {
    LinkSpec { kind: kind.to_owned(), options, on_error: OnError::Deny }
}

fn ip_restriction(restriction: &IpRestriction) -> LinkSpec {
    let options = json!({"allow": restriction.allow_cidrs, "deny": restriction.deny_cidrs});
    link("ip-restriction", options)
}

fn basic_auth(auth: &BasicAuth) -> Result<LinkSpec, ErrorText> {
    let credentials: Vec<Value> = auth
        .credentials
        .iter()
        .map(|one| {
            if one.hashed_password.is_empty() {
                let password = one.cleartext_password.expose();
                return Ok(json!({"username": one.username, "password": password}));
            }
            let hashed = std::str::from_utf8(&one.hashed_password.0)
                .map_err(|_| invalid("BasicAuth: a hashed_password is not the text of a hash."))?;
            Ok(json!({"username": one.username, "hashed": hashed}))
        })
        .collect::<Result<_, ErrorText>>()?;
    Ok(link("basic-auth", json!({"credentials": credentials})))
}

fn headers(kind: &str, headers: &Headers) -> LinkSpec {
    let parsed = headers.add_parsed.iter().map(|(name, value)| format!("{name}:{value}"));
    let add: Vec<String> = headers.add.iter().cloned().chain(parsed).collect();
    link(kind, json!({"add": add, "remove": headers.remove}))
}

fn terminate(
    own: Option<&TlsTermination>,
    mutual: Option<(&str, &MutualTls)>,
) -> Result<LinkSpec, ErrorText> {
    let text = |member: &str, bytes: &[u8]| {
        String::from_utf8(bytes.to_vec()).map_err(|_| invalid(format!("{member} is not PEM text.")))
    };
    let mut options = serde_json::Map::new();
    if let Some(own) = own {
        options.insert(OWN_CERTIFICATE.into(), text("TLSTermination.cert", &own.cert.0)?.into());
        options.insert("server_private_key".into(), text("TLSTermination.key", &own.key.0)?.into());
    }
    if let Some((member, mutual)) = mutual {
        let authorities = vec![text(member, &mutual.mutual_tls_ca.0)?];
        options.insert("mutual_tls_certificate_authorities".into(), authorities.into());
    }
    Ok(link(TERMINATE, Value::Object(options)))
}

fn absent(member: &str, is_absent: bool) -> Result<(), ErrorText> {
    if is_absent {
        return Ok(());
    }
    Err(invalid(format!("{member} is not supported by this edge; remove it.")))
}

#[cfg(test)]
mod tests;
