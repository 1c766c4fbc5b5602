//! From the name in a request to a route.

use std::{fmt, sync::Arc};

use adit_chain::{BoxFuture, Refusal};

use crate::Route;

/// Finds the route of each exchange by its `Host`.
pub trait Router: fmt::Debug + Send + Sync + 'static {
    /// The route that serves an authority: `host[:port]`, as the visitor wrote it.
    ///
    /// # Errors
    /// What the visitor is told when there is none.
    #[expect(clippy::result_large_err, reason = "refusals are rare, and moved once")]
    fn route(&self, authority: &str) -> Result<Arc<Route>, Refusal>;

    /// Waits for a route that is not there, for as long as it may be about to come back. The exchange
    /// is refused if it is not there then.
    fn returning<'a>(&'a self, _authority: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    /// A number that changes whenever an answer of [`route`](Self::route) may have changed. With
    /// it a connection asks once for requests with the same `Host`; `None`: it always asks.
    fn generation(&self) -> Option<u64> {
        None
    }
}

/// The host of an authority (`Host` header, SNI) as it was written, without port and root dot.
pub fn host_of(authority: &str) -> &str {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_reduced_to_its_host() {
        for (authority, host) in [
            ("App.Example.com:8080", "App.Example.com"),
            ("app.example.com.", "app.example.com"),
            ("app.example.com.:80", "app.example.com"),
            ("[::1]:80", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(host_of(authority), host, "{authority}");
        }
    }
}
