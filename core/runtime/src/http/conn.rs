//! A visitor's connection that speaks HTTP: everything about it lives in one task.
//!
//! ```text
//! visitor ── Sock ── hyper server ── exchange ── hyper client ── pipe ── upstream
//!                        └──────── polled by one Turn ───┘
//! ```

use std::{
    error::Error as _,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use adit_chain::{ByteStream, Totals};
use adit_net::{Io, Rewind};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    away::Away,
    crew::{Crew, Members},
    exchange::{HangUp, Shared, serve},
    nap::Napping,
    overheard::Overheard,
    places::Places,
    sock::{Sock, Spoken, Traffic},
    switched::{After, Switched, handed_over},
    tape::{Running, Taped},
    turn::{CREW, SERVER, Turn},
    watch::{Event, Watch},
};
use crate::{
    Ended, Limits, Stop,
    limits::{CONNECTION_WINDOW, LINGER, MAX_HEAD, MAX_STREAMS, STREAM_WINDOW, TELL},
    relay::relay_heard,
    tap::Party,
};

/// Fact: RFC 9113, section 3.4.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes that a visitor may still send while its connection is being closed.
const MAX_LINGER: u64 = 1024 * 1024;

/// A connection about to be served.
pub(super) struct Serving {
    turn: Turn,
    members: Members,
    watch: Watch,
    shared: Arc<Shared>,
}

/// How HTTP ended on a connection.
enum End {
    /// By its own rules, or because the visitor broke them.
    Over(Io),
    /// Another protocol was agreed on.
    Switched,
    /// The visitor speaks HTTP/2 without having said so in TLS.
    Http2(Rewind<Io>),
    /// Early; nothing is left to say.
    Early(Ended),
}

impl Serving {
    pub(super) fn new(
        places: Places,
        traffic: Arc<Traffic>,
        origin: Option<Arc<str>>,
        limits: &Limits,
        stop: &Stop,
    ) -> Self {
        let turn = Turn::new();
        let (crew, members) = Crew::new(turn.waker(CREW).clone());
        let watch = Watch::new(Arc::clone(&traffic), limits, stop);
        traffic.interim.wakes(turn.waker(SERVER));
        let (away, switched, asked) = (Away::default(), Mutex::default(), Mutex::default());
        // Whose answers are marked has somebody in front who tells the visitor.
        let late = stop.late.clone().filter(|_| origin.is_none());
        let shared = Shared { places, away, crew, traffic, origin, late, switched, asked };
        let shared = Arc::new(shared);
        Self { turn, members, watch, shared }
    }

    /// Serves the connection to its end.
    pub(super) async fn run(mut self, io: Rewind<Io>, spoken: Spoken) -> (Totals, Ended) {
        let end = match spoken {
            Spoken::Http1 => match Box::pin(self.http1(io)).await {
                End::Http2(io) => Box::pin(self.http2(io)).await,
                end => end,
            },
            Spoken::Http2 => Box::pin(self.http2(io)).await,
        };
        let switched = self.shared.switched.lock().take();
        let mut relayed = Totals::default();
        let ended = match (end, switched) {
            (End::Switched, Some(switched)) => {
                let (totals, ended) = Box::pin(self.after_http(switched)).await;
                relayed = totals;
                ended
            }
            (End::Over(io), _) => linger(io, self.watch.cut()).await,
            (End::Early(ended), _) => ended,
            (End::Switched, None) => {
                let asked = self.shared.asked.lock().take();
                match Box::pin(handed_over(asked)).await {
                    Some((_, io)) => linger(io, self.watch.cut()).await,
                    None => Ended::Broken,
                }
            }
            (End::Http2(_), _) => Ended::Broken,
        };
        let mut totals = self.shared.traffic.totals();
        totals.bytes_in += relayed.bytes_in;
        totals.bytes_out += relayed.bytes_out;
        self.finish_telling().await;
        self.shared.away.close(totals, ended).await;
        self.shared.places.close(totals, ended).await;
        (totals, ended)
    }

    async fn http1(&mut self, io: Rewind<Io>) -> End {
        let shared = Arc::clone(&self.shared);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            serve(Arc::clone(&shared), request)
        });
        let sock = Sock::new(io, Arc::clone(&self.shared.traffic), Spoken::Http1);
        let mut server = Napping::new(sock, service);
        let Self { turn, members, watch, shared } = self;
        let ended = poll_fn(|cx| {
            turn.poll(cx, |part, cx| match part {
                SERVER => server.poll(cx).map(Ok),
                CREW => {
                    members.poll(cx);
                    Poll::Pending
                }
                _ => match watch.poll(cx) {
                    Poll::Ready(Event::Drain) => {
                        server.graceful_shutdown();
                        turn.waker(SERVER).wake_by_ref();
                        cx.waker().wake_by_ref();
                        Poll::Pending
                    }
                    Poll::Ready(Event::Look) => {
                        shared.look_after();
                        Poll::Pending
                    }
                    Poll::Ready(Event::Quiet) => {
                        shared.look_after();
                        server.rest(&shared.traffic);
                        turn.waker(SERVER).wake_by_ref();
                        Poll::Pending
                    }
                    Poll::Ready(Event::TimedOut) => Poll::Ready(Err(Ended::TimedOut)),
                    Poll::Ready(Event::Cut) => Poll::Ready(Err(Ended::Cut)),
                    Poll::Pending => Poll::Pending,
                },
            })
        })
        .await;
        let result = match ended {
            Ok(result) => result,
            Err(ended) => {
                shared.traffic.doom(ended.failure());
                return End::Early(ended);
            }
        };
        let Some((read, sock)) = server.into_parts() else { return End::Switched };
        let (unread, io) = sock.into_io().into_parts();
        match result {
            Ok(()) => End::Over(io),
            Err(_) if read.starts_with(PREFACE) => {
                let read = [read, unread].concat();
                End::Http2(Rewind::with_prefix(read.into(), io))
            }
            Err(error) if is_abort(&error) => {
                if breaks_off(&error) {
                    io.reset_on_drop();
                }
                End::Early(Ended::Broken)
            }
            Err(error) => {
                debug!(%error, "HTTP/1 with the visitor ended");
                End::Over(io)
            }
        }
    }

    async fn http2(&mut self, io: Rewind<Io>) -> End {
        let shared = Arc::clone(&self.shared);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            serve(Arc::clone(&shared), request)
        });
        let sock = Sock::new(io, Arc::clone(&self.shared.traffic), Spoken::Http2);
        let mut builder = http2::Builder::new(self.shared.crew.clone());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEAD as u32)
            .max_concurrent_streams(MAX_STREAMS);
        self.turn.restart();
        let mut server = pin!(builder.serve_connection(TokioIo::new(sock), service));
        let Self { turn, members, watch, shared } = self;
        poll_fn(|cx| {
            turn.poll(cx, |part, cx| match part {
                SERVER => server.as_mut().poll(cx).map(|result| match result {
                    Ok(()) => End::Early(Ended::Done),
                    Err(error) => {
                        debug!(%error, "HTTP/2 with the visitor ended");
                        End::Early(Ended::Broken)
                    }
                }),
                CREW => {
                    members.poll(cx);
                    Poll::Pending
                }
                _ => match watch.poll(cx) {
                    Poll::Ready(Event::Drain) => {
                        server.as_mut().graceful_shutdown();
                        turn.waker(SERVER).wake_by_ref();
                        cx.waker().wake_by_ref();
                        Poll::Pending
                    }
                    Poll::Ready(Event::Look | Event::Quiet) => {
                        shared.look_after();
                        Poll::Pending
                    }
                    Poll::Ready(Event::TimedOut) => early(&shared.traffic, Ended::TimedOut),
                    Poll::Ready(Event::Cut) => early(&shared.traffic, Ended::Cut),
                    Poll::Pending => Poll::Pending,
                },
            })
        })
        .await
    }

    /// Waits until handlers have been told of the exchanges that are over.
    async fn finish_telling(&mut self) {
        let Self { members, watch, shared, .. } = self;
        if !shared.traffic.is_telling() {
            return;
        }
        let told = poll_fn(|cx| {
            members.poll(cx);
            if shared.traffic.is_telling() { Poll::Pending } else { Poll::Ready(()) }
        });
        tokio::select! {
            biased;
            () = watch.cut().cancelled() => {}
            _ = timeout(TELL, told) => {}
        }
    }

    /// Bytes, after a `101`.
    async fn after_http(&mut self, mut switched: Switched) -> (Totals, Ended) {
        self.finish_telling().await;
        let mut finish = switched.finish.take();
        let tape = finish.as_ref().and_then(|finish| finish.taped()).map(Taped::tape);
        let (totals, ended) = Box::pin(self.relay_after(switched, tape)).await;
        if let Some(finish) = &mut finish {
            finish.relayed(totals, ended);
        }
        (totals, ended)
    }

    async fn relay_after(&mut self, switched: Switched, tape: Option<&Running>) -> (Totals, Ended) {
        let Some((unread, io)) = handed_over(Some(switched.visitor)).await else {
            return (Totals::default(), Ended::Broken);
        };
        let visitor = Rewind::with_prefix(unread, io);
        let mut ears =
            tape.map(|tape| [Party::Visitor, Party::Upstream].map(|from| tape.ear(from)));
        let (visitor, upstream) = match switched.upstream {
            After::Detach(wrap, leg) => {
                let io: Box<dyn ByteStream> = match ears.take() {
                    Some(ears) => Box::new(Overheard::new(visitor, ears)),
                    None => Box::new(visitor),
                };
                (Rewind::new(Io::other(wrap.wrap(io))), Some(Rewind::new(leg.io)))
            }
            After::Upgrade(pipe) => {
                let mut handed_over = pin!(pipe.into_io());
                let members = &mut self.members;
                let upstream = poll_fn(|cx| {
                    members.poll(cx);
                    handed_over.as_mut().poll(cx)
                });
                (visitor, upstream.await)
            }
        };
        let Some(upstream) = upstream else {
            return (Totals::default(), Ended::UpstreamFailed);
        };
        relay_heard(visitor, upstream, self.watch.cut(), ears).await
    }
}

/// Says goodbye, and lets the visitor read what was sent: closing a socket that still has unread
/// bytes would reset it, and the last answer would be lost with it.
pub(super) async fn linger(mut io: Io, cut: &CancellationToken) -> Ended {
    let lingering = async {
        if io.shutdown().await.is_ok() {
            let mut rest = (&mut io).take(MAX_LINGER);
            let _ = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
        }
    };
    tokio::select! {
        biased;
        () = cut.cancelled() => Ended::Cut,
        _ = timeout(LINGER, lingering) => Ended::Done,
    }
}

/// Exchanges that are under way end with the connection, and for the same reason.
fn early(traffic: &Traffic, ended: Ended) -> Poll<End> {
    traffic.doom(ended.failure());
    Poll::Ready(End::Early(ended))
}

/// Whether it is an answer that ends too early, which must not look whole where its end is that of
/// the connection.
fn breaks_off(error: &hyper::Error) -> bool {
    error.is_user() && !error.source().is_some_and(|source| source.is::<HangUp>())
}

/// Whether nobody is there to hear more.
fn is_abort(error: &hyper::Error) -> bool {
    error.is_incomplete_message() || error.is_closed() || error.is_user()
}
