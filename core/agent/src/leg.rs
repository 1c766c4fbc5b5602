//! One connection to the edge, from dialling to goodbye.
//!
//! ```text
//! dial ── heartbeat stream, accept loop ── Auth ── in use ── unbind, drain ── GOAWAY
//! ```

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use adit_mux::{Config, ErrorCode, Session as Mux, SessionError, Stream};
use adit_net::{Drained, tasks::Tasks, until::until};
use adit_proto::{
    heartbeat,
    message::AuthResp,
    rpc::{AUTH_TIMEOUT, CallError},
    session,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    ConnectError, DialError, Dialer, SessionInfo, bound,
    dial::DIAL_LIMIT,
    error,
    shared::{Identity, Shared},
    streams::Incoming,
};

/// How long the last frames may take. Fact: the multiplexer gives its own flush 250 ms.
const CLOSE_GRACE: Duration = Duration::from_millis(500);

/// How long visitors' connections may take to notice that the connection to the edge is gone.
const LOST_GRACE: Duration = Duration::from_secs(5);

/// How much of the grace is for telling visitors that there will be no answer.
///
/// Reason: a page is on its way within a turn of the tasks; and a grace may be less than a second.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Legs beside the first one that an edge can talk us into. Fact: edges refuse more than 8 in all.
const MAX_FURTHER: usize = 7;

/// How long the edge may take to take endpoints back.
pub(crate) const UNBIND_LIMIT: Duration = Duration::from_secs(2);

/// Which connection it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number {
    /// Which of the session's legs: 0, or more if the edge offers several.
    pub(crate) leg: u32,
    /// Which connection of that leg, from 1.
    pub(crate) n: u64,
}

/// One authenticated connection to the edge.
pub(crate) struct Leg {
    pub(crate) number: Number,
    pub(crate) mux: Mux,
    pub(crate) welcome: Welcome,
    /// Why we ended it ourselves, if we did.
    why: Arc<OnceLock<Arc<str>>>,
    /// Visitors' connections.
    conns: Tasks,
    /// Tells them that the end is near.
    late: CancellationToken,
    /// The multiplexer's driver, heartbeats, the accept loop, orders.
    link: Tasks,
}

/// What the edge said when it let us in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Welcome {
    pub(crate) info: Arc<SessionInfo>,
    /// Where further legs may connect.
    pub(crate) further: Vec<String>,
}

impl Leg {
    /// Connects and authenticates.
    pub(crate) async fn establish(
        shared: &Arc<Shared>,
        dialer: &dyn Dialer,
        number: Number,
    ) -> Result<Self, ConnectError> {
        let io = match timeout(DIAL_LIMIT, dialer.dial()).await {
            Ok(io) => io?,
            Err(_) => return Err(DialError::Link(std::io::ErrorKind::TimedOut.into()).into()),
        };
        // Edges add up the credit that they are given. Fact: ours does. Guess: the hosted one is of
        // the Go family, which does; only agents are known to clamp.
        let (mux, accept, driver) = adit_mux::session(io, Config::agent());
        let (link, conns) =
            (Tasks::child_of(&shared.signals()), Tasks::child_of(&shared.signals()));
        link.spawn(driver);
        let why = Arc::new(OnceLock::new());
        // First of all streams, before we have even said who we are.
        if let Ok(stream) = session::open_heartbeat(&mux) {
            link.spawn(beat(Arc::clone(shared), mux.clone(), stream, Arc::clone(&why)));
        }
        let late = CancellationToken::new();
        let visitors = (conns.spawner(), late.clone());
        let incoming = Incoming::new(Arc::clone(shared), visitors, link.spawner());
        let incoming = Arc::new(incoming);
        link.spawn(Arc::clone(&incoming).serve(accept));
        let leg = Self { number, mux, welcome: Welcome::default(), why, conns, late, link };
        match leg.authenticate(shared, &incoming).await {
            Ok(welcome) => Ok(Self { welcome, ..leg }),
            Err(error) => {
                leg.hang_up("no error: the agent gives up").await;
                if number.leg == 0 && error.is_unknown_session() {
                    *shared.identity.lock() = Identity::default();
                }
                Err(error)
            }
        }
    }

    async fn authenticate(
        &self,
        shared: &Shared,
        incoming: &Incoming,
    ) -> Result<Welcome, ConnectError> {
        let answered =
            match session::call(&self.mux, &shared.auth(self.number.leg), AUTH_TIMEOUT).await {
                Ok(answered) => answered,
                Err(CallError::Refused(text)) => return Err(ConnectError::Refused(text)),
                Err(error) => {
                    return Err(match self.mux.ended() {
                        Some(ended) => ConnectError::Session(ended),
                        None => ConnectError::Auth(error),
                    });
                }
            };
        let resp: AuthResp = answered.finish().await;
        let extra = &resp.extra;
        if !extra.agent_session_id.is_empty() {
            incoming.set_origin(&extra.agent_session_id);
        }
        let mut identity = shared.identity.lock();
        *identity = Identity { client_id: resp.client_id.clone(), cookie: extra.cookie.clone() };
        // The first one is where we are.
        let further = extra.connect_addresses.iter().skip(1).map(|a| a.server_addr.clone());
        let further = further.take(MAX_FURTHER).collect();
        Ok(Welcome { info: Arc::new(SessionInfo::from(&resp)), further })
    }

    /// Waits until the connection is lost, and says why.
    pub(crate) async fn lost(&self) -> Arc<str> {
        self.mux.closed().await;
        match (self.mux.ended().unwrap_or(SessionError::Dropped), self.why.get()) {
            (SessionError::Closed, Some(why)) => Arc::clone(why),
            (ended, _) => error::chain(&ended),
        }
    }

    /// Cleans up after a lost connection. Its visitors' connections fail by themselves.
    pub(crate) async fn bury(self) {
        let Self { conns, link, .. } = self;
        let _ = conns.shutdown(LOST_GRACE).await;
        let _ = link.shutdown(CLOSE_GRACE).await;
    }

    /// Gives all endpoints back, lets connections finish until `grace` ends, says goodbye.
    pub(crate) async fn wind_down(self, shared: &Shared, grace: Duration) -> Drained {
        let began = tokio::time::Instant::now();
        let ids: Vec<String> = shared.endpoints().iter().map(|bound| bound.id()).collect();
        let unbind = crate::supervise::in_parallel(ids, |id| {
            let mux = self.mux.clone();
            async move { bound::unbind(&mux, &id, UNBIND_LIMIT).await }
        });
        // An edge that does not answer leaves half of the grace to the connections.
        let unbind = timeout(UNBIND_LIMIT.min(grace / 2), unbind);
        let _ = until(shared.hurry.clone(), unbind).await;
        let Self { mux, conns, late, link, .. } = self;
        let rest = grace.saturating_sub(began.elapsed());
        let last = LAST_WORDS.min(rest / 4);
        let draining = timeout(rest - last, conns.drained());
        if !matches!(until(shared.hurry.clone(), draining).await, Some(Ok(()))) {
            // While there is a way to them: whose TLS ends here hears it from nobody else.
            late.cancel();
            let _ = timeout(last, conns.drained()).await;
        }
        let drained = match conns.len() {
            0 => Drained::Clean,
            n_cut => Drained::Cut { n_cut },
        };
        // Before those are cut that are left: a stream that is reset alone looks to the edge as if
        // the service had ended it, and that is what visitors are told then.
        mux.close(ErrorCode::NoError, "no error: the agent ends its session");
        let _ = conns.shutdown(Duration::ZERO).await;
        let _ = timeout(CLOSE_GRACE, mux.closed()).await;
        let _ = link.shutdown(CLOSE_GRACE).await;
        drained
    }

    /// Ends a connection that is of no use.
    async fn hang_up(self, text: &str) {
        let Self { mux, conns, link, .. } = self;
        mux.close(ErrorCode::NoError, text);
        let _ = timeout(CLOSE_GRACE, mux.closed()).await;
        let _ = conns.shutdown(Duration::ZERO).await;
        let _ = link.shutdown(CLOSE_GRACE).await;
    }
}

/// Pings, tells the multiplexer how far the edge is, and ends the connection when there is no echo.
async fn beat(shared: Arc<Shared>, mux: Mux, stream: Stream, why: Arc<OnceLock<Arc<str>>>) {
    let on_rtt = |rtt| {
        mux.set_rtt(rtt);
        shared.rtt.send_replace(Some(rtt));
    };
    let error = tokio::select! {
        error = heartbeat::keep_alive(stream, shared.settings.heartbeat, on_rtt) => error,
        () = mux.closed() => return,
    };
    let _ = why.set(error::chain(&error));
    mux.close(ErrorCode::NoError, "no error: heartbeat lost");
}
