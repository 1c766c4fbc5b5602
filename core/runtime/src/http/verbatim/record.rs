//! What is noted of an exchange that passes as it is.

use std::{sync::Arc, time::Instant};

use adit_chain::{Body, Conn, Finished, Id, Origin, Refusal, Trace, failure};
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use tokio_util::sync::CancellationToken;

use super::super::{finish, tape::Taped};
use crate::{
    Metrics,
    tap::{RequestHead, Tap},
};

/// What is noted of an exchange. Dropping it ends the record: as a failure, unless all has passed.
pub(super) struct Record {
    /// Ends connections at once.
    cut: CancellationToken,
    pub(super) id: Id,
    began: Instant,
    taped: Option<Taped>,
    end: Finished,
    is_complete: bool,
}

impl Record {
    /// An exchange whose request's head was read at `began`.
    pub(super) fn begin(
        tap: Option<&dyn Tap>,
        cut: &CancellationToken,
        conn: &Arc<Conn>,
        request: &Request<()>,
        has_body: bool,
        began: Instant,
    ) -> Self {
        let head = RequestHead {
            method: request.method(),
            uri: request.uri(),
            version: request.version(),
            headers: request.headers(),
            began,
            has_body,
        };
        let taped = tap.and_then(|tap| Taped::of(tap, conn, head));
        let id = taped.as_ref().map_or_else(Id::next, |taped| taped.id);
        let cut = cut.clone();
        Self { cut, id, began, taped, end: Finished::default(), is_complete: false }
    }

    /// The request goes to the upstream.
    pub(super) fn forwarded(&mut self) {
        if let Some(taped) = &mut self.taped {
            taped.forwarded();
        }
    }

    /// There is a fresh connection to the upstream.
    pub(super) fn connected(&mut self) {
        if let Some(taped) = &mut self.taped {
            taped.connected();
        }
    }

    /// A piece of the request's body.
    pub(super) fn request_data(&mut self, data: &Bytes) {
        self.end.bytes_in += data.len() as u64;
        if let Some(taped) = &self.taped {
            taped.tape().tell(|tape| tape.request_data(data));
        }
    }

    /// The request is whole.
    pub(super) fn request_end(&self, trailers: Option<&HeaderMap>) {
        if let Some(taped) = &self.taped {
            taped.tape().tell(|tape| tape.request_end(trailers));
        }
    }

    /// The head of the response.
    pub(super) fn response(&mut self, response: &Response<Body>, metrics: &Metrics) {
        self.end.status = Some(response.status().as_u16());
        if metrics.is_observed() {
            metrics.observed(response.status(), self.began.elapsed());
        }
        if let Some(taped) = &mut self.taped {
            if Origin::of(response) == Origin::Upstream {
                taped.answered();
            }
            taped.response(response, &Trace::default());
        }
    }

    /// A piece of the response's body.
    pub(super) fn response_data(&mut self, data: &Bytes) {
        self.end.bytes_out += data.len() as u64;
        if let Some(taped) = &self.taped {
            taped.tape().tell(|tape| tape.response_data(data));
        }
    }

    /// What came behind the response's body.
    pub(super) fn response_trailers(&self, trailers: &HeaderMap) {
        if let Some(taped) = &self.taped {
            taped.tape().tell(|tape| tape.response_trailers(trailers));
        }
    }

    /// All has passed.
    pub(super) const fn complete(&mut self) {
        self.is_complete = true;
    }

    /// It failed; the visitor is told so.
    pub(super) fn refused(&mut self, refusal: &Refusal) {
        self.end.failure = Some(finish::reason(refusal));
    }

    /// It failed.
    pub(super) const fn failed(&mut self, why: &'static str) {
        self.end.failure = Some(why);
    }

    /// Whether the head of a response has been noted.
    pub(super) const fn is_answered(&self) -> bool {
        self.end.status.is_some()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let mut end = self.end;
        end.took = self.began.elapsed();
        if !self.is_complete && end.failure.is_none() {
            let is_cut = self.cut.is_cancelled();
            end.failure = Some(if is_cut { failure::CUT } else { failure::RESET });
        }
        if let Some(taped) = self.taped.take() {
            taped.end(end);
        }
    }
}
