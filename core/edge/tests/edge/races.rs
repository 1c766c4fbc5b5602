//! Two things at once: what was decided about an agent is outdated by the time it is done.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
    mpsc,
};

use adit_chain::{BoxHandler, BuildCx, BuildError, Factory, Handler, Needs, Registry};
use adit_edge::{Edge, Settings};
use adit_mux::ErrorCode as MuxCode;
use adit_proto::{
    ErrorCode,
    message::{Bind, Proto, SrvInfo},
    rpc,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::rig::*;

/// A frame of stream 3 that opens it with these bytes.
fn opening(first: &[u8]) -> Vec<u8> {
    let len = u32::try_from(first.len()).unwrap();
    [&(len << 8 | 0x12).to_be_bytes()[..], &3u32.to_be_bytes(), first].concat()
}

/// Holds up one bind while its tunnel is built: decided about, and not carried out.
struct Gate {
    is_shut: Arc<AtomicBool>,
    entered: mpsc::Sender<()>,
    opened: Mutex<mpsc::Receiver<()>>,
}

/// The test's end of a [`Gate`].
struct Keeper {
    is_shut: Arc<AtomicBool>,
    entered: mpsc::Receiver<()>,
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
        "ip-restriction"
    }

    fn build(&self, _: &Value, _: &BuildCx) -> Result<BoxHandler, BuildError> {
        if self.is_shut.swap(false, Ordering::Relaxed) {
            self.entered.send(()).unwrap();
            self.opened.lock().recv_timeout(PATIENCE).unwrap();
        }
        Ok(BoxHandler::new(Nothing))
    }
}

impl Keeper {
    /// The next bind stops at the gate.
    fn shut(&self) {
        self.is_shut.store(true, Ordering::Relaxed);
    }

    async fn entered(&self) {
        let is_there = || self.entered.try_recv().is_ok();
        eventually(is_there).await;
    }

    fn open(&self) {
        self.open.send(()).unwrap();
    }
}

async fn gated(settings: Settings) -> (Edge, Keeper) {
    let is_shut = Arc::new(AtomicBool::new(false));
    let (tell, entered) = mpsc::channel();
    let (open, opened) = mpsc::channel();
    let keeper = Keeper { is_shut: Arc::clone(&is_shut), entered, open };
    let gate = Gate { is_shut, entered: tell, opened: Mutex::new(opened) };
    let registry = Registry::default().with([Arc::new(gate) as Arc<dyn Factory>]);
    (Edge::start(settings, registry, accounts()).await.unwrap(), keeper)
}

/// Asks for a bind and resets its stream while it is worked on.
async fn give_up(agent: &Agent, gate: &Keeper, bind: &Bind) {
    gate.shut();
    let mut stream = agent.mux.open(rpc::first_bytes(bind)).unwrap();
    gate.entered().await;
    stream.reset(MuxCode::StreamCancelled);
    // Whatever comes after the reset is answered after it was seen.
    agent.call(&SrvInfo {}).await.unwrap().finish().await;
    gate.open();
}

/// A bind that passes the gate.
fn through(proto: Proto, name: &str) -> Bind {
    bind(proto, json!({"Domain": name, "IPRestriction": {"allow_cidrs": ["127.0.0.0/8"]}}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_agent_that_goes_while_it_is_let_in_leaves_no_session() {
    let edge = edge().await;
    let frame = opening(&rpc::first_bytes(&auth("", "")));
    let mut agents = tokio::task::JoinSet::new();
    for n in 0..4000 {
        let mut io = edge.join();
        let frame = frame.clone();
        agents.spawn(async move {
            io.write_all(&frame).await.unwrap();
            for _ in 0..n % 32 {
                tokio::task::yield_now().await;
            }
        });
    }
    agents.join_all().await;
    eventually(|| edge.sessions().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answer_and_its_end_are_one_frame_however_busy_the_edge_is() {
    let edge = edge().await;
    let mut agents = tokio::task::JoinSet::new();
    for _ in 0..2000 {
        let mut io = edge.join();
        agents.spawn(async move {
            io.write_all(&opening(&rpc::first_bytes(&SrvInfo {}))).await.unwrap();
            loop {
                let (head, _stream) = (io.read_u32().await.unwrap(), io.read_u32().await.unwrap());
                let mut payload = vec![0; usize::try_from(head >> 8).unwrap()];
                io.read_exact(&mut payload).await.unwrap();
                if payload.starts_with(b"{") {
                    return head & 0xff;
                }
            }
        });
    }
    // DATA with FIN.
    assert!(agents.join_all().await.iter().all(|kind| *kind == 0x11));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn legs_that_bind_the_same_at_once_share_the_tunnel() {
    let (edge, gate) = gated(settings()).await;
    let (mut zero, first) = Agent::enter(&edge).await;
    let mut one = Agent::join(&edge);
    let mut second = again(&first);
    second.extra.leg_number = 1;
    one.auth(&second).await.unwrap();
    let bound = zero.bind(&through(Proto::Http, "a.edge.test")).await.unwrap();
    // As after a restart of the edge: it knows nothing, and the token proves all.
    zero.unbind(&bound.id).await;

    gate.shut();
    let again = rebind(&bound);
    let late = async {
        gate.entered().await;
        zero.bind(&again).await.unwrap();
        gate.open();
    };
    let (early, ()) = tokio::join!(one.bind(&again), late);
    assert_eq!(early.unwrap().url, bound.url);
    // The leg with most room is taken, once it is online: soon each has had a visitor.
    let (mut held, mut served) = (Vec::new(), [false; 2]);
    while served != [true; 2] {
        assert!(held.len() < 20, "{served:?}");
        let mut io = TcpStream::connect(edge.addresses().http.unwrap()).await.unwrap();
        request(&mut io, "a.edge.test", "/").await;
        let (leg, (_, stream)) = tokio::select! {
            visitor = zero.visitor() => (0, visitor),
            visitor = one.visitor() => (1, visitor),
        };
        served[leg] = true;
        held.push((io, stream));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_agent_whose_place_is_taken_while_it_returns_does_not_share_it() {
    let (edge, gate) = gated(settings()).await;
    let (old, first) = Agent::enter(&edge).await;
    let bound = old.bind(&through(Proto::Https, "a.edge.test")).await.unwrap();
    old.vanish().await;
    eventually(|| edge.sessions()[0].n_legs == 0).await;
    let back = Agent::join(&edge);
    back.auth(&again(&first)).await.unwrap();
    let (new, _) = Agent::enter(&edge).await;

    gate.shut();
    let mut changed = rebind(&bound);
    changed.forwards_to = "elsewhere".to_owned();
    let taken = async {
        gate.entered().await;
        new.bind(&through(Proto::Https, "a.edge.test")).await.unwrap();
        gate.open();
    };
    let (refused, ()) = tokio::join!(back.bind(&changed), taken);
    assert_eq!(code(&refused.unwrap_err()), ErrorCode::ALREADY_ONLINE);
    let n_tunnels: usize = edge.sessions().iter().map(|session| session.tunnels.len()).sum();
    assert_eq!(n_tunnels, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_tunnel_that_is_stopped_while_it_is_bound_again_stays_stopped() {
    let (edge, gate) = gated(settings()).await;
    let (mut agent, _) = Agent::enter(&edge).await;
    let bound = agent.bind(&through(Proto::Https, "a.edge.test")).await.unwrap();

    gate.shut();
    let mut changed = rebind(&bound);
    changed.forwards_to = "elsewhere".to_owned();
    let stop = async {
        gate.entered().await;
        edge.stop_tunnel(&bound.extra.tunnel_id, "enough", None).await.unwrap();
        gate.open();
    };
    let (accepted, ()) = tokio::join!(agent.bind(&changed), stop);
    accepted.unwrap();
    for _ in 0..2 {
        assert_eq!(agent.told().await.message, "enough");
    }
    assert!(edge.sessions()[0].tunnels.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn binds_at_once_have_the_limit_of_binds_one_by_one() {
    let mut settings = settings();
    settings.limits.binds_per_session = 1;
    let (edge, gate) = gated(settings).await;
    let (agent, _) = Agent::enter(&edge).await;
    gate.shut();
    let other = async {
        gate.entered().await;
        agent.bind(&through(Proto::Https, "b.edge.test")).await.unwrap();
        gate.open();
    };
    let one = through(Proto::Https, "a.edge.test");
    let (refused, ()) = tokio::join!(agent.refused(&one), other);
    assert_eq!(refused, 324);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_bind_whose_agent_takes_no_answer_is_given_back() {
    let (edge, gate) = gated(settings()).await;
    let (agent, _) = Agent::enter(&edge).await;
    let one = through(Proto::Https, "a.edge.test");
    give_up(&agent, &gate, &one).await;
    // It may be given out before it is given back.
    let again = async {
        while let Err(error) = agent.bind(&one).await {
            assert_eq!(code(&error).0, 334);
        }
    };
    timeout(PATIENCE, again).await.expect("it is given back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_tunnel_whose_agent_takes_no_answer_to_another_bind_of_it_is_served_on() {
    let (edge, gate) = gated(settings()).await;
    let (agent, _) = Agent::enter(&edge).await;
    let bound = agent.bind(&through(Proto::Https, "a.edge.test")).await.unwrap();
    let mut changed = rebind(&bound);
    changed.forwards_to = "elsewhere".to_owned();
    let is_changed_and_online = || {
        let tunnel = edge.sessions()[0].tunnels[0].clone();
        tunnel.forwards_to == "elsewhere" && tunnel.is_online
    };
    give_up(&agent, &gate, &changed).await;
    eventually(is_changed_and_online).await;
}
