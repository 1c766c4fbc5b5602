//! The way of policies to other services: those that a grant names, by URL or by an endpoint of this
//! agent whose upstream they are.

use std::{sync::OnceLock, time::Instant};

use adit_agent::{CallError, Caller, Roots};
use adit_chain::BoxFuture;
use adit_config::{Config, UpstreamAddr};
use adit_policy_rules::limits;
use adit_wasm::{Outbound, OutboundError};
use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response};

/// The way of policies to other services. Closed until the first policy with a grant is loaded.
#[derive(Debug, Default)]
pub(super) struct Way(OnceLock<Caller>);

impl Way {
    /// Opens it: trusts whom the system trusts. Reads files.
    pub(super) fn prepare(&self) -> Result<()> {
        if self.0.get().is_none() {
            let roots = Roots::Host.load().context("cannot read the system's certificates")?;
            let _ = self.0.set(Caller::new(roots));
        }
        Ok(())
    }

    /// Takes in where the endpoints lead.
    pub(super) fn set_names(&self, config: &Config) {
        let Some(caller) = self.0.get() else { return };
        caller.set_names(config.endpoints.iter().filter_map(|endpoint| {
            let upstream = &endpoint.upstream.addr.value;
            let is_http = matches!(upstream, UpstreamAddr::Http(_) | UpstreamAddr::Https(_));
            is_http.then(|| (endpoint.name.clone(), upstream.to_string()))
        }));
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
            let Some(caller) = self.0.get() else {
                return Err(OutboundError::Unreachable("no policy may call services".to_owned()));
            };
            let call = caller.call(upstream, request, limits::OUTBOUND_BODY, deadline.into());
            call.await.map_err(|error| match error {
                CallError::Timeout => OutboundError::Timeout,
                CallError::TooLong { .. } => OutboundError::TooLong,
                CallError::Unreachable { reason } => OutboundError::Unreachable(reason),
                other => OutboundError::Broken(other.to_string()),
            })
        })
    }
}
