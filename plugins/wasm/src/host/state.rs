//! What one instance's store holds.

use std::sync::Arc;

use adit_policy_rules::limits;
use tokio::time::Instant;

use super::{ConnView, OutcomeView, RequestView, ResponseView, Shared};
use crate::{hook::Hook, limits::Limiter, time::Slice};

/// What one instance's store holds.
#[derive(Debug)]
pub(crate) struct State {
    /// What all instances of the policy share.
    pub(crate) policy: Arc<Shared>,
    /// What the running call is about; taken in before it and out after it.
    pub(crate) current: Current,
    /// Quotas of the running call.
    pub(crate) phase: Phase,
    /// Memory of the instance.
    pub(crate) limiter: Limiter,
    /// What the guest said about its panic: text and place.
    pub(crate) panic: Option<(String, String)>,
    /// CPU time of the running call.
    pub(crate) slice: Slice,
}

/// What the running call is about. Boxes, because it is handed around.
#[derive(Debug, Default)]
pub(crate) struct Current {
    pub(crate) conn: Option<ConnView>,
    pub(crate) request: Option<Box<RequestView>>,
    pub(crate) response: Option<Box<ResponseView>>,
    pub(crate) outcome: Option<Box<OutcomeView>>,
}

impl Current {
    /// Makes every edit of this call final.
    pub(crate) fn commit(&mut self) {
        if let Some(conn) = &mut self.conn {
            conn.commit();
        }
        if let Some(request) = &mut self.request {
            request.commit();
        }
        if let Some(response) = &mut self.response {
            response.commit();
        }
    }

    /// Takes every edit of this call back, as if it had never run.
    pub(crate) fn rollback(&mut self) {
        if let Some(conn) = &mut self.conn {
            conn.rollback();
        }
        if let Some(request) = &mut self.request {
            request.rollback();
        }
        if let Some(response) = &mut self.response {
            response.rollback();
        }
    }
}

/// Quotas of one phase, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phase {
    /// Which hook runs.
    pub(crate) hook: Hook,
    /// When the phase must be over, waits included.
    pub(crate) deadline: Option<Instant>,
    /// When the call began, if somebody looked.
    pub(crate) began: Option<std::time::Instant>,
    /// Calls to other services that are left.
    pub(crate) outbound_left: u32,
    /// What the guest waits for, for the text of a timeout: `outbound`.
    pub(crate) waiting: Option<&'static str>,
}

impl Phase {
    /// A phase that starts.
    pub(crate) const fn new(hook: Hook, deadline: Option<Instant>) -> Self {
        Self { hook, deadline, outbound_left: limits::OUTBOUND_CALLS, waiting: None, began: None }
    }
}
