//! What hooks answer, and what converts into it.

use std::fmt::Display;

use crate::reply::Reply;

pub use crate::backend::types::Direction;

/// Answer to a head: `on_request` and `on_response`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// On to the next handler.
    Next,
    /// This reply instead.
    Respond(Reply),
    /// Hand the exchange to another endpoint of this agent, by name. In `on_request` only; needs
    /// the grant `reroute`.
    Reroute(String),
    /// Close without a response. The text is for the log.
    Abort(String),
}

impl Verdict {
    /// This reply instead.
    pub fn respond(reply: Reply) -> Self {
        Self::Respond(reply)
    }

    /// Hand the exchange to another endpoint of this agent.
    pub fn reroute(endpoint: impl Into<String>) -> Self {
        Self::Reroute(endpoint.into())
    }

    /// Close without a response.
    pub fn abort(reason: impl Into<String>) -> Self {
        Self::Abort(reason.into())
    }
}

/// Answer to a gathered body: `on_request_body` and `on_response_body`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyVerdict {
    /// Send it as it is.
    Next,
    /// Send this body. A fault when the body was not complete.
    Replace(Vec<u8>),
    /// This reply instead.
    Respond(Reply),
    /// Close without a response. The text is for the log.
    Abort(String),
}

impl BodyVerdict {
    /// Send this body.
    pub fn replace(body: impl Into<Vec<u8>>) -> Self {
        Self::Replace(body.into())
    }
}

/// Answer to a piece of a body or of a raw stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChunkVerdict {
    /// Send it as it is.
    Pass,
    /// Send this instead; nothing at all if it is empty.
    Replace(Vec<u8>),
    /// Pass this piece and everything after it without asking again.
    Detach,
    /// Cut the exchange or connection. The text is for the log.
    Abort(String),
}

impl ChunkVerdict {
    /// Send this instead.
    pub fn replace(octets: impl Into<Vec<u8>>) -> Self {
        Self::Replace(octets.into())
    }

    /// Cut the exchange or connection.
    pub fn abort(reason: impl Into<String>) -> Self {
        Self::Abort(reason.into())
    }
}

/// Answer to a new connection: `on_connection`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Let it in.
    Accept,
    /// Close it. The text is for the log, not for the visitor.
    Refuse(String),
}

impl Admission {
    /// Close it.
    pub fn refuse(reason: impl Into<String>) -> Self {
        Self::Refuse(reason.into())
    }
}

/// What `on_request` and `on_response` may return.
#[diagnostic::on_unimplemented(
    message = "a hook for heads cannot return `{Self}`",
    label = "return nothing, `Verdict`, `Reply`, or a `Result` of those whose error converts into `Reply`"
)]
pub trait IntoVerdict {
    /// The verdict it stands for.
    fn into_verdict(self) -> Verdict;
}

impl IntoVerdict for () {
    fn into_verdict(self) -> Verdict {
        Verdict::Next
    }
}

impl IntoVerdict for Verdict {
    fn into_verdict(self) -> Verdict {
        self
    }
}

impl IntoVerdict for Reply {
    fn into_verdict(self) -> Verdict {
        Verdict::Respond(self)
    }
}

impl<T: IntoVerdict, E: Into<Reply>> IntoVerdict for Result<T, E> {
    fn into_verdict(self) -> Verdict {
        match self {
            Ok(value) => value.into_verdict(),
            Err(error) => Verdict::Respond(error.into()),
        }
    }
}

/// What `on_request_body` and `on_response_body` may return.
#[diagnostic::on_unimplemented(
    message = "a hook for bodies cannot return `{Self}`",
    label = "return nothing, `BodyVerdict`, `Reply`, or a `Result` of those whose error converts into `Reply`"
)]
pub trait IntoBodyVerdict {
    /// The verdict it stands for.
    fn into_body_verdict(self) -> BodyVerdict;
}

impl IntoBodyVerdict for () {
    fn into_body_verdict(self) -> BodyVerdict {
        BodyVerdict::Next
    }
}

impl IntoBodyVerdict for BodyVerdict {
    fn into_body_verdict(self) -> BodyVerdict {
        self
    }
}

impl IntoBodyVerdict for Reply {
    fn into_body_verdict(self) -> BodyVerdict {
        BodyVerdict::Respond(self)
    }
}

impl<T: IntoBodyVerdict, E: Into<Reply>> IntoBodyVerdict for Result<T, E> {
    fn into_body_verdict(self) -> BodyVerdict {
        match self {
            Ok(value) => value.into_body_verdict(),
            Err(error) => BodyVerdict::Respond(error.into()),
        }
    }
}

/// What `on_data`, `on_request_chunk` and `on_response_chunk` may return.
#[diagnostic::on_unimplemented(
    message = "a hook for pieces cannot return `{Self}`",
    label = "return nothing, `ChunkVerdict`, or a `Result` of those whose error can be shown"
)]
pub trait IntoChunkVerdict {
    /// The verdict it stands for.
    fn into_chunk_verdict(self) -> ChunkVerdict;
}

impl IntoChunkVerdict for () {
    fn into_chunk_verdict(self) -> ChunkVerdict {
        ChunkVerdict::Pass
    }
}

impl IntoChunkVerdict for ChunkVerdict {
    fn into_chunk_verdict(self) -> ChunkVerdict {
        self
    }
}

impl<T: IntoChunkVerdict, E: Display> IntoChunkVerdict for Result<T, E> {
    fn into_chunk_verdict(self) -> ChunkVerdict {
        match self {
            Ok(value) => value.into_chunk_verdict(),
            Err(reason) => ChunkVerdict::Abort(reason.to_string()),
        }
    }
}

/// What `on_connection` may return.
#[diagnostic::on_unimplemented(
    message = "a hook for connections cannot return `{Self}`",
    label = "return nothing, `Admission`, or a `Result` of those whose error can be shown"
)]
pub trait IntoAdmission {
    /// The admission it stands for.
    fn into_admission(self) -> Admission;
}

impl IntoAdmission for () {
    fn into_admission(self) -> Admission {
        Admission::Accept
    }
}

impl IntoAdmission for Admission {
    fn into_admission(self) -> Admission {
        self
    }
}

impl<T: IntoAdmission, E: Display> IntoAdmission for Result<T, E> {
    fn into_admission(self) -> Admission {
        match self {
            Ok(value) => value.into_admission(),
            Err(reason) => Admission::Refuse(reason.to_string()),
        }
    }
}

/// What `configure` may return: the policy, or a text for the operator.
#[diagnostic::on_unimplemented(
    message = "`configure` cannot return `{Self}`",
    label = "return `Self`, or a `Result<Self, E>` whose error can be shown"
)]
pub trait IntoConfigured<P> {
    /// The policy, or the text.
    fn into_configured(self) -> Result<P, String>;
}

impl<P: crate::Hooks> IntoConfigured<P> for P {
    fn into_configured(self) -> Result<P, String> {
        Ok(self)
    }
}

impl<P: crate::Hooks, E: Display> IntoConfigured<P> for Result<P, E> {
    fn into_configured(self) -> Result<P, String> {
        self.map_err(|error| error.to_string())
    }
}

/// What the contract calls them.
#[cfg(target_arch = "wasm32")]
mod raw {
    use super::{Admission, BodyVerdict, ChunkVerdict, Verdict};
    use crate::backend::types;

    impl From<Admission> for types::Admission {
        fn from(admission: Admission) -> Self {
            match admission {
                Admission::Accept => Self::Accept,
                Admission::Refuse(reason) => Self::Refuse(reason),
            }
        }
    }

    impl From<Verdict> for types::RequestVerdict {
        fn from(verdict: Verdict) -> Self {
            match verdict {
                Verdict::Next => Self::Next,
                Verdict::Respond(reply) => Self::Respond(reply.into_raw()),
                Verdict::Reroute(endpoint) => Self::Reroute(endpoint),
                Verdict::Abort(reason) => Self::Abort(reason),
            }
        }
    }

    impl From<Verdict> for types::ResponseVerdict {
        fn from(verdict: Verdict) -> Self {
            match verdict {
                Verdict::Next => Self::Next,
                Verdict::Respond(reply) => Self::Respond(reply.into_raw()),
                Verdict::Reroute(_) => panic!("{}", super::NO_REROUTE),
                Verdict::Abort(reason) => Self::Abort(reason),
            }
        }
    }

    impl From<BodyVerdict> for types::BodyVerdict {
        fn from(verdict: BodyVerdict) -> Self {
            match verdict {
                BodyVerdict::Next => Self::Next,
                BodyVerdict::Replace(body) => Self::Replace(body),
                BodyVerdict::Respond(reply) => Self::Respond(reply.into_raw()),
                BodyVerdict::Abort(reason) => Self::Abort(reason),
            }
        }
    }

    impl From<ChunkVerdict> for types::ChunkVerdict {
        fn from(verdict: ChunkVerdict) -> Self {
            match verdict {
                ChunkVerdict::Pass => Self::Pass,
                ChunkVerdict::Replace(octets) => Self::Replace(octets),
                ChunkVerdict::Detach => Self::Detach,
                ChunkVerdict::Abort(reason) => Self::Abort(reason),
            }
        }
    }
}

/// A response has come from somewhere: it cannot be sent elsewhere.
pub(crate) const NO_REROUTE: &str = "on_response cannot reroute: the request has been answered";
