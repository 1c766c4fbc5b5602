//! An agent that is not one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use adit_chain::{Body as Sent, Id};
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use crate::{
    capture::Store,
    control::{
        BoxFuture, Changes, Control, ControlError, Dialect, EndpointState, EndpointView, LegView,
        Origin, Reloaded, Replaced, SessionEvent, SessionStatus, SessionView, Setting,
    },
    meter::Meter,
    model::{Body, Entry, Headers, Source},
    replay::{self, ReplayError, Replayer},
};

/// An agent that is not one.
#[derive(Debug)]
pub(in crate::api) struct Fake {
    pub(in crate::api) endpoints: Mutex<Vec<EndpointView>>,
    pub(in crate::api) status: Mutex<SessionStatus>,
    /// Where what is sent again is put.
    pub(super) store: Mutex<Option<Arc<Store>>>,
    /// The next creation fails with it.
    pub(in crate::api) fails: Mutex<Option<ControlError>>,
    /// A creation under the name `slow` waits for it, having counted itself.
    pub(in crate::api) gate: Notify,
    pub(in crate::api) n_begun: AtomicUsize,
    changes: watch::Sender<Changes>,
}

impl Fake {
    pub(in crate::api) fn new() -> Arc<Self> {
        Arc::new(Self {
            endpoints: Mutex::default(),
            status: Mutex::new(SessionStatus::Online),
            store: Mutex::default(),
            fails: Mutex::default(),
            gate: Notify::new(),
            n_begun: AtomicUsize::new(0),
            changes: watch::channel(Changes::default()).0,
        })
    }

    /// Puts an endpoint there, as from a file.
    pub(in crate::api) fn has(&self, name: &str, url: &str, addr: &str) -> Arc<Meter> {
        let endpoint = view(name, url, addr);
        let meter = Arc::clone(&endpoint.meter);
        self.endpoints.lock().push(endpoint);
        self.changes.send_modify(|changes| changes.endpoints += 1);
        meter
    }

    pub(in crate::api) fn session_is(&self, status: SessionStatus) {
        *self.status.lock() = status;
        self.changes.send_modify(|changes| changes.session += 1);
    }

    fn define(&self, dialect: Dialect, definition: &Value) -> Result<EndpointView, ControlError> {
        let invalid = |err: &str| ControlError::Invalid { err: err.to_owned() };
        if let Some(error) = self.fails.lock().take() {
            return Err(error);
        }
        let name = definition["name"].as_str().ok_or_else(|| invalid("name is missing"))?;
        let upstream = match dialect {
            Dialect::Endpoints => definition["upstream"]["url"].as_str(),
            Dialect::Tunnels => definition["addr"].as_str(),
        };
        let upstream = upstream.ok_or_else(|| invalid("no address"))?;
        let proto = match definition["proto"].as_str() {
            None | Some("http") => "https",
            Some(proto @ ("tcp" | "tls")) => proto,
            Some(other) => return Err(invalid(&format!("{other:?} is no protocol name"))),
        };
        if self.endpoint(name).is_some() {
            return Err(invalid("the name is taken"));
        }
        Ok(view(name, &format!("{proto}://made.test"), upstream))
    }

    fn add(&self, endpoint: EndpointView) -> EndpointView {
        self.endpoints.lock().push(endpoint.clone());
        self.changes.send_modify(|changes| changes.endpoints += 1);
        endpoint
    }
}

fn view(name: &str, url: &str, addr: &str) -> EndpointView {
    let proto = url.split_once("://").unwrap().0.to_owned();
    EndpointView {
        name: name.to_owned(),
        id: "0123456789abcdef0123456789abcdef".to_owned(),
        public_url: url.to_owned(),
        inspect: true,
        proto,
        addr: addr.to_owned(),
        protocol: "http1".to_owned(),
        proxy_protocol: None,
        pooling_enabled: false,
        traffic_policy: None,
        bindings: Vec::new(),
        metadata: String::new(),
        description: String::new(),
        handlers: vec!["basic-auth".to_owned()],
        origin: Origin::File,
        state: EndpointState::Online,
        meter: Arc::new(Meter::new()),
    }
}

impl Control for Fake {
    fn endpoints(&self) -> Vec<EndpointView> {
        self.endpoints.lock().clone()
    }

    fn is_online_host(&self, host: &str) -> bool {
        self.endpoints.lock().iter().any(|e| e.public_url.ends_with(&format!("://{host}")))
    }

    fn create(
        &self,
        dialect: Dialect,
        definition: Value,
    ) -> BoxFuture<'_, Result<EndpointView, ControlError>> {
        Box::pin(async move {
            let endpoint = self.define(dialect, &definition)?;
            if endpoint.name == "slow" {
                self.n_begun.fetch_add(1, SeqCst);
                self.gate.notified().await;
            }
            Ok(self.add(endpoint))
        })
    }

    fn replace<'a>(
        &'a self,
        name: &'a str,
        mut definition: Value,
    ) -> BoxFuture<'a, Result<Replaced, ControlError>> {
        Box::pin(async move {
            definition["name"] = json!(name);
            let was_there = self.delete(name).await.is_ok();
            let endpoint = self.add(self.define(Dialect::Endpoints, &definition)?);
            Ok(if was_there { Replaced::Updated(endpoint) } else { Replaced::Created(endpoint) })
        })
    }

    fn delete<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), ControlError>> {
        Box::pin(async move {
            let mut endpoints = self.endpoints.lock();
            let at = endpoints.iter().position(|e| e.name == name);
            let at = at.ok_or_else(|| ControlError::NotFound { name: name.to_owned() })?;
            endpoints.remove(at);
            Ok(())
        })
    }

    fn session(&self) -> SessionView {
        let status = self.status.lock().clone();
        SessionView {
            retry_at: match status {
                SessionStatus::Reconnecting(_) => Timestamp::from_second(30).ok(),
                _ => None,
            },
            status,
            legs: vec![LegView {
                region: "eu".to_owned(),
                latency: Some(Duration::from_millis(87)),
            }],
            agent_version: "3.39.10".to_owned(),
            version: "0.1.0".to_owned(),
            edge: "embedded".to_owned(),
            started: Timestamp::UNIX_EPOCH,
            history: vec![SessionEvent {
                at: Timestamp::UNIX_EPOCH,
                what: "connected",
                detail: "eu".to_owned(),
            }],
            ..SessionView::default()
        }
    }

    fn settings(&self) -> Vec<Setting> {
        vec![Setting::new("agent", "authtoken", "2abc…")]
    }

    fn reload(&self) -> BoxFuture<'_, Result<Reloaded, ControlError>> {
        Box::pin(async {
            match self.fails.lock().take() {
                Some(error) => Err(error),
                None => Ok(Reloaded { added: vec!["web".to_owned()], ..Reloaded::default() }),
            }
        })
    }

    fn metrics(&self) -> String {
        "adit_policy_calls_total 7\n".to_owned()
    }

    fn changes(&self) -> watch::Receiver<Changes> {
        self.changes.subscribe()
    }
}

impl Replayer for Fake {
    fn replay<'a>(
        &'a self,
        entry: &'a Entry,
        request: http::Request<Sent>,
    ) -> BoxFuture<'a, Result<Id, ReplayError>> {
        Box::pin(async move {
            let store = self.store.lock().clone().unwrap();
            let endpoint = entry.endpoint.to_string();
            self.endpoint(&endpoint).ok_or(ReplayError::NoEndpoint { endpoint })?;
            let mut again = entry.clone();
            let (parts, body) = request.into_parts();
            again.id = Id::next();
            again.source = Source::Replay { of: replay::original(entry) };
            again.request.method = parts.method;
            again.request.target = parts.uri.to_string().into();
            again.request.headers = Headers::of(&parts.headers);
            again.request.body = Body::whole(body.into_whole(usize::MAX).await.unwrap());
            let id = again.id;
            assert!(store.add(again));
            Ok(id)
        })
    }
}
