//! What a TLS ClientHello asks for, without consuming it.
//!
//! Routing by server name happens before it is known who terminates TLS, so the hello is looked
//! at and then replayed to whoever does.

mod ja4;

use std::io;
use std::time::Duration;

use rustls::server::Acceptor;
use tokio::io::AsyncRead;
use tokio::time::timeout;

pub use self::ja4::ja4;
use crate::limits::MAX_CLIENT_HELLO;
use crate::peek::Peek;
use crate::rewind::Rewind;

/// Content type of a TLS handshake record: the first byte of every TLS connection.
const HANDSHAKE_RECORD: u8 = 0x16;

/// What a client asked for in its first message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// The name in SNI, lower case. IP addresses are not sent in it.
    pub server_name: Option<String>,
    /// Protocols that the client offers, in its order of preference.
    pub alpn: Vec<Vec<u8>>,
}

impl ClientHello {
    /// Whether the client offers this protocol.
    pub fn offers(&self, protocol: &[u8]) -> bool {
        self.alpn.iter().any(|offered| offered == protocol)
    }
}

/// There is no ClientHello at the start of a stream.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HelloError {
    /// The first byte is not that of TLS: the peer speaks something else.
    #[error("peer does not speak TLS")]
    NotTls,
    /// More than [`MAX_CLIENT_HELLO`] bytes came and the message is not complete.
    #[error("TLS ClientHello is longer than {MAX_CLIENT_HELLO} bytes")]
    TooLong,
    /// The message did not come in time.
    #[error("no TLS ClientHello within {after:?}")]
    Timeout {
        /// The deadline.
        after: Duration,
    },
    /// The stream ended first.
    #[error("connection ended before its TLS ClientHello did")]
    Eof,
    /// The bytes are not a ClientHello that TLS 1.2 or 1.3 allows.
    #[error("malformed TLS ClientHello")]
    Malformed {
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// The stream failed.
    #[error("could not read the TLS ClientHello")]
    Read {
        /// What the system said.
        source: io::Error,
    },
}

/// Reads the ClientHello at the start of `io`, which then yields it again.
///
/// # Errors
///
/// See [`HelloError`]. What was read is read again after an error as well, so that a caller may
/// go on with a peer that does not speak TLS.
///
/// # Cancel safety
///
/// Dropping the future loses no byte.
pub async fn peek<T>(io: &mut Rewind<T>, within: Duration) -> Result<ClientHello, HelloError>
where
    T: AsyncRead + Unpin,
{
    match timeout(within, read(io)).await {
        Ok(result) => result,
        Err(_) => Err(HelloError::Timeout { after: within }),
    }
}

async fn read<T: AsyncRead + Unpin>(io: &mut Rewind<T>) -> Result<ClientHello, HelloError> {
    let mut peek = Peek::new(io);
    let mut parser = Acceptor::default();
    let mut n_parsed = 0;
    loop {
        if peek.seen().first().is_some_and(|byte| *byte != HANDSHAKE_RECORD) {
            return Err(HelloError::NotTls);
        }
        if let Some(hello) = parse(&mut parser, &peek.seen()[n_parsed..])? {
            return Ok(hello);
        }
        n_parsed = peek.seen().len();
        if n_parsed >= MAX_CLIENT_HELLO {
            return Err(HelloError::TooLong);
        }
        match peek.more(MAX_CLIENT_HELLO).await {
            Ok(0) => return Err(HelloError::Eof),
            Ok(_) => {}
            Err(source) => return Err(HelloError::Read { source }),
        }
    }
}

/// Gives the parser what is new; yields the hello once it is complete.
fn parse(parser: &mut Acceptor, mut new: &[u8]) -> Result<Option<ClientHello>, HelloError> {
    while !new.is_empty() {
        // Reads from memory: the only possible error is the parser's own full buffer.
        parser.read_tls(&mut new).map_err(|_| HelloError::TooLong)?;
        let accepted =
            parser.accept().map_err(|(source, _alert)| HelloError::Malformed { source })?;
        if let Some(accepted) = accepted {
            let hello = accepted.client_hello();
            return Ok(Some(ClientHello {
                server_name: hello.server_name().map(str::to_ascii_lowercase),
                alpn: hello.alpn().into_iter().flatten().map(<[u8]>::to_vec).collect(),
            }));
        }
    }
    Ok(None)
}

#[cfg(test)]
#[path = "hello_tests.rs"]
mod tests;
