//! What the console knows: plain values, filled by what happens and drawn by `draw`.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

use super::view::View;

/// Exchanges that can be scrolled through; older ones are in the inspector.
///
/// Reason: at a few hundred bytes each, an evening of them is well below a megabyte.
pub(crate) const MAX_EXCHANGES: usize = 1000;

/// All that is shown, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) about: About,
    pub(crate) session: Session,
    /// What the edge, or the program itself, has to say.
    pub(crate) message: Option<String>,
    /// What needs attention; it is shown instead.
    pub(crate) notice: Option<String>,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) numbers: Numbers,
    /// The newest first.
    pub(crate) exchanges: VecDeque<Exchange>,
    pub(crate) view: View,
}

/// What does not change while the program runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    /// What the program calls itself.
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// The edge that is dialled.
    pub(crate) edge: String,
    /// URL of the inspector; `None` when it is off.
    pub(crate) web: Option<String>,
    /// Whether exchanges are captured, and so can be listed.
    pub(crate) captures: bool,
}

/// How the session stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) phase: Phase,
    /// Name and plan, when the edge tells them.
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) latency: Option<Duration>,
}

/// Whether visitors can come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    #[default]
    Connecting,
    Online,
    /// Lost, and why.
    Reconnecting(String),
    /// The program is about to end.
    Ending,
}

/// A public address and where it leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    pub(crate) upstream: String,
    /// Why it cannot be reached; empty when it can.
    pub(crate) trouble: String,
}

/// Connections of all endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Numbers {
    pub(crate) total: u64,
    pub(crate) open: u64,
    /// Per second, over the last minute.
    pub(crate) rate1: f64,
    /// Per second, over the last five minutes.
    pub(crate) rate5: f64,
    /// Durations in seconds.
    pub(crate) p50: f64,
    pub(crate) p90: f64,
}

/// One request, with its response once there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub(crate) id: String,
    pub(crate) endpoint: String,
    pub(crate) start: Timestamp,
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    pub(crate) outcome: Outcome,
    /// What each handler decided, in order.
    pub(crate) decisions: Vec<Decision>,
}

/// How far an exchange is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Waiting,
    /// The response has begun, or is complete if `took` says so.
    Answered {
        status: u16,
        reason: String,
        took: Option<Duration>,
    },
    /// It ended without a response, and why.
    Failed(String),
}

/// A handler's part in an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) handler: String,
    /// In one word.
    pub(crate) verdict: String,
    pub(crate) took: Duration,
    pub(crate) weight: Weight,
    /// What the handler had to say.
    pub(crate) note: String,
}

/// Whether a decision settled the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    Passed,
    Settled,
}

impl State {
    /// An exchange has begun, or there is more of it.
    pub(crate) fn saw(&mut self, exchange: Exchange) {
        // Ids sort in time order, and what changes is nearly always among the newest.
        match self.exchanges.iter().position(|known| known.id <= exchange.id) {
            Some(at) if self.exchanges[at].id == exchange.id => self.exchanges[at] = exchange,
            Some(at) => self.exchanges.insert(at, exchange),
            None => self.exchanges.push_back(exchange),
        }
        self.exchanges.truncate(MAX_EXCHANGES);
    }

    /// All the newest ones, the newest first; what is older stays as it is known.
    pub(crate) fn saw_all(&mut self, newest: Vec<Exchange>) {
        let Some(oldest) = newest.last().map(|exchange| exchange.id.clone()) else { return };
        let known = std::mem::take(&mut self.exchanges);
        let older = known.into_iter().filter(|exchange| exchange.id < oldest);
        self.exchanges = newest.into_iter().chain(older).take(MAX_EXCHANGES).collect();
    }

    /// The store was emptied.
    pub(crate) fn cleared(&mut self) {
        self.exchanges.clear();
    }

    /// The exchanges that the filter lets through, the newest first.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &Exchange> {
        self.exchanges.iter().filter(|exchange| self.view.filter.matches(exchange))
    }
}

impl Exchange {
    /// The decision that settled it, if a handler's did.
    pub(crate) fn settled_by(&self) -> Option<&Decision> {
        self.decisions.iter().find(|decision| decision.weight == Weight::Settled)
    }

    /// What its response says, in words; what became of it, if there is none.
    pub(crate) fn status(&self) -> String {
        match &self.outcome {
            Outcome::Waiting => "…".to_owned(),
            Outcome::Answered { status, reason, .. } => format!("{status} {reason}"),
            Outcome::Failed(why) => why.clone(),
        }
    }
}
