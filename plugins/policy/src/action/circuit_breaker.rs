//! `circuit-breaker`: stops asking an upstream that keeps failing.

use adit_builtin::circuit::{self, Circuit, Rules, Ticket};
use adit_chain::{Body, BoxFuture, Needs};
use http::Response;

use super::{Action, BuildCx, Done, Failure, Kind};
use crate::{
    fields::Fields,
    phase::Phase,
    problem::code,
    scope::{Learn, Scope},
    value,
};

pub(super) const KIND: Kind = Kind {
    name: "circuit-breaker",
    namespace: NAMESPACE,
    phases: &[Phase::HttpRequest],
    is_terminating: false,
    build,
};

const NAMESPACE: &str = "circuit_breaker";

/// Reason: fits, as the limit is far below that of either type.
const MAX_VOLUME: i64 = Rules::MAX_VOLUME as i64;

/// Fact: the window always has that many parts.
const N_BUCKETS: i64 = 10;

fn build(fields: &mut Fields<'_>, _: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let error_threshold = fields.either("error_threshold", "error_threshold_percentage");
    let error_threshold = fields.float(error_threshold, 0.0..=1.0);
    let volume_threshold = fields.int("volume_threshold", 1..=MAX_VOLUME);
    let volume_threshold = volume_threshold.and_then(|volume| u64::try_from(volume).ok());
    let window = fields.either("window_duration", "rolling_window");
    let window = fields.duration(window, Rules::DURATIONS);
    let tripped = fields.duration("tripped_duration", Rules::DURATIONS);
    let n_buckets = fields.int("num_buckets", i64::MIN..=i64::MAX);
    if n_buckets.is_some_and(|n| n != N_BUCKETS) {
        fields.error("num_buckets", code::NOT_FOR_USERS, "cannot be chosen: it is 10");
    }
    let is_enforced = fields.bool_or("enforce", true);
    let rules = Rules {
        error_threshold: error_threshold.unwrap_or(Rules::DEFAULT_ERROR_THRESHOLD),
        volume_threshold: volume_threshold.unwrap_or(Rules::DEFAULT_VOLUME),
        window: window.unwrap_or(Rules::DEFAULT_DURATION),
        tripped: tripped.unwrap_or(Rules::DEFAULT_DURATION),
    };
    let circuit = is_enforced.then(|| Circuit::new(rules));
    Some(Box::new(CircuitBreaker { circuit }))
}

#[derive(Debug)]
struct CircuitBreaker {
    /// `None`: it never trips.
    circuit: Option<Circuit>,
}

impl Action for CircuitBreaker {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        scope.set_result(NAMESPACE, value::map::<&str, cel::Value>([]));
        let done = match self.circuit.as_ref().map(Circuit::enter) {
            None => Done::Next,
            Some(None) => Done::Refuse(circuit::refusal()),
            Some(Some(ticket)) => {
                if ticket.is_probe() {
                    scope.note(|| "circuit-breaker: open, and this request is the probe".into());
                }
                scope.learners.push(Box::new(ticket));
                Done::Next
            }
        };
        Box::pin(std::future::ready(Ok(done)))
    }

    fn needs(&self) -> Needs {
        if self.circuit.is_some() { Needs::RESPONSE_HEAD } else { Needs::empty() }
    }
}

impl Learn for Ticket {
    fn learn(self: Box<Self>, response: &Response<Body>) {
        self.settle(response.status());
    }
}

#[cfg(test)]
mod tests;
