//! TLS that ends on this side.

use std::{sync::Arc, time::Duration};

use adit_chain::TlsInfo;
use adit_net::{
    Io, Rewind,
    tls::{self, HandshakeError},
};
use rustls::{ProtocolVersion, ServerConfig};

/// Time for the visitor's handshake.
pub const HANDSHAKE_TIMEOUT: Duration = adit_net::limits::TLS_HANDSHAKE_DEADLINE;

/// Accepts the visitor's TLS session.
///
/// # Errors
/// See [`HandshakeError`]; an alert was sent where there was somebody to send it to.
pub async fn terminate(
    io: Rewind<Io>,
    config: Arc<ServerConfig>,
) -> Result<(Io, TlsInfo), HandshakeError> {
    let stream = Box::pin(tls::accept(io, config, HANDSHAKE_TIMEOUT)).await?;
    let info = info(stream.get_ref().1);
    Ok((Io::from(stream), info))
}

/// What handlers may know of a session.
pub fn info(session: &rustls::ServerConnection) -> TlsInfo {
    TlsInfo {
        sni: session.server_name().map(str::to_ascii_lowercase),
        alpn: session.alpn_protocol().map(<[u8]>::to_vec),
        version: match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "1.2",
            _ => "1.3",
        },
        cipher_suite: session
            .negotiated_cipher_suite()
            .and_then(|suite| suite.suite().as_str())
            .unwrap_or_default()
            .to_owned(),
        client_certificates: session
            .peer_certificates()
            .into_iter()
            .flatten()
            .map(|certificate| certificate.as_ref().to_vec())
            .collect(),
    }
}
