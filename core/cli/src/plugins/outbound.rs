//! The way of policies to other services: those that a grant names, by URL or by an endpoint of this
//! agent whose upstream they are.

use std::time::Instant;

use adit_agent::{CallError, Caller, Roots};
use adit_chain::BoxFuture;
use adit_config::{Config, UpstreamAddr};
use adit_policy_rules::limits;
use adit_wasm::{Outbound, OutboundError};
use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response};

/// The way of policies to other services.
#[derive(Debug)]
pub(super) struct Way(Caller);

impl Way {
    /// Trusts whom the system trusts, and knows the endpoints' upstreams. Reads files.
    pub(super) fn new(config: &Config) -> Result<Self> {
        let roots = Roots::Host.load().context("cannot read the system's certificates")?;
        let caller = Caller::new(roots);
        caller.set_names(config.endpoints.iter().filter_map(|endpoint| {
            let upstream = &endpoint.upstream.addr.value;
            let is_http = matches!(upstream, UpstreamAddr::Http(_) | UpstreamAddr::Https(_));
            is_http.then(|| (endpoint.name.clone(), upstream.to_string()))
        }));
        Ok(Self(caller))
    }
}

impl Outbound for Way {
    fn send<'a>(
        &'a self,
        upstream: &'a str,
        request: Request<Bytes>,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Response<Bytes>, OutboundError>> {
        Box::pin(async move {
            let call = self.0.call(upstream, request, limits::OUTBOUND_BODY, deadline.into());
            call.await.map_err(|error| match error {
                CallError::Timeout => OutboundError::Timeout,
                CallError::TooLong { .. } => OutboundError::TooLong,
                CallError::Unreachable { reason } => OutboundError::Unreachable(reason),
                other => OutboundError::Broken(other.to_string()),
            })
        })
    }
}
