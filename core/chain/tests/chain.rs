//! The chain's promises: order, short-circuit, unwinding, broken handlers.
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use adit_chain::{
    Body, BoxError, Chain, Conn, Connected, End, Exchange, Handler, Link, Needs, OnConnect,
    OnError, OnRequest, Outcome, Refusal, Totals, Trace, Unwind, Verdict, conformance,
};
use http::{Request, Response, StatusCode};

type Log = Arc<Mutex<Vec<String>>>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Pass,
    Answer,
    Break,
    BreakLater,
    Refuse,
}

#[derive(Debug)]
struct Probe {
    name: &'static str,
    mood: Mood,
    log: Log,
}

impl Probe {
    fn say(&self, what: &str) {
        self.log.lock().unwrap().push(format!("{} {what}", self.name));
    }
}

impl Handler for Probe {
    fn needs(&self) -> Needs {
        Needs::CONNECT | Needs::REQUEST_HEAD | Needs::RESPONSE_HEAD
    }

    async fn on_connect(&self, _: &Arc<Conn>) -> Result<OnConnect, BoxError> {
        self.say("connect");
        match self.mood {
            Mood::Break => Err("broken".into()),
            Mood::Refuse => Ok(OnConnect::Refuse(Refusal::close())),
            _ => {
                let (name, log) = (self.name, Arc::clone(&self.log));
                Ok(OnConnect::NextThen(Box::new(move |end: End| {
                    let n = end.totals.bytes_in;
                    log.lock().unwrap().push(format!("{name} closed {n}"));
                })))
            }
        }
    }

    async fn on_request(&self, _: &mut Exchange) -> Result<OnRequest, BoxError> {
        self.say("request");
        match self.mood {
            Mood::Answer => return Ok(OnRequest::Respond(Response::new(Body::from("mine")))),
            Mood::Break => return Err("broken".into()),
            Mood::Refuse => return Ok(OnRequest::Abort(Refusal::close())),
            Mood::Pass | Mood::BreakLater => {}
        }
        let (name, mood, log) = (self.name, self.mood, Arc::clone(&self.log));
        let then = move |response: Response<Body>| {
            log.lock().unwrap().push(format!("{name} response"));
            if mood == Mood::BreakLater { Err("broken".into()) } else { Ok(response) }
        };
        Ok(OnRequest::NextThen(Box::new(then)))
    }
}

fn chain(links: &[(&'static str, Mood)]) -> (Chain, Log) {
    let log = Log::default();
    let link = |&(name, mood): &(&'static str, Mood)| {
        Link::new(name, Probe { name, mood, log: Arc::clone(&log) })
    };
    (Chain::new(links.iter().map(link).collect()), log)
}

fn exchange() -> Exchange {
    conformance::exchange(Request::new(Body::Empty))
}

fn lines(log: &Log) -> Vec<String> {
    log.lock().unwrap().clone()
}

#[tokio::test]
async fn responses_unwind_in_reverse_and_only_through_handlers_that_were_passed() {
    let (chain, log) =
        chain(&[("a", Mood::Pass), ("b", Mood::Pass), ("c", Mood::Answer), ("d", Mood::Pass)]);
    let (mut exchange, mut unwind) = (exchange(), Unwind::default());
    let Outcome::Respond(response) = chain.request(&mut exchange, &mut unwind).await else {
        panic!("c answers")
    };
    unwind.run(exchange.id, response).await.unwrap();
    assert_eq!(lines(&log), ["a request", "b request", "c request", "b response", "a response"]);
}

#[tokio::test]
async fn a_broken_handler_denies_by_default_and_passes_on_request() {
    let (chain_deny, _) = chain(&[("a", Mood::Break)]);
    let (mut x, mut unwind) = (exchange(), Unwind::default());
    let Outcome::Abort(refusal) = chain_deny.request(&mut x, &mut unwind).await else {
        panic!("a broken handler denies")
    };
    assert_eq!(refusal.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!refusal.message.contains("broken"), "the reason stays inside");

    let probe = Probe { name: "a", mood: Mood::Break, log: Log::default() };
    let chain_pass = Chain::new(vec![Link::new("a", probe).on_error(OnError::Pass)]);
    assert!(matches!(chain_pass.request(&mut x, &mut unwind).await, Outcome::Forward));
}

#[tokio::test]
async fn a_handler_that_breaks_on_the_response_leaves_the_ones_before_it_waiting() {
    let (chain, log) = chain(&[("a", Mood::Pass), ("b", Mood::BreakLater)]);
    let (mut x, mut unwind) = (exchange(), Unwind::default());
    assert!(matches!(chain.request(&mut x, &mut unwind).await, Outcome::Forward));
    let refusal = unwind.run(x.id, Response::new(Body::Empty)).await.unwrap_err();
    assert_eq!(refusal.status, StatusCode::INTERNAL_SERVER_ERROR);
    unwind.run(x.id, Response::new(Body::Empty)).await.unwrap();
    assert_eq!(lines(&log), ["a request", "b request", "b response", "a response"]);
}

#[tokio::test]
async fn a_refused_connection_is_shown_to_nobody_further() {
    let (refusing, log) = chain(&[("a", Mood::Pass), ("b", Mood::Refuse), ("c", Mood::Pass)]);
    let mut connected = Connected::default();
    assert!(refusing.connect(&conformance::conn(), &mut connected).await.is_err());
    assert_eq!(lines(&log), ["a connect", "b connect"]);
    connected.close(End::default()).await;
    assert_eq!(lines(&log)[2..], ["a closed 0"], "who let it through learns that it is over");
}

#[tokio::test]
async fn closers_run_last_in_first_out_with_the_totals() {
    let (chain, log) = chain(&[("a", Mood::Pass), ("b", Mood::Pass)]);
    let mut connected = Connected::default();
    chain.connect(&conformance::conn(), &mut connected).await.unwrap();
    let totals = Totals { bytes_in: 7, bytes_out: 0 };
    connected.close(End { totals, ..End::default() }).await;
    assert_eq!(lines(&log)[2..], ["b closed 7", "a closed 7"]);
}

#[tokio::test]
async fn a_trace_records_every_verdict_and_only_when_asked() {
    let (chain, _) = chain(&[("a", Mood::Pass), ("b", Mood::Refuse)]);
    let (mut x, mut unwind) = (exchange(), Unwind::default());
    chain.request(&mut x, &mut unwind).await;
    assert!(x.trace.entries().is_empty());

    x.trace = Trace::recording();
    chain.request(&mut x, &mut unwind).await;
    let verdicts: Vec<_> = x.trace.entries().iter().map(|e| (&*e.link, e.verdict)).collect();
    assert_eq!(verdicts, [("a", Verdict::NextThen), ("b", Verdict::Abort)]);
}

#[derive(Debug)]
struct Liar;

impl Handler for Liar {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD
    }

    async fn on_request(&self, _: &mut Exchange) -> Result<OnRequest, BoxError> {
        Ok(OnRequest::NextThen(Box::new(Ok::<Response<Body>, BoxError>)))
    }
}

#[tokio::test]
async fn conformance_finds_a_handler_that_looks_at_more_than_it_declared() {
    let violation = conformance::check(&adit_chain::BoxHandler::new(Liar)).await.unwrap_err();
    assert_eq!(violation.to_string(), "NextThen without Needs(RESPONSE_HEAD | RESPONSE_BODY)");
}
