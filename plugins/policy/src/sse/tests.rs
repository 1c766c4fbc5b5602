use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use adit_chain::conformance;
use http::{HeaderValue, Request};
use http_body_util::channel::{Channel, Sender};

use super::*;

fn scope() -> Scope {
    Scope::of_request(&mut conformance::exchange(Request::new(Body::Empty)))
}

/// Turns data into capitals; drops messages with `drop` in them; fails at `fail`.
fn capitals() -> (impl Run, Arc<AtomicUsize>) {
    let n_runs = Arc::new(AtomicUsize::new(0));
    let runs = Arc::clone(&n_runs);
    let run = move |mut scope: Scope| -> BoxFuture<'static, Result<Scope, BoxError>> {
        runs.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            let message = scope.message.as_mut().unwrap();
            let data = message.field(Field::Data).unwrap_or_default();
            match &data[..] {
                b"fail" => return Err("as told".into()),
                b"drop" => scope.message = None,
                _ => message.set(Field::Data, data.to_ascii_uppercase()),
            }
            Ok(scope)
        })
    };
    (run, n_runs)
}

fn stream() -> (Sender<Bytes, BoxError>, Body, Arc<AtomicUsize>) {
    let (sender, body) = Channel::<Bytes, BoxError>::new(16);
    let (run, n_runs) = capitals();
    (sender, with_rules(Body::boxed(body), scope(), run), n_runs)
}

fn send(sender: &mut Sender<Bytes, BoxError>, text: &'static str) {
    sender.try_send(Frame::data(Bytes::from_static(text.as_bytes()))).unwrap();
}

async fn data(body: &mut Body) -> Bytes {
    body.frame().await.unwrap().unwrap().into_data().unwrap()
}

#[tokio::test]
async fn a_message_goes_on_before_the_next_one_has_come() {
    let (mut sender, mut body, _) = stream();
    send(&mut sender, "data: one\n\ndata: tw");
    assert_eq!(data(&mut body).await, "data: ONE\n\n");
    send(&mut sender, "o\n");
    send(&mut sender, "\n: ping\n");
    assert_eq!(data(&mut body).await, "data: TWO\n\n");
    assert_eq!(data(&mut body).await, ": ping\n");
    drop(sender);
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_dropped_message_leaves_no_trace_and_the_rest_goes_on() {
    let (mut sender, body, n_runs) = stream();
    send(&mut sender, "data: drop\n\ndata: a\n\n");
    drop(sender);
    assert_eq!(body.into_whole(99).await.unwrap(), "data: A\n\n");
    assert_eq!(n_runs.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn rules_see_a_message_that_the_stream_breaks_off_in() {
    let (mut sender, mut body, _) = stream();
    send(&mut sender, "data: a");
    let mut trailers = HeaderMap::new();
    trailers.insert("x-end", HeaderValue::from_static("1"));
    sender.try_send(Frame::trailers(trailers.clone())).unwrap();
    drop(sender);
    assert_eq!(data(&mut body).await, "data: A\n");
    assert_eq!(body.frame().await.unwrap().unwrap().into_trailers().unwrap(), trailers);
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn rules_that_fail_end_the_stream() {
    let (mut sender, mut body, _) = stream();
    send(&mut sender, "data: a\n\ndata: fail\n\ndata: b\n\n");
    assert_eq!(data(&mut body).await, "data: A\n\n");
    assert_eq!(body.frame().await.unwrap().unwrap_err().to_string(), "as told");
    assert!(body.frame().await.is_none());
}

#[test]
fn event_streams_are_known_by_their_type() {
    let is = |kind: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        is_event_stream(&headers)
    };
    assert!(is("text/event-stream"));
    assert!(is("Text/Event-Stream; charset=utf-8"));
    assert!(!is("text/event-streams"));
    assert!(!is_event_stream(&HeaderMap::new()));
}
