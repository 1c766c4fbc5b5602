//! The response's side: the head, and what the policy wants of the body.

use std::sync::Arc;

use adit_chain::{Body, BoxError, BoxFuture, Notes, OnError, OnResponse, Refusal};
use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header::CONTENT_LENGTH};
use http_body::Body as _;
use tokio::time::Instant;

use crate::{
    bindings::adit::policy::types::{BodyVerdict, ResponseVerdict},
    exchange::Passage,
    fault::Fault,
    gather::{Gathered, gather},
    hook::Hook,
    host::{Access, BodyWish, Current, ResponseView},
    instance::{Bounds, call, handle},
    note,
    pieces::{Caller, Way},
    policy::to_error,
    reply,
    request::{aborted, incomplete},
    watch::Watched,
};

/// Shows the response to a policy whose request side ran.
pub(crate) struct Returning(pub(crate) Arc<Passage>);

impl OnResponse for Returning {
    fn on_response(
        self: Box<Self>,
        mut response: Response<Body>,
    ) -> BoxFuture<'static, Result<Response<Body>, BoxError>> {
        Box::pin(async move {
            let notes = Notes::of(&response);
            let policy = &*self.0.link.policy;
            let verdict = self.0.respond(&mut response).await;
            if let Err(fault) = &verdict {
                note::response_fault(policy, &notes, fault);
            }
            match verdict {
                Ok(Verdict::Next) => Ok(response),
                Ok(Verdict::Respond(other)) => Ok(other),
                Ok(Verdict::Replace(bytes)) => {
                    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
                    *response.body_mut() = bytes.into();
                    Ok(response)
                }
                Ok(Verdict::Abort(hook, reason)) => {
                    note::response_text(policy, &notes, &reason);
                    aborted(policy, hook, &reason);
                    Err(Box::new(Refusal::close()) as BoxError)
                }
                // The chain would have nothing left to pass on; here the response still is.
                Err(_) if self.0.link.on_error == OnError::Pass => Ok(response),
                Err(fault) => Err(to_error(&fault)),
            }
        })
    }
}

/// What a call about the response came to.
enum Verdict {
    Next,
    /// The whole body, in place of what came.
    Replace(Bytes),
    Respond(Response<Body>),
    Abort(Hook, String),
}

impl Passage {
    async fn respond(self: &Arc<Self>, response: &mut Response<Body>) -> Result<Verdict, Fault> {
        let (verdict, wish) = self.head(response).await?;
        let has_no_body = self.method() == Method::HEAD
            || matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        match (verdict, wish) {
            (Verdict::Next, Some(BodyWish::Await { limit })) => {
                let most = self.link.policy.limits.body.min(self.body_limits.max_len);
                let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(most);
                let body = std::mem::take(response.body_mut());
                let within = self.body_limits.timeout;
                let Ok(gathered) = gather(body, limit, within).await else {
                    return Ok(Verdict::Respond(broken_off()));
                };
                match self.whole(response, gathered).await? {
                    // There is no body to replace.
                    Verdict::Replace(_) if has_no_body => Ok(Verdict::Next),
                    verdict => Ok(verdict),
                }
            }
            (Verdict::Next, Some(BodyWish::Watch)) if !has_no_body => {
                self.watch(response);
                Ok(Verdict::Next)
            }
            (verdict, _) => Ok(verdict),
        }
    }

    /// `on-response`.
    async fn head(
        &self,
        response: &mut Response<Body>,
    ) -> Result<(Verdict, Option<BodyWish>), Fault> {
        let policy = &*self.link.policy;
        let bounds = Bounds::head(Hook::Response, &policy.limits);
        let mut instance = policy.check_out(bounds.hook).await?;
        let began = Instant::now();
        let deadline = Some(began + bounds.wall);
        instance.arm(self.responding(response), bounds, deadline);
        let result =
            call!(policy, instance, deadline, response.call_on_response(handle(), handle()));
        let result = policy.settle(&mut instance, bounds, began.into_std(), result);
        let current = instance.disarm();
        let result = match result {
            Ok(answer) => {
                policy.check_in(instance);
                policy.checked(bounds.hook, self.check_head(answer))
            }
            Err(fault) => Err(fault),
        };
        let wish = current.response.as_deref().and_then(ResponseView::wish);
        self.put_back(response, current, result.is_ok());
        Ok((result?, wish))
    }

    /// `on-response-body`.
    async fn whole(
        &self,
        response: &mut Response<Body>,
        gathered: Gathered,
    ) -> Result<Verdict, Fault> {
        let policy = &*self.link.policy;
        let Gathered { start, is_complete, rest } = gathered;
        let bounds = Bounds::head(Hook::ResponseBody, &policy.limits);
        let result = async {
            let mut instance = policy.check_out(bounds.hook).await?;
            let began = Instant::now();
            let deadline = Some(began + bounds.wall);
            instance.arm(self.responding(response), bounds, deadline);
            let result = call!(
                policy,
                instance,
                deadline,
                response_body.call_on_response_body(handle(), handle(), &start, is_complete)
            );
            let result = policy.settle(&mut instance, bounds, began.into_std(), result);
            let current = instance.disarm();
            let result = match result {
                Ok(answer) => {
                    policy.check_in(instance);
                    policy.checked(bounds.hook, self.check_body(answer, is_complete))
                }
                Err(fault) => Err(fault),
            };
            self.put_back(response, current, result.is_ok());
            result
        }
        .await;
        *response.body_mut() = Gathered { start, is_complete, rest }.into_body();
        result
    }

    /// Shows the policy each piece of the body as it passes.
    fn watch(self: &Arc<Self>, response: &mut Response<Body>) {
        if response.body().is_end_stream() {
            return;
        }
        // Pieces may be replaced: nobody knows the length any more.
        response.headers_mut().remove(CONTENT_LENGTH);
        let mut current = self.current();
        let view = ResponseView::take(response, Access::Left);
        current.response = Some(Box::new(view.snapshot()));
        view.put_back(response);
        let body = std::mem::take(response.body_mut());
        let caller = Caller::of_exchange(Arc::clone(self), current);
        *response.body_mut() = Body::boxed(Watched::new(body, caller, Way::Response));
    }

    fn responding(&self, response: &mut Response<Body>) -> Current {
        let response = Some(Box::new(ResponseView::take(response, Access::Open)));
        Current { response, ..self.current() }
    }

    fn put_back(&self, response: &mut Response<Body>, mut current: Current, is_final: bool) {
        if is_final {
            let notes = Notes::of(response);
            note::response_edits(&self.link.policy, &notes, current.response.as_deref());
            current.commit();
        } else {
            current.rollback();
        }
        if let Some(view) = current.response.take() {
            view.put_back(response);
        }
        self.take_back(current);
    }

    fn check_head(&self, answer: ResponseVerdict) -> Result<Verdict, Fault> {
        let hook = Hook::Response;
        Ok(match answer {
            ResponseVerdict::Next => Verdict::Next,
            ResponseVerdict::Respond(reply) => {
                Verdict::Respond(reply::response(reply, self.method(), hook)?)
            }
            ResponseVerdict::Abort(reason) => Verdict::Abort(hook, reason),
        })
    }

    fn check_body(&self, answer: BodyVerdict, is_complete: bool) -> Result<Verdict, Fault> {
        let hook = Hook::ResponseBody;
        Ok(match answer {
            BodyVerdict::Next => Verdict::Next,
            BodyVerdict::Replace(_) if !is_complete => return Err(incomplete(hook)),
            BodyVerdict::Replace(body) => Verdict::Replace(body.into()),
            BodyVerdict::Respond(reply) => {
                Verdict::Respond(reply::response(reply, self.method(), hook)?)
            }
            BodyVerdict::Abort(reason) => Verdict::Abort(hook, reason),
        })
    }
}

/// What the visitor gets when the service's body broke off while it was gathered.
fn broken_off() -> Response<Body> {
    let mut response = Response::new(Body::from("The service broke off its answer.\n"));
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    adit_chain::Origin::Agent.mark(&mut response);
    response
}
