//! What endpoints are made on: the agent, its session, and whoever watches.

use std::{sync::Arc, time::Duration};

use adit_agent::{Agent, BindError, EndpointSpec, Handle, Status};
use adit_config::endpoint_url::Kind;
use adit_inspect::{capture::Store, meter::Meter};
use tokio::time::timeout;

use super::{
    entry::{Entry, Wanted, host_of},
    tap::LateTap,
};

/// How long one endpoint may take.
///
/// Reason: an edge that is there answers at once; whoever wants to change another one waits.
const LIMIT: Duration = Duration::from_secs(10);

/// How long a lost session is waited for. Reason: as long as visitors are kept waiting for it.
const SESSION_LIMIT: Duration = Duration::from_secs(3);

/// What endpoints are made on.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) agent: Agent,
    pub(crate) handle: Handle,
    /// Where exchanges are captured, if they are.
    pub(crate) store: Option<Arc<Store>>,
    /// Whether nothing may be captured.
    pub(crate) is_blind: bool,
}

impl Ground {
    /// The description of an endpoint with its place and whoever watches.
    pub(super) fn dressed(
        &self,
        wanted: &Wanted,
        meter: &Arc<Meter>,
        served: &[Arc<Entry>],
    ) -> EndpointSpec {
        let mut spec = wanted.spec.clone();
        if let Some((first, scheme)) = &wanted.beside
            && let Some(first) = served.iter().find(|entry| entry.name == *first)
        {
            spec = spec.url(&format!("{scheme}://{}", host_of(&first.endpoint.url())));
        }
        let configured = &wanted.configured;
        if let Some(store) = &self.store
            && configured.inspect
            && configured.kind == Kind::Http
        {
            spec = spec.tapped(Arc::new(LateTap::new(store)));
        }
        spec.observed(Arc::<Meter>::clone(meter))
    }

    /// Waits until there is a session, or none will be any more.
    pub(super) async fn session(&self) {
        let settled = |status: &Status| matches!(status, Status::Online(_) | Status::Ended(_));
        let _ = self.handle.status().wait_for(settled).await;
    }

    /// Whether there is a session, or is one soon.
    pub(super) async fn has_session(&self) -> bool {
        timeout(SESSION_LIMIT, self.session()).await.is_ok()
    }

    /// Asks the edge for it.
    pub(super) async fn bind(
        &self,
        wanted: &Wanted,
        meter: Arc<Meter>,
        served: &[Arc<Entry>],
    ) -> Result<Arc<Entry>, BindError> {
        let spec = self.dressed(wanted, &meter, served);
        let bound = timeout(LIMIT, self.handle.bind(spec)).await;
        let endpoint = bound.unwrap_or(Err(BindError::Offline { after: LIMIT }))?;
        self.note(wanted);
        Ok(Arc::new(Entry::new(wanted.clone(), endpoint, meter, id())))
    }

    /// Says what is not done.
    fn note(&self, wanted: &Wanted) {
        let configured = &wanted.configured;
        if configured.inspect && configured.kind == Kind::Http && self.is_blind {
            tracing::warn!(
                name = wanted.name(),
                "ignoring inspect: true because inspection database is disabled"
            );
        }
    }
}

/// 32 hex digits that no other endpoint has.
fn id() -> String {
    let mut bytes = [0; 16];
    // Without randomness there are worse problems; the name tells endpoints apart.
    let _ = getrandom::fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}
