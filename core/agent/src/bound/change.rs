//! Endpoints that are changed while they are served.

use std::{sync::Arc, time::Duration};

use adit_mux::Session as Mux;
use adit_proto::{
    options::Options,
    rpc::{CALL_TIMEOUT, CallError},
};

use super::{Bound, Granted, State, ask, look_again, started, unbind};
use crate::{
    BindError, EndpointSpec, PlanError,
    plan::{
        Plan, Request,
        blocking::{on_blocking, plan},
    },
    shared::{Online, Shared},
};

/// Puts what another description says in the place of what is served, at the same address.
///
/// # Errors
/// The description cannot be followed, or wants another address; nothing changed then.
pub(crate) async fn update(
    shared: &Shared,
    bound: &Arc<Bound>,
    spec: EndpointSpec,
) -> Result<(), PlanError> {
    let old = bound.plan();
    let mut plan = on_blocking(move || Plan::in_place_of(&old, spec)).await?;
    loop {
        let url = bound.url();
        let tools = shared.settings.tools.clone();
        let built = on_blocking({
            let url = Arc::clone(&url);
            move || plan.route(&url, &tools).map(|route| (plan, route))
        });
        let (same, route) = built.await?;
        let state = bound.state.lock();
        if state.url == url {
            bound.plan.store(Arc::new(same));
            bound.live.replace(route);
            return Ok(());
        }
        // The edge gave it another address meanwhile.
        plan = same;
    }
}

/// Puts what another description says in the place of what is served, with the edge's help, at the
/// same address. Visitors are let in all the time.
///
/// # Errors
/// The description cannot be followed, wants another address, or the edge refuses; nothing changed
/// then.
pub(crate) async fn renew(
    shared: &Arc<Shared>,
    bound: &Arc<Bound>,
    spec: EndpointSpec,
) -> Result<(), BindError> {
    let place = spec.place.clone();
    let new = plan(shared.settings.tools.clone(), spec).await?;
    if !new.keeps_address_of(&bound.plan()) {
        let text = format!("endpoint {:?}: it asks for another address", bound.name);
        return Err(PlanError::new(&place, text).into());
    }
    let online = shared.online.borrow().clone();
    let Some(Online { n, mux }) = online else {
        return Err(BindError::Offline { after: Duration::ZERO });
    };
    let previous = bound.state();
    let granted = match ask_anew(&mux, &new, &previous).await {
        Ok(granted) => granted,
        Err(CallError::Refused(text)) => return Err(BindError::Refused(text)),
        Err(error) => return Err(BindError::Call(error)),
    };
    let Granted { id, url, token, opts, fin } = granted;
    let has_moved = url != previous.url;
    let tools = shared.settings.tools.clone();
    let built = on_blocking({
        let url = Arc::clone(&url);
        move || new.route(&url, &tools).map(|route| (new, route))
    });
    let (new, route) = built.await?;
    {
        let mut state = bound.state.lock();
        bound.plan.store(Arc::new(new));
        bound.live.replace(route);
        *state = State { id: id.clone(), url, token, opts, n, refused: false };
    }
    if bound.has_ended() {
        // Closed while the edge was asked.
        unbind(&mux, &id, CALL_TIMEOUT).await;
        return Err(BindError::Closed);
    }
    if id != previous.id {
        shared.forget(&previous.id);
        shared.insert(id, Arc::clone(bound));
    }
    if has_moved || previous.refused {
        started(shared, bound);
    }
    fin.send().await;
    look_again(shared, n);
    Ok(())
}

/// Asks the edge to do something else at the address that it gave.
async fn ask_anew(mux: &Mux, plan: &Plan, previous: &State) -> Result<Granted, CallError> {
    let State { id, token, .. } = previous.clone();
    // What the edge answered the last time counts for what was asked then.
    let opts = match &plan.request {
        Request::Bind(bind) => bind.opts.clone(),
        Request::Labelled(_) => Options::default(),
    };
    ask(mux, plan, Some(&State { id, token, opts, ..previous.clone() })).await
}
