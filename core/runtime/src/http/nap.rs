//! HTTP/1 with the visitor, put away while nobody speaks.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Request, Response};
use hyper::{
    body::Incoming,
    server::conn::http1::{Builder, UpgradeableConnection},
    service::Service,
};
use hyper_util::rt::TokioIo;

use super::{
    body::Tracked,
    exchange::HangUp,
    sock::{Sock, Traffic},
};
use crate::limits::MAX_HEAD;

/// A connection that is served, or only waited on: then it costs no buffers.
pub(super) struct Napping<S>(State<S>)
where
    S: Service<Request<Incoming>, Response = Response<Tracked>, Error = HangUp>;

enum State<S>
where
    S: Service<Request<Incoming>, Response = Response<Tracked>, Error = HangUp>,
{
    Awake(Box<UpgradeableConnection<TokioIo<Sock>, S>>),
    Asleep(Sock, S),
    /// Another protocol has the bytes.
    Gone,
}

impl<S> Napping<S>
where
    S: Service<Request<Incoming>, Response = Response<Tracked>, Error = HangUp> + Unpin,
    S::Future: Send,
{
    pub(super) fn new(sock: Sock, service: S) -> Self {
        let mut builder = Builder::new();
        builder.max_buf_size(MAX_HEAD);
        let server = builder.serve_connection(TokioIo::new(sock), service).with_upgrades();
        Self(State::Awake(Box::new(server)))
    }

    /// Goes to sleep if there is nothing that a new start would not know. To be polled then.
    pub(super) fn rest(&mut self, traffic: &Traffic) {
        if !matches!(self.0, State::Awake(_)) || !traffic.is_at_rest() {
            return;
        }
        let State::Awake(server) = mem::replace(&mut self.0, State::Gone) else { return };
        let Some(parts) = server.into_parts() else { return };
        self.0 = State::Asleep(parts.io.into_inner().rest(parts.read_buf), parts.service);
    }

    fn wake(&mut self) {
        if let State::Asleep(sock, service) = mem::replace(&mut self.0, State::Gone) {
            *self = Self::new(sock, service);
        }
    }

    /// Ends after what is under way.
    pub(super) fn graceful_shutdown(&mut self) {
        if let State::Asleep(..) = self.0 {
            self.wake();
        }
        if let State::Awake(server) = &mut self.0 {
            Pin::new(&mut **server).graceful_shutdown();
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        if let State::Asleep(sock, _) = &mut self.0 {
            ready!(sock.poll_wake(cx));
            self.wake();
        }
        match &mut self.0 {
            State::Awake(server) => Pin::new(&mut **server).poll(cx),
            State::Asleep(..) | State::Gone => Poll::Ready(Ok(())),
        }
    }

    /// The bytes, and what was read of them in vain. `None` if another protocol has them.
    pub(super) fn into_parts(self) -> Option<(Bytes, Sock)> {
        match self.0 {
            State::Awake(server) => {
                server.into_parts().map(|parts| (parts.read_buf, parts.io.into_inner()))
            }
            State::Asleep(sock, _) => Some((Bytes::new(), sock)),
            State::Gone => None,
        }
    }
}
