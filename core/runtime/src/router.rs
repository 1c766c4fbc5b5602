//! From the name in a request to a route.

use std::{fmt, sync::Arc};

use adit_chain::Refusal;

use crate::Route;

/// Finds the route of each exchange by its `Host`.
pub trait Router: fmt::Debug + Send + Sync + 'static {
    /// The route that serves an authority: `host[:port]`, as the visitor wrote it.
    ///
    /// # Errors
    /// What the visitor is told when there is none.
    #[expect(clippy::result_large_err, reason = "refusals are rare, and moved once")]
    fn route(&self, authority: &str) -> Result<Arc<Route>, Refusal>;

    /// A number that changes whenever an answer of [`route`](Self::route) may have changed. With
    /// it a connection asks once for requests with the same `Host`; `None`: it always asks.
    fn generation(&self) -> Option<u64> {
        None
    }
}
