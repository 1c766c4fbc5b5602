#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::time::advance;

use crate::testing::{Rig, failed_upstream, get, policy, refused, request_action, response};

fn breaker() -> Rig {
    request_action("circuit-breaker", json!({"error_threshold": 0.5, "volume_threshold": 4}))
}

/// One exchange that the upstream answers with `status`; whether it was let through.
async fn exchange(rig: &Rig, status: u16) -> bool {
    let passed = rig.request(get("/")).await;
    if !passed.is_forwarded() {
        assert_eq!(passed.refused(), (503, Some(3202)));
        return false;
    }
    passed.answered(response(status, &[], "")).await;
    true
}

async fn tripped() -> Rig {
    let rig = breaker();
    for status in [200, 500, 502, 404] {
        assert!(exchange(&rig, status).await);
    }
    assert!(!exchange(&rig, 200).await);
    rig
}

#[tokio::test(start_paused = true)]
async fn it_trips_when_enough_of_enough_requests_failed() {
    tripped().await;
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_cannot_be_reached_has_failed() {
    let rig = breaker();
    for _ in 0..4 {
        rig.round(get("/"), failed_upstream()).await;
    }
    assert!(!exchange(&rig, 200).await);
}

#[tokio::test(start_paused = true)]
async fn below_the_volume_it_lets_all_failures_pass() {
    let rig = breaker();
    for _ in 0..3 {
        assert!(exchange(&rig, 500).await);
    }
    assert!(exchange(&rig, 500).await);
    assert!(!exchange(&rig, 500).await);
}

#[tokio::test(start_paused = true)]
async fn after_its_time_one_probe_decides() {
    let rig = tripped().await;
    advance(Duration::from_millis(9_999)).await;
    assert!(!exchange(&rig, 200).await);
    advance(Duration::from_millis(1)).await;
    let probe = rig.request(get("/")).await;
    assert!(probe.notes().contains("the probe"), "{}", probe.notes());
    assert!(!exchange(&rig, 200).await, "nobody passes beside the probe");
    probe.answered(response(200, &[], "")).await;
    assert!(exchange(&rig, 500).await);
    assert!(exchange(&rig, 500).await, "the window was cleared");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_opens_it_again() {
    let rig = tripped().await;
    advance(Duration::from_secs(10)).await;
    assert!(exchange(&rig, 503).await);
    advance(Duration::from_millis(9_999)).await;
    assert!(!exchange(&rig, 200).await);
    advance(Duration::from_millis(1)).await;
    assert!(exchange(&rig, 200).await);
    assert!(exchange(&rig, 200).await);
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_visitor_hangs_up_makes_room_for_the_next() {
    let rig = tripped().await;
    advance(Duration::from_secs(10)).await;
    drop(rig.request(get("/")).await);
    assert!(exchange(&rig, 200).await);
    assert!(exchange(&rig, 200).await);
}

#[tokio::test(start_paused = true)]
async fn a_threshold_of_zero_trips_on_volume_alone() {
    let config = json!({"error_threshold": 0, "volume_threshold": 2});
    let rig = request_action("circuit-breaker", config);
    assert!(exchange(&rig, 200).await);
    assert!(exchange(&rig, 200).await);
    assert!(!exchange(&rig, 200).await);
}

#[tokio::test(start_paused = true)]
async fn without_enforcement_it_never_trips_and_waits_for_no_response() {
    let config = json!({"error_threshold": 0, "volume_threshold": 1, "enforce": false});
    let rig = request_action("circuit-breaker", config);
    for _ in 0..5 {
        let passed = rig.request(get("/")).await;
        assert!(passed.is_forwarded() && !passed.is_awaited());
    }
    assert_eq!(rig.result("circuit_breaker"), json!({}));
}

#[tokio::test(start_paused = true)]
async fn a_later_answer_counts_as_what_it_is() {
    let deny = json!({"type": "deny", "config": {"status_code": 500}});
    let config = json!({"volume_threshold": 2});
    let breaker = json!({"type": "circuit-breaker", "config": config});
    let rig = policy(json!({"on_http_request": [{"actions": [breaker, deny]}]}));
    for _ in 0..2 {
        assert_eq!(rig.request(get("/")).await.response().status(), 500);
    }
    assert_eq!(rig.request(get("/")).await.refused(), (503, Some(3202)));
}

#[tokio::test(start_paused = true)]
async fn one_probe_passes_when_all_come_at_once() {
    let config = json!({
        "error_threshold": 0, "volume_threshold": 1, "tripped_duration": "1s",
    });
    let rig = request_action("circuit-breaker", config);
    assert!(exchange(&rig, 200).await);
    assert!(!exchange(&rig, 200).await);
    advance(Duration::from_secs(1)).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let rig = rig.clone();
        tasks.spawn(async move { rig.request(get("/")).await });
    }
    let passed = tasks.join_all().await;
    assert_eq!(passed.iter().filter(|passed| passed.is_forwarded()).count(), 1);
}

#[test]
fn fields_out_of_range_are_refused() {
    let refused = |config: Json| refused("circuit-breaker", config);
    assert_eq!(refused(json!({})), Vec::<String>::new());
    assert_eq!(refused(json!({"error_threshold": 1.01})), ["error_threshold: 2215"]);
    assert_eq!(refused(json!({"error_threshold": -0.01})), ["error_threshold: 2215"]);
    assert_eq!(refused(json!({"error_threshold": "half"})), ["error_threshold: 2203"]);
    assert_eq!(refused(json!({"volume_threshold": 0})), ["volume_threshold: 2215"]);
    assert_eq!(refused(json!({"volume_threshold": 2_000_000_001_u64})), ["volume_threshold: 2215"]);
    assert_eq!(refused(json!({"window_duration": "999ms"})), ["window_duration: 2225"]);
    assert_eq!(refused(json!({"tripped_duration": "2m1s"})), ["tripped_duration: 2225"]);
    assert_eq!(refused(json!({"tripped_duration": 10})), ["tripped_duration: 2203"]);
    assert_eq!(refused(json!({"num_buckets": 10})), Vec::<String>::new());
    assert_eq!(refused(json!({"num_buckets": 5})), ["num_buckets: 2219"]);
}

#[tokio::test(start_paused = true)]
async fn older_names_of_fields_are_known() {
    let config = json!({
        "error_threshold_percentage": 1.0, "rolling_window": "1s", "volume_threshold": 1,
    });
    assert_eq!(refused("circuit-breaker", config.clone()), Vec::<String>::new());
    let rig = request_action("circuit-breaker", config);
    assert!(exchange(&rig, 500).await);
    assert!(!exchange(&rig, 500).await);
    let both = json!({"error_threshold": 1, "error_threshold_percentage": 1});
    assert_eq!(refused("circuit-breaker", both), ["error_threshold_percentage: 2204"]);
}
