//! What actions reach the world by.

mod reach;

use std::{fmt, net::IpAddr, sync::Arc, time::Instant};

use adit_chain::BoxFuture;
use bytes::Bytes;

pub use self::reach::Reach;

use crate::login::Logins;

/// What actions reach the world by.
#[derive(Clone, Debug, Default)]
pub struct Services {
    /// Asks identity providers and other servers outside.
    pub fetch: Option<Arc<dyn Fetch>>,
    /// Whom `http-request` may ask beside internal endpoints: the operator's choice.
    pub reach: Reach,
    /// What logins have in common. All policies of a process share one, so that sessions outlive a
    /// configuration that is read again.
    pub logins: Logins,
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

    /// As [`fetch`](Self::fetch), for targets that visitors may have a say in: connects only to
    /// addresses that `reach` [allows](Reach::allows), whatever a name stands for at that moment,
    /// and keeps no connection that another reach could use.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch); [`FetchError::Forbidden`] if no address is allowed.
    ///
    /// # Cancel safety
    /// Dropping the future gives the request up.
    fn fetch_within<'a>(
        &'a self,
        request: http::Request<Bytes>,
        max_len: usize,
        deadline: Instant,
        reach: Reach,
    ) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        let _ = (request, max_len, deadline, reach);
        let why = "requests to other servers are not possible here".to_owned();
        Box::pin(std::future::ready(Err(FetchError::Unreachable(why))))
    }
}

/// The answer of a server.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The answer.
    pub response: http::Response<Bytes>,
    /// The address that gave it.
    pub address: Option<IpAddr>,
}

/// A server could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The answer broke off, or is none.
    #[error("{0}")]
    Broken(String),
    /// Requests must not go there.
    #[error("requests to {0} are not allowed")]
    Forbidden(String),
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
