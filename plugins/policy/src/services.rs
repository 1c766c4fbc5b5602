//! What actions reach the world by.

use std::{fmt, sync::Arc, time::Instant};

use adit_chain::BoxFuture;
use bytes::Bytes;

/// What actions reach the world by.
#[derive(Clone, Debug, Default)]
pub struct Services {
    /// Asks identity providers and other servers outside.
    pub fetch: Option<Arc<dyn Fetch>>,
}

/// Asks servers by HTTP and HTTPS.
pub trait Fetch: fmt::Debug + Send + Sync + 'static {
    /// Sends a request with an absolute target and gathers the answer, at most `max_len` bytes of
    /// it. Redirects are answers like others. `deadline` has passed when nobody waits any more.
    ///
    /// # Errors
    /// There is no answer, or it is too long.
    ///
    /// # Cancel safety
    /// Dropping the future gives the request up.
    fn fetch<'a>(
        &'a self,
        request: http::Request<Bytes>,
        max_len: usize,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<http::Response<Bytes>, FetchError>>;
}

/// A server could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The answer broke off, or is none.
    #[error("{0}")]
    Broken(String),
    /// It did not answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The answer is longer than was asked for.
    #[error("the answer is too long")]
    TooLong,
    /// It could not be reached.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
}
