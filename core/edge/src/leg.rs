//! One connection of an agent, from its first byte to its last.
//!
//! ```text
//! unauthenticated ── Auth ──▶ authenticated ── stop, GOAWAY, EOF, silence ──▶ closing ──▶ detached
//!       │ heartbeat, SrvInfo       │ Bind, Unbind, labels, Patch, SrvInfo, heartbeat
//!       └─ refused, too slow, anything else ──▶ closing
//! ```

mod auth;
mod rpc;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use adit_mux::{self as mux, ErrorCode, Stream};
use adit_net::per_source::SourceGuard;
use adit_proto::{
    ErrorText, StreamType,
    heartbeat::{self, EchoError, PingError, Pulse},
    rpc::{CALL_TIMEOUT, Closing, FINISH_GRACE},
    session::{self, TypedStreams, open_heartbeat},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{Instant, timeout_at},
};

use self::auth::Authenticated;
use crate::shared::Shared;

/// Where a connection comes from.
#[derive(Debug)]
pub(crate) enum Source {
    /// Over the network, and counted as a stranger until it has authenticated.
    Network(SocketAddr, SourceGuard),
    /// The same process: trusted.
    Memory,
}

/// What a task of a leg found out.
pub(crate) enum Done {
    /// Nothing that matters to the leg.
    Quiet,
    /// The agent may stay.
    Authenticated(Box<Authenticated>),
    /// The leg has to end, for this reason.
    End(ErrorCode, &'static str),
}

/// Serves a connection until it ends. It has to authenticate by `deadline`.
pub(crate) async fn serve<T>(shared: Arc<Shared>, io: T, source: Source, deadline: Instant)
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (session, accept, driver) = mux::session(io, shared.settings.limits.mux_config());
    let driver = shared.legs.spawn(driver);
    let (code, text) = match Leg::new(&shared, session.clone(), accept).run(source, deadline).await
    {
        Some(reason) => reason,
        None => (ErrorCode::NoError, "connection ended"),
    };
    session.close(code, text);
    if let Ok(Some(Err(error))) = driver.await {
        tracing::debug!(%error, "leg ended");
    }
}

struct Leg<'a> {
    shared: &'a Arc<Shared>,
    session: mux::Session,
    streams: TypedStreams,
    work: JoinSet<Done>,
    pulse: Pulse,
    has_heartbeat: bool,
    room: Arc<Semaphore>,
}

/// Streams that an agent opened while we learnt that it is in.
type Early = Vec<(StreamType, Stream)>;

/// Why a leg ends, as the agent is told. `None`: it ended by itself.
type Reason = Option<(ErrorCode, &'static str)>;

impl<'a> Leg<'a> {
    fn new(shared: &'a Arc<Shared>, session: mux::Session, accept: mux::Accept) -> Self {
        let limits = &shared.settings.limits;
        let room = Arc::new(Semaphore::new(limits.rpcs_per_leg));
        let streams = TypedStreams::new(accept).with_type_timeout(limits.stream_type);
        let work = JoinSet::new();
        let pulse = Pulse::new();
        Self { shared, session, streams, work, pulse, has_heartbeat: false, room }
    }

    async fn run(mut self, source: Source, deadline: Instant) -> Reason {
        let (origin, guard) = match source {
            Source::Network(peer, guard) => (auth::Origin::Network(peer), Some(guard)),
            Source::Memory => (auth::Origin::Memory, None),
        };
        let entered = timeout_at(deadline, self.enter(origin)).await;
        let (authenticated, early) = match entered {
            Ok(Ok(entered)) => entered,
            Ok(Err(reason)) => return reason,
            Err(_) => return Some((ErrorCode::Protocol, "not authenticated in time")),
        };
        drop(guard); // no stranger any more
        self.stay(&authenticated, early).await
    }

    /// Until the agent has authenticated. The agent has its answer a moment before this is known
    /// here, and may use it at once: what it opened in that moment is returned, too.
    async fn enter(&mut self, origin: auth::Origin) -> Result<(Box<Authenticated>, Early), Reason> {
        let mut has_auth = false;
        // As many as the multiplexer lets it open.
        let mut early = Early::new();
        loop {
            tokio::select! {
                next = self.streams.next() => {
                    let Some((stream_type, stream)) = next else { return Err(None) };
                    match stream_type {
                        StreamType::HEARTBEAT => self.heartbeat(stream).map_err(Some)?,
                        StreamType::SRV_INFO => self.start_rpc(stream, |shared, stream, permit| {
                            Box::pin(rpc::srv_info(shared, stream, permit))
                        }),
                        StreamType::AUTH if !has_auth => {
                            has_auth = true;
                            let (shared, session) = (Arc::clone(self.shared), self.session.clone());
                            let pulse = self.pulse.clone();
                            self.work.spawn(auth::authenticate(shared, session, pulse, stream, origin));
                        }
                        _ if has_auth => early.push((stream_type, stream)),
                        _ => {
                            let text = format!("{stream_type} is not allowed before Auth.");
                            refuse(stream, &ErrorText::uncoded(text)).await;
                            return Err(Some((ErrorCode::Protocol, "not authenticated")));
                        }
                    }
                }
                Some(done) = self.work.join_next() => match done {
                    Ok(Done::Authenticated(authenticated)) => return Ok((authenticated, early)),
                    Ok(Done::End(code, text)) => return Err(Some((code, text))),
                    Ok(Done::Quiet) => {}
                    Err(error) => return Err(Some(panicked(&error))),
                },
            }
        }
    }

    /// While the agent is in.
    async fn stay(&mut self, authenticated: &Authenticated, early: Early) -> Reason {
        let Authenticated { attached, timing, .. } = authenticated;
        let settings = &self.shared.settings;
        self.start_pings();
        for (stream_type, stream) in early {
            if let Err(reason) = self.dispatch(stream_type, stream, authenticated) {
                return Some(reason);
            }
        }
        let limit = timing.limit().max(settings.heartbeat.limit());
        self.pulse.beat();
        let pulse = self.pulse.clone();
        let silence = pulse.silence(limit);
        tokio::pin!(silence);
        let stop = self.shared.legs.signals().stop.clone();
        let end = attached.leg.end.clone();
        loop {
            tokio::select! {
                next = self.streams.next() => {
                    let (stream_type, stream) = next?;
                    if let Err(reason) = self.dispatch(stream_type, stream, authenticated) {
                        return Some(reason);
                    }
                }
                Some(done) = self.work.join_next() => match done {
                    Ok(Done::End(code, text)) => return Some((code, text)),
                    Ok(_) => {}
                    Err(error) => return Some(panicked(&error)),
                },
                () = &mut silence => {
                    tracing::info!(session = %attached.session_id, ?limit, "agent is silent");
                    return Some((ErrorCode::NoError, "no heartbeat from the agent"));
                }
                () = end.cancelled() => {
                    return Some((ErrorCode::NoError, "session ended by the edge"));
                }
                () = stop.cancelled() => {
                    return Some((ErrorCode::NoError, "edge is shutting down"));
                }
            }
        }
    }

    fn dispatch(
        &mut self,
        stream_type: StreamType,
        stream: Stream,
        authenticated: &Authenticated,
    ) -> Result<(), (ErrorCode, &'static str)> {
        let of = rpc::Caller {
            client_id: authenticated.attached.client_id.clone(),
            leg: Arc::clone(&authenticated.attached.leg),
        };
        let stream = match stream_type {
            StreamType::HEARTBEAT => return self.heartbeat(stream),
            _ => stream,
        };
        self.start_rpc(stream, |shared, stream, permit| match stream_type {
            StreamType::SRV_INFO => Box::pin(rpc::srv_info(shared, stream, permit)),
            StreamType::BIND => Box::pin(rpc::bind(shared, of, stream, permit)),
            StreamType::UNBIND => Box::pin(rpc::unbind(shared, of, stream, permit)),
            StreamType::START_TUNNEL_WITH_LABEL => {
                Box::pin(rpc::start_labelled(shared, of, stream, permit))
            }
            StreamType::PATCH_TUNNEL_STATE => Box::pin(rpc::patch(shared, of, stream, permit)),
            StreamType::AUTH => {
                let text = "This connection has authenticated already.".to_owned();
                Box::pin(rpc::unexpected(stream, text, permit))
            }
            _ => {
                Box::pin(rpc::unexpected(stream, format!("Unknown stream {stream_type}."), permit))
            }
        });
        Ok(())
    }

    /// Starts a request's task, if the leg may have one more.
    fn start_rpc<F>(&mut self, mut stream: Stream, task: F)
    where
        F: FnOnce(Arc<Shared>, Stream, OwnedSemaphorePermit) -> rpc::Task,
    {
        match Arc::clone(&self.room).try_acquire_owned() {
            Ok(permit) => {
                self.work.spawn(task(Arc::clone(self.shared), stream, permit));
            }
            Err(_) => {
                tracing::debug!("too many requests of one agent at once");
                stream.abort(ErrorCode::StreamRefused);
            }
        }
    }

    /// Echoes until the agent ends it; one such stream is enough for anybody.
    fn heartbeat(&mut self, stream: Stream) -> Result<(), (ErrorCode, &'static str)> {
        if std::mem::replace(&mut self.has_heartbeat, true) {
            return Err((ErrorCode::EnhanceYourCalm, "more than one heartbeat stream"));
        }
        let pulse = self.pulse.clone();
        let per_second = self.shared.settings.limits.heartbeats_per_second;
        self.work.spawn(async move {
            match heartbeat::echo(stream, Some(per_second), &pulse).await {
                Err(EchoError::TooFast { .. }) => {
                    Done::End(ErrorCode::EnhanceYourCalm, "heartbeats come too fast")
                }
                _ => Done::Quiet,
            }
        });
        Ok(())
    }

    fn start_pings(&mut self) {
        let (session, pulse) = (self.session.clone(), self.pulse.clone());
        let interval = self.shared.settings.heartbeat.interval;
        self.work.spawn(async move {
            // Without our own pings the agent's are the only sign of life: that is enough.
            if let Ok(stream) = open_heartbeat(&session) {
                let on_rtt = |rtt: Duration| session.set_rtt(rtt);
                let error = heartbeat::ping(stream, interval, &pulse, on_rtt).await;
                tracing::debug!(%error, "no more pings");
                // The stream is ended with this. An agent that still reads it may take that for
                // pings without an end; one that ended it itself does not read.
                if matches!(error, PingError::WrongEcho) {
                    return Done::End(ErrorCode::Protocol, "wrong heartbeat echo");
                }
            }
            Done::Quiet
        });
    }
}

fn panicked(error: &tokio::task::JoinError) -> (ErrorCode, &'static str) {
    tracing::error!(%error, "a task of a leg failed");
    (ErrorCode::Internal, "internal error of the edge")
}

/// Answers with a failure and gives the agent a moment to read it.
pub(crate) async fn refuse(stream: Stream, error: &ErrorText) {
    if let Ok(mut closing) = session::refuse(stream, error, CALL_TIMEOUT).await {
        let _ = closing.peer_end(FINISH_GRACE).await;
    }
}

/// Keeps an answered stream until the agent has read it.
pub(crate) async fn finish(mut closing: Closing<Stream>) {
    let _ = closing.peer_end(CALL_TIMEOUT).await;
}
