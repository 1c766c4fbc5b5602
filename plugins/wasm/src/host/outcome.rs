//! How an exchange or a connection ended.

use std::time::Duration;

use adit_chain::{End, Finished};
use wasmtime::component::Resource;

use super::{Outcome, State, error::no_such};
use crate::bindings::adit::policy::outcomes::{Host, HostOutcome};

/// How an exchange or a connection ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutcomeView {
    status: Option<u16>,
    took: Duration,
    to_upstream: u64,
    to_client: u64,
    failure: Option<&'static str>,
}

impl From<End> for OutcomeView {
    fn from(end: End) -> Self {
        let End { totals, took, failure } = end;
        let (to_upstream, to_client) = (totals.bytes_in, totals.bytes_out);
        Self { status: None, took, to_upstream, to_client, failure }
    }
}

impl From<Finished> for OutcomeView {
    fn from(end: Finished) -> Self {
        let Finished { status, took, bytes_in, bytes_out, failure } = end;
        Self { status, took, to_upstream: bytes_in, to_client: bytes_out, failure }
    }
}

impl State {
    fn outcome(&self) -> wasmtime::Result<&OutcomeView> {
        self.current.outcome.as_deref().ok_or_else(|| no_such("outcome"))
    }
}

type Handle = Resource<Outcome>;

impl Host for State {}

impl HostOutcome for State {
    fn status(&mut self, _: Handle) -> wasmtime::Result<Option<u16>> {
        Ok(self.outcome()?.status)
    }

    fn duration_ns(&mut self, _: Handle) -> wasmtime::Result<u64> {
        Ok(u64::try_from(self.outcome()?.took.as_nanos()).unwrap_or(u64::MAX))
    }

    fn octets_to_upstream(&mut self, _: Handle) -> wasmtime::Result<u64> {
        Ok(self.outcome()?.to_upstream)
    }

    fn octets_to_client(&mut self, _: Handle) -> wasmtime::Result<u64> {
        Ok(self.outcome()?.to_client)
    }

    fn failure(&mut self, _: Handle) -> wasmtime::Result<Option<String>> {
        Ok(self.outcome()?.failure.map(str::to_owned))
    }

    fn drop(&mut self, _: Handle) -> wasmtime::Result<()> {
        Ok(())
    }
}
