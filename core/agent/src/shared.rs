//! What all parts of one session share.

use std::{sync::Arc, time::Duration};

use adit_mux::Session as Mux;
use adit_net::{ConnStop, tasks::Spawner};
use adit_proto::{
    message::{Auth, AuthExtra, VERSIONS},
    peer::{ADIT_CLIENT_TYPE, HeartbeatTiming, adit_user_agent},
    secret::Secret,
};
use parking_lot::Mutex;
use tokio::sync::{Notify, broadcast, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    Dialer, Event, RemoteOrders, Status, Stopped, bound::Bound, neighbours::Table, plan::Tools,
};

/// Events that a receiver may lag behind.
const MAX_EVENTS: usize = 256;

/// What an agent is, for all its sessions.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) dialer: Arc<dyn Dialer>,
    pub(crate) tools: Tools,
    pub(crate) authtoken: Secret,
    pub(crate) metadata: String,
    pub(crate) heartbeat: HeartbeatTiming,
    /// Products in front of ours in the user agent.
    pub(crate) user_agent: String,
    pub(crate) orders: RemoteOrders,
    pub(crate) legs: Legs,
    pub(crate) custom_interface: bool,
    pub(crate) custom_cas: bool,
}

/// How many connections a session has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Legs {
    /// One.
    #[default]
    One,
    /// One to each address that the edge names.
    AsOffered,
}

/// What the edge knows the session by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    pub(crate) client_id: String,
    pub(crate) cookie: Secret,
}

/// The connection that calls can be made on.
#[derive(Clone, Debug)]
pub(crate) struct Online {
    /// Which connection of the session it is, from 1.
    pub(crate) n: u64,
    pub(crate) mux: Mux,
}

/// How a session shall end.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    pub(crate) why: Stopped,
    pub(crate) grace: Duration,
}

/// What all parts of one session share.
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) identity: Mutex<Identity>,
    /// The endpoints, by the id that the edge gave them.
    table: Arc<Table>,
    /// Counts the changes of the table.
    pub(crate) changed: watch::Sender<u64>,
    pub(crate) online: watch::Sender<Option<Online>>,
    /// The connection that there is, even if it cannot be used for new endpoints yet.
    pub(crate) current: Mutex<Option<Mux>>,
    pub(crate) status: watch::Sender<Status>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) rtt: watch::Sender<Option<Duration>>,
    /// An endpoint was bound on a connection that is gone.
    pub(crate) stale: Notify,
    pub(crate) stop: CancellationToken,
    pub(crate) spawner: Spawner,
    ending: Mutex<Option<Ending>>,
    /// Cancelled when an end that has begun shall wait for nobody any more.
    pub(crate) hurry: CancellationToken,
}

impl Shared {
    pub(crate) fn new(mut settings: Settings, spawner: Spawner) -> Self {
        let table = Arc::new(Table::default());
        settings.tools.neighbours = Some(table.neighbours());
        Self {
            settings,
            identity: Mutex::default(),
            table,
            changed: watch::channel(0).0,
            online: watch::channel(None).0,
            current: Mutex::default(),
            status: watch::channel(Status::Connecting).0,
            events: broadcast::channel(MAX_EVENTS).0,
            rtt: watch::channel(None).0,
            stale: Notify::new(),
            stop: spawner.signals().stop.clone(),
            spawner,
            ending: Mutex::default(),
            hurry: CancellationToken::new(),
        }
    }

    /// Tells whoever listens.
    pub(crate) fn tell(&self, event: Event) {
        // Nobody listens: then nobody wants to know.
        let _ = self.events.send(event);
    }

    /// Begins the end. The first reason counts.
    pub(crate) fn end(&self, why: Stopped, grace: Duration) {
        self.ending.lock().get_or_insert(Ending { why, grace });
        self.stop.cancel();
    }

    /// How the session shall end, once that is known.
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.ending.lock().clone()
    }

    /// Tokens for tasks that are cut with the session, but told to stop on their own.
    pub(crate) fn signals(&self) -> ConnStop {
        ConnStop { stop: CancellationToken::new(), cut: self.spawner.signals().cut.clone() }
    }

    /// The endpoints, however they stand.
    pub(crate) fn endpoints(&self) -> Vec<Arc<Bound>> {
        self.table.all()
    }

    /// The endpoint with this id.
    pub(crate) fn endpoint(&self, id: &str) -> Option<Arc<Bound>> {
        self.table.by_id(id)
    }

    /// The endpoint with this name.
    pub(crate) fn endpoint_named(&self, name: &str) -> Option<Arc<Bound>> {
        self.table.by_name(name)
    }

    /// Makes an endpoint known.
    pub(crate) fn insert(&self, id: String, bound: Arc<Bound>) {
        self.table.insert(id, bound);
        self.changed.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// Forgets an endpoint.
    pub(crate) fn forget(&self, id: &str) -> Option<Arc<Bound>> {
        let bound = self.table.remove(id)?;
        self.changed.send_modify(|n| *n = n.wrapping_add(1));
        Some(bound)
    }

    /// How the agent presents itself on one leg.
    pub(crate) fn auth(&self, leg_number: u32) -> Auth {
        let Identity { client_id, cookie } = self.identity.lock().clone();
        let settings = &self.settings;
        let (heartbeat_interval, heartbeat_tolerance) = settings.heartbeat.to_wire();
        let orders = &settings.orders;
        let user_agent = match settings.user_agent.as_str() {
            "" => adit_user_agent(),
            outer => format!("{outer} {}", adit_user_agent()),
        };
        Auth {
            version: VERSIONS.map(str::to_owned).into(),
            client_id,
            extra: AuthExtra {
                os: os().to_owned(),
                arch: std::env::consts::ARCH.to_owned(),
                authtoken: settings.authtoken.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                user_agent,
                metadata: settings.metadata.clone(),
                cookie,
                heartbeat_interval,
                heartbeat_tolerance,
                stop_unsupported_error: Some(orders.stop.to_wire()),
                restart_unsupported_error: Some(orders.restart.to_wire()),
                update_unsupported_error: Some(orders.update.to_wire()),
                proxy_type: settings.dialer.proxy_type().to_owned(),
                custom_interface: settings.custom_interface,
                custom_cas: settings.custom_cas,
                client_type: ADIT_CLIENT_TYPE.to_owned(),
                leg_number,
                ..AuthExtra::default()
            },
        }
    }
}

/// The system's name as agents write it. Fact: Go's spelling.
fn os() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    }
}
