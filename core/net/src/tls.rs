//! TLS configurations and handshakes.
//!
//! Every configuration names its cryptography ([`provider`]); the process-wide default of rustls
//! is neither used nor set, so that a program that embeds us may have another.
//!
//! - [`roots`]: whom to trust.
//! - [`client`]: configurations for dialling.
//! - [`identity`]: a certificate chain with its key; [`pem`]: where its text comes from.
//! - [`server`]: configurations for accepting.
//! - [`handshake`]: both handshakes, under a deadline; [`words`]: what was wrong with a certificate.

pub mod client;
pub mod handshake;
pub mod identity;
pub mod pem;
pub mod roots;
pub mod server;
pub mod words;

use std::sync::{Arc, LazyLock};

use rustls::crypto::{CryptoProvider, aws_lc_rs};

pub use handshake::{HandshakeError, accept, accept_presenting, connect, server_name};
pub use pem::PemSource;
pub use roots::Roots;

/// ALPN name of HTTP/2.
pub const ALPN_H2: &[u8] = b"h2";
/// ALPN name of HTTP/1.1.
pub const ALPN_HTTP1: &[u8] = b"http/1.1";

/// The cryptography of all our TLS: aws-lc-rs.
pub fn provider() -> &'static Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));
    &PROVIDER
}

fn to_vecs(alpn: &[&[u8]]) -> Vec<Vec<u8>> {
    alpn.iter().map(|name| name.to_vec()).collect()
}

#[cfg(test)]
#[path = "tls/tests.rs"]
mod tests;
