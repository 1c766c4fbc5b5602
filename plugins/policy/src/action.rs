//! What rules do: one file for each type of action.

mod add_headers;
mod basic_auth;
mod body_find_replace;
mod circuit_breaker;
mod close_connection;
mod compress_response;
mod custom_response;
mod deny;
mod forward_internal;
mod http_request;
#[cfg(test)]
mod inside_rig;
mod jwt_validation;
mod log;
mod oauth;
mod on_error;
mod openid_connect;
mod outcome;
mod rate_limit;
mod redirect;
mod remove_headers;
mod replacements;
mod request_body_find_replace;
mod response_body_find_replace;
mod restrict_ips;
mod rewriting;
mod set_vars;
mod sse_find_replace;
mod terminate_tls;
mod url_rewrite;
mod verify_webhook;

use std::{borrow::Cow, fmt};

use adit_chain::{Body, BoxFuture, ErrorCode, InsideUrl, Needs, Refusal, TlsMode};
use http::{Response, StatusCode};

use crate::{expr::ExprError, fields::Fields, phase::Phase, scope::Scope, services::Services};

/// Every type of action, in alphabetical order.
pub(crate) fn kinds() -> &'static [Kind] {
    const KINDS: &[Kind] = &[
        add_headers::KIND,
        basic_auth::KIND,
        circuit_breaker::KIND,
        close_connection::KIND,
        compress_response::KIND,
        custom_response::KIND,
        deny::KIND,
        forward_internal::KIND,
        http_request::KIND,
        jwt_validation::KIND,
        log::KIND,
        oauth::KIND,
        openid_connect::KIND,
        rate_limit::KIND,
        redirect::KIND,
        remove_headers::KIND,
        request_body_find_replace::KIND,
        response_body_find_replace::KIND,
        restrict_ips::KIND,
        set_vars::KIND,
        sse_find_replace::KIND,
        terminate_tls::KIND,
        url_rewrite::KIND,
        verify_webhook::KIND,
    ];
    KINDS
}

/// Other names of types.
const ALIASES: [(&str, &str); 1] = [("oidc", "openid-connect")];

/// The type of that name.
pub(crate) fn kind(name: &str) -> Option<&'static Kind> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name);
    let name = alias.map_or(name, |(_, name)| name);
    kinds().iter().find(|kind| kind.name == name)
}

/// One action of a rule, ready to run.
pub(crate) trait Action: fmt::Debug + Send + Sync + 'static {
    /// Does it. Fields are interpolated now, so that they see what was done before.
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>>;

    /// Whether a request is for this action even if its rule does not match: logins have paths of
    /// their own, and come back to them whatever the rule is about.
    fn reserves(&self, scope: &Scope) -> bool {
        let _ = scope;
        false
    }

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
    /// This connection goes to another endpoint, past the handlers after this one.
    Divert(InsideUrl),
    /// TLS of this connection ends so; on to the next.
    Terminate(TlsMode),
}

impl fmt::Display for Done {
    /// For whoever watches: what became of it, without contents.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Next => f.write_str("done"),
            Self::Respond(response) | Self::Answer(response) => {
                write!(f, "answered {}", response.status().as_u16())
            }
            Self::Refuse(Refusal { close: true, .. }) | Self::Close => f.write_str("closed"),
            Self::Refuse(Refusal { status, code: Some(code), .. }) => {
                write!(f, "refused {} {code}", status.as_u16())
            }
            Self::Refuse(Refusal { status, .. }) => write!(f, "refused {}", status.as_u16()),
            Self::Forwarded(response) => write!(f, "forwarded, {}", response.status().as_u16()),
            Self::Divert(url) => write!(f, "sent to {url}"),
            Self::Terminate(mode) => write!(f, "TLS ends: {mode:?}"),
        }
    }
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
    /// The code where no other one fits.
    pub(crate) const GENERAL: u32 = 2300;

    /// A failure with status 500.
    pub(crate) fn new(code: u32, reason: impl Into<Cow<'static, str>>) -> Self {
        let (status, code) = (StatusCode::INTERNAL_SERVER_ERROR, ErrorCode(code));
        Self { status, code, reason: reason.into() }
    }

    /// With another status.
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// What the visitor is told, which is nothing of the reason.
    pub(crate) fn to_refusal(&self) -> Refusal {
        let message = "The endpoint's traffic policy could not process the request.";
        Refusal::new(self.status, message).with_code(self.code)
    }
}

impl From<ExprError> for Failure {
    /// A field could not be interpolated.
    fn from(error: ExprError) -> Self {
        Self::new(error.code(), error.to_string())
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
