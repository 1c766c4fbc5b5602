//! Endpoints that are bound again, on a connection that does not know them.

use std::sync::Arc;

use adit_mux::Session as Mux;
use adit_proto::{
    ErrorCode,
    rpc::{CALL_TIMEOUT, CallError},
    secret::Secret,
};
use adit_runtime::Route;

use super::{Bound, Granted, State, ask, started, unbind};
use crate::{
    Down, Event,
    plan::{Plan, blocking::on_blocking},
    shared::Shared,
    supervise,
};

/// Binds an endpoint again on connection `n`.
///
/// # Errors
/// The call failed. A refusal is none: it is noted, and the endpoint asked for again later.
pub(crate) async fn rebind(
    shared: &Arc<Shared>,
    bound: &Arc<Bound>,
    mux: &Mux,
    n: u64,
) -> Result<(), CallError> {
    if bound.has_ended() {
        return Ok(());
    }
    let previous = bound.state();
    let granted = match ask_again(mux, &bound.plan(), &previous).await {
        Ok(granted) => granted,
        Err(CallError::Refused(text)) => {
            let was_refused = {
                let mut state = bound.state.lock();
                state.n = n;
                std::mem::replace(&mut state.refused, true)
            };
            let (name, url) = (&bound.name, &previous.url);
            let err = text.to_string();
            let retry_in = supervise::REFUSED_RETRY;
            tracing::error!(obj = "tunnels", %name, %url, err, ?retry_in, "failed to restart tunnel");
            if !was_refused {
                let why = Down::RebindFailed(err.into());
                shared.tell(Event::EndpointDown { name: Arc::clone(name), why });
            }
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let Granted { id, url, token, opts, fin } = granted;
    // Fact: an edge keeps the id that it is given; only labelled tunnels may get another.
    let id = if id.is_empty() { previous.id.clone() } else { id };
    let moved = url != previous.url;
    let was_refused = loop {
        let plan = bound.plan();
        let route = if moved { rebuild(shared, &plan, &url).await } else { None };
        let mut state = bound.state.lock();
        if !Arc::ptr_eq(&plan, &bound.plan.load()) {
            // Updated meanwhile: what was built is out of date.
            continue;
        }
        if let Some(route) = route {
            bound.live.replace(route);
        }
        let was_refused = state.refused;
        *state = State { id: id.clone(), url, token, opts, n, refused: false };
        break was_refused;
    };
    if bound.has_ended() {
        // Closed while the edge was asked.
        unbind(mux, &id, CALL_TIMEOUT).await;
        return Ok(());
    }
    if id != previous.id {
        shared.forget(&previous.id);
        shared.insert(id, Arc::clone(bound));
    }
    if moved || was_refused {
        started(shared, bound);
    }
    fin.send().await;
    Ok(())
}

/// Asks for the same address again: with what proves that it is ours, or, where the edge has lost what
/// it would know that by, as anybody may.
async fn ask_again(mux: &Mux, plan: &Plan, previous: &State) -> Result<Granted, CallError> {
    match ask(mux, plan, Some(previous)).await {
        Err(CallError::Refused(text)) if text.code() == Some(ErrorCode::BIND_TOKEN_MALFORMED) => {
            let (id, token) = (String::new(), Secret::default());
            ask(mux, plan, Some(&State { id, token, ..previous.clone() })).await
        }
        answered => answered,
    }
}

/// The route at another address. `None` if it cannot be built: it could before, at another one,
/// and what was built then still forwards.
async fn rebuild(shared: &Shared, plan: &Arc<Plan>, url: &Arc<str>) -> Option<Route> {
    let (tools, plan, url) = (shared.settings.tools.clone(), Arc::clone(plan), Arc::clone(url));
    let built = on_blocking(move || plan.route(&url, &tools)).await;
    built
        .inspect_err(|error| tracing::error!(err = %error, "could not build the endpoint again"))
        .ok()
}
