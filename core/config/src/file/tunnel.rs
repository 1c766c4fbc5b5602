//! One entry of `tunnels:`, the form of versions 1 and 2. Every flag of `http`, `tcp` and `tls` has
//! its key here, so the command line fills the same type.

use std::path::PathBuf;

use super::{
    agent::List,
    endpoint::{Enforce, HttpVersion},
};
use crate::{
    endpoint_url::{Binding, Scheme},
    handler::HandlerSpec,
    opaque::Opaque,
    place::At,
    read::choice,
    record::record,
    secret::Secret,
};

choice! {
    /// Who ends a visitor's TLS.
    pub enum TerminateAt {
        /// The edge, which then sees the plain text.
        "edge" => Edge,
        /// The agent.
        "agent" => Agent,
        /// The upstream; neither edge nor agent see more than the server's name.
        "upstream" => Upstream,
    }
}

choice! {
    /// Which schemes a tunnel of version 1 has.
    pub enum BindTls {
        /// `https`.
        "true" => Https,
        /// `http`.
        "false" => Http,
        /// Both.
        "both" => Both,
    }
}

record! {
    /// One entry of `tunnels:`.
    pub struct Tunnel {
        /// `http`, `tcp` or `tls`.
        proto: At<String>,
        /// Where traffic goes.
        addr: At<String>,
        /// Text for programs.
        metadata: At<String>,
        /// Text for people.
        description: At<String>,
        /// Public URL that is asked for.
        url: At<String>,
        /// Who can reach it; at most one.
        bindings: List<Binding>,
        /// Whether other agents may share the URL.
        pooling_enabled: At<bool>,
        /// Rules, written here.
        traffic_policy: Opaque,
        /// Rules, in a file of their own.
        traffic_policy_file: At<PathBuf>,
        /// Rules, fetched once at start.
        traffic_policy_url: At<String>,
        /// Rules, under their older name.
        policy: Opaque,
        /// Rules in a file of their own, under their older name.
        policy_file: At<PathBuf>,
        /// Where the rules run.
        enforce: At<Enforce>,
        /// Handlers, in order.
        handlers: At<Vec<HandlerSpec>>,
        /// Whether exchanges are captured.
        inspect: At<bool>,
        /// Accepted `user:password` pairs.
        basic_auth: List<Secret<String>>,
        /// Share of failures, 0 to 1, at which requests are refused for a while.
        circuit_breaker: At<f64>,
        /// Whether responses are compressed.
        compression: At<bool>,
        /// `rewrite`, `preserve`, or the value that the upstream sees.
        host_header: At<String>,
        /// Host name that is asked for.
        domain: At<String>,
        /// Host name that is asked for, under its older name.
        hostname: At<String>,
        /// Name below the edge's own domain.
        subdomain: At<String>,
        /// `http`, `https`; two values make two endpoints.
        schemes: List<Scheme>,
        /// Networks that may and may not connect.
        ip_restriction: IpRestriction,
        /// Path to PEM: who must have signed a visitor's certificate.
        mutual_tls_cas: At<PathBuf>,
        /// Visitors sign in with a provider.
        oauth: OAuth,
        /// Visitors sign in with an OpenID provider.
        oidc: Oidc,
        /// Version of the PROXY header that each upstream connection begins with.
        proxy_proto: At<u16>,
        /// Changes to the header of requests.
        request_header: HeaderEdit,
        /// Changes to the header of responses.
        response_header: HeaderEdit,
        /// User agents that are let in and kept out.
        user_agent_filter: UserAgentFilter,
        /// Webhooks must be signed.
        verify_webhook: VerifyWebhook,
        /// WebSocket messages become bytes of a TCP connection.
        websocket_tcp_converter: At<bool>,
        /// What is spoken to an HTTP upstream.
        app_protocol: At<HttpVersion>,
        /// Whether the upstream's certificate is verified.
        upstream_tls_verify: At<bool>,
        /// The same, under the name that the SDKs have for it.
        verify_upstream_tls: At<bool>,
        /// What it is verified against.
        upstream_tls_verify_cas: At<PathBuf>,
        /// `host:port` that is asked for.
        remote_addr: At<String>,
        /// Path to the certificate chain.
        crt: At<PathBuf>,
        /// Path to its key.
        key: At<PathBuf>,
        /// Who ends TLS.
        terminate_at: At<TerminateAt>,
        /// `k=v`; the edge routes by them instead of by a URL.
        labels: List<String>,
        /// Version 1: which schemes.
        bind_tls: At<BindTls>,
        /// Version 1: one `user:password` pair.
        auth: At<Secret<String>>,
        /// Version 1: older name of `mutual_tls_cas`.
        client_cas: At<PathBuf>,
    }
}

record! {
    /// Networks that may and may not connect.
    pub struct IpRestriction {
        /// Networks that may.
        allow_cidrs: List<String>,
        /// Networks that may not.
        deny_cidrs: List<String>,
    }
}

record! {
    /// Changes to a message's header.
    pub struct HeaderEdit {
        /// `name:value`; the first colon separates.
        add: List<String>,
        /// Names.
        remove: List<String>,
    }
}

record! {
    /// User agents, as regular expressions.
    pub struct UserAgentFilter {
        /// Let in.
        allow: List<String>,
        /// Kept out.
        deny: List<String>,
    }
}

record! {
    /// Sign-in with a provider.
    pub struct OAuth {
        /// Its name.
        provider: At<String>,
        /// Addresses that may enter.
        allow_emails: List<String>,
        /// Domains of addresses that may enter.
        allow_domains: List<String>,
        /// What is asked of the provider.
        scopes: List<String>,
        /// Id of the application.
        client_id: At<String>,
        /// Its secret.
        client_secret: At<Secret<String>>,
    }
}

record! {
    /// Sign-in with an OpenID provider.
    pub struct Oidc {
        /// Its URL.
        issuer_url: At<String>,
        /// Addresses that may enter.
        allow_emails: List<String>,
        /// Domains of addresses that may enter.
        allow_domains: List<String>,
        /// What is asked of the provider.
        scopes: List<String>,
        /// Id of the application.
        client_id: At<String>,
        /// Its secret.
        client_secret: At<Secret<String>>,
    }
}

record! {
    /// Signatures of webhooks.
    pub struct VerifyWebhook {
        /// Who sends them.
        provider: At<String>,
        /// What they are signed with.
        secret: At<Secret<String>>,
    }
}
