//! A service that says yes, no, and nothing.

use adit_policy_sdk::testing::*;

use super::*;

fn config() -> Json {
    json!({ "headers": ["authorization"], "forward": ["x-plan"], "remember": 30 })
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers =
        headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
    Answer { status, headers: headers.collect(), body: body.as_bytes().to_vec() }
}

fn harness(answers: impl IntoIterator<Item = Answer>) -> Harness<Ask> {
    let setup = Harness::setup().fresh_instances();
    let setup = answers.into_iter().fold(setup, |setup, answer| setup.outbound(DECIDER, answer));
    setup.silent(DECIDER).start(config()).unwrap()
}

fn ann() -> Message {
    get("/a?b=c").header("authorization", "Bearer ann").header("x-plan", "forged")
}

#[test]
fn the_service_gets_what_decides_and_nothing_else() {
    let mut t = harness([answer(204, &[], "")]);
    t.request(ann().header("cookie", "secret=1").from("203.0.113.9"));
    let sent = &t.sent()[0];
    assert_eq!((sent.method.as_str(), sent.target.as_str()), ("POST", "/decide"));
    assert_eq!(
        serde_json::from_slice::<Json>(&sent.body).unwrap(),
        json!({
            "endpoint": "app",
            "client": "203.0.113.9",
            "method": "GET",
            "host": "app.example",
            "path": "/a",
            "identity": null,
            "headers": { "authorization": ["Bearer ann"] },
        })
    );
}

#[test]
fn a_yes_is_remembered_with_all_it_says() {
    let mut t = harness([answer(200, &[("x-identity", "ann"), ("x-plan", "pro")], "")]);
    for _ in 0..3 {
        let exchange = t.request(ann());
        assert_eq!(exchange.verdict, Verdict::Next);
        assert_eq!(exchange.edits.identity.as_deref(), Some("ann"));
        assert_eq!(exchange.edits.header("x-plan"), Some("pro"));
    }
    assert_eq!(t.sent().len(), 1);
    t.advance(Duration::from_secs(31));
    assert_eq!(t.request(ann()).reply().status, 503);
    assert_eq!(t.sent().len(), 2);
}

#[test]
fn headers_that_the_service_does_not_send_are_gone() {
    let mut t = harness([answer(200, &[], "")]);
    assert_eq!(t.request(ann()).edits.removed, ["x-plan"]);
}

#[test]
fn a_no_is_shown_and_soon_forgotten() {
    let no = [("content-type", "text/plain"), ("www-authenticate", "Basic"), ("server", "x")];
    let mut t = harness([answer(401, &no, "who are you?"), answer(200, &[], "")]);
    for _ in 0..2 {
        let exchange = t.request(ann());
        assert_eq!(exchange.reply().status, 401);
        assert_eq!(exchange.reply().body_text(), "who are you?");
        assert_eq!(exchange.reply().header_text("www-authenticate").as_deref(), Some("Basic"));
        assert_eq!(exchange.reply().header_text("server"), None);
    }
    t.advance(Duration::from_secs(3));
    assert_eq!(t.request(ann()).verdict, Verdict::Next);
}

#[test]
fn what_decides_is_what_is_remembered() {
    let mut t = harness([answer(200, &[], ""), answer(403, &[], "")]);
    assert_eq!(t.request(ann()).verdict, Verdict::Next);
    assert_eq!(
        t.request(get("/a?x=y").header("authorization", "Bearer ann")).verdict,
        Verdict::Next
    );
    assert_eq!(t.request(get("/a").header("authorization", "Bearer bob")).reply().status, 403);
}

#[test]
fn a_service_that_is_down_is_left_alone_for_a_while() {
    let mut t = harness([]);
    for _ in 0..8 {
        let exchange = t.request(ann());
        assert_eq!(exchange.reply().status, 503);
        assert_eq!(exchange.reply().header_text("retry-after").as_deref(), Some("5"));
    }
    assert_eq!(t.sent().len(), 5);
    t.advance(Duration::from_secs(6));
    t.outbound(DECIDER, answer(200, &[], ""));
    assert_eq!(t.request(ann()).verdict, Verdict::Next);
}

#[test]
fn what_is_neither_yes_nor_no_lets_nobody_in() {
    let mut t = harness([answer(302, &[("location", "/login")], ""), answer(404, &[], "")]);
    assert_eq!(t.request(ann()).reply().status, 503);
    assert_eq!(t.request(ann()).reply().status, 503);
}

#[test]
fn the_cases_hold() {
    adit_policy_sdk::cases::check::<Ask>(include_str!("../cases.yml"));
}
