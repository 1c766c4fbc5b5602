//! The edge's end of the wire.

use std::{io, sync::Arc, time::Duration};

use adit_chain::BoxFuture;
use adit_mux::{Config, ErrorCode, Session as Mux, SessionError, Stream};
use adit_net::Io;
use adit_proto::{
    ErrorText, StreamType,
    heartbeat::{self, Pulse},
    message::{
        Auth, AuthResp, AuthRespExtra, Bind, BindResp, BindRespExtra, ConnectAddress, Message,
        Unbind, UnbindResp,
    },
    proxy::{EdgeType, ProxyHeader},
    rpc::{self, Closing, PeerEnd},
    session::{TypedStreams, open_proxy},
};
use serde::Serialize;
use tokio::{
    io::{AsyncReadExt, DuplexStream},
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout},
};

use super::*;
use crate::{DialError, Dialer};

/// Long enough for everything that does not wait on purpose; paused clocks skip it.
pub(super) const SOON: Duration = Duration::from_secs(20);

/// What the edge hands out as the name of a session.
pub(super) const ORIGIN: &str = "ts_secret";

/// Where agents dial.
pub(super) struct Edge {
    dialled: mpsc::Receiver<Dialled>,
}

struct Dialled {
    /// Which address.
    to: String,
    at: Instant,
    io: DuplexStream,
}

/// Connects to one of the edge's addresses.
#[derive(Debug)]
struct Wire {
    to: String,
    edge: mpsc::Sender<Dialled>,
}

impl Dialer for Wire {
    fn dial(&self) -> BoxFuture<'_, Result<Io, DialError>> {
        let (near, io) = tokio::io::duplex(256 * 1024);
        let dialled = Dialled { to: self.to.clone(), at: Instant::now(), io };
        let refused = |_| DialError::Link(io::ErrorKind::ConnectionRefused.into());
        let sent = self.edge.try_send(dialled).map_err(refused);
        Box::pin(std::future::ready(sent.map(|()| Io::other(near))))
    }

    fn to(&self, address: &str) -> Option<Arc<dyn Dialer>> {
        Some(Arc::new(Self { to: address.to_owned(), edge: self.edge.clone() }))
    }
}

/// One connection of an agent.
pub(super) struct Leg {
    pub(super) mux: Mux,
    pub(super) streams: TypedStreams,
    pub(super) tasks: JoinSet<()>,
    /// When it was dialled.
    pub(super) at: Instant,
    echo: Echo,
}

/// What is done with the agent's pings.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Echo {
    Answer,
    Ignore,
}

impl Edge {
    /// An edge, and an agent that would dial it.
    pub(super) fn new() -> (Self, Builder) {
        let (edge, dialled) = mpsc::channel(16);
        (Self { dialled }, Agent::builder().dialer(Wire { to: String::new(), edge }))
    }

    /// The next connection, before anything was said on it.
    pub(super) async fn accept(&mut self) -> Leg {
        self.accept_at().await.1
    }

    /// The next connection, with the address that it was made to.
    pub(super) async fn accept_at(&mut self) -> (String, Leg) {
        let dialled = timeout(60 * SOON, self.dialled.recv()).await.unwrap();
        let Dialled { to, at, io } = dialled.unwrap();
        let (mux, accept, driver) = adit_mux::session(io, Config::edge());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let _ = driver.await;
        });
        (to, Leg::over(mux, TypedStreams::new(accept), tasks, at))
    }

    /// Waits until no agent is left that could dial; nobody may have done so since.
    pub(super) async fn hangs_up(&mut self) {
        assert!(self.dialled.recv().await.is_none());
    }

    /// The next connection, with its agent let in.
    pub(super) async fn welcome(&mut self) -> Leg {
        let mut leg = self.accept().await;
        let (_, stream) = leg.expect::<Auth>().await;
        leg.let_in(stream).await;
        leg
    }
}

impl Leg {
    /// A connection whose multiplexer runs in `tasks`.
    pub(super) fn over(mux: Mux, streams: TypedStreams, tasks: JoinSet<()>, at: Instant) -> Self {
        Self { mux, streams, tasks, at, echo: Echo::Answer }
    }

    /// From now on the agent's new heartbeat streams are not answered.
    pub(super) fn ignore_pings(&mut self) {
        self.echo = Echo::Ignore;
    }

    /// The next stream that is no heartbeat.
    pub(super) async fn next(&mut self) -> (StreamType, Stream) {
        loop {
            let next = timeout(SOON * 60, self.streams.next()).await.unwrap();
            let (stream_type, stream) = next.expect("the agent has gone");
            if stream_type != StreamType::HEARTBEAT {
                return (stream_type, stream);
            }
            let echo = self.echo;
            self.tasks.spawn(async move {
                match echo {
                    Echo::Answer => drop(heartbeat::echo(stream, None, &Pulse::new()).await),
                    Echo::Ignore => {
                        let _held = stream;
                        std::future::pending().await
                    }
                }
            });
        }
    }

    /// The next call, which must be of this kind.
    pub(super) async fn expect<M: Message>(&mut self) -> (M, Stream) {
        let (stream_type, mut stream) = self.next().await;
        assert_eq!(stream_type, M::TYPE);
        (rpc::request(&mut stream, SOON).await.unwrap(), stream)
    }

    /// Answers `Auth` with yes.
    pub(super) async fn let_in(&mut self, stream: Stream) {
        self.let_in_with(stream, &[]).await;
    }

    /// Answers `Auth` with yes, and offers these addresses.
    pub(super) async fn let_in_with(&mut self, stream: Stream, addresses: &[&str]) {
        let address =
            |a: &&str| ConnectAddress { region: String::new(), server_addr: (*a).to_owned() };
        let extra = AuthRespExtra {
            version: "adit/0.0.0".into(),
            cookie: "cookie-1".into(),
            agent_session_id: ORIGIN.into(),
            connect_addresses: addresses.iter().map(address).collect(),
            ..AuthRespExtra::default()
        };
        let resp = AuthResp { version: "3".into(), client_id: "client-1".into(), extra };
        answer(stream, &resp).await;
    }

    /// Grants the next bind, and waits until the agent is ready for visitors.
    pub(super) async fn grant(&mut self, id: &str, url: &str) -> Bind {
        let (bind, stream) = self.expect::<Bind>().await;
        grant_on(stream, &bind, id, url).await;
        bind
    }

    /// Takes back the next unbind, whose id is returned.
    pub(super) async fn unbind(&mut self) -> String {
        let (unbind, stream) = self.expect::<Unbind>().await;
        answer(stream, &UnbindResp::default()).await;
        unbind.id
    }

    /// Sends a visitor.
    pub(super) fn visit(&self, id: &str, payload: &[u8]) -> Stream {
        open_proxy(&self.mux, &header(id), payload).unwrap()
    }

    /// Whether the agent is still there.
    pub(super) fn streams_alive(&self) -> bool {
        self.mux.ended().is_none()
    }

    /// Breaks the connection, as a crash would.
    pub(super) async fn crash(mut self) {
        self.tasks.shutdown().await;
    }

    /// Answers unbinds until the agent has said goodbye, which must be the right one.
    pub(super) async fn until_goodbye(mut self) {
        let gone = async {
            loop {
                tokio::select! {
                    () = self.mux.closed() => return,
                    next = self.streams.next() => match next {
                        Some((StreamType::UNBIND, mut stream)) => {
                            rpc::request::<Unbind, _>(&mut stream, SOON).await.unwrap();
                            answer(stream, &UnbindResp::default()).await;
                        }
                        Some((StreamType::HEARTBEAT, stream)) => {
                            self.tasks.spawn(async move {
                                let _ = heartbeat::echo(stream, None, &Pulse::new()).await;
                            });
                        }
                        Some((other, _)) => panic!("unexpected stream {other}"),
                        None => self.mux.closed().await,
                    },
                }
            }
        };
        timeout(SOON, gone).await.unwrap();
        match self.mux.ended() {
            Some(SessionError::GoAway { code: ErrorCode::NoError, text }) => {
                assert!(text.starts_with("no error") && text.len() >= 8, "{text}");
            }
            other => panic!("not a goodbye: {other:?}"),
        }
    }
}

/// Answers a call, and waits for the agent's FIN.
pub(super) async fn answer<A: Serialize>(stream: Stream, answer: &A) {
    finish(rpc::respond(stream, answer, SOON).await.unwrap()).await;
}

/// Refuses a call, and waits for the agent's FIN.
pub(super) async fn refuse(stream: Stream, text: &ErrorText) {
    finish(rpc::refuse(stream, text, SOON).await.unwrap()).await;
}

async fn finish(mut closing: Closing<Stream>) {
    assert_eq!(closing.peer_end(SOON).await, PeerEnd::Finished);
}

pub(super) async fn grant_on(stream: Stream, bind: &Bind, id: &str, url: &str) {
    answer(stream, &granted(bind, id, url)).await;
}

pub(super) fn granted(bind: &Bind, id: &str, url: &str) -> BindResp {
    let address = url.split_once("://").unwrap().1;
    BindResp {
        id: id.into(),
        url: url.into(),
        proto: bind.proto,
        opts: bind.opts.chosen(bind.proto, url, address),
        extra: BindRespExtra { token: format!("token-{id}").into(), tunnel_id: String::new() },
    }
}

pub(super) fn header(id: &str) -> ProxyHeader {
    ProxyHeader {
        id: id.into(),
        client_addr: Some(([192, 0, 2, 7], 5555).into()),
        proto: None,
        edge_type: EdgeType::Undefined,
        passthrough_tls: false,
    }
}

/// Reads until the other side has ended, or says with which code it broke off.
pub(super) async fn read_all(stream: &mut Stream) -> Result<Vec<u8>, Option<ErrorCode>> {
    let mut all = Vec::new();
    match timeout(SOON, stream.read_to_end(&mut all)).await.unwrap() {
        Ok(_) => Ok(all),
        Err(_) => Err(stream.reset_code()),
    }
}
