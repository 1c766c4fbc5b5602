//! Webhooks, genuine and otherwise.

use adit_policy_sdk::testing::*;

use super::*;

/// When every test starts.
const NOW: u64 = 1_767_225_600;
const BODY: &str = r#"{"event":"paid"}"#;

fn harness(style: &str) -> Harness<WebhookVerify> {
    Harness::setup()
        .fresh_instances()
        .secret("current", "correct horse")
        .secret("previous", "battery staple")
        .start(json!({ "style": style, "secrets": ["current", "previous"] }))
        .unwrap()
}

fn signature(t: &mut Harness<WebhookVerify>, secret: &str, message: &str) -> String {
    let sign = |_: &mut WebhookVerify| crypto::sign("hs256", secret.as_bytes(), message.as_bytes());
    t.within(sign).unwrap().iter().map(|octet| format!("{octet:02x}")).collect()
}

fn github(t: &mut Harness<WebhookVerify>, secret: &str) -> Message {
    let signature = signature(t, secret, BODY);
    post("/hook").header("x-hub-signature-256", format!("sha256={signature}")).body(BODY)
}

fn slack(t: &mut Harness<WebhookVerify>, time: u64) -> Message {
    let signature = signature(t, "correct horse", &format!("v0:{time}:{BODY}"));
    post("/hook")
        .header("x-slack-request-timestamp", time)
        .header("x-slack-signature", format!("v0={signature}"))
        .body(BODY)
}

#[test]
fn either_secret_will_do() {
    let mut t = harness("github");
    let request = github(&mut t, "correct horse");
    let exchange = t.request(request);
    assert_eq!(exchange.verdict, Verdict::Next);
    assert_eq!(exchange.request.unwrap().body, BODY.as_bytes());
    let mut t = harness("github");
    let request = github(&mut t, "battery staple");
    assert_eq!(t.request(request).verdict, Verdict::Next);
    let mut t = harness("github");
    let request = github(&mut t, "guess");
    assert_eq!(t.request(request).reply().body_text(), "wrong signature\n");
}

#[test]
fn a_changed_body_has_no_signature() {
    let mut t = harness("github");
    let request = github(&mut t, "correct horse").body(r#"{"event":"PAID"}"#);
    assert_eq!(t.request(request).reply().status, 401);
}

#[test]
fn one_of_several_signatures_is_enough() {
    let mut t = harness("stripe");
    let good = signature(&mut t, "correct horse", &format!("{NOW}.{BODY}"));
    let bad = "0".repeat(64);
    let header = format!("t={NOW}, v1={bad}, v1={good}, v0=old");
    let exchange = t.request(post("/hook").header("stripe-signature", header).body(BODY));
    assert_eq!(exchange.verdict, Verdict::Next);
}

#[test]
fn the_time_is_signed_and_must_be_near() {
    let mut t = harness("slack");
    for (time, passes) in
        [(NOW - 300, true), (NOW - 301, false), (NOW + 300, true), (NOW + 301, false)]
    {
        let request = slack(&mut t, time);
        assert_eq!(t.request(request).verdict == Verdict::Next, passes, "{time}");
    }
    let old = signature(&mut t, "correct horse", &format!("v0:{}:{BODY}", NOW - 400));
    let moved = post("/hook")
        .header("x-slack-request-timestamp", NOW)
        .header("x-slack-signature", format!("v0={old}"))
        .body(BODY);
    assert_eq!(t.request(moved).reply().body_text(), "wrong signature\n");
}

#[test]
fn what_was_seen_before_is_refused_as_long_as_its_signature_is_good() {
    let mut t = harness("slack");
    let request = slack(&mut t, NOW + 300);
    assert_eq!(t.request(request.clone()).verdict, Verdict::Next);
    assert_eq!(t.request(request.clone()).reply().status, 409);
    t.advance(Duration::from_secs(599));
    assert_eq!(t.request(request.clone()).reply().status, 409);
    t.advance(Duration::from_secs(2));
    assert_eq!(t.request(request).reply().body_text(), "too old, or a clock is wrong\n");
}

#[test]
fn a_forgery_does_not_keep_the_genuine_one_out() {
    let mut t = harness("github");
    let forged = github(&mut t, "guess");
    assert_eq!(t.request(forged).reply().status, 401);
    let genuine = github(&mut t, "correct horse");
    assert_eq!(t.request(genuine).verdict, Verdict::Next);
}

#[test]
fn a_body_that_does_not_fit_is_refused_with_or_without_a_length() {
    let mut t = Harness::<WebhookVerify>::setup()
        .secret("current", "correct horse")
        .start(json!({ "style": "github", "secrets": ["current"], "max_body": 8 }))
        .unwrap();
    let request = github(&mut t, "correct horse");
    assert_eq!(t.request(request.clone()).reply().status, 413);
    assert_eq!(t.request(request.chunks([BODY])).reply().status, 413);
}

#[test]
fn heads_that_sign_nothing_are_not_waited_for() {
    let short = "sha256=00".to_owned();
    for header in [short, format!("sha256={}", "x".repeat(64)), "0".repeat(64), String::new()] {
        let request = post("/hook").header("x-hub-signature-256", header).body(BODY);
        assert_eq!(harness("github").request(request).reply().body_text(), "not signed\n");
    }
    for header in ["", "t=1", "v1=00", "t=x,v1=00"] {
        let request = post("/hook").header("stripe-signature", header).body(BODY);
        assert_eq!(harness("stripe").request(request).reply().body_text(), "not signed\n");
    }
}

#[test]
fn a_secret_that_is_not_granted_is_no_open_door() {
    let mut t = Harness::<WebhookVerify>::setup()
        .start(json!({ "style": "github", "secrets": ["missing"] }))
        .unwrap();
    let request = github(&mut t, "");
    assert_eq!(t.request(request).reply().status, 500);
}

#[test]
fn the_cases_hold() {
    adit_policy_sdk::cases::check::<WebhookVerify>(include_str!("../cases.yml"));
}
