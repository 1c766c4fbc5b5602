//! One entry of `endpoints:`.

use std::path::PathBuf;

use serde_json::Value as Json;

use super::agent::List;
use crate::{
    endpoint_url::Binding,
    handler::HandlerSpec,
    node::Node,
    opaque::Opaque,
    place::At,
    read::{Read, Reader, choice},
    record::{Merge, record},
    schema::Schemas,
};

choice! {
    /// What is spoken to an HTTP upstream.
    pub enum HttpVersion {
        /// HTTP/1.1.
        "http1" => Http1,
        /// HTTP/2, in the clear with prior knowledge, or by ALPN over TLS.
        "http2" => Http2,
    }
}

choice! {
    /// Where the rules of a traffic policy run.
    pub enum Enforce {
        /// At the agent, so that they hold whoever owns the edge.
        "agent" => Agent,
        /// At the edge, before anything is sent to the agent.
        "edge" => Edge,
    }
}

record! {
    /// One entry of `endpoints:`.
    pub struct Endpoint {
        /// Name, unique among endpoints and tunnels.
        name: At<String>,
        /// Public URL that is asked for.
        url: At<String>,
        /// Who can reach it; at most one.
        bindings: List<Binding>,
        /// Text for people.
        description: At<String>,
        /// Text for programs.
        metadata: At<String>,
        /// Whether other agents may share the URL.
        pooling_enabled: At<bool>,
        /// Whether exchanges are captured.
        inspect: At<bool>,
        /// Rules, written here.
        traffic_policy: Opaque,
        /// Rules, in a file of their own.
        traffic_policy_file: At<PathBuf>,
        /// Rules, fetched once at start.
        traffic_policy_url: At<String>,
        /// Where the rules run.
        enforce: At<Enforce>,
        /// Handlers, in order.
        handlers: At<Vec<HandlerSpec>>,
        /// Where traffic goes.
        upstream: Upstream,
        /// The agent ends TLS itself.
        agent_tls_termination: At<AgentTls>,
    }
}

record! {
    /// Where an endpoint's traffic goes.
    pub struct Upstream {
        /// Its address.
        url: At<String>,
        /// What is spoken to it.
        protocol: At<HttpVersion>,
        /// Version of the PROXY header that each connection begins with.
        proxy_protocol: At<u16>,
        /// Whether its certificate is verified.
        tls_verify: At<bool>,
        /// What its certificate is verified against.
        tls_verify_cas: At<PathBuf>,
    }
}

record! {
    /// The agent ends TLS itself. Values are paths or PEM text.
    pub struct AgentTls {
        /// Certificate chain.
        server_certificate: At<String>,
        /// Its key.
        server_private_key: At<String>,
        /// Who must have signed a visitor's certificate.
        mutual_tls_certificate_authorities: List<String>,
    }
}

impl Read for HandlerSpec {
    fn read(node: &Node, r: &mut Reader) -> Option<Self> {
        crate::handler::read(node, r)
    }

    fn schema(s: &mut Schemas) -> Json {
        crate::handler::schema(s)
    }
}

impl Merge for HandlerSpec {
    fn merge(&mut self, later: Self) {
        *self = later;
    }
}
