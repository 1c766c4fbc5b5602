//! Exchanges that pass as they are.
//!
//! Where a tap is all that wants to see HTTP, nothing has to be parsed and written anew: the bytes
//! move as in a raw relay, one pipe to the upstream for one of the visitor, and their heads and the
//! frames of their bodies are read on the way. Whatever is not plain (an upgrade, a request that two
//! servers could read differently, one for another host, a route that was replaced) is handed over,
//! before a byte of it has moved, to where HTTP is served in full.

mod ends;
mod framing;
mod head;
mod passing;
mod record;

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use adit_chain::{Body, Conn, Origin, Refusal, Totals, failure};
use adit_net::{
    Io, Rewind,
    until::{Cancelled, until},
};
use bytes::{BufMut, Bytes, BytesMut};
use http::{
    Response,
    header::{CONNECTION, CONTENT_LENGTH, HOST},
};
use tokio::{
    io::AsyncWriteExt,
    time::{Sleep, sleep_until, timeout},
};
use tracing::debug;

use self::{ends::Ends, head::Asked, passing::Passing, record::Record};
use super::{
    conn::linger,
    exchange::draw,
    own::is_for,
    pipe::{broken_body, not_http},
    send::{closed_early, late, silent, switched_unasked},
    serve_route,
};
use crate::{
    Ended, ForwardCx, Forwarded, HttpVersion, Limits, Live, PassthroughTls, Route, UpstreamError,
    limits::LINGER,
};

/// Whether the exchanges of a connection may pass as they are, once they turn out to be plain.
pub(crate) fn is_verbatim(conn: &Conn, route: &Route, cx: &ForwardCx) -> bool {
    cx.router.is_none()
        && route.forwarded == Forwarded::Keep
        && !route.chain.needs().wants_http()
        && !route.upstream.answers()
        && route.upstream.http_version() == HttpVersion::Http1
        && conn.tls.get().is_none_or(|tls| tls.alpn.as_deref() != Some(adit_net::tls::ALPN_H2))
}

/// Serves a connection that its route has admitted.
pub(crate) async fn serve(
    conn: Arc<Conn>,
    io: Rewind<Io>,
    route: Arc<Route>,
    live: Option<Arc<Live>>,
    cx: &ForwardCx,
) -> (Totals, Ended) {
    let (said, visitor) = io.into_parts();
    let (ends, told, timer) = (Ends::new(visitor, said), Totals::default(), None);
    let drain = Box::pin(Cancelled::new(cx.stop.drain.clone()));
    let mut serving = Serving { conn, route, live, cx, drain, ends, told, timer };
    let next = until(cx.stop.cut.clone(), serving.run()).await;
    let before = serving.ends.totals;
    serving.tell_moved();
    let Serving { conn, route, live, ends, .. } = serving;
    let (totals, ended) = match next {
        None => (Totals::default(), Ended::Cut),
        Some(Next::Over(ended)) => {
            if !matches!(ended, Ended::Done | Ended::TimedOut) {
                ends.visitor.reset_on_drop();
            }
            (Totals::default(), ended)
        }
        Some(Next::Leave) => {
            drop(ends.upstream);
            (Totals::default(), linger(ends.visitor, &cx.stop.cut).await)
        }
        Some(Next::HandOver) => {
            drop(ends.upstream);
            let io = Rewind::with_prefix(ends.said, ends.visitor);
            Box::pin(serve_route(conn, io, route, live, cx)).await
        }
    };
    let bytes_in = before.bytes_in + totals.bytes_in;
    (Totals { bytes_in, bytes_out: before.bytes_out + totals.bytes_out }, ended)
}

/// A connection whose exchanges pass as they are.
struct Serving<'a> {
    conn: Arc<Conn>,
    route: Arc<Route>,
    live: Option<Arc<Live>>,
    cx: &'a ForwardCx,
    drain: Pin<Box<Cancelled>>,
    ends: Ends,
    /// What has been told of the bytes that moved.
    told: Totals,
    /// One for the connection: it is set anew when it rings too early, not for each exchange.
    timer: Option<Pin<Box<Sleep>>>,
}

/// What becomes of a connection.
enum Next {
    /// It is over.
    Over(Ended),
    /// All was said; the visitor is let go.
    Leave,
    /// Somebody else goes on with it.
    HandOver,
}

impl Serving<'_> {
    async fn run(&mut self) -> Next {
        loop {
            if self.ends.said.is_empty()
                && let Some(next) = self.wait().await
            {
                return next;
            }
            let is_current = self.live.as_ref().is_none_or(|live| live.is(&self.route));
            let asked = is_current.then(|| head::request(&self.ends.said)).flatten();
            let asked = asked.filter(|asked| is_for(&self.conn, asked.request.headers().get(HOST)));
            let Some(asked) = asked else { return Next::HandOver };
            let next = self.exchange(asked).await;
            self.tell_moved();
            if let Some(next) = next {
                return next;
            }
        }
    }

    /// Waits until the visitor asks for something.
    async fn wait(&mut self) -> Option<Next> {
        self.ends.rest();
        let since = Instant::now();
        let Self { ends, timer, drain, route, .. } = self;
        let Limits { idle_timeout, pipe_idle, .. } = route.limits;
        let waiting = poll_fn(|cx| {
            // What has been said by now is answered still.
            if let Poll::Ready(result) = ends.poll_said(cx) {
                return Poll::Ready(match result {
                    Ok(()) if ends.said.is_empty() => Some(Next::Leave),
                    Ok(()) => None,
                    Err(_) => Some(Next::Over(Ended::Broken)),
                });
            }
            ends.poll_idle_upstream(cx);
            if drain.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Some(Next::Leave));
            }
            if ends.upstream.is_some() && ring(timer, cx, since, pipe_idle).is_ready() {
                ends.upstream = None;
            }
            ring(timer, cx, since, idle_timeout).map(|()| Some(Next::Over(Ended::TimedOut)))
        });
        waiting.await
    }

    /// Carries one exchange. `None` if another may follow.
    async fn exchange(&mut self, asked: Asked) -> Option<Next> {
        let began = Instant::now();
        let metrics = Arc::clone(&self.route.metrics);
        metrics.exchange();
        let tap = self.route.tap.clone();
        let (has_body, is_head) =
            (!asked.body.is_done(), asked.request.method() == http::Method::HEAD);
        let record = Record::begin(
            tap.as_deref(),
            &self.cx.stop.cut,
            &self.conn,
            &asked.request,
            has_body,
            began,
        );
        let mut passing = Passing::new(&mut self.ends, asked, record);
        if passing.is_wrong {
            return self.refuse(passing, broken_body(), is_head).await;
        }
        passing.record.forwarded();
        // It may have left just now; then even what must not be asked twice can be asked elsewhere.
        poll_fn(|cx| {
            self.ends.poll_idle_upstream(cx);
            Poll::Ready(())
        })
        .await;
        let mut is_fresh = self.ends.upstream.is_none();
        loop {
            if self.ends.upstream.is_none() {
                if let Err(error) = self.connect().await {
                    debug!(id = %self.conn.id, %error, "no connection to the upstream");
                    return self.refuse(passing, error.to_refusal(), is_head).await;
                }
                passing.record.connected();
            }
            let Self { ends, timer, route, .. } = self;
            let limit = route.limits.response_timeout;
            let ended = poll_fn(|cx| {
                if let Poll::Ready(ended) = passing.poll(cx, ends, &metrics) {
                    return Poll::Ready(ended);
                }
                match passing.waits_since() {
                    Some(since) => ring(timer, cx, since, limit).map(|()| passing::Ended::Late),
                    None => Poll::Pending,
                }
            });
            let ended = ended.await;
            if !is_fresh && matches!(ended, passing::Ended::Closed(_)) && passing.repeat(&self.ends)
            {
                // It left while the request was on its way.
                (self.ends.upstream, is_fresh) = (None, true);
                continue;
            }
            return self.ended(passing, ended, is_head).await;
        }
    }

    async fn connect(&mut self) -> Result<(), UpstreamError> {
        // What another connection said in part is not the beginning of what this one says.
        self.ends.rest();
        let after = self.route.limits.connect_timeout;
        let connecting = self.route.upstream.connect(&self.conn, PassthroughTls::No);
        let leg = timeout(after, connecting).await.unwrap_or_else(|_| {
            let address = self.route.endpoint.upstream.clone();
            Err(UpstreamError::Timeout { address, after })
        })?;
        self.ends.upstream = Some(leg.io);
        Ok(())
    }

    async fn ended(
        &mut self,
        mut passing: Passing,
        ended: passing::Ended,
        is_head: bool,
    ) -> Option<Next> {
        use passing::Ended as Way;
        let is_awaited = !passing.record.is_answered();
        let is_silent = passing.waits_for_visitor();
        let refusal = match ended {
            Way::Whole { is_kept: true } => {
                return self.cx.stop.drain.is_cancelled().then_some(Next::Leave);
            }
            Way::Whole { is_kept: false } => return Some(Next::Leave),
            Way::Visitor(error) => {
                debug!(id = %self.conn.id, %error, "the visitor left");
                self.abort();
                return Some(Next::Over(Ended::Broken));
            }
            Way::Closed(error) => {
                debug!(id = %self.conn.id, %error, "no response from the upstream");
                closed_early()
            }
            Way::NotHttp => not_http(),
            Way::Switched => switched_unasked(),
            Way::Wrong => broken_body(),
            Way::Late if is_silent => silent(self.route.limits.response_timeout),
            Way::Late => late(self.route.limits.response_timeout),
        };
        self.abort();
        if is_awaited {
            return self.refuse(passing, refusal, is_head).await;
        }
        if !passing.is_wrong {
            passing.record.failed(failure::BAD_RESPONSE);
        }
        Some(Next::Over(Ended::Broken))
    }

    /// Tells the upstream that nobody waits any more.
    fn abort(&mut self) {
        if let Some(upstream) = self.ends.upstream.take() {
            upstream.reset_on_drop();
        }
    }

    /// Answers with a refusal. Another exchange may follow if the request was read to its end.
    async fn refuse(
        &mut self,
        mut passing: Passing,
        refusal: Refusal,
        is_head: bool,
    ) -> Option<Next> {
        passing.record.refused(&refusal);
        let origin = self.cx.origin.as_deref();
        let Ok(mut response) = draw(refusal, passing.record.id, passing.taste, origin) else {
            return Some(Next::Over(Ended::Refused));
        };
        Origin::Agent.mark(&mut response);
        passing.record.response(&response, &self.route.metrics);
        let is_kept = passing.is_asked();
        let (page, body) = written(response, is_head, is_kept);
        passing.record.response_data(&body);
        let writing = async {
            // What was said before the answer may be on its way still.
            self.ends.visitor.write_all(&passing.outward).await?;
            self.ends.visitor.write_all(&page).await?;
            self.ends.visitor.flush().await
        };
        match timeout(LINGER, writing).await {
            Ok(Ok(())) => {
                self.ends.totals.bytes_out += (passing.outward.len() + page.len()) as u64;
                passing.record.complete();
                (!is_kept).then_some(Next::Leave)
            }
            _ => Some(Next::Over(Ended::Broken)),
        }
    }

    /// Tells the counters what has moved.
    fn tell_moved(&mut self) {
        let Totals { bytes_in, bytes_out } = self.ends.totals;
        self.route.metrics.moved(Totals {
            bytes_in: bytes_in - self.told.bytes_in,
            bytes_out: bytes_out - self.told.bytes_out,
        });
        self.told = self.ends.totals;
    }
}

/// Rings when nothing has happened for so long.
fn ring(
    timer: &mut Option<Pin<Box<Sleep>>>,
    cx: &mut Context<'_>,
    since: Instant,
    limit: Duration,
) -> Poll<()> {
    let due = (since + limit).into();
    let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
    if timer.deadline() > due {
        timer.as_mut().reset(due);
    }
    while timer.as_mut().poll(cx).is_ready() {
        if tokio::time::Instant::now() >= due {
            return Poll::Ready(());
        }
        timer.as_mut().reset(due);
    }
    Poll::Pending
}

/// A response of our own as it is sent, and its body.
fn written(response: Response<Body>, is_head: bool, is_kept: bool) -> (Bytes, Bytes) {
    let (head, body) = response.into_parts();
    let body = if let (Body::Whole(body), false) = (body, is_head) { body } else { Bytes::new() };
    let mut out = BytesMut::new();
    let status = head.status;
    out.put_slice(b"HTTP/1.1 ");
    out.put_slice(status.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.put_slice(b"\r\n");
    for (name, value) in head.headers.iter().filter(|(name, _)| **name != CONNECTION) {
        out.put_slice(name.as_str().as_bytes());
        out.put_slice(b": ");
        out.put_slice(value.as_bytes());
        out.put_slice(b"\r\n");
    }
    if !head.headers.contains_key(CONTENT_LENGTH) {
        out.put_slice(b"content-length: 0\r\n");
    }
    if !is_kept {
        out.put_slice(b"connection: close\r\n");
    }
    out.put_slice(b"\r\n");
    out.put_slice(&body);
    (out.freeze(), body)
}
