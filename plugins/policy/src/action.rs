//! What rules do: one file for each type of action.

use std::{borrow::Cow, fmt};

use adit_chain::{Body, BoxFuture, ErrorCode, Needs, Refusal, TlsMode};
use http::{Response, StatusCode};

use crate::{fields::Fields, phase::Phase, scope::Scope, services::Services};

/// One action of a rule, ready to run.
pub(crate) trait Action: fmt::Debug + Send + Sync + 'static {
    /// Does it. Fields are interpolated now, so that they see what was done before.
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>>;

    /// What the chain must let it see beyond the heads that every HTTP phase sees.
    fn needs(&self) -> Needs {
        Needs::empty()
    }
}

/// How an action went.
pub(crate) enum Done {
    /// On to the next.
    Next,
    /// The visitor gets this, after the response's rules.
    Respond(Response<Body>),
    /// The visitor gets this, and no further rule runs.
    Answer(Response<Body>),
    /// The visitor is turned away, and no further rule runs.
    Refuse(Refusal),
    /// The connection ends without an answer.
    Close,
    /// Another endpoint answered; the response's rules run.
    Forwarded(Response<Body>),
    /// This connection goes to another endpoint, by its internal URL.
    Divert(String),
    /// TLS of this connection ends so; on to the next.
    Terminate(TlsMode),
}

/// An action broke: the visitor learns the code, the log learns why.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// What the visitor is answered with.
    pub(crate) status: StatusCode,
    /// The code that the visitor sees.
    pub(crate) code: ErrorCode,
    /// For the log; may hold internals, never secrets.
    pub(crate) reason: Cow<'static, str>,
}

impl Failure {
    /// A failure with status 500.
    pub(crate) fn new(code: u32, reason: impl Into<Cow<'static, str>>) -> Self {
        let (status, code) = (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode(code));
        Self { status, code, reason: reason.into() }
    }

    /// With another status.
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }
}

/// One type of action.
pub(crate) struct Kind {
    /// Its name in a document.
    pub(crate) name: &'static str,
    /// Its name below `actions.ngrok`.
    pub(crate) namespace: &'static str,
    /// Where it may stand.
    pub(crate) phases: &'static [Phase],
    /// Whether nothing of a rule can run after it.
    pub(crate) is_terminating: bool,
    /// Reads its fields. `None` if something was wrong, which `fields` has noted then.
    pub(crate) build: fn(&mut Fields<'_>, &BuildCx<'_>) -> Option<Box<dyn Action>>,
}

/// What actions may know while they are built.
pub(crate) struct BuildCx<'a> {
    /// The phase that they stand in.
    pub(crate) phase: Phase,
    /// The endpoint, its side, and its certificates.
    pub(crate) chain: &'a adit_chain::BuildCx,
    /// What they reach the world by.
    pub(crate) services: &'a Services,
}
