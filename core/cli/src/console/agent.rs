//! The running agent as the source of what is shown.

use std::{collections::BTreeSet, sync::Arc};

use adit_chain::{Id, Verdict, failure};
use adit_inspect::{
    capture::{Changes, Filter, Store},
    control::{self, Control, EndpointState, EndpointView, SessionStatus, SessionView},
    meter::Meter,
    model::{self, Change, Entry},
};
use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::{
    source::Source,
    state::{
        Decision, Endpoint, Exchange, MAX_EXCHANGES, Numbers, Outcome, Phase, Session, State,
        Weight,
    },
};

/// Changes from which on the list is read anew instead of one by one.
const MANY: usize = MAX_EXCHANGES / 2;

/// Asks the agent, and the store of captured exchanges.
pub(super) struct Agent {
    control: Arc<dyn Control>,
    store: Option<Arc<Store>>,
    changes: watch::Receiver<control::Changes>,
    captured: Option<Changes>,
    /// What was told and is not looked at yet.
    told: Told,
}

/// News of the store.
#[derive(Debug, Default)]
struct Told {
    /// Something else than single exchanges: all have to be looked at.
    all: bool,
    cleared: bool,
    exchanges: BTreeSet<Id>,
}

impl Agent {
    pub(super) fn new(control: Arc<dyn Control>, store: Option<Arc<Store>>) -> Self {
        let captured = store.as_ref().map(|store| store.subscribe());
        let changes = control.changes();
        let told = Told { all: true, ..Told::default() };
        Self { control, store, changes, captured, told }
    }
}

impl Source for Agent {
    async fn changed(&mut self) {
        let Self { changes, captured, told, .. } = self;
        let captured = async {
            match captured {
                Some(captured) => captured.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = changes.changed() => if changed.is_err() {
                // The agent is gone; so is the console, soon.
                std::future::pending::<()>().await;
            },
            change = captured => match change {
                Some(change) => told.note(change),
                None => std::future::pending().await,
            }
        }
    }

    fn update(&mut self, state: &mut State) -> bool {
        self.changes.mark_unchanged();
        let view = self.control.session();
        let endpoints = self.control.endpoints();
        let message = (!view.banner.is_empty()).then(|| view.banner.clone());
        let numbers = numbers(&endpoints);
        let is_ending = state.session.phase == Phase::Ending;
        let session = if is_ending { state.session.clone() } else { session(view) };
        let endpoints: Vec<_> =
            endpoints.into_iter().map(|view| endpoint(view, &session.phase)).collect();
        let mut differs = session != state.session
            || message != state.message
            || numbers != state.numbers
            || endpoints != state.endpoints;
        (state.session, state.message) = (session, message);
        (state.numbers, state.endpoints) = (numbers, endpoints);
        differs |= self.exchanges(state);
        differs
    }
}

impl Agent {
    fn exchanges(&mut self, state: &mut State) -> bool {
        let (Some(store), Some(captured)) = (&self.store, &mut self.captured) else {
            return false;
        };
        while let Some(Some(change)) = captured.next().now_or_never() {
            self.told.note(change);
        }
        let told = std::mem::take(&mut self.told);
        if told.cleared {
            state.cleared();
        }
        if told.all || told.exchanges.len() > MANY {
            let page = store.page(&Filter::default(), None, MAX_EXCHANGES);
            state.saw_all(page.entries.iter().map(|entry| exchange(entry)).collect());
        } else {
            for entry in told.exchanges.iter().filter_map(|id| store.get(*id)) {
                state.saw(exchange(&entry));
            }
        }
        told.cleared || told.all || !told.exchanges.is_empty()
    }
}

impl Told {
    fn note(&mut self, change: Change) {
        match change {
            Change::Added(id) | Change::Updated(id) => drop(self.exchanges.insert(id)),
            Change::Cleared => *self = Self { cleared: true, ..Self::default() },
            Change::Lost(_) => self.all = true,
            // What was seen may stay on the screen.
            _ => {}
        }
    }
}

fn session(view: SessionView) -> Session {
    let phase = match view.status {
        SessionStatus::Connecting => Phase::Connecting,
        SessionStatus::Online => Phase::Online,
        SessionStatus::Reconnecting(why) => Phase::Reconnecting(match view.retry_at {
            Some(at) => again(&why, at.duration_since(Timestamp::now())),
            None => why,
        }),
        SessionStatus::Offline => Phase::Ending,
    };
    let latency = view.legs.iter().filter_map(|leg| leg.latency).min();
    // Our own edge has neither: there is one account, and it is here.
    if view.edge == "embedded" {
        return Session { phase, latency, ..Session::default() };
    }
    let account = match (view.account.as_str(), view.plan.as_str()) {
        (account, "") => account.to_owned(),
        (account, plan) => format!("{account} (Plan: {plan})"),
    };
    let regions: BTreeSet<&str> = view.legs.iter().map(|leg| leg.region.as_str()).collect();
    let region = regions.into_iter().filter(|region| !region.is_empty()).collect::<Vec<_>>();
    Session { phase, account, region: region.join(", "), latency }
}

/// Why there is no session, and when it is tried next, if somebody may wait for that.
fn again(why: &str, left: SignedDuration) -> String {
    match left.as_secs() {
        left if left > 0 => format!("{why}; tried again in {left}s"),
        _ => why.to_owned(),
    }
}

/// Without a session none can be reached, which the session's own line says.
fn endpoint(view: EndpointView, phase: &Phase) -> Endpoint {
    let trouble = match view.state {
        EndpointState::Offline(why) if *phase == Phase::Online => why,
        _ => String::new(),
    };
    Endpoint { url: view.public_url, upstream: view.addr, trouble }
}

/// Of all endpoints together.
fn numbers(endpoints: &[EndpointView]) -> Numbers {
    let reading = match endpoints {
        [one] => one.meter.read(),
        several => Meter::sum(several.iter().map(|endpoint| &*endpoint.meter)).0,
    };
    let connections = reading.connections;
    let seconds = |nanos: f64| nanos / 1e9;
    Numbers {
        total: connections.count,
        open: reading.open,
        rate1: connections.rate1,
        rate5: connections.rate5,
        p50: seconds(connections.p50),
        p90: seconds(connections.p90),
    }
}

fn exchange(entry: &Entry) -> Exchange {
    let outcome = match (&entry.response, entry.state) {
        (Some(response), state) => Outcome::Answered {
            status: response.status.as_u16(),
            // A refusal says by itself that it is one.
            reason: match state {
                model::State::Failed(why) if why != failure::REFUSED => why.to_owned(),
                _ => response.status.canonical_reason().unwrap_or_default().to_owned(),
            },
            took: entry.timing.total.filter(|_| state != model::State::Open),
        },
        (None, model::State::Failed(why)) => Outcome::Failed(why.to_owned()),
        (None, _) => Outcome::Waiting,
    };
    Exchange {
        id: entry.id.to_string(),
        endpoint: entry.endpoint.to_string(),
        start: Timestamp::try_from(entry.started).unwrap_or_default(),
        method: entry.request.method.to_string(),
        path: entry.request.target.to_string(),
        outcome,
        decisions: entry.decisions.iter().map(decision).collect(),
    }
}

fn decision(made: &model::Decision) -> Decision {
    let weight = match made.verdict {
        Verdict::Next | Verdict::NextThen => Weight::Passed,
        _ => Weight::Settled,
    };
    Decision {
        handler: made.link.to_string(),
        verdict: made.word().to_owned(),
        took: made.took,
        weight,
        note: made.note.replace('\n', "; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_the_next_attempt_is_told_when_it_is() {
        let again = |millis| again("refused", SignedDuration::from_millis(millis));
        assert_eq!(again(30_500), "refused; tried again in 30s");
        assert_eq!(again(999), "refused");
        assert_eq!(again(-5_000), "refused");
    }
}
