//! What became of a request.

use std::fmt;

use super::{Edits, LogRecord};
use crate::hooks::Hook;
use crate::reply::Reply;
use crate::verdict::{ChunkVerdict, Verdict};

/// What became of a request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exchange {
    /// What the request side decided: `on_request`, or `on_request_body` where that did not let it
    /// pass. `Abort` also where `on_connection` refused the connection.
    pub verdict: Verdict,
    /// What the request side changed.
    pub edits: Edits,
    /// What went on to the next handler.
    pub request: Option<Head>,
    /// Answers to pieces of the request's body.
    pub request_chunks: Vec<ChunkVerdict>,
    /// What the response side decided, if there was a response to look at.
    pub response_verdict: Option<Verdict>,
    /// What the response side changed.
    pub response_edits: Edits,
    /// Answers to pieces of the response's body.
    pub response_chunks: Vec<ChunkVerdict>,
    /// What the visitor got.
    pub response: Option<Visible>,
    /// Why the exchange was cut after a head had left.
    pub cut: Option<String>,
    /// What the policy logged meanwhile.
    pub logs: Vec<LogRecord>,
}

impl Exchange {
    /// An exchange of which only the verdict is known.
    pub fn new(verdict: Verdict) -> Self {
        Self {
            verdict,
            edits: Edits::default(),
            request: None,
            request_chunks: Vec::new(),
            response_verdict: None,
            response_edits: Edits::default(),
            response_chunks: Vec::new(),
            response: None,
            cut: None,
            logs: Vec::new(),
        }
    }

    /// The reply that the policy made, in place of the request or of the response.
    ///
    /// # Panics
    ///
    /// If it made none.
    #[track_caller]
    pub fn reply(&self) -> &Reply {
        match (&self.verdict, &self.response_verdict) {
            (Verdict::Respond(reply), _) | (_, Some(Verdict::Respond(reply))) => reply,
            (verdict, _) => panic!("the policy did not reply; its verdict was {verdict:?}"),
        }
    }

    /// What the visitor got.
    ///
    /// # Panics
    ///
    /// If the visitor got nothing.
    #[track_caller]
    pub fn response(&self) -> &Visible {
        match &self.response {
            Some(response) => response,
            None => panic!("the visitor got nothing; the verdict was {:?}", self.verdict),
        }
    }
}

/// A request as it went on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The method.
    pub method: String,
    /// The authority.
    pub authority: String,
    /// Path and query.
    pub target: String,
    /// The header lines, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Head {
    /// First value of that name.
    pub fn header(&self, name: &str) -> Option<String> {
        first(&self.headers, name)
    }
}

/// A response as the visitor got it, without what the agent adds to each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visible {
    /// The status.
    pub status: u16,
    /// The header lines, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Visible {
    /// First value of that name.
    pub fn header(&self, name: &str) -> Option<String> {
        first(&self.headers, name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn first(headers: &[(String, Vec<u8>)], name: &str) -> Option<String> {
    let line = headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
    line.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
}

/// The policy broke: in production its instance would be thrown away, and the link's `on_error`
/// would decide.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It panicked.
    Trap {
        /// In this hook.
        hook: Hook,
        /// With this text.
        message: String,
    },
    /// Its answer makes no sense.
    Answer {
        /// In this hook.
        hook: Hook,
        /// The rule that it breaks.
        message: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trap { hook, message } => write!(f, "{hook:?} panicked: {message}"),
            Self::Answer { hook, message } => write!(f, "answer of {hook:?}: {message}"),
        }
    }
}

impl std::error::Error for Fault {}
