//! How long what took, and which handler decided what.

use std::{sync::Arc, time::Duration};

use adit_chain::Verdict;

/// How long the parts of an exchange took. Parts that did not happen are `None`: an answer of a
/// handler has no `connect`, and neither has a request that went over a pipe that was there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// To the edge and back, as the session measured it last: that much more a visitor waits. Only
    /// of what came from there.
    pub edge: Option<Duration>,
    /// From the request's head until it went to the upstream: the request sides of the handlers,
    /// with their waiting for bodies.
    pub handlers: Option<Duration>,
    /// To connect to the upstream.
    pub connect: Option<Duration>,
    /// From there to the head of the upstream's response: sending the request is in it.
    pub first_byte: Option<Duration>,
    /// From the request's head to the response's, on its way to the visitor.
    pub to_head: Option<Duration>,
    /// From the request's head to the last byte of the response, or of what came after `101`.
    pub total: Option<Duration>,
}

/// What a handler decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Name of its link in the chain.
    pub link: Arc<str>,
    /// On which way.
    pub side: Side,
    /// What it decided.
    pub verdict: Verdict,
    /// How long it took.
    pub took: Duration,
    /// What it had to say about it, in lines; empty for most.
    pub note: Arc<str>,
}

/// A way through the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Of the request.
    Request,
    /// Of the response.
    Response,
}

impl Decision {
    /// The verdict in one word, for people and scripts.
    pub const fn word(&self) -> &'static str {
        match self.verdict {
            Verdict::Abort => "abort",
            Verdict::Detach => "detach",
            Verdict::Failed => "failed",
            Verdict::Next => "next",
            Verdict::NextThen => "next-then",
            Verdict::Reroute => "reroute",
            Verdict::Respond => "respond",
            _ => "other",
        }
    }
}
