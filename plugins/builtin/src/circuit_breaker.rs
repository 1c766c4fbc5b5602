//! `circuit-breaker`: stops asking an upstream that keeps failing. See [`circuit`](crate::circuit).

use adit_chain::{
    Body, BoxError, BoxHandler, BuildCx, BuildError, ErrorCode, Exchange, Handler, Needs, OnRequest,
};
use http::Response;
use serde::Deserialize;

use crate::{
    circuit::{self, Circuit, Rules},
    options::Span,
};

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
    Rules::DEFAULT_ERROR_THRESHOLD
}

fn default_volume() -> u64 {
    Rules::DEFAULT_VOLUME
}

fn default_duration() -> Span {
    Span(Rules::DEFAULT_DURATION)
}

pub(crate) fn build(options: Options, _: &BuildCx) -> Result<BoxHandler, BuildError> {
    let Options { error_threshold, volume_threshold, window_duration, tripped_duration } = options;
    if !(0.0..=1.0).contains(&error_threshold) {
        let message = format!("{error_threshold} is not between 0.0 and 1.0");
        return Err(BuildError::new(message).at(["error_threshold"]).with_code(ErrorCode(361)));
    }
    if !(1..=Rules::MAX_VOLUME).contains(&volume_threshold) {
        let message = format!("{volume_threshold} is not between 1 and {}", Rules::MAX_VOLUME);
        return Err(BuildError::new(message).at(["volume_threshold"]));
    }
    for (name, Span(span)) in
        [("window_duration", window_duration), ("tripped_duration", tripped_duration)]
    {
        if !Rules::DURATIONS.contains(&span) {
            let message = format!("{span:?} is not between 1s and 2m");
            return Err(BuildError::new(message).at([name]));
        }
    }
    let (window, tripped) = (window_duration.0, tripped_duration.0);
    let rules = Rules { error_threshold, volume_threshold, window, tripped };
    Ok(BoxHandler::new(CircuitBreaker { circuit: Circuit::new(rules) }))
}

#[derive(Debug)]
struct CircuitBreaker {
    circuit: Circuit,
}

impl Handler for CircuitBreaker {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD | Needs::RESPONSE_HEAD
    }

    async fn on_request(&self, _: &mut Exchange) -> Result<OnRequest, BoxError> {
        let Some(ticket) = self.circuit.enter() else {
            return Ok(OnRequest::Abort(circuit::refusal()));
        };
        Ok(OnRequest::NextThen(Box::new(move |response: Response<Body>| {
            ticket.settle(response.status());
            Ok(response)
        })))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use adit_chain::{Chain, code::CIRCUIT_OPEN};
    use http::StatusCode;
    use serde_json::json;
    use tokio::time::advance;

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
