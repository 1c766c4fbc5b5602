//! Endpoints that the edge has given an address: asking for them, and giving them back.

mod again;
mod change;

use std::{sync::Arc, time::Duration};

use adit_mux::{Session as Mux, Stream};
use adit_proto::{
    message::{BindResp, StartTunnelWithLabelResp, Unbind},
    options::Options,
    rpc::{Answered, CALL_TIMEOUT, CallError},
    secret::Secret,
};
use adit_runtime::Live;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::watch;
use tracing::{debug, info};

pub(crate) use self::{
    again::rebind,
    change::{renew, update},
};
use crate::{
    BindError, Down, Event,
    call::call,
    leg::UNBIND_LIMIT,
    plan::{Plan, Request, blocking::on_blocking},
    shared::{Online, Shared},
};

/// An endpoint that the edge has given an address.
pub(crate) struct Bound {
    pub(crate) name: Arc<str>,
    /// Replaced, together with what it leads to in `live`, only while `state` is locked.
    plan: ArcSwap<Plan>,
    /// How its connections are forwarded.
    pub(crate) live: Arc<Live>,
    /// Why it has ended, once it has.
    pub(crate) ended: watch::Sender<Option<Down>>,
    state: Mutex<State>,
}

/// What the edge said about an endpoint the last time.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) id: String,
    pub(crate) url: Arc<str>,
    token: Secret,
    opts: Options,
    /// On which connection it was bound.
    n: u64,
    /// Whether the edge refused to take it back.
    refused: bool,
}

/// An address, whose stream still waits for our FIN.
pub(crate) struct Granted {
    id: String,
    url: Arc<str>,
    token: Secret,
    opts: Options,
    fin: Fin,
}

enum Fin {
    Bind(Answered<BindResp, Stream>),
    Labelled(Answered<StartTunnelWithLabelResp, Stream>),
}

impl Granted {
    /// Tells the edge to send visitors, who are registered already.
    pub(crate) async fn confirm(self) {
        self.fin.send().await;
    }
}

impl Fin {
    /// Tells the edge to send visitors.
    async fn send(self) {
        match self {
            Self::Bind(answered) => drop(answered.finish().await),
            Self::Labelled(answered) => drop(answered.finish().await),
        }
    }
}

impl Bound {
    pub(crate) fn plan(&self) -> Arc<Plan> {
        self.plan.load_full()
    }

    pub(crate) fn state(&self) -> State {
        self.state.lock().clone()
    }

    pub(crate) fn id(&self) -> String {
        self.state.lock().id.clone()
    }

    pub(crate) fn url(&self) -> Arc<str> {
        Arc::clone(&self.state.lock().url)
    }

    /// Whether it is not known on connection `n`.
    pub(crate) fn is_stale(&self, n: u64) -> bool {
        self.state.lock().n != n
    }

    /// Whether the edge refused to take it back.
    pub(crate) fn is_refused(&self) -> bool {
        self.state.lock().refused
    }

    /// Whether the edge ended it, and so need not be told.
    pub(crate) fn was_stopped_by_edge(&self) -> bool {
        matches!(*self.ended.borrow(), Some(Down::StoppedByEdge(_)))
    }

    fn has_ended(&self) -> bool {
        self.ended.borrow().is_some()
    }
}

/// Asks the edge for an address, or for the same address again.
pub(crate) async fn ask(
    mux: &Mux,
    plan: &Plan,
    previous: Option<&State>,
) -> Result<Granted, CallError> {
    match &plan.request {
        Request::Bind(bind) => {
            let mut bind = bind.clone();
            if let Some(previous) = previous {
                bind.id.clone_from(&previous.id);
                bind.extra.token = previous.token.clone();
                bind.opts = previous.opts.clone();
            }
            let answered = call(mux, &bind, CALL_TIMEOUT).await?;
            let resp = &answered.answer;
            Ok(Granted {
                id: resp.id.clone(),
                url: plan.public_url(&resp.url).into(),
                token: resp.extra.token.clone(),
                opts: resp.opts.clone(),
                fin: Fin::Bind(answered),
            })
        }
        Request::Labelled(start) => {
            let answered = call(mux, start, CALL_TIMEOUT).await?;
            let labels: Vec<_> = start.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
            Ok(Granted {
                id: answered.answer.id.clone(),
                url: labels.join(",").into(),
                token: Secret::default(),
                opts: Options::default(),
                fin: Fin::Labelled(answered),
            })
        }
    }
}

/// Registers a new endpoint, and only then tells the edge to send visitors.
pub(crate) async fn register(
    shared: &Arc<Shared>,
    plan: Plan,
    granted: Granted,
    online: &Online,
) -> Result<Arc<Bound>, BindError> {
    let Online { n, mux } = online;
    let n = *n;
    let Granted { id, url, token, opts, fin } = granted;
    if id.is_empty() {
        return Err(BindError::Answer { reason: "the bind has no id".to_owned() });
    }
    let built = on_blocking({
        let (tools, url) = (shared.settings.tools.clone(), Arc::clone(&url));
        move || plan.route(&url, &tools).map(|route| (plan, route))
    });
    let (plan, route) = match built.await {
        Ok(built) => built,
        Err(error) => {
            unbind(mux, &id, CALL_TIMEOUT).await;
            return Err(error.into());
        }
    };
    let bound = Arc::new(Bound {
        name: Arc::clone(&plan.name),
        plan: ArcSwap::from_pointee(plan),
        live: Arc::new(Live::new(route)),
        ended: watch::channel(None).0,
        state: Mutex::new(State { id: id.clone(), url, token, opts, n, refused: false }),
    });
    shared.insert(id.clone(), Arc::clone(&bound));
    if shared.stop.is_cancelled() {
        // Whoever ends the session may have looked for endpoints before.
        remove(shared, &id, Down::Closed);
        unbind(mux, &id, UNBIND_LIMIT).await;
        return Err(BindError::Ended);
    }
    started(shared, &bound);
    fin.send().await;
    look_again(shared, n);
    Ok(bound)
}

/// What was bound on a connection that is replaced meanwhile is bound on the new one, too: that may
/// not have seen it, or not as it is now.
fn look_again(shared: &Shared, n: u64) {
    if shared.online.borrow().as_ref().is_none_or(|online| online.n != n) {
        shared.stale.notify_one();
    }
}

fn started(shared: &Shared, bound: &Bound) {
    let (name, url, plan) = (&bound.name, bound.url(), bound.plan());
    let addr = &plan.service.display;
    // Fact: some wrappers read the URL from a record of this shape.
    debug!(
        obj = "tunnels.session",
        resp = format!("&{{Id:{} URL:{url} Proto:{} }}", bound.id(), plan.proto()),
        "open tunnel answer"
    );
    info!(obj = "tunnels", %name, %addr, %url, "started tunnel");
    shared.tell(Event::EndpointUp { name: Arc::clone(name), url });
}

/// Forgets an endpoint, if it is there, and says so.
pub(crate) fn remove(shared: &Shared, id: &str, why: Down) -> Option<Arc<Bound>> {
    let bound = shared.forget(id)?;
    mark_ended(shared, &bound, why);
    Some(bound)
}

fn mark_ended(shared: &Shared, bound: &Bound, why: Down) {
    let first = bound.ended.send_if_modified(|ended| {
        let first = ended.is_none();
        ended.get_or_insert_with(|| why.clone());
        first
    });
    if first {
        debug!(obj = "tunnels", name = %bound.name, ?why, "stopped tunnel");
        shared.tell(Event::EndpointDown { name: Arc::clone(&bound.name), why });
    }
}

/// Gives an endpoint back, and forgets it. Whether the edge answers changes nothing for us.
pub(crate) async fn close(shared: &Shared, bound: &Bound) {
    if bound.has_ended() {
        return;
    }
    mark_ended(shared, bound, Down::Closed);
    let id = bound.id();
    // Also on a connection on which endpoints are still being bound again: this one may have been.
    let mux = shared.current.lock().clone();
    if let Some(mux) = mux {
        unbind(&mux, &id, CALL_TIMEOUT).await;
    }
    shared.forget(&id);
}

/// Unbinds on one connection.
pub(crate) async fn unbind(mux: &Mux, id: &str, within: Duration) {
    let request = Unbind { id: id.to_owned(), ..Unbind::default() };
    match call(mux, &request, within).await {
        Ok(answered) => drop(answered.finish().await),
        Err(error) => debug!(%error, id, "could not unbind"),
    }
}
