//! The response's side of a policy.

use std::sync::Arc;

use adit_chain::{Body, BoxError, BoxFuture, Notes, OnError, OnResponse, Origin, Refusal};
use http::Response;

use crate::{
    action::{Done, Failure},
    document::Policy,
    phase::Phase,
    run::{Ended, run},
    scope::Scope,
    sse,
};

/// Waits for the response to one request.
pub(crate) struct Waiting {
    pub(crate) policy: Arc<Policy>,
    /// What happens when an action breaks.
    pub(crate) on_error: OnError,
    /// As the request's rules left it, without a response.
    pub(crate) scope: Scope,
}

impl Waiting {
    /// Takes a response through the rules. Returns what they had to say, too.
    pub(crate) async fn run(
        mut self,
        mut response: Response<Body>,
    ) -> (Result<Response<Body>, BoxError>, Vec<String>) {
        self.scope.learn(&response);
        // A page of ours that says why there is no answer: no rule was written for it.
        if Origin::of(&response) == Origin::Agent {
            return (Ok(response), Vec::new());
        }
        if let Some(back) = self.scope.back.take() {
            back.map(response.headers_mut());
        }
        let rules = self.policy.rules(Phase::HttpResponse);
        if !rules.is_empty() {
            self.scope.enter(Phase::HttpResponse);
            self.scope.response = Some(response);
            let ended = run(rules, &mut self.scope).await;
            self.policy.saw(&self.scope);
            response = match self.ended(ended) {
                Ok(response) => response,
                Err(error) => return (Err(error), std::mem::take(&mut self.scope.notes)),
            };
        }
        let notes = std::mem::take(&mut self.scope.notes);
        if self.policy.has(Phase::EventStreamMessage) && sse::is_event_stream(response.headers()) {
            return (self.watch_messages(response), notes);
        }
        (Ok(response), notes)
    }

    /// Runs the rules for messages on each of an event stream.
    fn watch_messages(self, response: Response<Body>) -> Result<Response<Body>, BoxError> {
        let Self { policy, on_error, mut scope } = self;
        let (mut head, body) = response.into_parts();
        let body = sse::decoded(&mut head.headers, body).map_err(|error| {
            tracing::warn!(obj = "policy", id = %scope.id, err = %error, "event stream refused");
            Failure::new(Failure::GENERAL, error.to_string()).to_refusal()
        })?;
        scope.enter(Phase::EventStreamMessage);
        // By the time that messages pass, whoever watched has the response.
        scope.is_watched = false;
        scope.response = Some(Response::from_parts(head.clone(), Body::Empty));
        let body = sse::with_rules(body, scope, move |mut scope| {
            let policy = Arc::clone(&policy);
            Box::pin(async move {
                scope.enter(Phase::EventStreamMessage);
                let ended = run(policy.rules(Phase::EventStreamMessage), &mut scope).await;
                policy.saw(&scope);
                match (ended, on_error) {
                    (Ended::Failed(failure), OnError::Deny) => Err(failure.to_refusal().into()),
                    _ => Ok(scope),
                }
            })
        });
        Ok(Response::from_parts(head, body))
    }

    /// The response that comes of the rules.
    fn ended(&mut self, ended: Ended) -> Result<Response<Body>, BoxError> {
        let response = self.scope.response.take();
        let gone = || Failure::new(Failure::GENERAL, "an action lost the response").to_refusal();
        match ended {
            Ended::FellThrough => response.ok_or_else(|| gone().into()),
            Ended::Done(Done::Respond(mut new) | Done::Answer(mut new)) => {
                Origin::Handler.mark(&mut new);
                Ok(new)
            }
            Ended::Done(Done::Refuse(refusal)) => Err(refusal.into()),
            Ended::Done(Done::Close) => Err(Refusal::close().into()),
            Ended::Done(_) => {
                let reason = "a verdict about requests came out of a response's rules";
                Err(Failure::new(Failure::GENERAL, reason).to_refusal().into())
            }
            Ended::Failed(failure) => match (self.on_error, response) {
                (OnError::Pass, Some(response)) => Ok(response),
                _ => Err(failure.to_refusal().into()),
            },
        }
    }
}

impl OnResponse for Waiting {
    fn on_response(
        mut self: Box<Self>,
        response: Response<Body>,
    ) -> BoxFuture<'static, Result<Response<Body>, BoxError>> {
        Box::pin(async move {
            let watcher = Notes::of(&response);
            self.scope.is_watched = watcher.are_wanted();
            let (result, notes) = self.run(response).await;
            for line in notes {
                watcher.note(line);
            }
            result
        })
    }
}
