//! One exchange, hook by hook, as the agent runs it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use adit_policy_rules::{head, limits, reply};

use super::double::{
    Access, Connection, Lines, Outcome, Request, RequestState, Response, ResponseState, Wish,
};
use super::message::{Body, Message, Upstream};
use super::{Edits, Exchange, Fault, Harness, Head, Visible};
use crate::hooks::{Hook, Hooks};
use crate::reply::Reply;
use crate::verdict::{Admission, BodyVerdict, ChunkVerdict, NO_REROUTE, Verdict};

/// Runs one exchange.
pub(super) fn exchange<P: Hooks>(
    harness: &mut Harness<P>,
    message: Message,
) -> Result<Exchange, Fault> {
    let started = harness.world().borrow().monotonic_ns;
    let conn = Rc::new(harness.connection(message.client.clone()));
    let view = crate::Connection(&conn);
    let admission = harness.call(Hook::OnConnection, |p| p.on_connection(&view))?;
    if let Admission::Refuse(reason) = admission {
        return Ok(Exchange::new(Verdict::Abort(reason)));
    }
    let body = message.body.clone();
    let answer = message.answer.clone();
    let request = request_of(harness, message, Rc::clone(&conn));
    let (mut exchange, octets_up) = request_side(harness, &view, &request, body)?;
    let failure = match (&exchange.verdict, &exchange.cut) {
        (Verdict::Abort(_), _) | (_, Some(_)) => Some("refused".to_owned()),
        (Verdict::Respond(reply), None) => {
            exchange.response = Some(visible(&request, reply.clone()));
            None
        }
        (Verdict::Next | Verdict::Reroute(_), None) => {
            harness.advance(answer.after);
            let failure = answer.failure.clone();
            response_side(harness, &request, answer, &mut exchange)?;
            failure.or_else(|| exchange.response.is_none().then(|| "refused".to_owned()))
        }
    };
    let end = Outcome {
        status: exchange.response.as_ref().map(|response| response.status),
        duration_ns: harness.world().borrow().monotonic_ns - started,
        octets_to_upstream: octets_up,
        octets_to_client: exchange.response.as_ref().map_or(0, |r| r.body.len() as u64),
        failure,
    };
    finish(harness, &conn, &request, &end)?;
    Ok(exchange)
}

fn finish<P: Hooks>(
    harness: &mut Harness<P>,
    conn: &Connection,
    request: &Request,
    end: &Outcome,
) -> Result<(), Fault> {
    let (conn, end) = (crate::Connection(conn), crate::Outcome(end));
    request.access.set(Access::Left);
    harness.call(Hook::OnFinish, |p| p.on_finish(&conn, &crate::Request(request), &end))?;
    harness.call(Hook::OnClose, |p| p.on_close(&conn, &end))
}

fn request_of<P: Hooks>(
    harness: &mut Harness<P>,
    message: Message,
    conn: Rc<Connection>,
) -> Request {
    let Message { method, target, authority, scheme, version, mut headers, body, .. } = message;
    body.announce(&mut headers);
    let lines = Lines(headers);
    Request {
        id: harness.next_id(),
        scheme,
        version,
        has_body: body != Body::None,
        conn,
        state: RefCell::new(RequestState {
            method,
            authority,
            target,
            lines,
            identity: message.identity,
        }),
        vars: Rc::new(RefCell::new(message.vars)),
        kept: RefCell::new(None),
        access: Cell::new(Access::Head),
        wish: Cell::new(None),
        sees_bodies: harness.has(Hook::OnRequestBody) || harness.has(Hook::OnRequestChunk),
    }
}

fn request_side<P: Hooks>(
    harness: &mut Harness<P>,
    conn: &crate::Connection<'_>,
    request: &Request,
    body: Body,
) -> Result<(Exchange, u64), Fault> {
    let before = request.state.borrow().clone();
    let vars_before = request.vars.borrow().clone();
    let view = &mut crate::Request(request);
    let verdict = harness.call(Hook::OnRequest, |p| p.on_request(conn, view))?;
    check(harness, Hook::OnRequest, &verdict)?;
    let goes_on = matches!(verdict, Verdict::Next);
    let mut exchange = Exchange::new(verdict);
    let mut chunks = body.chunks();
    match request.wish.get().filter(|_| goes_on) {
        Some(Wish::Await(limit)) => {
            request.access.set(Access::Body);
            let (first, complete) = gathered(&chunks, limit);
            let answer =
                harness.call(Hook::OnRequestBody, |p| p.on_request_body(view, first, complete))?;
            match decided(Hook::OnRequestBody, answer, complete)? {
                Gathered::Pass => {}
                Gathered::Body(body) => {
                    exchange.edits.body = Some(body.clone());
                    chunks = vec![body];
                }
                Gathered::Verdict(verdict) => exchange.verdict = verdict,
            }
            request.access.set(Access::Left);
        }
        Some(Wish::Watch) => {
            request.access.set(Access::Left);
            let mut watched = Watched::new(chunks);
            while let Some((chunk, last)) = watched.next() {
                let verdict = harness.call(Hook::OnRequestChunk, |p| {
                    p.on_request_chunk(view, chunk.clone(), last)
                })?;
                watched.apply(chunk, verdict);
            }
            exchange.request_chunks = watched.verdicts;
            exchange.cut = watched.cut;
            chunks = watched.passed;
        }
        None => {}
    }
    request.access.set(Access::Left);
    let body_edit = exchange.edits.body.take();
    let mut state = request.state.borrow_mut();
    exchange.edits = Edits::of_request(&before, &state, &vars_before, &request.vars.borrow());
    if let Some(body) = &body_edit {
        state.lines.set_length(body.len());
    }
    exchange.edits.body = body_edit;
    let body = chunks.concat();
    let octets = body.len() as u64;
    if matches!(exchange.verdict, Verdict::Next | Verdict::Reroute(_)) {
        exchange.request = Some(Head {
            method: state.method.clone(),
            authority: state.authority.clone(),
            target: state.target.clone(),
            headers: state.lines.0.clone(),
            body,
        });
        return Ok((drop_guard(state, exchange), octets));
    }
    Ok((drop_guard(state, exchange), 0))
}

fn drop_guard<T, G>(guard: G, value: T) -> T {
    drop(guard);
    value
}

fn response_side<P: Hooks>(
    harness: &mut Harness<P>,
    request: &Request,
    answer: Upstream,
    exchange: &mut Exchange,
) -> Result<(), Fault> {
    let Upstream { status, mut headers, body, origin, .. } = answer;
    body.announce(&mut headers);
    let state = ResponseState { status, lines: Lines(headers) };
    let response = Response {
        origin,
        has_body: body != Body::None,
        state: RefCell::new(state.clone()),
        access: Cell::new(Access::Head),
        wish: Cell::new(None),
        sees_bodies: harness.has(Hook::OnResponseBody) || harness.has(Hook::OnResponseChunk),
    };
    let (req, resp) = (&crate::Request(request), &mut crate::Response(&response));
    let mut verdict = harness.call(Hook::OnResponse, |p| p.on_response(req, resp))?;
    check(harness, Hook::OnResponse, &verdict)?;
    let mut chunks = body.chunks();
    let mut replaced = None;
    match response.wish.get().filter(|_| verdict == Verdict::Next) {
        Some(Wish::Await(limit)) => {
            response.access.set(Access::Body);
            let (first, complete) = gathered(&chunks, limit);
            let answer = harness
                .call(Hook::OnResponseBody, |p| p.on_response_body(req, resp, first, complete))?;
            match decided(Hook::OnResponseBody, answer, complete)? {
                Gathered::Pass => {}
                Gathered::Body(body) => {
                    replaced = Some(body.clone());
                    chunks = vec![body];
                }
                Gathered::Verdict(decided) => verdict = decided,
            }
        }
        Some(Wish::Watch) => {
            response.access.set(Access::Left);
            let mut watched = Watched::new(chunks);
            while let Some((chunk, last)) = watched.next() {
                let verdict = harness.call(Hook::OnResponseChunk, |p| {
                    p.on_response_chunk(req, resp, chunk.clone(), last)
                })?;
                watched.apply(chunk, verdict);
            }
            exchange.response_chunks = watched.verdicts;
            exchange.cut = watched.cut;
            chunks = watched.passed;
        }
        None => {}
    }
    let mut after = response.state.into_inner();
    exchange.response_edits = Edits::of_response(&state, &after);
    if let Some(body) = &replaced {
        after.lines.set_length(body.len());
    }
    exchange.response_edits.body = replaced;
    exchange.response = match &verdict {
        Verdict::Respond(reply) => Some(visible(request, reply.clone())),
        Verdict::Abort(_) | Verdict::Reroute(_) => None,
        Verdict::Next => {
            let (status, headers) = (after.status, after.lines.0);
            Some(visible(request, Reply { status, headers, body: chunks.concat() }))
        }
    };
    if harness.has(Hook::OnResponse) {
        exchange.response_verdict = Some(verdict);
    }
    Ok(())
}

fn visible(request: &Request, reply: Reply) -> Visible {
    let Reply { status, headers, mut body } = reply;
    if head::is_bodiless(&request.method(), status) {
        body.clear();
    }
    Visible { status, headers, body }
}

/// What is a verdict and makes sense.
fn check<P: Hooks>(harness: &Harness<P>, hook: Hook, verdict: &Verdict) -> Result<(), Fault> {
    let fault = |message: String| Fault::Answer { hook, message };
    match verdict {
        Verdict::Next | Verdict::Abort(_) => Ok(()),
        Verdict::Respond(reply) => check_reply(reply).map_err(fault),
        Verdict::Reroute(_) if hook == Hook::OnResponse => Err(fault(NO_REROUTE.to_owned())),
        Verdict::Reroute(endpoint) => {
            let grants = harness.world().borrow().grants.clone();
            let checked = grants.check("reroute", grants.reroute.as_deref(), endpoint);
            checked.map_err(|refused| fault(refused.to_string()))
        }
    }
}

fn check_reply(reply: &Reply) -> Result<(), String> {
    let lines = reply.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
    reply::check(reply.status, lines, reply.body.len()).map_err(|refused| refused.to_string())
}

/// The beginning of a body that is given to its hook, and whether it is the whole.
fn gathered(chunks: &[Vec<u8>], limit: u32) -> (Vec<u8>, bool) {
    let mut body = chunks.concat();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(limits::AWAITED_BODY);
    let complete = body.len() <= limit;
    body.truncate(limit);
    (body, complete)
}

enum Gathered {
    Pass,
    Body(Vec<u8>),
    Verdict(Verdict),
}

fn decided(hook: Hook, verdict: BodyVerdict, complete: bool) -> Result<Gathered, Fault> {
    let fault = |message: String| Fault::Answer { hook, message };
    match verdict {
        BodyVerdict::Next => Ok(Gathered::Pass),
        BodyVerdict::Replace(_) if !complete => {
            Err(fault("a body that was not seen whole cannot be replaced".to_owned()))
        }
        BodyVerdict::Replace(body) => Ok(Gathered::Body(body)),
        BodyVerdict::Respond(reply) => {
            check_reply(&reply).map_err(fault)?;
            Ok(Gathered::Verdict(Verdict::Respond(reply)))
        }
        BodyVerdict::Abort(reason) => Ok(Gathered::Verdict(Verdict::Abort(reason))),
    }
}

/// A body that passes in pieces.
struct Watched {
    left: std::vec::IntoIter<Vec<u8>>,
    ended: bool,
    passed: Vec<Vec<u8>>,
    verdicts: Vec<ChunkVerdict>,
    cut: Option<String>,
}

impl Watched {
    fn new(chunks: Vec<Vec<u8>>) -> Self {
        let pieces = chunks.iter().flat_map(|chunk| chunk.chunks(limits::CHUNK));
        let mut pieces: Vec<_> = pieces.map(<[u8]>::to_vec).collect();
        if pieces.is_empty() {
            pieces.push(Vec::new());
        }
        let left = pieces.into_iter();
        Self { left, ended: false, passed: Vec::new(), verdicts: Vec::new(), cut: None }
    }

    fn next(&mut self) -> Option<(Vec<u8>, bool)> {
        if self.ended {
            return None;
        }
        let chunk = self.left.next()?;
        Some((chunk, self.left.len() == 0))
    }

    fn apply(&mut self, chunk: Vec<u8>, verdict: ChunkVerdict) {
        self.verdicts.push(verdict.clone());
        match verdict {
            ChunkVerdict::Pass => self.passed.push(chunk),
            ChunkVerdict::Replace(octets) => self.passed.push(octets),
            ChunkVerdict::Detach => {
                self.passed.push(chunk);
                self.passed.extend(self.left.by_ref());
                self.ended = true;
            }
            ChunkVerdict::Abort(reason) => {
                self.cut = Some(reason);
                self.ended = true;
            }
        }
    }
}
