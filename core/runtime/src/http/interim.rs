//! Interim responses, such as `103 Early Hints`, on their way to a visitor.
//!
//! The HTTP library tells of those that an upstream sends, and has no call to send one. So they are
//! written beside it, on the visitor's socket, whenever it has nothing of its own half-written; and
//! the response is held back until they are out. Only to visitors with HTTP/1.1: HTTP/1.0 does not
//! know them, and what HTTP/2 keeps about a connection is the library's own.
//!
//! ```text
//! upstream ── hyper client ── hear ─→ Interim ─→ Sock ── visitor
//!                                       └─ sent ─→ the response
//! ```

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker, ready},
};

use adit_net::{Io, Rewind};
use bytes::{Buf, BufMut, BytesMut};
use http::{HeaderMap, Request, StatusCode, header::CONTENT_LENGTH};
use parking_lot::Mutex;
use tokio::io::AsyncWrite as _;

use super::{
    headers::{self, Has, Switch},
    sock::Traffic,
};

/// Interim responses of one exchange that are passed on; further ones are left out.
///
/// Reason: a page's hints come in one or two, and a service that is long at work says so a few times
/// a minute; nothing depends on any one of them.
const MAX_INTERIM: usize = 16;

/// Bytes of interim responses that wait for a visitor to take them; what does not fit is left out.
///
/// Reason: the hints of a page are a few KiB at the most, and a visitor that reads takes them at
/// once; so this is what one that does not read can cost.
const MAX_INTERIM_BYTES: usize = 16 * 1024;

/// What is to be said on a connection before the response that is awaited on it.
#[derive(Debug, Default)]
pub(super) struct Interim {
    /// Whether anything is to be said; for a look without a lock.
    waits: AtomicBool,
    said: Mutex<Said>,
    /// The exchange that was answered last.
    answered: AtomicU64,
    /// Has the connection polled that says it, and the exchange that waits until it is said.
    due: OnceLock<Waker>,
}

#[derive(Debug, Default)]
struct Said {
    /// Heads, as they are sent.
    bytes: BytesMut,
    /// The exchange that they belong to, and how many it has had.
    exchange: u64,
    n_said: usize,
    /// How many the connection has had.
    n_ever: u64,
}

/// Which of a connection's exchanges may have interim responses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Awaited(pub(super) u64);

impl Awaited {
    /// Has the visitor told what comes before the response to a request.
    pub(super) fn hear<B>(self, traffic: &Arc<Traffic>, request: &mut Request<B>) {
        let traffic = Arc::clone(traffic);
        hyper::ext::on_informational(request, move |response| {
            traffic.interim.say(self, response.status(), response.headers());
        });
    }
}

impl Interim {
    /// Who is to be woken when there is something to say, or has been said.
    pub(super) fn wakes(&self, server: &Waker) {
        let _ = self.due.set(server.clone());
    }

    /// Has a head said, unless it comes too late, is nobody's business, or is too much.
    pub(super) fn say(&self, to: Awaited, status: StatusCode, headers: &HeaderMap) {
        let Awaited(exchange) = to;
        // Ours is the word on the request's body, and a switch is a response.
        let is_hop = matches!(status, StatusCode::CONTINUE | StatusCode::SWITCHING_PROTOCOLS);
        if is_hop || self.answered.load(Relaxed) >= exchange {
            return;
        }
        let head = written(status, headers);
        let mut said = self.said.lock();
        if said.exchange != exchange {
            (said.exchange, said.n_said) = (exchange, 0);
        }
        if said.n_said == MAX_INTERIM || said.bytes.len() + head.len() > MAX_INTERIM_BYTES {
            tracing::debug!(%status, "an interim response is left out");
            return;
        }
        said.n_said += 1;
        said.n_ever += 1;
        said.bytes.extend_from_slice(&head);
        drop(said);
        self.waits.store(true, Relaxed);
        self.wake();
    }

    /// The response of an exchange is there: waits until all is said that comes before it. What
    /// comes later is too late.
    pub(super) async fn sent(&self, to: Awaited) {
        self.answered.store(to.0, Relaxed);
        if self.waits() {
            // Whoever has said it all wakes the connection, and so this.
            poll_fn(|_| if self.waits() { Poll::Pending } else { Poll::Ready(()) }).await;
        }
    }

    /// How much has been said on the connection: who says something is at work.
    pub(super) fn n_ever(&self) -> u64 {
        self.said.lock().n_ever
    }

    pub(super) fn waits(&self) -> bool {
        self.waits.load(Relaxed)
    }

    /// Says what is to be said, where nothing else is half-said. Returns how many bytes of it.
    pub(super) fn poll_say(
        &self,
        cx: &mut Context<'_>,
        io: &mut Rewind<Io>,
        mut wrote: impl FnMut(usize),
    ) -> Poll<io::Result<()>> {
        let mut said = self.said.lock();
        while said.bytes.has_remaining() {
            let n = ready!(Pin::new(&mut *io).poll_write(cx, &said.bytes))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            said.bytes.advance(n);
            wrote(n);
        }
        ready!(Pin::new(io).poll_flush(cx))?;
        said.bytes = BytesMut::new(); // lets the memory go
        self.waits.store(false, Relaxed);
        self.wake();
        Poll::Ready(Ok(()))
    }

    fn wake(&self) {
        if let Some(due) = self.due.get() {
            due.wake_by_ref();
        }
    }
}

/// A head as it is sent, without what concerns one hop and what only we say.
fn written(status: StatusCode, headers: &HeaderMap) -> BytesMut {
    let mut headers = headers.clone();
    let has = Has::of(&headers);
    if headers::strip(&mut headers, has) == Switch::Wanted {
        headers::refuse_switch(&mut headers);
    }
    headers::strip_marks(&mut headers, has, None);
    // Fact: RFC 9110, section 8.6: nothing follows that had one.
    headers.remove(CONTENT_LENGTH);
    let mut out = BytesMut::new();
    out.put_slice(b"HTTP/1.1 ");
    out.put_slice(status.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.put_slice(b"\r\n");
    for (name, value) in &headers {
        out.put_slice(name.as_str().as_bytes());
        out.put_slice(b": ");
        out.put_slice(value.as_bytes());
        out.put_slice(b"\r\n");
    }
    out.put_slice(b"\r\n");
    out
}
