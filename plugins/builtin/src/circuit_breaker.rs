//! `circuit-breaker`: stops asking an upstream that keeps failing.
//!
//! ```text
//! closed ── a request finds too many errors in the window ──► open
//! open ── tripped_duration passed, a request comes ──► probing (that request is the probe)
//! probing ── the probe succeeds ──► closed, with an empty window
//! probing ── the probe fails ──► open
//! probing ── the probe's visitor hangs up ──► waiting for another probe
//! ```

use std::{fmt, sync::Arc, time::Duration};

use adit_chain::{
    Body, BoxError, BoxHandler, BuildCx, BuildError, ErrorCode, Exchange, Handler, Needs,
    OnRequest, Refusal, code::CIRCUIT_OPEN,
};
use http::{Response, StatusCode};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::time::Instant;

use self::breaker::{Breaker, Passed};
use crate::options::Span;

mod breaker;
mod window;

/// Fact: the ranges and defaults of the service's `circuit-breaker` action.
const MAX_VOLUME: u64 = 2_000_000_000;
const DURATIONS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(120);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[serde(default = "default_threshold")]
    error_threshold: f64,
    #[serde(default = "default_volume")]
    volume_threshold: u64,
    #[serde(default = "default_duration")]
    window_duration: Span,
    #[serde(default = "default_duration")]
    tripped_duration: Span,
}

fn default_threshold() -> f64 {
    0.5
}

fn default_volume() -> u64 {
    10
}

fn default_duration() -> Span {
    Span(Duration::from_secs(10))
}

/// When to trip, and for how long.
#[derive(Clone, Copy, Debug)]
struct Rules {
    error_threshold: f64,
    volume_threshold: u64,
    window: Duration,
    tripped: Duration,
}

pub(crate) fn build(options: Options, _: &BuildCx) -> Result<BoxHandler, BuildError> {
    let Options { error_threshold, volume_threshold, window_duration, tripped_duration } = options;
    if !(0.0..=1.0).contains(&error_threshold) {
        let message = format!("{error_threshold} is not between 0.0 and 1.0");
        return Err(BuildError::new(message).at(["error_threshold"]).with_code(ErrorCode(361)));
    }
    if !(1..=MAX_VOLUME).contains(&volume_threshold) {
        let message = format!("{volume_threshold} is not between 1 and {MAX_VOLUME}");
        return Err(BuildError::new(message).at(["volume_threshold"]));
    }
    for (name, Span(span)) in
        [("window_duration", window_duration), ("tripped_duration", tripped_duration)]
    {
        if !DURATIONS.contains(&span) {
            let message = format!("{span:?} is not between 1s and 2m");
            return Err(BuildError::new(message).at([name]));
        }
    }
    let (window, tripped) = (window_duration.0, tripped_duration.0);
    let rules = Rules { error_threshold, volume_threshold, window, tripped };
    let breaker = Arc::new(Mutex::new(Breaker::new(rules, Instant::now())));
    Ok(BoxHandler::new(CircuitBreaker { breaker }))
}

struct CircuitBreaker {
    breaker: Arc<Mutex<Breaker>>,
}

impl Handler for CircuitBreaker {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD | Needs::RESPONSE_HEAD
    }

    async fn on_request(&self, _: &mut Exchange) -> Result<OnRequest, BoxError> {
        let Some(passed) = self.breaker.lock().enter(Instant::now()) else {
            let message = "the endpoint has failed too often and is given a rest";
            let refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message);
            return Ok(OnRequest::Abort(refusal.with_code(CIRCUIT_OPEN)));
        };
        let ticket = Ticket { breaker: Arc::clone(&self.breaker), passed: Some(passed) };
        Ok(OnRequest::NextThen(Box::new(move |response: Response<Body>| {
            ticket.settle(response.status());
            Ok(response)
        })))
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CircuitBreaker").field(&*self.breaker.lock()).finish()
    }
}

/// A request that was let through. Dropped unsettled when its visitor hangs up.
struct Ticket {
    breaker: Arc<Mutex<Breaker>>,
    passed: Option<Passed>,
}

impl Ticket {
    fn settle(mut self, status: StatusCode) {
        if let Some(passed) = self.passed.take() {
            let mut breaker = self.breaker.lock();
            if status.is_server_error() {
                breaker.failed(passed, Instant::now());
            } else {
                breaker.succeeded(passed, Instant::now());
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(passed) = self.passed.take() {
            self.breaker.lock().abandoned(passed, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use adit_chain::Chain;
    use serde_json::json;
    use tokio::time::advance;

    use super::*;
    use crate::testing::{self, chain, pass, refused, request};

    fn breaker() -> Chain {
        chain("circuit-breaker", &json!({"error_threshold": 0.5, "volume_threshold": 4}))
    }

    /// One exchange that the upstream answers with `status`; whether it was let through.
    async fn exchange(chain: &Chain, status: u16) -> bool {
        let passed = pass(chain, request(&[])).await;
        if !passed.forwarded() {
            return false;
        }
        let mut response = testing::response(&[], "");
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        passed.answered(response).await;
        true
    }

    async fn tripped() -> Chain {
        let chain = breaker();
        for status in [200, 500, 502, 200] {
            assert!(exchange(&chain, status).await);
        }
        assert!(!exchange(&chain, 200).await);
        chain
    }

    #[tokio::test(start_paused = true)]
    async fn it_trips_before_the_request_that_finds_too_many_errors() {
        tripped().await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_refusal_is_a_503_with_its_code() {
        let refusal = pass(&tripped().await, request(&[])).await.refusal();
        let expected = (StatusCode::SERVICE_UNAVAILABLE, Some(CIRCUIT_OPEN));
        assert_eq!((refusal.status, refusal.code), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn it_stays_open_for_its_time_and_then_lets_one_probe_through() {
        let chain = tripped().await;
        advance(Duration::from_millis(9_999)).await;
        assert!(!exchange(&chain, 200).await);
        advance(Duration::from_millis(1)).await;
        let probe = pass(&chain, request(&[])).await;
        assert!(probe.forwarded());
        assert!(!exchange(&chain, 200).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_succeeds_closes_it_with_an_empty_window() {
        let chain = tripped().await;
        advance(Duration::from_secs(10)).await;
        for status in [200, 500, 500, 500, 500] {
            assert!(exchange(&chain, status).await);
        }
        assert!(!exchange(&chain, 200).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_fails_opens_it_for_another_time() {
        let chain = tripped().await;
        advance(Duration::from_secs(10)).await;
        assert!(exchange(&chain, 500).await);
        advance(Duration::from_millis(9_999)).await;
        assert!(!exchange(&chain, 200).await);
        advance(Duration::from_millis(1)).await;
        assert!(exchange(&chain, 200).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_whose_visitor_hangs_up_makes_room_for_the_next() {
        let chain = tripped().await;
        advance(Duration::from_secs(10)).await;
        drop(pass(&chain, request(&[])).await);
        assert!(exchange(&chain, 200).await);
        assert!(exchange(&chain, 200).await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_to_a_request_from_before_the_trip_has_no_say_after_it() {
        let chain = breaker();
        let slow = pass(&chain, request(&[])).await;
        for _ in 0..3 {
            assert!(exchange(&chain, 500).await);
        }
        assert!(!exchange(&chain, 200).await);
        advance(Duration::from_secs(10)).await;
        let probe = pass(&chain, request(&[])).await;
        slow.answered(testing::response(&[], "")).await;
        assert!(!exchange(&chain, 200).await);
        drop(probe);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_older_than_the_window_are_forgotten() {
        let chain = breaker();
        for _ in 0..4 {
            assert!(exchange(&chain, 500).await);
        }
        advance(Duration::from_secs(10)).await;
        assert!(exchange(&chain, 200).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_threshold_of_zero_trips_on_volume_alone() {
        let options = json!({"error_threshold": 0, "volume_threshold": 2});
        let chain = chain("circuit-breaker", &options);
        assert!(exchange(&chain, 200).await);
        assert!(exchange(&chain, 200).await);
        assert!(!exchange(&chain, 200).await);
    }

    #[test]
    fn options_out_of_range_are_refused_with_their_place() {
        let refused = |options| refused("circuit-breaker", &options);
        let threshold = || ("error_threshold".to_owned(), Some(361));
        assert_eq!(refused(json!({"error_threshold": 1.1})), threshold());
        assert_eq!(refused(json!({"error_threshold": -0.1})), threshold());
        assert_eq!(refused(json!({"volume_threshold": 0})), ("volume_threshold".into(), None));
        assert_eq!(refused(json!({"window_duration": "2m1s"})), ("window_duration".into(), None));
        assert_eq!(refused(json!({"tripped_duration": "10"})), ("tripped_duration".into(), None));
        assert_eq!(refused(json!({"tripped_duration": 0.5})), ("tripped_duration".into(), None));
    }
}
