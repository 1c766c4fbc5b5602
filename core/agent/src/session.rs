//! A session with an edge, as its owner sees it.

use std::{fmt, sync::Arc, time::Duration};

use adit_net::{Drained, tasks::Tasks};
use adit_proto::rpc::CallError;
use tokio::{
    sync::{broadcast, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    BindError, ConnectError, Endpoint, EndpointSpec, Event, Status, Stopped, bound,
    error::chain,
    plan::blocking,
    shared::{Online, Shared},
    supervise,
};

/// How long a bind waits for a connection to the edge.
const ONLINE_LIMIT: Duration = Duration::from_secs(60);

/// How often a bind is tried when connections break under it.
const MAX_TRIES: usize = 5;

/// How long a connection may take to turn out to be lost after a call on it failed.
const LOSS_SETTLES: Duration = Duration::from_secs(1);

/// What the end of a session may take beyond the grace of its connections.
const MARGIN: Duration = Duration::from_secs(5);

/// A session with an edge: connected, authenticated, and kept so until it is shut down.
///
/// Dropping it ends everything at once and tells nobody; [`shutdown`](Self::shutdown) is the
/// polite way.
#[derive(Debug)]
pub struct Session {
    handle: Handle,
    supervisor: JoinHandle<Option<Drained>>,
    tasks: Tasks,
}

/// A session that is not there yet.
///
/// Dropping it gives the attempt up.
#[derive(Debug)]
pub struct Connecting {
    handle: Handle,
    tasks: Tasks,
}

/// Uses a session without owning it. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Connecting {
    pub(crate) fn new(shared: Arc<Shared>, tasks: Tasks) -> Self {
        Self { handle: Handle { shared }, tasks }
    }

    /// A handle for other parts of the program: what it binds waits for the session.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Connects and authenticates. See [`Agent::start`](crate::Agent::start).
    ///
    /// # Errors
    /// What time does not heal: the edge refuses the credential, or we refuse its certificate.
    ///
    /// # Cancel safety
    /// Dropping the future closes what it opened.
    pub async fn established(self) -> Result<Session, ConnectError> {
        let Self { handle, tasks } = self;
        let shared = &handle.shared;
        let leg = Box::pin(supervise::connect(shared)).await?;
        let supervisor = tasks.spawn(supervise::supervise(Arc::clone(shared), leg));
        Ok(Session { handle, supervisor, tasks })
    }
}

impl Session {
    /// A handle for other parts of the program.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Asks the edge for an address and serves it. See [`Handle::bind`].
    ///
    /// # Errors
    /// See [`BindError`].
    pub async fn bind(&self, spec: EndpointSpec) -> Result<Endpoint, BindError> {
        self.handle.bind(spec).await
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.handle.events()
    }

    /// Gives all endpoints back, lets open connections finish until `grace` ends, and says goodbye
    /// to the edge. Takes a few seconds more than `grace` only if the edge does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future cuts everything at once.
    pub async fn shutdown(self, grace: Duration) -> Drained {
        let Self { handle, supervisor, tasks } = self;
        handle.shared.end(Stopped::ByOwner, grace);
        let all = tasks.shutdown(grace.saturating_add(MARGIN)).await;
        match supervisor.await {
            Ok(Some(drained)) => drained,
            _ => all,
        }
    }
}

impl Handle {
    /// Has a [`shutdown`](Session::shutdown) that is under way wait for no connection any more. The
    /// edge is still told, so that visitors learn whose end it was.
    pub fn hurry(&self) {
        self.shared.hurry.cancel();
    }

    /// Asks the edge for an address and serves it. Waits for a connection if there is none.
    ///
    /// # Errors
    /// The description cannot be followed, the edge refuses, or there was no connection for long.
    ///
    /// # Cancel safety
    /// Dropping the future gives the address back, if it was granted.
    pub async fn bind(&self, spec: EndpointSpec) -> Result<Endpoint, BindError> {
        // In a task of its own, so that whoever gives up leaves no address behind.
        let this = self.clone();
        let task = self.shared.spawner.spawn(async move { this.bind_now(spec).await });
        match task.await {
            Ok(Some(result)) => result,
            _ => Err(BindError::Ended),
        }
    }

    async fn bind_now(&self, spec: EndpointSpec) -> Result<Endpoint, BindError> {
        let shared = &self.shared;
        let plan = blocking::plan(shared.settings.tools.clone(), spec).await?;
        let mut used = 0;
        let mut tries = 0;
        loop {
            let online = self.online_after(used).await?;
            let error = match bound::ask(&online.mux, &plan, None).await {
                Ok(granted) => {
                    let bound = bound::register(shared, plan, granted, &online).await?;
                    return Ok(Endpoint::new(Arc::clone(shared), bound));
                }
                Err(CallError::Refused(text)) => return Err(BindError::Refused(text)),
                Err(CallError::Decode(error)) => {
                    return Err(BindError::Answer { reason: error.to_string() });
                }
                Err(error) => error,
            };
            tries += 1;
            let is_lost = tokio::select! {
                () = online.mux.closed() => true,
                () = sleep(LOSS_SETTLES) => false,
            };
            if !is_lost || tries == MAX_TRIES {
                return Err(BindError::Call(error));
            }
            tracing::debug!(err = %chain(&error), "bind again on the next connection");
            used = online.n;
        }
    }

    /// A connection later than number `used`.
    async fn online_after(&self, used: u64) -> Result<Online, BindError> {
        let mut online = self.shared.online.subscribe();
        let later = online.wait_for(|online| online.as_ref().is_some_and(|o| o.n > used));
        let found = tokio::select! {
            () = self.shared.stop.cancelled() => return Err(BindError::Ended),
            found = timeout(ONLINE_LIMIT, later) => found,
        };
        match found {
            Ok(Ok(found)) => found.clone().ok_or(BindError::Ended),
            Ok(Err(_)) => Err(BindError::Ended),
            Err(_) => Err(BindError::Offline { after: ONLINE_LIMIT }),
        }
    }

    /// What happens from now on.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.shared.events.subscribe()
    }

    /// How the session stands, and how it changes.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.shared.status.subscribe()
    }

    /// The last round trip to the edge, once one was measured.
    pub fn rtt(&self) -> watch::Receiver<Option<Duration>> {
        self.shared.rtt.subscribe()
    }

    /// Waits for the end of the session.
    pub async fn stopped(&self) -> Stopped {
        let mut status = self.status();
        let ended = status.wait_for(|status| matches!(status, Status::Ended(_))).await;
        match ended.as_deref() {
            Ok(Status::Ended(why)) => (**why).clone(),
            _ => Stopped::ByOwner,
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("status", &*self.shared.status.borrow()).finish()
    }
}
