//! The request's side: the head, and what the policy wants of the body.

use std::sync::Arc;

use adit_chain::{Body, BoxError, Exchange, OnRequest, Refusal, RouteId};
use adit_policy_rules::limits::REASON;
use bytes::Bytes;
use http::{Method, header::CONTENT_LENGTH};
use http_body::Body as _;
use tokio::time::Instant;
use tracing::debug;

use crate::{
    bindings::adit::policy::types::{BodyVerdict, RequestVerdict},
    exchange::Passage,
    fault::Fault,
    finish::Finishing,
    gather::{Gathered, gather},
    handler::Link,
    hook::{Hook, HookInterface},
    host::{Access, BodyWish, Current, RequestView},
    instance::{Bounds, call, handle},
    note,
    pieces::{Caller, Way},
    policy::{Policy, to_error},
    reply,
    response::Returning,
    watch::Watched,
};

/// What a call about the request came to. Small, because it is handed around.
enum Verdict {
    Next,
    /// The whole body, in place of the visitor's.
    Replace(Bytes),
    Respond(Box<http::Response<Body>>),
    Reroute(String),
    Abort(String),
}

pub(crate) async fn on_request(
    link: &Arc<Link>,
    exchange: &mut Exchange,
) -> Result<OnRequest, BoxError> {
    let result = decide(link, exchange).await;
    result.map_err(|fault| {
        note::fault(&link.policy, exchange, &fault);
        to_error(&fault)
    })
}

async fn decide(link: &Arc<Link>, exchange: &mut Exchange) -> Result<OnRequest, Fault> {
    let mut kept = None;
    let mut passed = (Verdict::Next, None);
    if link.policy.has(HookInterface::Request) {
        passed = head(link, exchange, &mut kept).await?;
    }
    if let (Verdict::Next, Some(BodyWish::Await { limit })) = passed {
        // A box, so that those who want no body do not carry what this takes.
        return Box::pin(with_body(link, exchange, limit, kept)).await;
    }
    let (verdict, wish) = passed;
    Ok(conclude(link, exchange, verdict, wish, kept))
}

/// The policy wants to see the body before the head goes on.
async fn with_body(
    link: &Arc<Link>,
    exchange: &mut Exchange,
    limit: u32,
    mut kept: Option<Vec<u8>>,
) -> Result<OnRequest, Fault> {
    let limit = awaited(&link.policy, exchange, limit);
    let body = std::mem::take(exchange.request.body_mut());
    let gathered = match gather(body, limit, exchange.body_limits.timeout).await {
        Ok(gathered) => gathered,
        Err(refusal) => return Ok(OnRequest::Abort(refusal)),
    };
    let verdict = whole(link, exchange, gathered, &mut kept).await?;
    Ok(conclude(link, exchange, verdict, None, kept))
}

/// Makes a verdict the chain's, with whoever waits for the response, pieces or the end.
fn conclude(
    link: &Arc<Link>,
    exchange: &mut Exchange,
    verdict: Verdict,
    wish: Option<BodyWish>,
    kept: Option<Vec<u8>>,
) -> OnRequest {
    let policy = &*link.policy;
    let watches = matches!(verdict, Verdict::Next) && wish == Some(BodyWish::Watch);
    let watches = watches && !exchange.request.body().is_end_stream();
    let answers = matches!(verdict, Verdict::Respond(_) | Verdict::Abort(_));
    let returns = policy.has(HookInterface::Response) && !answers;
    let finishes = policy.has(HookInterface::Finish);
    let passage =
        (watches || returns || finishes).then(|| Arc::new(Passage::new(link, exchange, kept)));
    if let Some(passage) = passage.as_ref().filter(|_| finishes) {
        exchange.finish(Box::new(Finishing(Arc::clone(passage))));
    }
    if let Some(passage) = passage.as_ref().filter(|_| watches) {
        watch(passage, exchange);
    }
    let then = passage.filter(|_| returns).map(|passage| Box::new(Returning(passage)));
    match (verdict, then) {
        (Verdict::Next | Verdict::Replace(_), None) => OnRequest::Next,
        (Verdict::Next | Verdict::Replace(_), Some(then)) => OnRequest::NextThen(then),
        (Verdict::Respond(response), _) => OnRequest::Respond(*response),
        (Verdict::Reroute(to), None) => OnRequest::Reroute(RouteId(to.into())),
        (Verdict::Reroute(to), Some(then)) => OnRequest::RerouteThen(RouteId(to.into()), then),
        (Verdict::Abort(reason), _) => {
            aborted(policy, Hook::Request, &reason);
            note::text(policy, exchange, &reason);
            OnRequest::Abort(Refusal::close())
        }
    }
}

/// Octets of a body that are gathered: what the policy asks for, its limit, and the route's.
pub(crate) fn awaited(policy: &Policy, exchange: &Exchange, asked: u32) -> usize {
    let asked = usize::try_from(asked).unwrap_or(usize::MAX);
    asked.min(policy.limits.body).min(exchange.body_limits.max_len)
}

/// Says why a policy broke off.
pub(crate) fn aborted(policy: &Policy, hook: Hook, reason: &str) {
    let reason = adit_policy_rules::observe::cut(reason, REASON);
    let reason = policy.shared.services().redact(reason);
    if let Some(observer) = policy.observer() {
        observer.reason(hook, &reason);
    }
    debug!(policy = policy.shared.name(), %hook, %reason, "policy broke off");
}

/// `on-request`.
async fn head(
    link: &Link,
    exchange: &mut Exchange,
    kept: &mut Option<Vec<u8>>,
) -> Result<(Verdict, Option<BodyWish>), Fault> {
    let policy = &*link.policy;
    let bounds = Bounds::head(Hook::Request, &policy.limits);
    let mut instance = policy.check_out(bounds.hook).await?;
    let began = Instant::now();
    let deadline = Some(began + bounds.wall);
    instance.arm(current(link, exchange, None), bounds, deadline);
    let result = call!(policy, instance, deadline, request.call_on_request(handle(), handle()));
    let result = policy.settle(&mut instance, bounds, began.into_std(), result);
    let current = instance.disarm();
    let result = match result {
        Ok(answer) => {
            policy.check_in(instance);
            policy.checked(bounds.hook, check_head(policy, answer, method(&current)))
        }
        Err(fault) => Err(fault),
    };
    let wish = current.request.as_deref().and_then(RequestView::wish);
    *kept = finish_call(link, exchange, current, result.is_ok());
    Ok((result?, wish))
}

/// `on-request-body`.
async fn whole(
    link: &Link,
    exchange: &mut Exchange,
    gathered: Gathered,
    kept: &mut Option<Vec<u8>>,
) -> Result<Verdict, Fault> {
    let policy = &*link.policy;
    let Gathered { start, is_complete, rest } = gathered;
    let bounds = Bounds::head(Hook::RequestBody, &policy.limits);
    let result = async {
        let mut instance = policy.check_out(bounds.hook).await?;
        let began = Instant::now();
        let deadline = Some(began + bounds.wall);
        instance.arm(current(link, exchange, kept.take()), bounds, deadline);
        let result = call!(
            policy,
            instance,
            deadline,
            request_body.call_on_request_body(handle(), &start, is_complete)
        );
        let result = policy.settle(&mut instance, bounds, began.into_std(), result);
        let current = instance.disarm();
        let result = match result {
            Ok(answer) => {
                policy.check_in(instance);
                let checked = check_body(answer, is_complete, method(&current), bounds.hook);
                policy.checked(bounds.hook, checked)
            }
            Err(fault) => Err(fault),
        };
        *kept = finish_call(link, exchange, current, result.is_ok());
        result
    }
    .await;
    // Whatever became of the call: the next link finds a body.
    let body = match &result {
        Ok(Verdict::Replace(bytes)) => Body::from(bytes.clone()),
        _ => Gathered { start, is_complete, rest }.into_body(),
    };
    if let Ok(Verdict::Replace(bytes)) = &result {
        let length = http::HeaderValue::from(bytes.len());
        exchange.request.headers_mut().insert(CONTENT_LENGTH, length);
    }
    *exchange.request.body_mut() = body;
    result
}

/// Shows the policy each piece of the body as it passes.
fn watch(passage: &Arc<Passage>, exchange: &mut Exchange) {
    // Pieces may be replaced: nobody knows the length any more.
    exchange.request.headers_mut().remove(CONTENT_LENGTH);
    let body = std::mem::take(exchange.request.body_mut());
    let caller = Caller::of_exchange(Arc::clone(passage), passage.current());
    *exchange.request.body_mut() = Body::boxed(Watched::new(body, caller, Way::Request));
}

fn current(link: &Link, exchange: &mut Exchange, kept: Option<Vec<u8>>) -> Current {
    let conn = Some(link.view(&exchange.conn));
    let request = Some(Box::new(RequestView::take(exchange, Access::Open, kept)));
    Current { conn, request, ..Current::default() }
}

/// Puts the head back, with the call's edits or without; returns what is kept.
fn finish_call(
    link: &Link,
    exchange: &mut Exchange,
    mut current: Current,
    is_final: bool,
) -> Option<Vec<u8>> {
    if is_final {
        note::edits(&link.policy, exchange, current.request.as_deref());
        current.commit();
    } else {
        current.rollback();
    }
    link.take_back(&exchange.conn, current.conn.take());
    current.request.and_then(|request| request.put_back(exchange))
}

fn method(current: &Current) -> &Method {
    current.request.as_deref().map_or(&Method::GET, RequestView::method)
}

fn check_head(policy: &Policy, answer: RequestVerdict, method: &Method) -> Result<Verdict, Fault> {
    let hook = Hook::Request;
    Ok(match answer {
        RequestVerdict::Next => Verdict::Next,
        RequestVerdict::Respond(reply) => {
            Verdict::Respond(Box::new(reply::response(reply, method, hook)?))
        }
        RequestVerdict::Reroute(to) if policy.shared.grants().reroute.contains(&to) => {
            Verdict::Reroute(to)
        }
        RequestVerdict::Reroute(to) => {
            let to = adit_policy_rules::observe::cut(&to, 100);
            return Err(Fault::answer(hook, format!("reroute to {to:?} is not granted")));
        }
        RequestVerdict::Abort(reason) => Verdict::Abort(reason),
    })
}

fn check_body(
    answer: BodyVerdict,
    is_complete: bool,
    method: &Method,
    hook: Hook,
) -> Result<Verdict, Fault> {
    Ok(match answer {
        BodyVerdict::Next => Verdict::Next,
        BodyVerdict::Replace(_) if !is_complete => return Err(incomplete(hook)),
        BodyVerdict::Replace(body) => Verdict::Replace(body.into()),
        BodyVerdict::Respond(reply) => {
            Verdict::Respond(Box::new(reply::response(reply, method, hook)?))
        }
        BodyVerdict::Abort(reason) => Verdict::Abort(reason),
    })
}

/// The fault of replacing what one has not seen the end of.
pub(crate) fn incomplete(hook: Hook) -> Fault {
    let rule = "a body that is longer than what was gathered cannot be replaced";
    Fault::answer(hook, rule)
}
