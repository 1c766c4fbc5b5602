//! `adit http`, `adit tcp`, `adit tls`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{LoginArgs, SessionArgs};

/// Flags of every kind of endpoint.
#[derive(Clone, Debug, Default, Args)]
pub struct EndpointArgs {
    /// Public URL: a full one, a host, or only a scheme.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Name of the endpoint in logs and the local API.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// What the endpoint is for.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Opaque text kept with the endpoint.
    #[arg(long, value_name = "TEXT")]
    pub metadata: Option<String>,
    /// Who may reach it: public, internal or kubernetes.
    #[arg(long, value_name = "BINDING")]
    pub binding: Option<String>,
    /// Share the URL with other agents that allow it too.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub pooling_enabled: Option<bool>,
    /// Send a PROXY protocol header, version 1 or 2, to the upstream.
    #[arg(long, value_name = "VERSION", alias = "proxy-proto")]
    pub upstream_proxy_protocol: Option<String>,
    /// Rules for connections, requests and responses, in YAML or JSON.
    #[arg(long, value_name = "PATH")]
    pub traffic_policy_file: Option<PathBuf>,
    /// The same, fetched once at the start.
    #[arg(long, value_name = "URL")]
    pub traffic_policy_url: Option<String>,
    /// The older name of --traffic-policy-file.
    #[arg(long, value_name = "PATH", hide = true)]
    pub policy_file: Option<PathBuf>,
    /// Allow these networks only; may be repeated.
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub cidr_allow: Vec<String>,
    /// Of those, refuse these; may be repeated.
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub cidr_deny: Vec<String>,
    /// Put a policy in WebAssembly on the path, with its configuration in JSON; may be repeated.
    #[arg(long, value_name = "FILE[=CONFIG]")]
    pub policy: Vec<String>,
    /// Reload configuration and policies that change.
    #[arg(long)]
    pub watch: bool,
    /// Show the public URL as a QR code.
    #[arg(long)]
    pub qr: bool,
}

/// Who terminates the visitors' TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Terminate {
    /// The edge, with its certificate or with `--crt` and `--key`.
    Edge,
    /// The agent; the edge never sees plaintext.
    Agent,
    /// The upstream; neither edge nor agent sees plaintext.
    Upstream,
}

impl Terminate {
    /// The word on the command line and in the file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Agent => "agent",
            Self::Upstream => "upstream",
        }
    }
}

/// Flags about TLS, of `http` and `tls`.
#[derive(Clone, Debug, Default, Args)]
pub struct TerminateArgs {
    /// Who terminates the visitors' TLS.
    #[arg(long, value_name = "WHO")]
    pub terminate_at: Option<Terminate>,
    /// Certificate chain, PEM.
    #[arg(long, value_name = "PATH")]
    pub crt: Option<PathBuf>,
    /// Private key of the certificate, PEM.
    #[arg(long, value_name = "PATH")]
    pub key: Option<PathBuf>,
    /// Require visitors' certificates from these authorities, PEM.
    #[arg(long, value_name = "PATH")]
    pub mutual_tls_cas: Option<PathBuf>,
    /// Verify the certificate of an https or tls upstream.
    #[arg(
        long,
        alias = "verify-upstream-tls",
        num_args = 0..=1,
        default_missing_value = "true",
        require_equals = true
    )]
    pub upstream_tls_verify: Option<bool>,
    /// Verify it against these authorities, PEM.
    #[arg(long, value_name = "PATH")]
    pub upstream_tls_verify_cas: Option<PathBuf>,
    /// Public host name; --url is the newer spelling.
    #[arg(long, value_name = "HOST", hide = true)]
    pub domain: Option<String>,
    /// The same, in the spelling of before.
    #[arg(long, value_name = "HOST", hide = true)]
    pub hostname: Option<String>,
    /// First part of the public host name, under the edge's domain.
    #[arg(long, value_name = "LABEL", hide = true)]
    pub subdomain: Option<String>,
}

/// `adit http`.
#[derive(Debug, Args)]
pub struct HttpArgs {
    /// Port, host:port, URL, file:///directory or unix:/socket.
    pub upstream: String,
    /// Flags of every kind of endpoint.
    #[command(flatten)]
    pub endpoint: EndpointArgs,
    /// Flags about TLS.
    #[command(flatten)]
    pub tls: TerminateArgs,
    /// Who signs in, and what is signed.
    #[command(flatten)]
    pub login: LoginArgs,
    /// Which edge, and as whom.
    #[command(flatten)]
    pub session: SessionArgs,
    /// Whether exchanges may be captured for inspection.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub inspect: Option<bool>,
    /// Protocol that the upstream speaks: http1 or http2.
    #[arg(long, value_name = "PROTOCOL", alias = "app-protocol")]
    pub upstream_protocol: Option<String>,
    /// Ask for user and password; may be repeated.
    #[arg(long, value_name = "USER:PASSWORD", value_delimiter = ',')]
    pub basic_auth: Vec<String>,
    /// Refuse requests for a while when this share of answers are errors.
    #[arg(long, value_name = "SHARE", allow_negative_numbers = true)]
    pub circuit_breaker: Option<String>,
    /// Compress responses.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub compression: Option<bool>,
    /// Host header for the upstream: rewrite, preserve, or a name.
    #[arg(long, value_name = "HOST")]
    pub host_header: Option<String>,
    /// Add a header to requests; may be repeated.
    #[arg(long, value_name = "NAME:VALUE")]
    pub request_header_add: Vec<String>,
    /// Remove a header from requests; may be repeated.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub request_header_remove: Vec<String>,
    /// Add a header to responses; may be repeated.
    #[arg(long, value_name = "NAME:VALUE")]
    pub response_header_add: Vec<String>,
    /// Remove a header from responses; may be repeated.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub response_header_remove: Vec<String>,
    /// Allow only user agents that match; may be repeated.
    #[arg(long, value_name = "REGEX")]
    pub ua_filter_allow: Vec<String>,
    /// Refuse user agents that match; may be repeated.
    #[arg(long, value_name = "REGEX")]
    pub ua_filter_deny: Vec<String>,
    /// Turn WebSocket messages into the bytes of a TCP upstream, and back.
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub websocket_tcp_converter: Option<bool>,
    /// Schemes of the public URL: http, https, or both.
    #[arg(long, value_name = "SCHEME", value_delimiter = ',', hide = true)]
    pub scheme: Vec<String>,
}

/// `adit tcp`.
#[derive(Debug, Args)]
pub struct TcpArgs {
    /// Port, host:port or unix:/socket.
    pub upstream: String,
    /// Flags of every kind of endpoint.
    #[command(flatten)]
    pub endpoint: EndpointArgs,
    /// Which edge, and as whom.
    #[command(flatten)]
    pub session: SessionArgs,
    /// Public address, host:port; --url is the newer spelling.
    #[arg(long, value_name = "HOST:PORT", hide = true)]
    pub remote_addr: Option<String>,
}

/// `adit tls`.
#[derive(Debug, Args)]
pub struct TlsArgs {
    /// Port, host:port, tls://host:port or unix:/socket.
    pub upstream: String,
    /// Flags of every kind of endpoint.
    #[command(flatten)]
    pub endpoint: EndpointArgs,
    /// Flags about TLS.
    #[command(flatten)]
    pub tls: TerminateArgs,
    /// Which edge, and as whom.
    #[command(flatten)]
    pub session: SessionArgs,
}
