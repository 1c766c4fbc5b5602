//! Two things at once: what was asked for is outdated by the time it is there.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
    mpsc,
};

use adit_chain::{BoxHandler, BuildCx, BuildError, Factory, Handler, Needs, Registry};
use adit_proto::{message::Bind, rpc};
use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::{edge::*, *};
use crate::BindError;

/// Holds up the next endpoint while its chain is built.
struct Gate {
    is_shut: Arc<AtomicBool>,
    entered: tokio::sync::mpsc::Sender<()>,
    opened: Mutex<mpsc::Receiver<()>>,
}

/// The test's end of a [`Gate`].
struct Keeper {
    is_shut: Arc<AtomicBool>,
    entered: tokio::sync::mpsc::Receiver<()>,
    open: mpsc::Sender<()>,
}

#[derive(Debug)]
struct Nothing;

impl Handler for Nothing {
    fn needs(&self) -> Needs {
        Needs::empty()
    }
}

impl Factory for Gate {
    fn kind(&self) -> &str {
        "gate"
    }

    fn build(&self, _: &serde_json::Value, _: &BuildCx) -> Result<BoxHandler, BuildError> {
        if self.is_shut.swap(false, Ordering::Relaxed) {
            self.entered.try_send(()).unwrap();
            self.opened.lock().recv_timeout(SOON).unwrap();
        }
        Ok(BoxHandler::new(Nothing))
    }
}

impl Keeper {
    fn shut(&self) {
        self.is_shut.store(true, Ordering::Relaxed);
    }

    async fn entered(&mut self) {
        self.entered.recv().await.unwrap();
    }

    fn open(&self) {
        self.open.send(()).unwrap();
    }
}

async fn gated() -> (Edge, Session, Leg, Keeper) {
    let is_shut = Arc::new(AtomicBool::new(false));
    let (tell, entered) = tokio::sync::mpsc::channel(1);
    let (open, opened) = mpsc::channel();
    let keeper = Keeper { is_shut: Arc::clone(&is_shut), entered, open };
    let gate = Gate { is_shut, entered: tell, opened: Mutex::new(opened) };
    let registry = Registry::default().with([Arc::new(gate) as Arc<dyn Factory>]);
    let (mut edge, builder) = Edge::new();
    let (session, leg) = online(&mut edge, builder.registry(registry)).await;
    (edge, session, leg, keeper)
}

const URL: &str = "https://a.edge.test";

fn through(metadata: &str) -> EndpointSpec {
    let spec = EndpointSpec::http("9").named("web").handler("gate", serde_json::json!({}));
    spec.metadata(metadata)
}

#[tokio::test]
async fn a_renewal_that_a_new_connection_overtakes_is_asked_for_again() {
    let (mut edge, session, mut leg, mut gate) = gated().await;
    let (endpoint, _) = bind(&session, &mut leg, through("old"), "t1", URL).await;
    let story = async {
        let (asked, stream) = leg.expect::<Bind>().await;
        assert_eq!((asked.id.as_str(), asked.extra.metadata.as_str()), ("t1", "new"));
        gate.shut();
        let mut granting = JoinSet::new();
        granting.spawn(async move { grant_on(stream, &asked, "t1", URL).await });
        gate.entered().await;
        drop(granting);
        leg.crash().await;
        let mut leg = edge.welcome().await;
        assert_eq!(leg.grant("t1", URL).await.extra.metadata, "old");
        gate.open();
        assert_eq!(leg.grant("t1", URL).await.extra.metadata, "new");
        leg
    };
    let (renewed, leg) = tokio::join!(endpoint.renew(through("new")), story);
    renewed.unwrap();
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test]
async fn an_endpoint_that_is_closed_while_it_is_renewed_is_given_back() {
    let (_edge, session, mut leg, _gate) = gated().await;
    let (endpoint, _) = bind(&session, &mut leg, through("old"), "t1", URL).await;
    let story = async {
        let (asked, stream) = leg.expect::<Bind>().await;
        let as_edge = async {
            let first = leg.unbind().await;
            // The stream is not needed any more: there is no FIN that asks for visitors.
            let closing = rpc::respond(stream, &granted(&asked, "t1", URL), SOON).await.unwrap();
            let second = leg.unbind().await;
            drop(closing);
            (first, second)
        };
        let ((), ids) = tokio::join!(endpoint.give_back(), as_edge);
        assert_eq!(ids, ("t1".to_owned(), "t1".to_owned()));
    };
    let (renewed, ()) = tokio::join!(endpoint.renew(through("new")), story);
    assert!(matches!(renewed, Err(BindError::Closed)), "{renewed:?}");
    endpoint.keep();
    down(session, leg).await;
}

#[tokio::test]
async fn an_endpoint_that_comes_after_the_end_of_its_session_is_none() {
    let (_edge, session, mut leg, mut gate) = gated().await;
    let handle = session.handle().clone();
    let story = async {
        let (asked, stream) = leg.expect::<Bind>().await;
        gate.shut();
        let mut granting = JoinSet::new();
        granting.spawn(async move { grant_on(stream, &asked, "t1", URL).await });
        gate.entered().await;
        drop(granting);
        let opening = async {
            leg.until_goodbye().await;
            gate.open();
        };
        tokio::join!(session.shutdown(GRACE), opening).0
    };
    let (bound, drained) = tokio::join!(handle.bind(through("late")), story);
    assert!(matches!(bound, Err(BindError::Ended)), "{bound:?}");
    assert_eq!(drained, adit_net::Drained::Clean);
}

#[tokio::test]
async fn an_endpoint_may_be_dropped_where_there_is_no_runtime() {
    let (_edge, session, mut leg) = world().await;
    let (endpoint, _) = bind(&session, &mut leg, EndpointSpec::tcp("9"), "t1", URL).await;
    std::thread::spawn(move || drop(endpoint)).join().unwrap();
    assert_eq!(leg.unbind().await, "t1");
    down(session, leg).await;
}
