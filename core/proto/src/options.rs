//! The options of a bind: what the address should do with visitors.
//!
//! They are kept as they were sent, because an answer has to echo them; typed views are made from them
//! when somebody wants to know.

mod endpoint;
mod middleware;

use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

pub use self::{
    endpoint::{HttpOptions, ProxyProto, TcpOptions, TlsOptions},
    middleware::{
        BasicAuth, BasicAuthCredential, CircuitBreaker, Compression, Headers, IpRestriction,
        MutualTls, OAuth, Oidc, Policy, PolicyAction, PolicyRule, TlsTermination, UserAgentFilter,
        WebhookVerification, WebsocketTcpConverter,
    },
};
use crate::{
    json::{self, DecodeError},
    message::Proto,
};

/// The options as sent, unknown members included.
///
/// `Debug` prints the names of the members only: the values hold keys and passwords.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Options(Map<String, Value>);

impl Eq for Options {}

impl Options {
    /// Options from a typed view.
    ///
    /// # Panics
    /// If `typed` is not a struct with string keys; the views of this module are.
    pub fn from_typed<T: Serialize>(typed: &T) -> Self {
        match serde_json::to_value(typed) {
            Ok(Value::Object(map)) => Self(map),
            other => {
                panic!("options are structs, not {}", if other.is_ok() { "lists" } else { "maps" })
            }
        }
    }

    /// The view for `http` and `https`.
    ///
    /// # Errors
    /// If a member has the wrong type.
    pub fn http(&self) -> Result<HttpOptions, DecodeError> {
        self.view()
    }

    /// The view for `tcp`.
    ///
    /// # Errors
    /// If a member has the wrong type.
    pub fn tcp(&self) -> Result<TcpOptions, DecodeError> {
        self.view()
    }

    /// The view for `tls`.
    ///
    /// # Errors
    /// If a member has the wrong type.
    pub fn tls(&self) -> Result<TlsOptions, DecodeError> {
        self.view()
    }

    /// The members as sent.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Replaces a member, in whatever case it was spelt.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.retain(|n, _| !n.eq_ignore_ascii_case(name));
        self.0.insert(name.to_owned(), value.into());
    }

    /// What the answer to a bind says: these options, with the chosen address filled in.
    ///
    /// `url` is the full public URL; `address` the host for `http`, `https` and `tls`, and `host:port`
    /// for `tcp`. Members that the Rust clients require are added with their zero value, and `null`
    /// members of sub-messages are left out, because the Rust clients refuse them.
    #[must_use]
    pub fn chosen(&self, proto: Proto, url: &str, address: &str) -> Self {
        let mut echo = self.clone();
        echo.0.values_mut().for_each(drop_nulls);
        echo.set("URL", url);
        match proto {
            Proto::Tcp => echo.set("Addr", address),
            Proto::Http | Proto::Https | Proto::Tls => {
                echo.set("Hostname", address);
                echo.set("Domain", address);
                echo.require("Subdomain", "".into());
            }
        }
        match proto {
            Proto::Http | Proto::Https => {
                echo.require("Auth", "".into());
                echo.require("HostHeaderRewrite", false.into());
            }
            Proto::Tls => echo.require("MutualTLSAtAgent", false.into()),
            Proto::Tcp => {}
        }
        echo.require("ProxyProto", 0.into());
        echo
    }

    /// Gives a member its exact spelling, and a value if it has none of the right type.
    fn require(&mut self, name: &str, zero: Value) {
        let same_type = |v: &Value| std::mem::discriminant(v) == std::mem::discriminant(&zero);
        let found = |(n, v): &(&String, &Value)| n.eq_ignore_ascii_case(name) && same_type(v);
        let sent = self.0.get(name).filter(|v| same_type(v));
        let sent = sent.or_else(|| self.0.iter().find(found).map(|(_, v)| v)).cloned();
        self.set(name, sent.unwrap_or(zero));
    }

    fn view<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        json::decode(Value::Object(self.0.clone()))
    }
}

impl TryFrom<Value> for Options {
    type Error = DecodeError;

    fn try_from(value: Value) -> Result<Self, DecodeError> {
        json::decode(value)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Options")?;
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Depth is bounded: the value came through a parser with a limit.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn options(value: Value) -> Options {
        Options::try_from(value).unwrap()
    }

    #[test]
    fn an_answer_echoes_what_it_does_not_know() {
        let sent = options(json!({"URL": "https://", "ProxyProto": 2, "New": {"a": [1, 2.5]},
            "TLSTermination": {}, "TrafficPolicy": null}));
        let echo = sent.chosen(Proto::Https, "https://a.edge.test", "a.edge.test");
        assert_eq!(
            Value::Object(echo.as_map().clone()),
            json!({"URL": "https://a.edge.test", "Hostname": "a.edge.test",
                "Domain": "a.edge.test", "Subdomain": "", "Auth": "", "HostHeaderRewrite": false,
                "ProxyProto": 2, "New": {"a": [1, 2.5]}, "TLSTermination": {},
                "TrafficPolicy": null})
        );
    }

    #[test]
    fn an_answer_has_what_the_rust_clients_require() {
        let none = Options::default();
        let echo = none.chosen(Proto::Tcp, "tcp://edge.test:2000", "edge.test:2000");
        assert_eq!(
            Value::Object(echo.0),
            json!({"URL": "tcp://edge.test:2000", "Addr": "edge.test:2000", "ProxyProto": 0})
        );
        let echo = none.chosen(Proto::Tls, "tls://a.edge.test", "a.edge.test");
        assert_eq!(
            Value::Object(echo.0),
            json!({"URL": "tls://a.edge.test", "Hostname": "a.edge.test", "Domain": "a.edge.test",
                "Subdomain": "", "ProxyProto": 0, "MutualTLSAtAgent": false})
        );
    }

    #[test]
    fn an_answer_repairs_case_and_nulls() {
        let sent = options(json!({"proxyproto": 1, "SUBDOMAIN": null, "hostname": "x",
            "IPRestriction": {"allow_cidrs": null, "deny_cidrs": []}}));
        let echo = sent.chosen(Proto::Tls, "tls://a.edge.test", "a.edge.test");
        assert_eq!(
            Value::Object(echo.0),
            json!({"URL": "tls://a.edge.test", "Hostname": "a.edge.test", "Domain": "a.edge.test",
                "Subdomain": "", "ProxyProto": 1, "MutualTLSAtAgent": false,
                "IPRestriction": {"deny_cidrs": []}})
        );
    }

    #[test]
    fn options_are_printed_without_their_values() {
        let sent = options(json!({"Auth": "user:hush", "TLSTermination": {"key": "hush"}}));
        assert_eq!(format!("{sent:?}"), r#"Options{"Auth", "TLSTermination"}"#);
    }
}
