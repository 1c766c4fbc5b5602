//! The HTTP CONNECT exchange. Fact: RFC 9110, 9.3.6.

use std::io;

use tokio::io::AsyncWriteExt;

use crate::io::Io;
use crate::limits::MAX_CONNECT_RESPONSE;
use crate::peek::Peek;
use crate::rewind::Rewind;

/// A proxy did not open the tunnel.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// It refused.
    #[error("refused with status {status}{}", hint(*.status))]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// Its answer is not HTTP, or longer than [`MAX_CONNECT_RESPONSE`].
    #[error("its answer is not an HTTP response of a reasonable size")]
    Malformed,
    /// The connection failed or ended.
    #[error("connection to the proxy failed")]
    Io(#[from] io::Error),
}

fn hint(status: u16) -> &'static str {
    match status {
        407 => "; give user and password in the proxy URL",
        403 => "; the proxy does not allow this target",
        _ => "",
    }
}

/// Asks for a tunnel to `target`; what the proxy sent after its answer is read first.
pub(super) async fn connect(
    mut io: Io,
    target: &str,
    authorization: Option<&str>,
) -> Result<Io, ConnectError> {
    let authorization =
        authorization.map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default();
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n");
    io.write_all(request.as_bytes()).await?;
    io.flush().await?;

    let mut io = Rewind::new(io);
    let mut peek = Peek::new(&mut io);
    let status = loop {
        if let Some(end) = peek.seen().windows(4).position(|window| window == b"\r\n\r\n") {
            break status(&peek.take(end + 4)).ok_or(ConnectError::Malformed)?;
        }
        if peek.seen().len() >= MAX_CONNECT_RESPONSE {
            return Err(ConnectError::Malformed);
        }
        if peek.more(MAX_CONNECT_RESPONSE).await? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
    };
    drop(peek);
    if (200..300).contains(&status) { Ok(io.into()) } else { Err(ConnectError::Refused { status }) }
}

/// `HTTP/1.1 200 Connection established`
fn status(head: &[u8]) -> Option<u16> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let rest = line.strip_prefix(b"HTTP/1.")?;
    let (version, rest) = rest.split_first()?;
    let code = rest.strip_prefix(b" ")?.get(..3)?;
    let ends = rest.get(4).is_none_or(|byte| *byte == b' ');
    let status = std::str::from_utf8(code).ok()?.parse().ok()?;
    (version.is_ascii_digit() && ends && (100..600).contains(&status)).then_some(status)
}
