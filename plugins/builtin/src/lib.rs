//! The handlers that every adit carries: made from options by [`all`], run by the chain, the same
//! on the agent's side and on the edge's.
//!
//! | kind | options | sees | refuses a visitor with | refuses options with |
//! | --- | --- | --- | --- | --- |
//! | `basic-auth` | `credentials: ["user:password" \| {username, password}]`, `realm` | request head | 401, no code | 359 user, 360 password |
//! | `circuit-breaker` | `error_threshold`, `volume_threshold`, `window_duration`, `tripped_duration` | both heads | 503, 3202 | 361 threshold |
//! | `compression` | `algorithms: [gzip, deflate, br, compress, zstd]` | both heads | | |
//! | `host-header` | `value: rewrite \| preserve \| <host>` | request head; both when it rewrites | | |
//! | `ip-restriction` | `allow: [cidr]`, `deny: [cidr]` | connection | 403, 3203 | 362 CIDR, 393 deny without allow |
//! | `request-headers` | `add: ["name:value"]`, `remove: [name]` | request head; both when it sets `host` | | 370 no colon, 372 name, 374 value, 375 casing, 398 host removed |
//! | `response-headers` | as above | both heads | | 371 no colon, 373 name, 374 value, 375 casing |
//! | `terminate-tls` | `server_certificate`, `server_private_key`, `mutual_tls_certificate_authorities`, `min_version`, `max_version` | connection | TLS alert | |
//! | `user-agent-filter` | `allow: [regex]`, `deny: [regex]` | request head | 403, 3211 | |
//! | `websocket-tcp-converter` | none | request head | 400, 3206 | |
//!
//! Options are read strictly: an unknown key is an error, and every error says where in the options
//! it stands ([`BuildError::at`](adit_chain::BuildError::at)). Everything that can fail fails while
//! building.
//!
//! What they are made of is here for other crates, too: [`circuit`], [`compression`],
//! [`credentials`], [`host`], [`networks`], [`server_tls`].
//!
//! What this crate leaves out: reading files (options hold the PEM, not its path), TLS handshakes,
//! and the rendering of refusals.

mod basic_auth;
pub mod circuit;
mod circuit_breaker;
pub mod compression;
pub mod credentials;
pub mod framing;
mod headers;
pub mod host;
mod host_header;
mod ip_restriction;
pub mod networks;
mod options;
pub mod server_tls;
mod terminate_tls;
mod user_agent_filter;
mod websocket;

use std::sync::Arc;

use adit_chain::{BoxHandler, BuildCx, BuildError, Factory};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::options::go_duration;

/// The factories of every handler in this crate, by kind in alphabetical order.
pub fn all() -> Vec<Arc<dyn Factory>> {
    vec![
        kind("basic-auth", basic_auth::build),
        kind("circuit-breaker", circuit_breaker::build),
        kind("compression", compression::build),
        kind("host-header", host_header::build),
        kind("ip-restriction", ip_restriction::build),
        kind("request-headers", headers::build_request),
        kind("response-headers", headers::build_response),
        kind("terminate-tls", terminate_tls::build),
        kind("user-agent-filter", user_agent_filter::build),
        kind("websocket-tcp-converter", websocket::build),
    ]
}

/// Builds a handler from options that were read already.
type Build<O> = fn(O, &BuildCx) -> Result<BoxHandler, BuildError>;

fn kind<O: DeserializeOwned + 'static>(kind: &'static str, build: Build<O>) -> Arc<dyn Factory> {
    Arc::new(Kind { kind, build })
}

/// A kind of handler whose options are an `O`.
struct Kind<O> {
    kind: &'static str,
    build: Build<O>,
}

impl<O: DeserializeOwned + 'static> Factory for Kind<O> {
    fn kind(&self) -> &str {
        self.kind
    }

    fn build(&self, options: &Value, cx: &BuildCx) -> Result<BoxHandler, BuildError> {
        (self.build)(options::parse(options)?, cx)
    }
}

#[cfg(test)]
mod testing;

#[cfg(test)]
mod tests {
    use adit_chain::conformance;
    use serde_json::json;

    use super::*;
    use crate::testing::{build_cx, certificate};

    #[tokio::test]
    async fn every_handler_keeps_the_promises_of_a_handler() {
        let (pem, key) = certificate();
        let options = [
            ("basic-auth", json!({"credentials": ["ann:password"]})),
            ("circuit-breaker", json!({"error_threshold": 0.5})),
            ("compression", json!(null)),
            ("host-header", json!({"value": "rewrite"})),
            ("ip-restriction", json!({"allow": ["192.0.2.0/24"]})),
            ("request-headers", json!({"add": ["a:b"], "remove": ["c"]})),
            ("response-headers", json!({"add": ["a:b"], "remove": ["c"]})),
            ("terminate-tls", json!({"server_certificate": pem, "server_private_key": key})),
            ("user-agent-filter", json!({"deny": ["curl"]})),
            ("websocket-tcp-converter", json!(null)),
        ];
        let factories = all();
        assert_eq!(factories.len(), options.len());
        for (factory, (kind, options)) in factories.iter().zip(options) {
            assert_eq!(factory.kind(), kind);
            let handler = factory.build(&options, &build_cx()).unwrap();
            conformance::check(&handler).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        }
    }

    #[test]
    fn kinds_are_in_alphabetical_order() {
        assert!(all().windows(2).all(|pair| pair[0].kind() < pair[1].kind()));
    }

    #[test]
    fn no_handler_takes_an_unknown_option_and_each_says_where_it_stands() {
        for factory in all() {
            let error = factory.build(&json!({"no_such": 1}), &build_cx()).unwrap_err();
            assert_eq!(error.at, ["no_such"], "{}", factory.kind());
        }
    }
}
