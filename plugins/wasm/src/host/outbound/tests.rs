use std::sync::Arc;

use http::Response;

use super::*;
use crate::host::{Services, testing};

fn call(upstream: &str) -> Call {
    Call {
        upstream: upstream.into(),
        method: "POST".into(),
        target: "/check?x=1".into(),
        headers: vec![Field { name: "x-key".into(), value: b"v".to_vec() }],
        body: b"ask".to_vec(),
        timeout_ms: 0,
    }
}

fn scripted(answers: usize) -> (State, Arc<ScriptedOutbound>) {
    let outbound = Arc::new(ScriptedOutbound::default());
    for _ in 0..answers {
        let answer = Response::builder().status(302).header("location", "/elsewhere");
        outbound.answer("http://127.0.0.1:9", answer.body(Bytes::from("yes")).unwrap());
    }
    (testing::state(Services::builder().outbound(outbound.clone())), outbound)
}

async fn refused(state: &mut State, call: Call) -> (ErrorKind, String) {
    let error = state.send(call).await.unwrap_err();
    (error.kind, error.message)
}

#[tokio::test]
async fn a_call_goes_to_the_named_upstream_and_redirects_are_answers() {
    let (mut state, outbound) = scripted(1);
    let reply = state.send(call("u")).await.unwrap();
    assert_eq!((reply.status, reply.body.as_slice()), (302, b"yes".as_slice()));
    assert_eq!(reply.headers[0].name, "location");
    let asked = outbound.take_asked();
    let [(upstream, request)] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(upstream, "http://127.0.0.1:9");
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/check"));
    assert_eq!(request.headers()["x-key"], "v");
    assert_eq!(request.body(), "ask");
    assert_eq!(state.phase.waiting, None);
}

#[tokio::test]
async fn upstreams_that_are_not_granted_are_denied_and_configure_has_none() {
    let (mut state, outbound) = scripted(1);
    let (kind, message) = refused(&mut state, call("other")).await;
    assert_eq!(kind, ErrorKind::Denied);
    assert_eq!(message, r#"outbound "other" is not granted; see the policy's grants"#);
    state.phase.hook = Hook::Configure;
    assert_eq!(refused(&mut state, call("u")).await.0, ErrorKind::Denied);
    assert!(outbound.take_asked().is_empty());
}

#[tokio::test]
async fn a_phase_has_so_many_calls() {
    let (mut state, _outbound) = scripted(10);
    for _ in 0..limits::OUTBOUND_CALLS {
        state.send(call("u")).await.unwrap();
    }
    let (kind, message) = refused(&mut state, call("u")).await;
    assert_eq!(kind, ErrorKind::Limit);
    assert_eq!(message, "outbound calls: 4 were made in this phase");
}

#[tokio::test]
async fn a_policy_waits_for_so_many_calls_at_once() {
    let (mut state, _outbound) = scripted(10);
    let policy = Arc::clone(&state.policy);
    let taken = policy.outbound.try_acquire_many(32).unwrap();
    let (kind, message) = refused(&mut state, call("u")).await;
    assert_eq!(kind, ErrorKind::Limit);
    assert_eq!(message, "outbound in flight: the policy waits for 32 calls already");
    drop(taken);
    state.send(call("u")).await.unwrap();
}

#[tokio::test]
async fn what_is_sent_is_checked_like_a_head() {
    let (mut state, outbound) = scripted(10);
    let bad: [fn(&mut Call); 5] = [
        |call| call.method = "CONNECT".into(),
        |call| call.target = "http://elsewhere/".into(),
        |call| call.headers[0].name = "host".into(),
        |call| call.headers[0].value = b"a\r\nb: c".to_vec(),
        |call| call.headers[0].name = "content-length".into(),
    ];
    for spoil in bad {
        let mut call = call("u");
        spoil(&mut call);
        assert_eq!(refused(&mut state, call).await.0, ErrorKind::Invalid);
    }
    let mut long = call("u");
    long.body = vec![0; limits::OUTBOUND_BODY + 1];
    assert_eq!(refused(&mut state, long).await.0, ErrorKind::Limit);
    assert!(outbound.take_asked().is_empty());
    assert_eq!(state.phase.outbound_left, limits::OUTBOUND_CALLS);
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_a_limit_and_none_is_unavailable() {
    let (mut state, outbound) = scripted(0);
    let (kind, message) = refused(&mut state, call("u")).await;
    assert_eq!(kind, ErrorKind::Unavailable);
    assert_eq!(message, "u: cannot be reached: no answer is left");
    let long = Bytes::from(vec![0; limits::OUTBOUND_BODY + 1]);
    outbound.answer("http://127.0.0.1:9", Response::new(long));
    let (kind, message) = refused(&mut state, call("u")).await;
    assert_eq!(kind, ErrorKind::Limit);
    assert_eq!(message, "outbound body: the answer has more than 1048576 octets");
}

/// Never answers.
#[derive(Debug)]
struct Silent;

impl Outbound for Silent {
    fn send<'a>(
        &'a self,
        _: &'a str,
        _: http::Request<Bytes>,
        _: Instant,
    ) -> BoxFuture<'a, Result<Response<Bytes>, OutboundError>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_no_longer_than_it_said_or_the_phase_has_left() {
    let mut state = testing::state(Services::builder().outbound(Arc::new(Silent)));
    let mut waits = async |timeout_ms: u32, phase: Option<Duration>| {
        let began = tokio::time::Instant::now();
        state.phase.deadline = phase.map(|left| began + left);
        state.phase.outbound_left = 1;
        let call = Call { timeout_ms, ..call("u") };
        let told = refused(&mut state, call).await;
        assert_eq!(told, (ErrorKind::Unavailable, "u: no answer in time".into()));
        began.elapsed().as_millis()
    };
    let seconds = Duration::from_secs;
    assert!((500..=502).contains(&waits(0, None).await));
    assert!((200..=202).contains(&waits(200, Some(seconds(1))).await));
    assert!((1_000..=1_002).contains(&waits(5_000, Some(seconds(1))).await));
    assert!((30_000..=30_002).contains(&waits(u32::MAX, None).await));
}
