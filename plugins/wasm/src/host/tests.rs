use adit_chain::End;
use wasmtime::component::Resource;

use super::{
    ConnView, LogCapture, ManualClock, OutcomeView, Services, State,
    testing::{self, grants, state, state_in},
};
use crate::{
    Grants, Hook,
    bindings::adit::policy::{
        agent, clock,
        connections::HostConnection as _,
        http::HostRequest,
        kv, log, metrics,
        outcomes::HostOutcome,
        random, rate, secrets,
        types::{ErrorKind, IpAddress},
    },
    host::{Clock, Level, Request},
};

fn plain() -> State {
    state(Services::builder())
}

fn request() -> Resource<Request> {
    Resource::new_borrow(0)
}

const QUOTA: rate::Quota = rate::Quota { burst: 2, per_ms: 1_000 };

#[test]
fn buckets_and_secrets_that_are_not_granted_are_denied() {
    let mut state = plain();
    let denied = kv::Host::get(&mut state, "x".into(), "k".into()).unwrap_err();
    assert_eq!(denied.kind, ErrorKind::Denied);
    assert_eq!(denied.message, r#"kv "x" is not granted; see the policy's grants"#);
    let denied = rate::Host::take(&mut state, "x".into(), "k".into(), QUOTA, 1).unwrap_err();
    assert_eq!(denied.kind, ErrorKind::Denied);
    let denied = secrets::Host::get(&mut state, "x".into()).unwrap_err();
    assert_eq!(denied.kind, ErrorKind::Denied);
    assert_eq!(secrets::Host::get(&mut state, "s".into()).unwrap(), b"a secret");
}

#[test]
fn configure_has_no_effects_on_buckets_but_may_read_secrets() {
    let mut state = state_in(Hook::Configure, grants(), Services::builder().build());
    let denied = kv::Host::set(&mut state, "b".into(), "k".into(), Vec::new(), 0).unwrap_err();
    assert_eq!(denied.kind, ErrorKind::Denied);
    assert_eq!(denied.message, "kv cannot be used in configure");
    let denied = rate::Host::take(&mut state, "b".into(), "k".into(), QUOTA, 1).unwrap_err();
    assert_eq!(denied.kind, ErrorKind::Denied);
    assert!(secrets::Host::get(&mut state, "s".into()).is_ok());
}

#[test]
fn policies_share_a_bucket_by_its_name_and_it_outlives_them() {
    let services = Services::builder().build();
    let mut first = state_in(Hook::Request, grants(), services.clone());
    kv::Host::set(&mut first, "b".into(), "k".into(), b"v".to_vec(), 0).unwrap();
    drop(first);
    let mut second = state_in(Hook::Request, grants(), services);
    let value = kv::Host::get(&mut second, "b".into(), "k".into()).unwrap();
    assert_eq!(value.as_deref(), Some(b"v".as_slice()));
}

#[test]
fn keys_and_values_have_limits() {
    let mut state = plain();
    let mut set = |key: usize, value: usize| {
        let (key, value) = ("k".repeat(key), vec![0; value]);
        kv::Host::set(&mut state, "b".into(), key, value, 0).map_err(|error| error.kind)
    };
    assert_eq!(set(256, 64 * 1024), Ok(()));
    assert_eq!(set(257, 0), Err(ErrorKind::Limit));
    assert_eq!(set(1, 64 * 1024 + 1), Err(ErrorKind::Limit));
    let long = "k".repeat(257);
    let refused = rate::Host::take(&mut state, "b".into(), long, QUOTA, 1).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Limit);
}

#[test]
fn rates_follow_the_clock_that_the_test_moves() {
    let manual = std::sync::Arc::new(ManualClock::starting_at(1_000));
    let mut state = state(Services::builder().clock(Clock::Manual(manual.clone())));
    let mut take = || {
        let decision = rate::Host::take(&mut state, "b".into(), "k".into(), QUOTA, 1).unwrap();
        (decision.allowed, decision.remaining, decision.retry_after_ms)
    };
    assert_eq!([take(), take(), take()], [(true, 1, 0), (true, 0, 0), (false, 0, 500)]);
    manual.advance(std::time::Duration::from_millis(500));
    assert_eq!(take(), (true, 0, 0));
    assert_eq!(clock::Host::now(&mut state), 500_001_000);
    let zero = rate::Quota { burst: 0, per_ms: 1 };
    let refused = rate::Host::take(&mut state, "b".into(), "k".into(), zero, 1).unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Invalid);
}

#[test]
fn a_test_sees_what_is_logged_within_the_quota_and_the_rest_is_counted() {
    let capture = LogCapture::default();
    let clock = Clock::Manual(std::sync::Arc::new(ManualClock::default()));
    let mut state = state(Services::builder().capture(capture.clone()).clock(clock));
    assert!(log::Host::enabled(&mut state, log::Level::Trace));
    let pair = ("user".to_owned(), "ann".to_owned());
    for n in 0..110 {
        log::Host::write(&mut state, log::Level::Warn, format!("n {n}"), vec![pair.clone()]);
    }
    let records = capture.take();
    assert_eq!(records.len(), 100);
    assert_eq!((records[7].level, records[7].message.as_str()), (Level::Warn, "n 7"));
    assert_eq!(records[7].extra, [pair]);
    assert_eq!(state.policy.metrics().dropped_logs(), 10);
}

#[test]
fn a_record_is_cut_to_its_size() {
    let capture = LogCapture::default();
    let mut state = state(Services::builder().capture(capture.clone()));
    let extra = vec![("k".to_owned(), "v".to_owned())];
    log::Host::write(&mut state, log::Level::Info, "é".repeat(8 * 1024), extra);
    let [record] = &capture.take()[..] else { panic!() };
    assert_eq!(record.message.len(), 8 * 1024);
    assert_eq!(record.extra, []);
}

#[test]
fn what_a_policy_counts_and_drops_is_told() {
    let services = Services::builder().build();
    let mut state = state_in(Hook::Request, grants(), services.clone());
    metrics::Host::add(&mut state, "hits".into(), 3, Vec::new());
    metrics::Host::add(&mut state, "not a name".into(), 1, Vec::new());
    let expected = "\
# TYPE adit_policy_metrics_dropped_total counter
adit_policy_metrics_dropped_total{policy=\"p\"} 1
# TYPE adit_policy_user_hits counter
adit_policy_user_hits{policy=\"p\"} 3
";
    assert_eq!(services.metrics().render(), expected);
}

#[test]
fn configured_secrets_are_blanked_and_those_of_nobody_are_not() {
    let services = Services::builder().build();
    assert_eq!(services.redact("a secret"), "a secret");
    let _state = state_in(Hook::Request, grants(), services.clone());
    assert_eq!(services.redact("it is a secret."), "it is [redacted].");
}

#[test]
fn a_connection_tells_its_facts() {
    let mut state = plain();
    let handle = Resource::new_borrow;
    assert_eq!(state.endpoint(handle(0)).unwrap(), "api");
    assert_eq!(state.url(handle(0)).unwrap(), "https://api.example");
    assert_eq!(state.protocol(handle(0)).unwrap(), "https");
    let client = state.client(handle(0)).unwrap();
    assert!(matches!(client.ip, IpAddress::V4(0xcb00_7109)));
    assert_eq!(client.port, 4711);
    let opened = state.opened_at(handle(0)).unwrap();
    assert!(opened > 1_577_836_800_000_000_000);
}

#[test]
fn mapped_addresses_are_told_as_what_they_are() {
    use super::conn::address;
    let v4 = address("[::ffff:192.0.2.1]:5".parse().unwrap());
    assert!(matches!(v4.ip, IpAddress::V4(0xc000_0201)));
    let v6 = address("[2001:db8::1]:5".parse().unwrap());
    assert!(matches!(v6.ip, IpAddress::V6((0x2001_0db8_0000_0000, 1))));
}

#[test]
fn a_request_sees_its_own_variables_before_its_connections() {
    let mut state = plain();
    let conn = state.current.conn.as_ref().unwrap().conn().clone();
    conn.set_var("of", "connection").unwrap();
    let read =
        |state: &mut State| HostRequest::var(state, request(), "of".into()).unwrap().unwrap();
    assert_eq!(read(&mut state), "connection");
    HostRequest::set_var(&mut state, request(), "of".into(), "request".into()).unwrap().unwrap();
    assert_eq!(read(&mut state), "request");
    state.current.rollback();
    assert_eq!(read(&mut state), "connection");
}

#[test]
fn an_identity_names_the_policy_that_vouches() {
    let mut state = plain();
    state.set_identity(request(), "ann".into()).unwrap().unwrap();
    let view = state.current.request.as_ref().unwrap();
    assert_eq!(view.identity.as_ref().unwrap().provider, "p");
    assert_eq!(state.identity(request()).unwrap().as_deref(), Some("ann"));
}

#[test]
fn what_a_call_is_not_about_ends_the_guest() {
    let mut state = plain();
    state.current = super::Current::default();
    let error = state.header(request(), "a".into()).unwrap_err();
    assert_eq!(error.to_string(), "this call is not about a request");
    assert!(state.client(Resource::new_borrow(0)).is_err());
    assert!(state.duration_ns(Resource::new_borrow(0)).is_err());
}

#[test]
fn an_outcome_tells_how_it_ended() {
    let mut state = plain();
    let end = End { failure: Some("timeout"), ..End::default() };
    state.current.outcome = Some(Box::new(OutcomeView::from(end)));
    let handle = Resource::new_borrow;
    assert_eq!(state.failure(handle(0)).unwrap().as_deref(), Some("timeout"));
    assert_eq!(HostOutcome::status(&mut state, handle(0)).unwrap(), None);
}

#[test]
fn the_agent_tells_who_and_what_and_keeps_a_panics_text_short() {
    let mut state = state(Services::builder().version("1.2.3"));
    assert_eq!(agent::Host::policy_name(&mut state), "p");
    assert_eq!(agent::Host::version(&mut state), "1.2.3");
    assert!(!agent::Host::supports(&mut state, "anything".into()));
    agent::Host::panicked(&mut state, "x".repeat(5_000), "src/lib.rs:1".into());
    let (text, place) = state.panic.unwrap();
    assert_eq!((text.len(), place.as_str()), (4_096, "src/lib.rs:1"));
}

#[test]
fn seeds_make_randomness_repeat() {
    let number = |seed| random::Host::number(&mut state(Services::builder().seed(seed))).unwrap();
    assert_eq!(number(1), number(1));
    assert_ne!(number(1), number(2));
}

#[test]
fn a_policy_without_grants_has_nothing() {
    let mut state = state_in(Hook::Request, Grants::default(), Services::builder().build());
    assert!(kv::Host::get(&mut state, "b".into(), "k".into()).is_err());
    assert!(secrets::Host::get(&mut state, "s".into()).is_err());
    let _unused: ConnView = ConnView::new(testing::conn(), None);
}
