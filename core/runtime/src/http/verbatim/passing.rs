//! One exchange, as its bytes pass.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use adit_chain::Body;
use adit_net::Io;
use bytes::{Buf, Bytes, BytesMut};
use http::{Method, Response, StatusCode};
use tokio::io::AsyncWrite as _;

use super::{
    super::headers::{self, Has},
    ends::Ends,
    framing::{Framing, Scanned},
    head::{self, Asked},
    record::Record,
};
use crate::{Metrics, limits::MAX_HEAD, render::Taste};

/// Only we say such things.
const MARKS: Has = Has::ERROR_CODE.union(Has::ORIGIN);

/// Moves in one turn, before other tasks get theirs.
const TURN: usize = 32;

/// An exchange under way.
pub(super) struct Passing {
    pub(super) record: Record,
    pub(super) taste: Taste,
    is_head: bool,
    /// The whole request, where it may be sent again.
    again: Option<Bytes>,
    /// On its way to the upstream.
    inward: Bytes,
    request: Framing,
    is_sent: bool,
    /// On its way to the visitor.
    pub(super) outward: Bytes,
    answer: Answer,
    /// Whether more has been read of the upstream than was gone over.
    is_more: bool,
    /// Whether the upstream has said anything before its answer.
    has_heard: bool,
    /// Whether the request's body breaks the rules.
    pub(super) is_wrong: bool,
    /// Whether both connections may carry another exchange.
    is_kept: bool,
    /// When anything moved last while an answer is waited for.
    moved: Instant,
}

enum Answer {
    /// Its head is to come.
    Awaited,
    Body(Framing),
}

/// How an exchange ended.
pub(super) enum Ended {
    /// Whole; whether both connections may carry another one.
    Whole { is_kept: bool },
    /// The visitor left.
    Visitor(io::Error),
    /// The visitor broke the rules.
    Wrong,
    /// The upstream left before its answer was whole.
    Closed(io::Error),
    /// The upstream broke the rules.
    NotHttp,
    /// The upstream switched to a protocol that nobody asked for.
    Switched,
    /// The upstream did not answer in time.
    Late,
}

impl Passing {
    /// An exchange whose request's head, and what came with it, is in `ends.said`.
    pub(super) fn new(ends: &mut Ends, asked: Asked, record: Record) -> Self {
        let Asked { request, len, body } = asked;
        let mut passing = Self {
            record,
            taste: Taste::of(request.headers()),
            is_head: request.method() == Method::HEAD,
            again: None,
            inward: Bytes::new(),
            request: body,
            is_sent: false,
            outward: Bytes::new(),
            answer: Answer::Awaited,
            is_more: false,
            has_heard: false,
            is_wrong: false,
            is_kept: true,
            moved: Instant::now(),
        };
        let mut said = std::mem::take(&mut ends.said);
        let head = said.slice(..len);
        said.advance(len);
        if passing.request.is_done() {
            // Fact: RFC 9110, section 9.2.2: what these ask for may be asked for again.
            let may_repeat =
                matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
            passing.again = may_repeat.then(|| head.clone());
            passing.inward = head;
            ends.said = said;
            return passing;
        }
        let Ok(n) = passing.take(&said) else { return passing };
        ends.said = said.split_off(n);
        // One write for the head and what came of the body.
        passing.inward = match said.is_empty() {
            true => head,
            false => head.iter().chain(&said).copied().collect(),
        };
        passing
    }

    /// Begins once more, over another connection, if the upstream left without a word and may be
    /// asked twice.
    pub(super) fn repeat(&mut self, ends: &Ends) -> bool {
        if !matches!(self.answer, Answer::Awaited) || self.has_heard || !ends.room.is_empty() {
            return false;
        }
        let Some(request) = self.again.take() else { return false };
        (self.inward, self.is_sent, self.is_kept) = (request, false, true);
        true
    }

    /// Notes what comes of the request's body; returns how much of it belongs to the request.
    fn take(&mut self, said: &Bytes) -> Result<usize, Ended> {
        let Self { request, record, .. } = self;
        let scanned = request.scan(said, |range| record.request_data(&said.slice(range)));
        let Ok(Scanned { len, trailers }) = scanned else {
            self.is_wrong = true;
            return Err(Ended::Wrong);
        };
        if request.is_done() {
            record.request_end(trailers.as_ref());
        }
        Ok(len)
    }

    /// Moves what can be moved.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        ends: &mut Ends,
        metrics: &Metrics,
    ) -> Poll<Ended> {
        // The answer first: it may come before the request is whole, and then end it.
        let mut inward = Poll::Pending;
        if !self.is_sent {
            inward = self.poll_inward(cx, ends);
        }
        match self.poll_outward(cx, ends, metrics) {
            Poll::Ready(ended) => return Poll::Ready(ended),
            Poll::Pending => {}
        }
        if let Poll::Ready(Err(ended)) = inward {
            return Poll::Ready(ended);
        }
        if self.is_sent {
            return ends.poll_gone(cx).map(Ended::Visitor);
        }
        Poll::Pending
    }

    fn poll_inward(&mut self, cx: &mut Context<'_>, ends: &mut Ends) -> Poll<Result<(), Ended>> {
        for _ in 0..TURN {
            let Some(upstream) = &mut ends.upstream else { return Poll::Pending };
            let mut upstream = Pin::new(upstream);
            if !self.inward.is_empty() {
                let n = match ready!(upstream.poll_write(cx, &self.inward)) {
                    Ok(0) => return Poll::Ready(self.deaf(io::ErrorKind::WriteZero.into())),
                    Ok(n) => n,
                    Err(error) => return Poll::Ready(self.deaf(error)),
                };
                self.inward.advance(n);
                ends.totals.bytes_in += n as u64;
                self.moved = Instant::now();
                continue;
            }
            if self.request.is_done() {
                self.inward = Bytes::new();
                if let Err(error) = ready!(upstream.as_mut().poll_flush(cx)) {
                    return Poll::Ready(self.deaf(error));
                }
                self.is_sent = true;
                return Poll::Ready(Ok(()));
            }
            if ends.said.is_empty() {
                let said = ends.poll_said(cx);
                if said.is_pending()
                    && let Some(upstream) = &mut ends.upstream
                {
                    // What was written so far is not held back for what may never come.
                    let _ = Pin::new(upstream).poll_flush(cx);
                }
                if let Err(error) = ready!(said) {
                    return Poll::Ready(Err(Ended::Visitor(error)));
                }
                if ends.said.is_empty() {
                    let gone = io::ErrorKind::UnexpectedEof.into();
                    return Poll::Ready(Err(Ended::Visitor(gone)));
                }
            }
            let mut said = std::mem::take(&mut ends.said);
            let n = match self.take(&said) {
                Ok(n) => n,
                Err(ended) => return Poll::Ready(Err(ended)),
            };
            ends.said = said.split_off(n);
            self.inward = said;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// The upstream takes no more. What it said before may still be on its way, and says why.
    fn deaf(&mut self, error: io::Error) -> Result<(), Ended> {
        tracing::trace!(%error, "the upstream takes no more of a request");
        self.is_sent = true;
        self.is_kept = false;
        Ok(())
    }

    fn poll_outward(
        &mut self,
        cx: &mut Context<'_>,
        ends: &mut Ends,
        metrics: &Metrics,
    ) -> Poll<Ended> {
        for _ in 0..TURN {
            if !self.outward.is_empty() {
                if let Err(error) = ready!(ends.poll_pass_on(cx, &mut self.outward)) {
                    return Poll::Ready(Ended::Visitor(error));
                }
                continue;
            }
            if let Answer::Body(body) = &self.answer
                && body.is_done()
            {
                if let Err(error) = ready!(flush(cx, &mut ends.visitor)) {
                    return Poll::Ready(Ended::Visitor(error));
                }
                self.record.complete();
                return Poll::Ready(Ended::Whole { is_kept: self.is_kept && self.is_sent });
            }
            if std::mem::take(&mut self.is_more) {
                if let Err(ended) = self.told(ends, metrics) {
                    return Poll::Ready(ended);
                }
                continue;
            }
            if let Io::Pipe(pipe) = &mut ends.visitor
                && let Err(error) = ready!(Pin::new(&mut **pipe).poll_ready(cx))
            {
                return Poll::Ready(Ended::Visitor(error));
            }
            let told = match ends.poll_told(cx) {
                Poll::Ready(told) => told,
                Poll::Pending => {
                    if ends.room.is_empty() {
                        ends.rest();
                    }
                    let _ = flush(cx, &mut ends.visitor);
                    return Poll::Pending;
                }
            };
            match (told, &mut self.answer) {
                (Ok(0), Answer::Body(body @ Framing::UntilClose)) => *body = Framing::Done,
                (Ok(0), _) => {
                    return Poll::Ready(Ended::Closed(io::ErrorKind::UnexpectedEof.into()));
                }
                (Ok(_), _) => {
                    self.moved = Instant::now();
                    if let Err(ended) = self.told(ends, metrics) {
                        return Poll::Ready(ended);
                    }
                }
                (Err(error), _) => return Poll::Ready(Ended::Closed(error)),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Goes over what the upstream said.
    fn told(&mut self, ends: &mut Ends, metrics: &Metrics) -> Result<(), Ended> {
        if let Answer::Awaited = self.answer {
            return self.answered(ends, metrics);
        }
        let mut told = ends.room.split().freeze();
        let n = self.pass_body(&told)?;
        told.truncate(n);
        self.outward = told;
        Ok(())
    }

    /// Reads the head of an answer, and what comes with it, once there is all of it.
    fn answered(&mut self, ends: &mut Ends, metrics: &Metrics) -> Result<(), Ended> {
        // It is looked for in all that there is each time, which the limit bounds.
        let may_be_whole = ends.room.windows(2).any(|two| two == b"\n\r" || two == b"\n\n");
        let mut told = if may_be_whole { ends.room.split().freeze() } else { Bytes::new() };
        // Blank lines before it, which mean nothing, stay behind.
        let is_blank = |byte: &&u8| matches!(**byte, b'\r' | b'\n');
        told.advance(told.iter().take_while(is_blank).count());
        let head = match may_be_whole {
            true => head::response(&told, self.is_head).map_err(|_| Ended::NotHttp)?,
            false => None,
        };
        let Some(head) = head else {
            if may_be_whole {
                ends.room = BytesMut::from(&*told);
            }
            return if ends.room.len() > MAX_HEAD { Err(Ended::NotHttp) } else { Ok(()) };
        };
        if head.status.is_informational() {
            if head.status == StatusCode::SWITCHING_PROTOCOLS {
                return Err(Ended::Switched);
            }
            // The answer itself is still to come; perhaps it has been read already.
            self.has_heard = true;
            self.outward = match Has::of(&head.headers).intersects(MARKS) {
                true => head::without_marks(&told[..head.len]).copied().collect(),
                false => told.slice(..head.len),
            };
            ends.room = BytesMut::from(&told[head.len..]);
            self.is_more = !ends.room.is_empty();
            return Ok(());
        }
        self.is_kept &= head.is_kept;
        self.answer = Answer::Body(head.body);
        let has = Has::of(&head.headers);
        let mut response = Response::new(Body::Empty);
        (*response.status_mut(), *response.version_mut()) = (head.status, head.version);
        *response.headers_mut() = head.headers;
        headers::strip(response.headers_mut(), has);
        let is_marked = has.intersects(MARKS);
        if is_marked {
            headers::strip_marks(response.headers_mut(), has, None);
        }
        self.record.response(&response, metrics);
        let body = told.slice(head.len..);
        let n = self.pass_body(&body)?;
        self.outward = match is_marked {
            true => head::without_marks(&told[..head.len]).chain(&body[..n]).copied().collect(),
            false => told.slice(..head.len + n),
        };
        Ok(())
    }

    /// Notes what comes of the answer's body; returns how much of it belongs to the answer.
    fn pass_body(&mut self, told: &Bytes) -> Result<usize, Ended> {
        let Self { answer: Answer::Body(body), record, .. } = self else { return Ok(0) };
        let scanned = body.scan(told, |range| record.response_data(&told.slice(range)));
        let Scanned { len, trailers } = scanned.map_err(|_| Ended::NotHttp)?;
        if let Some(trailers) = trailers {
            record.response_trailers(&trailers);
        }
        // Whatever it says beyond the answer, nobody asked for.
        self.is_kept &= len == told.len();
        Ok(len)
    }

    /// Whether the request has been read to its end.
    pub(super) fn is_asked(&self) -> bool {
        self.request.is_done()
    }

    /// Whether more of the request is to come, and nothing of it has to be passed on.
    pub(super) fn waits_for_visitor(&self) -> bool {
        !self.is_sent && self.inward.is_empty() && !self.request.is_done()
    }

    /// Since when nothing has moved, where an answer is waited for.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        matches!(self.answer, Answer::Awaited).then_some(self.moved)
    }
}

fn flush(cx: &mut Context<'_>, visitor: &mut Io) -> Poll<io::Result<()>> {
    Pin::new(visitor).poll_flush(cx)
}
