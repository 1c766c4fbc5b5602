//! From the options of a bind to links of a chain.
//!
//! Clients whose middleware runs at the edge send it with the bind; here it becomes the same links
//! that a file's `handlers:` would give.

use std::fmt;

use adit_chain::{LinkSpec, OnError};
use adit_proto::{
    ErrorText,
    message::{Bind, Proto},
    options::{
        BasicAuth, Headers, HttpOptions, IpRestriction, MutualTls, Policy, ProxyProto, TcpOptions,
        TlsOptions, TlsTermination,
    },
    secret::Secret,
};
use serde_json::{Value, json};

use crate::address::invalid;

/// What the options of a bind ask of the edge.
#[derive(Clone)]
pub(crate) struct Lowered {
    /// In the order in which visitors pass them.
    pub(crate) links: Vec<LinkSpec>,
    pub(crate) tls: Termination,
    pub(crate) proxy_proto: ProxyProto,
}

/// Options hold passwords and keys: only the kinds are printed.
impl fmt::Debug for Lowered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self.links.iter().map(|link| &link.kind).collect();
        f.debug_struct("Lowered").field("links", &kinds).field("tls", &self.tls).finish()
    }
}

impl PartialEq for Lowered {
    fn eq(&self, other: &Self) -> bool {
        let same = |(a, b): (&LinkSpec, &LinkSpec)| a.kind == b.kind && a.options == b.options;
        self.links.len() == other.links.len()
            && self.links.iter().zip(&other.links).all(same)
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
    absent("OAuth", opts.oauth.is_none())?;
    absent("OIDC", opts.oidc.is_none())?;
    absent("WebhookVerification", opts.webhook_verification.is_none())?;
    no_policy(opts.policy.as_ref(), &opts.traffic_policy)?;
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
    links.extend(opts.basic_auth.as_ref().map(basic_auth).transpose()?);
    if !opts.auth.is_empty() {
        links.push(link("basic-auth", json!({"credentials": [opts.auth.expose()]})));
    }
    if let Some(breaker) = &opts.circuit_breaker {
        links.push(link("circuit-breaker", json!({"error_threshold": breaker.error_threshold})));
    }
    if opts.websocket_tcp_converter.is_some() {
        links.push(link("websocket-tcp-converter", json!({})));
    }
    if opts.host_header_rewrite {
        links.push(link("host-header", json!({"value": "rewrite"})));
    }
    links.extend(opts.request_headers.as_ref().map(|h| headers("request-headers", h)));
    links.extend(opts.response_headers.as_ref().map(|h| headers("response-headers", h)));
    if opts.compression.is_some() {
        links.push(link("compression", json!({})));
    }
    let tls = if proto == Proto::Https { Termination::Here } else { Termination::None };
    Ok(Lowered { links, tls, proxy_proto: opts.proxy_proto })
}

fn tcp(opts: &TcpOptions) -> Result<Lowered, ErrorText> {
    no_policy(opts.policy.as_ref(), &opts.traffic_policy)?;
    let links = opts.ip_restriction.as_ref().map(ip_restriction).into_iter().collect();
    Ok(Lowered { links, tls: Termination::None, proxy_proto: opts.proxy_proto })
}

fn tls(opts: &TlsOptions) -> Result<Lowered, ErrorText> {
    no_policy(opts.policy.as_ref(), &opts.traffic_policy)?;
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
    Ok(Lowered { links, tls, proxy_proto: opts.proxy_proto })
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
        options
            .insert("server_certificate".into(), text("TLSTermination.cert", &own.cert.0)?.into());
        options.insert("server_private_key".into(), text("TLSTermination.key", &own.key.0)?.into());
    }
    if let Some((member, mutual)) = mutual {
        let authorities = vec![text(member, &mutual.mutual_tls_ca.0)?];
        options.insert("mutual_tls_certificate_authorities".into(), authorities.into());
    }
    Ok(link("terminate-tls", Value::Object(options)))
}

fn absent(member: &str, is_absent: bool) -> Result<(), ErrorText> {
    if is_absent {
        return Ok(());
    }
    Err(invalid(format!("{member} is not supported by this edge; remove it.")))
}

/// An empty policy is none: some clients write one where they have nothing to say.
fn no_policy(policy: Option<&Policy>, text: &Secret) -> Result<(), ErrorText> {
    let is_empty = policy.is_none_or(|p| p.inbound.is_empty() && p.outbound.is_empty());
    absent("Policy", is_empty)?;
    absent("TrafficPolicy", matches!(text.expose().trim(), "" | "{}" | "null"))
}

#[cfg(test)]
mod tests {
    use adit_proto::options::Options;

    use super::*;

    fn lowered(proto: Proto, opts: Value) -> Result<Lowered, String> {
        let bind = Bind::new(proto, Options::try_from(opts).unwrap());
        lower(&bind).map_err(|error| {
            assert_eq!(error.code(), Some(adit_proto::ErrorCode::BIND_INVALID));
            error.message().to_owned()
        })
    }

    fn specs(proto: Proto, opts: Value) -> Vec<(String, Value)> {
        lowered(proto, opts).unwrap().links.into_iter().map(|s| (s.kind, s.options)).collect()
    }

    #[test]
    fn middleware_becomes_links_in_the_order_of_the_path() {
        let opts = json!({
            "Compression": {}, "CircuitBreaker": {"error_threshold": 0.5},
            "IPRestriction": {"allow_cidrs": ["10.0.0.0/8"]},
            "BasicAuth": {"credentials": [
                {"username": "u", "cleartext_password": "p"},
                {"username": "h", "hashed_password": "JDJi"}]},
            "MutualTLSCA": {"mutual_tls_ca": "TUNB"},
            "RequestHeaders": {"add": ["x-a:b"], "remove": ["x-e"], "addParsed": {"x": "y"}},
            "ResponseHeaders": {"add": ["x-c:d"]}, "WebsocketTCPConverter": {},
            "UserAgentFilter": {"allow": ["a"], "deny": ["b"]}, "HostHeaderRewrite": true,
            "TrafficPolicy": "{}", "Policy": {"inbound": []},
        });
        let expected = [
            ("ip-restriction", json!({"allow": ["10.0.0.0/8"], "deny": []})),
            ("terminate-tls", json!({"mutual_tls_certificate_authorities": ["MCA"]})),
            ("user-agent-filter", json!({"allow": ["a"], "deny": ["b"]})),
            (
                "basic-auth",
                json!({"credentials": [
                {"username": "u", "password": "p"}, {"username": "h", "hashed": "$2b"}]}),
            ),
            ("circuit-breaker", json!({"error_threshold": 0.5})),
            ("websocket-tcp-converter", json!({})),
            ("host-header", json!({"value": "rewrite"})),
            ("request-headers", json!({"add": ["x-a:b", "x:y"], "remove": ["x-e"]})),
            ("response-headers", json!({"add": ["x-c:d"], "remove": []})),
            ("compression", json!({})),
        ];
        let expected: Vec<_> = expected.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        assert_eq!(specs(Proto::Https, opts), expected);
    }

    #[test]
    fn what_this_edge_cannot_do_is_refused_by_name() {
        for (member, value) in [
            ("OAuth", json!({"provider": "google"})),
            ("OIDC", json!({"issuer_url": "https://i"})),
            ("WebhookVerification", json!({"provider": "github"})),
            ("TrafficPolicy", json!("on_http_request: []")),
            ("Policy", json!({"inbound": [{"name": "n"}]})),
        ] {
            let error = lowered(Proto::Http, json!({member: value})).unwrap_err();
            assert_eq!(error, format!("{member} is not supported by this edge; remove it."));
        }
        let sealed = json!({"TLSTermination": {"sealed_key": "AAAA"}});
        assert!(lowered(Proto::Tls, sealed).unwrap_err().starts_with("TLSTermination.sealed_key"));
    }

    #[test]
    fn tls_ends_where_the_bind_says() {
        let tls = |opts| lowered(Proto::Tls, opts).unwrap();
        assert_eq!(tls(json!({"TLSTermination": null})).tls, Termination::Pass);
        let own = tls(json!({"TLSTermination": {}, "ProxyProto": 2}));
        assert_eq!((own.tls, own.links.len()), (Termination::Here, 0));
        assert_eq!(own.proxy_proto, ProxyProto::V2);
        let pair =
            specs(Proto::Tls, json!({"TLSTermination": {"cert": "Q0VSVA==", "key": "S0VZ"}}));
        let options = json!({"server_certificate": "CERT", "server_private_key": "KEY"});
        assert_eq!(pair, [("terminate-tls".to_owned(), options)]);
        let error = lowered(Proto::Tls, json!({"MutualTLSAtEdge": {"mutual_tls_ca": "TUNB"}}));
        assert!(error.unwrap_err().starts_with("MutualTLSAtEdge needs"));
    }

    #[test]
    fn a_legacy_login_is_basic_auth() {
        let login = specs(Proto::Http, json!({"Auth": "u:p"}));
        assert_eq!(login, [("basic-auth".to_owned(), json!({"credentials": ["u:p"]}))]);
    }
}
