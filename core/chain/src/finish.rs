//! Told when an exchange is over.

use std::{fmt, time::Duration};

use crate::BoxFuture;

/// How an exchange ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// Status of the response, if its head was sent.
    pub status: Option<u16>,
    /// From the request's head to the last byte of the response, or the failure.
    pub took: Duration,
    /// Bytes of the request's body that went to the upstream, and of the visitor's after a switch
    /// of protocols.
    pub bytes_in: u64,
    /// Bytes of the response's body that went to the visitor, and of the upstream's after a switch
    /// of protocols.
    pub bytes_out: u64,
    /// Why it failed, if it did; see [`failure`](crate::failure).
    pub failure: Option<&'static str>,
}

/// Told once when an exchange is over; see [`Exchange::finish`](crate::Exchange::finish).
pub trait OnFinish: Send {
    /// Runs after the last byte of the response, or the failure, or when the visitor hung up. Has
    /// little time, and is dropped unrun when the process is cut.
    fn on_finish(self: Box<Self>, end: Finished) -> BoxFuture<'static, ()>;
}

impl<F: FnOnce(Finished) + Send> OnFinish for F {
    fn on_finish(self: Box<Self>, end: Finished) -> BoxFuture<'static, ()> {
        self(end);
        Box::pin(std::future::ready(()))
    }
}

/// Who wants to be told of an exchange's end. The runtime takes them out of the exchange.
#[derive(Default)]
pub struct Finishers(Vec<Box<dyn OnFinish>>);

impl Finishers {
    pub(crate) fn push(&mut self, finisher: Box<dyn OnFinish>) {
        self.0.push(finisher);
    }

    /// Whether nobody wants to know.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells them, last in, first out.
    pub async fn tell(self, end: Finished) {
        for finisher in self.0.into_iter().rev() {
            finisher.on_finish(end).await;
        }
    }
}

impl fmt::Debug for Finishers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Finishers({})", self.0.len())
    }
}

/// Short reasons for a failure, for machines. An open set: tell what you know, pass on what you do
/// not.
pub mod failure {
    /// The session between agent and edge broke.
    pub const AGENT_GONE: &str = "agent-gone";
    /// The upstream broke the rules or off.
    pub const BAD_RESPONSE: &str = "bad-response";
    /// The grace of a shutdown ended first.
    pub const CUT: &str = "cut";
    /// A handler broke.
    pub const HANDLER_FAILED: &str = "handler-failed";
    /// A handler, or a rule of the protocol, turned it away.
    pub const REFUSED: &str = "refused";
    /// A peer broke off: the visitor hung up, or one side of a raw connection was reset.
    pub const RESET: &str = "reset";
    /// A peer was too slow.
    pub const TIMEOUT: &str = "timeout";
    /// The visitor's TLS handshake failed.
    pub const TLS_FAILED: &str = "tls-failed";
    /// The upstream could not be reached.
    pub const UPSTREAM_UNREACHABLE: &str = "upstream-unreachable";
}
