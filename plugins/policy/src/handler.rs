//! The policy as one handler of a chain.
//!
//! | the request's rules | the upstream | the response's rules |
//! | --- | --- | --- |
//! | end without an outcome | is asked | run, except on an error page of ours |
//! | answer, or forward to another endpoint | is not asked | run |
//! | refuse or close | is not asked | do not run |

use std::{fmt, sync::Arc};

use adit_chain::{
    Body, BoxError, Conn, Exchange, Handler, Needs, OnConnect, OnError, OnRequest, Refusal,
};
use http::Response;

use crate::{
    action::{Done, Failure},
    document::Policy,
    phase::Phase,
    response::Waiting,
    run::{Ended, run},
    scope::Scope,
    travel::Travel,
};

/// A policy that runs.
pub(crate) struct PolicyHandler {
    policy: Arc<Policy>,
    on_error: OnError,
    needs: Needs,
    travel: Travel,
}

impl PolicyHandler {
    /// Runs a policy. `on_error` says what happens where its response side breaks.
    pub(crate) fn new(policy: Arc<Policy>, on_error: OnError) -> Self {
        let needs = policy.needs();
        Self { policy, on_error, needs, travel: Travel::new() }
    }

    /// Whether rules of the policy look at responses.
    fn has_response_rules(&self) -> bool {
        self.policy.has(Phase::HttpResponse) || self.policy.has(Phase::EventStreamMessage)
    }

    /// What waits for the response.
    fn waiting(&self, scope: Scope) -> Waiting {
        Waiting { policy: Arc::clone(&self.policy), on_error: self.on_error, scope }
    }

    /// An answer that was made before the upstream was asked, through the response's rules.
    async fn respond(
        &self,
        mut scope: Scope,
        response: Response<Body>,
        exchange: &mut Exchange,
    ) -> Result<OnRequest, BoxError> {
        scope.give_back(exchange, self.has_response_rules());
        let (result, notes) = self.waiting(scope).run(response).await;
        tell(notes, exchange);
        match result.map_err(|error| error.downcast::<Refusal>()) {
            Ok(response) => Ok(OnRequest::Respond(response)),
            // The response's rules have settled already what happens to failures.
            Err(Ok(refusal)) => Ok(OnRequest::Abort(*refusal)),
            Err(Err(error)) => Err(error),
        }
    }
}

impl fmt::Debug for PolicyHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.policy.fmt(f)
    }
}

impl Handler for PolicyHandler {
    fn needs(&self) -> Needs {
        self.needs
    }

    async fn on_connect(&self, conn: &Arc<Conn>) -> Result<OnConnect, BoxError> {
        if !self.policy.has(Phase::TcpConnect) {
            return Ok(OnConnect::Next);
        }
        let mut scope = Scope::of_connection(conn);
        let ended = run(self.policy.rules(Phase::TcpConnect), &mut scope).await;
        self.policy.saw(&scope);
        self.travel.leave(&scope);
        match ended {
            Ended::FellThrough => Ok(scope.tls.map_or(OnConnect::Next, OnConnect::Terminate)),
            Ended::Done(Done::Divert(url)) => Ok(match scope.tls {
                Some(mode) => OnConnect::DivertTerminated(url, mode),
                None => OnConnect::Divert(url),
            }),
            Ended::Done(Done::Refuse(refusal)) => Ok(OnConnect::Refuse(refusal)),
            // Nothing is answered on a connection.
            Ended::Done(_) => Ok(OnConnect::Refuse(Refusal::close())),
            Ended::Failed(failure) => Err(failure.to_refusal().into()),
        }
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        let mut scope = Scope::of_request(exchange);
        if self.policy.has(Phase::TcpConnect) {
            self.travel.take_up(&exchange.conn, &mut scope);
        }
        let ended = run(self.policy.rules(Phase::HttpRequest), &mut scope).await;
        self.policy.saw(&scope);
        tell(std::mem::take(&mut scope.notes), exchange);
        match ended {
            Ended::FellThrough => {
                let has_rules = self.has_response_rules();
                scope.give_back(exchange, has_rules);
                if has_rules || scope.awaits_response() {
                    return Ok(OnRequest::NextThen(Box::new(self.waiting(scope))));
                }
                Ok(OnRequest::Next)
            }
            Ended::Done(Done::Respond(response)) => {
                scope.back = None;
                self.respond(scope, response, exchange).await
            }
            Ended::Done(Done::Forwarded(response)) => self.respond(scope, response, exchange).await,
            Ended::Done(Done::Answer(response)) => {
                scope.learn(&response);
                Ok(OnRequest::Respond(response))
            }
            Ended::Done(Done::Refuse(refusal)) => {
                scope.learn_refusal(&refusal);
                Ok(OnRequest::Abort(refusal))
            }
            Ended::Done(Done::Close) => Ok(OnRequest::Abort(Refusal::close())),
            Ended::Done(Done::Next | Done::Divert(_) | Done::Terminate(_)) => {
                let reason = "a verdict about connections came out of a request's rules";
                Err(Failure::new(Failure::GENERAL, reason).to_refusal().into())
            }
            Ended::Failed(failure) => {
                let refusal = failure.to_refusal();
                scope.learn_refusal(&refusal);
                // The link may let its failures pass, and then the request goes on.
                scope.give_back(exchange, false);
                Err(refusal.into())
            }
        }
    }
}

/// Tells whoever watches what was done.
fn tell(notes: Vec<String>, exchange: &mut Exchange) {
    for line in notes {
        exchange.trace.note(line);
    }
}

#[cfg(test)]
mod tests;
