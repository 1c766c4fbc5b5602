//! Typed views of the options, one per kind of address.

use serde::{Deserialize, Serialize, de};

use super::middleware::{
    BasicAuth, CircuitBreaker, Compression, Headers, IpRestriction, MutualTls, OAuth, Oidc, Policy,
    TlsTermination, UserAgentFilter, WebhookVerification, WebsocketTcpConverter,
};
use crate::secret::Secret;

/// Which PROXY header the edge writes in front of the proxied bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProxyProto {
    /// None.
    #[default]
    None,
    /// The text form.
    V1,
    /// The binary form.
    V2,
}

impl Serialize for ProxyProto {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(match self {
            Self::None => 0,
            Self::V1 => 1,
            Self::V2 => 2,
        })
    }
}

impl<'de> Deserialize<'de> for ProxyProto {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match i64::deserialize(deserializer)? {
            0 => Ok(Self::None),
            1 => Ok(Self::V1),
            2 => Ok(Self::V2),
            _ => Err(de::Error::custom("must be 0, 1 or 2")),
        }
    }
}

/// Options of `http` and `https` addresses. Empty and `None` mean: not asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HttpOptions {
    /// Requested URL: `https://host`, `https://` or empty. The only address member that Go fills.
    #[serde(rename = "URL", skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// Requested host. The member that Rust fills.
    pub domain: String,
    /// Legacy; in an answer, the chosen host.
    pub hostname: String,
    /// Legacy: `user:password`.
    pub auth: Secret,
    /// Requested name below the edge's base domain.
    pub subdomain: String,
    /// Legacy: the `Host` header follows the upstream.
    pub host_header_rewrite: bool,
    /// Scheme of the upstream. Fact: `LocalURLScheme` in Go, `LocalUrlScheme` in Rust.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub local_url_scheme: String,
    /// PROXY header.
    pub proxy_proto: ProxyProto,
    /// Compress responses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// Refuse when the upstream fails too often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub circuit_breaker: Option<CircuitBreaker>,
    /// Who may connect.
    #[serde(rename = "IPRestriction", skip_serializing_if = "Option::is_none")]
    pub ip_restriction: Option<IpRestriction>,
    /// Ask for a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
    /// Ask for a login elsewhere.
    #[serde(rename = "OAuth", skip_serializing_if = "Option::is_none")]
    pub oauth: Option<OAuth>,
    /// Ask for a login at a named issuer.
    #[serde(rename = "OIDC", skip_serializing_if = "Option::is_none")]
    pub oidc: Option<Oidc>,
    /// Check the signature of webhooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_verification: Option<WebhookVerification>,
    /// Ask visitors for a certificate.
    #[serde(rename = "MutualTLSCA", skip_serializing_if = "Option::is_none")]
    pub mutual_tls_ca: Option<MutualTls>,
    /// Change request headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_headers: Option<Headers>,
    /// Change response headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_headers: Option<Headers>,
    /// Unwrap WebSocket messages to bytes.
    #[serde(rename = "WebsocketTCPConverter", skip_serializing_if = "Option::is_none")]
    pub websocket_tcp_converter: Option<WebsocketTcpConverter>,
    /// Which programs may connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent_filter: Option<UserAgentFilter>,
    /// Legacy rules in structured form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// A policy as JSON or YAML text. It may hold secrets.
    pub traffic_policy: Secret,
}

/// Options of `tcp` addresses. Empty and `None` mean: not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TcpOptions {
    /// Requested URL: `tcp://host:port`, `tcp://` or empty. The member that Go fills.
    #[serde(rename = "URL", skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// Requested `host:port`; in an answer, the chosen one.
    pub addr: String,
    /// PROXY header.
    pub proxy_proto: ProxyProto,
    /// Who may connect.
    #[serde(rename = "IPRestriction", skip_serializing_if = "Option::is_none")]
    pub ip_restriction: Option<IpRestriction>,
    /// Legacy rules in structured form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// A policy as JSON or YAML text. It may hold secrets.
    pub traffic_policy: Secret,
}

/// Options of `tls` addresses. Empty and `None` mean: not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TlsOptions {
    /// Requested URL: `tls://host`, `tls://` or empty. The only address member that Go fills.
    #[serde(rename = "URL", skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// Requested host. The member that Rust fills.
    pub domain: String,
    /// Legacy; in an answer, the chosen host.
    pub hostname: String,
    /// Requested name below the edge's base domain.
    pub subdomain: String,
    /// PROXY header.
    pub proxy_proto: ProxyProto,
    /// The agent asks visitors for a certificate.
    #[serde(rename = "MutualTLSAtAgent")]
    pub mutual_tls_at_agent: bool,
    /// The edge asks visitors for a certificate.
    #[serde(rename = "MutualTLSAtEdge", skip_serializing_if = "Option::is_none")]
    pub mutual_tls_at_edge: Option<MutualTls>,
    /// `None`: the edge passes TLS through; else it ends there.
    #[serde(rename = "TLSTermination", skip_serializing_if = "Option::is_none")]
    pub tls_termination: Option<TlsTermination>,
    /// Who may connect.
    #[serde(rename = "IPRestriction", skip_serializing_if = "Option::is_none")]
    pub ip_restriction: Option<IpRestriction>,
    /// Legacy rules in structured form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// A policy as JSON or YAML text. It may hold secrets.
    pub traffic_policy: Secret,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::super::{BasicAuthCredential, Options};
    use super::*;
    use crate::secret::Base64;

    /// As the Rust client 0.19.0 writes it.
    const RUST_EXAMPLE: &str = concat!(
        r#"{"Domain":"dom.example","Hostname":"","Auth":"","Subdomain":"","HostHeaderRewrite":false,"#,
        r#""LocalUrlScheme":null,"ProxyProto":2,"Compression":{},"#,
        r#""CircuitBreaker":{"error_threshold":0.5},"#,
        r#""IPRestriction":{"allow_cidrs":["10.0.0.0/8"],"deny_cidrs":["1.2.3.4/32"]},"#,
        r#""BasicAuth":{"credentials":[{"username":"user","cleartext_password":"password"}]},"#,
        r#""OAuth":{"provider":"google","allow_emails":["a@b.c"],"scopes":["s"]},"#,
        r#""OIDC":{"issuer_url":"https://i","client_id":"id","client_secret":"sec","#,
        r#""allow_domains":["d"]},"WebhookVerification":{"provider":"github","secret":"sec"},"#,
        r#""MutualTLSCA":{"mutual_tls_ca":"TUNB"},"#,
        r#""RequestHeaders":{"add":["x-a:b"],"remove":["x-e"]},"#,
        r#""ResponseHeaders":{"add":["x-c:d"]},"WebsocketTCPConverter":{},"#,
        r#""UserAgentFilter":{"allow":["a"],"deny":["b"]},"TrafficPolicy":"{}"}"#
    );

    fn options(text: &str) -> Options {
        Options::try_from(serde_json::from_str::<serde_json::Value>(text).unwrap()).unwrap()
    }

    #[test]
    fn every_member_that_rust_sends_is_seen() {
        let http = options(RUST_EXAMPLE).http().unwrap();
        assert_eq!((http.domain.as_str(), http.proxy_proto), ("dom.example", ProxyProto::V2));
        assert_eq!(http.local_url_scheme, "");
        assert_eq!(http.compression, Some(Compression {}));
        assert_eq!(http.circuit_breaker.as_ref().unwrap().error_threshold, 0.5);
        assert_eq!(http.ip_restriction.as_ref().unwrap().deny_cidrs, ["1.2.3.4/32"]);
        let login = BasicAuthCredential {
            username: "user".into(),
            cleartext_password: "password".into(),
            hashed_password: Base64::default(),
        };
        assert_eq!(http.basic_auth.as_ref().unwrap().credentials, [login]);
        assert_eq!(http.oauth.as_ref().unwrap().provider, "google");
        assert_eq!(http.oidc.as_ref().unwrap().client_secret.expose(), "sec");
        assert_eq!(http.mutual_tls_ca.as_ref().unwrap().mutual_tls_ca.0, b"MCA");
        assert_eq!(http.request_headers.as_ref().unwrap().remove, ["x-e"]);
        assert_eq!(http.user_agent_filter.as_ref().unwrap().allow, ["a"]);
        assert_eq!(http.traffic_policy.expose(), "{}");
    }

    #[test]
    fn what_rust_sends_is_written_alike() {
        let mut sent = options(RUST_EXAMPLE).as_map().clone();
        sent.remove("LocalUrlScheme");
        let http = options(RUST_EXAMPLE).http().unwrap();
        assert_eq!(Options::from_typed(&http).as_map(), &sent);
    }

    #[test]
    fn bytes_and_legacy_rules_of_go_are_seen() {
        let http = options(concat!(
            r#"{"LocalURLScheme":"https","BasicAuth":{"credentials":[{"hashed_password":"AQL/"}]},"#,
            r#""RequestHeaders":{"addParsed":{"x":"y"}},"#,
            r#""Policy":{"inbound":[{"name":"n","actions":[{"type":"deny","config":"e30="}]}]},"#,
            r#""TrafficPolicy":"\u003c\u0026\u003e"}"#
        ));
        let http = http.http().unwrap();
        assert_eq!(http.local_url_scheme, "https");
        assert_eq!(http.basic_auth.unwrap().credentials[0].hashed_password.0, [1, 2, 255]);
        assert_eq!(http.request_headers.unwrap().add_parsed["x"], "y");
        let rule = &http.policy.unwrap().inbound[0];
        assert_eq!((rule.name.as_str(), rule.actions[0].config.0.as_slice()), ("n", &b"{}"[..]));
        assert_eq!(http.traffic_policy.expose(), "<&>");
    }

    #[test]
    fn an_empty_termination_differs_from_none() {
        let tls = |v: serde_json::Value| Options::try_from(v).unwrap().tls().unwrap();
        assert_eq!(tls(json!({"TLSTermination": null})).tls_termination, None);
        let empty = tls(json!({"TLSTermination": {}}));
        assert_eq!(empty.tls_termination, Some(TlsTermination::default()));
    }

    #[test]
    fn keys_and_passwords_are_not_printed() {
        let http = options(concat!(
            r#"{"Auth":"u:hush","BasicAuth":{"credentials":[{"cleartext_password":"hush"}]},"#,
            r#""OIDC":{"client_secret":"hush"},"TrafficPolicy":"hush"}"#
        ));
        assert!(!format!("{:?}", http.http().unwrap()).contains("hush"));
        let tls = options(r#"{"TLSTermination":{"key":"aHVzaA=="}}"#).tls().unwrap();
        assert!(format!("{tls:?}").contains("key: [4 bytes]"), "{tls:?}");
    }

    #[test]
    fn a_proxy_header_nobody_knows_is_refused() {
        let err = options(r#"{"ProxyProto":3}"#).tcp().unwrap_err();
        assert_eq!(err.to_string(), "ProxyProto: must be 0, 1 or 2");
    }
}
