//! What may happen to a visitor between the address and the agent.
//!
//! Names inside are snake_case, and members with a zero value are not written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::secret::{Base64, Secret};

/// Compress responses. Present is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Compression {}

/// Unwrap WebSocket messages to bytes. Present is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WebsocketTcpConverter {}

/// Refuse when the upstream fails too often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CircuitBreaker {
    /// Share of failures, from 0 to 1, beyond which it opens.
    #[serde(skip_serializing_if = "is_zero")]
    pub error_threshold: f64,
}

/// Who may connect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IpRestriction {
    /// If any: only these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_cidrs: Vec<String>,
    /// Not these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny_cidrs: Vec<String>,
}

/// Ask for a password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BasicAuth {
    /// Who may come in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<BasicAuthCredential>,
}

/// A name with one of two forms of its password.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BasicAuthCredential {
    /// The name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// The password itself.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub cleartext_password: Secret,
    /// Its bcrypt hash.
    #[serde(skip_serializing_if = "Base64::is_empty")]
    pub hashed_password: Base64,
}

/// Ask for a login at a known provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OAuth {
    /// `google`, `github`, …
    #[serde(skip_serializing_if = "String::is_empty")]
    pub provider: String,
    /// Name of the application at the provider.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_id: String,
    /// Its password.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub client_secret: Secret,
    /// Its password, encrypted for the service.
    #[serde(skip_serializing_if = "Base64::is_empty")]
    pub sealed_client_secret: Base64,
    /// If any: only these people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_emails: Vec<String>,
    /// If any: only people of these domains.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_domains: Vec<String>,
    /// What the login should permit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// Ask for a login at a named issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Oidc {
    /// The issuer.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub issuer_url: String,
    /// Name of the application at the issuer.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub client_id: String,
    /// Its password.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub client_secret: Secret,
    /// Its password, encrypted for the service.
    #[serde(skip_serializing_if = "Base64::is_empty")]
    pub sealed_client_secret: Base64,
    /// If any: only these people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_emails: Vec<String>,
    /// If any: only people of these domains.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow_domains: Vec<String>,
    /// What the login should permit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
}

/// Check the signature of webhooks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WebhookVerification {
    /// Whose webhooks.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub provider: String,
    /// The shared secret.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub secret: Secret,
    /// The shared secret, encrypted for the service.
    #[serde(skip_serializing_if = "Base64::is_empty")]
    pub sealed_secret: Base64,
}

/// Ask visitors for a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MutualTls {
    /// Authorities, as concatenated PEM.
    #[serde(skip_serializing_if = "Base64::is_empty")]
    pub mutual_tls_ca: Base64,
}

/// End TLS at the edge. Empty: with the edge's own certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TlsTermination {
    /// Certificate chain, PEM.
    #[serde(skip_serializing_if = "Base64::is_empty")]
    pub cert: Base64,
    /// Its key, PEM.
    #[serde(skip_serializing_if = "Base64::is_empty")]
    pub key: Base64,
    /// Its key, encrypted for the service.
    #[serde(skip_serializing_if = "Base64::is_empty")]
    pub sealed_key: Base64,
}

/// Change headers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Headers {
    /// `name:value`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
    /// Names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Name to value. Fact: the one camelCase name among the snakes.
    #[serde(rename = "addParsed", skip_serializing_if = "BTreeMap::is_empty")]
    pub add_parsed: BTreeMap<String, String>,
}

/// Which programs may connect: regular expressions over the user agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserAgentFilter {
    /// If any: only these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Not these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<String>,
}

/// Rules in the structured form of older Go clients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// For requests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inbound: Vec<PolicyRule>,
    /// For responses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outbound: Vec<PolicyRule>,
}

/// If all expressions hold, all actions happen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyRule {
    /// For people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expressions: Vec<String>,
    /// What happens.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<PolicyAction>,
}

/// One action of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyAction {
    /// Which action.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// JSON of the action's own.
    #[serde(skip_serializing_if = "Base64::is_empty")]
    pub config: Base64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_zero(n: &f64) -> bool {
    *n == 0.0
}
