//! Visitors whose certificate was refused, in the log.
//!
//! Nobody else can say so: a refused visitor gets an alert that tells little, and there is no
//! exchange to look at.

use std::time::{Duration, Instant};

use adit_chain::Conn;
use adit_net::tls::{HandshakeError, words};
use parking_lot::Mutex;
use rustls::Error;

/// Lines that everybody sees, within [`WINDOW`]; further ones are for those who debug.
///
/// Reason: enough to see who is refused and why; strangers cannot fill a disk.
const MAX_LINES: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);

static LINES: Mutex<Lines> = Mutex::new(Lines { since: None, n: 0 });

/// Says that there is no TLS session with a visitor, and why.
pub(crate) fn tell(conn: &Conn, error: &HandshakeError) {
    let (id, client, url) = (conn.id, conn.client, &*conn.endpoint.url);
    let Some(reason) = reason(error) else {
        tracing::debug!(%id, %client, %error, "no TLS session with the visitor");
        return;
    };
    match LINES.lock().next(Instant::now()) {
        Line::Hidden => {
            tracing::debug!(%id, %client, url, reason, "client certificate refused");
        }
        Line::Last => {
            tracing::info!(%id, %client, url, reason, "client certificate refused");
            tracing::info!("further refused certificates are told at the log level debug");
        }
        Line::Shown => tracing::info!(%id, %client, url, reason, "client certificate refused"),
    }
}

/// What was wrong with the visitor's certificate, if that was it.
fn reason(error: &HandshakeError) -> Option<String> {
    let refusal = error.refusal()?;
    match words::of_certificate(refusal) {
        Some(words) => Some(format!("its certificate {words}")),
        None => matches!(refusal, Error::NoCertificatesPresented)
            .then(|| "it has shown no certificate".to_owned()),
    }
}

/// Counts the lines of a minute.
struct Lines {
    since: Option<Instant>,
    n: u32,
}

#[derive(Debug, PartialEq, Eq)]
enum Line {
    Shown,
    Last,
    Hidden,
}

impl Lines {
    fn next(&mut self, now: Instant) -> Line {
        if self.since.is_none_or(|since| now.duration_since(since) >= WINDOW) {
            (self.since, self.n) = (Some(now), 0);
        }
        self.n = self.n.saturating_add(1);
        match self.n {
            n if n < MAX_LINES => Line::Shown,
            MAX_LINES => Line::Last,
            _ => Line::Hidden,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustls::CertificateError;

    use super::*;

    fn failed(error: Error) -> HandshakeError {
        HandshakeError::Failed { source: io::Error::new(io::ErrorKind::InvalidData, error) }
    }

    #[test]
    fn what_is_told_is_what_is_wrong_with_the_certificate() {
        let reason = |error| reason(&failed(error));
        let expired = Error::InvalidCertificate(CertificateError::Expired);
        assert_eq!(reason(expired).as_deref(), Some("its certificate has expired"));
        let none = Error::NoCertificatesPresented;
        assert_eq!(reason(none).as_deref(), Some("it has shown no certificate"));
        assert_eq!(reason(Error::DecryptError), None);
    }

    #[test]
    fn a_flood_of_refusals_is_not_one_of_lines() {
        let mut lines = Lines { since: None, n: 0 };
        let start = Instant::now();
        for _ in 1..MAX_LINES {
            assert_eq!(lines.next(start), Line::Shown);
        }
        assert_eq!(lines.next(start), Line::Last);
        assert_eq!(lines.next(start + WINDOW / 2), Line::Hidden);
        assert_eq!(lines.next(start + WINDOW), Line::Shown);
    }
}
