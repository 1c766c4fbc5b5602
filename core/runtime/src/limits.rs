//! Named limits and deadlines, each with its reason.

use std::time::Duration;

use adit_chain::Side;

/// Headers in one HTTP/1 head.
///
/// Fact: the HTTP library parses at most this many into a fixed array and answers 431 beyond it.
pub const MAX_HEADERS: usize = 100;

/// Bytes of one head, HTTP/1 (with what is read along with it) and HTTP/2 alike.
///
/// Reason: common servers refuse heads over 8 to 64 KiB, so nothing that works today is cut; and a
/// visitor that never finishes its head costs twice as much at the most, for the head is kept as it
/// came beside what is parsed of it.
pub const MAX_HEAD: usize = 64 * 1024;

/// Requests that one HTTP/2 visitor may have in flight.
///
/// Fact: the least that RFC 9113 (section 6.5.2) recommends to offer.
pub const MAX_STREAMS: u32 = 100;

/// Bytes of one HTTP/2 stream that a peer may send before they are passed on.
///
/// Reason: as much as a path of 100 ms needs for 5 MB/s.
pub const STREAM_WINDOW: u32 = 512 * 1024;

/// The same for all streams of one HTTP/2 connection.
///
/// Reason: a stream that nobody reads must leave room for the others. Ours: not adapted to the path,
/// for that makes both windows equal, so that one slow reader would hold up a whole connection; and
/// the HTTP library gives up a connection of which more small frames are unread than half of this
/// window pays for, at 256 bytes each (fact: `too_many_data_frames`). Small messages come in bursts,
/// as in gRPC.
pub const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;

/// Routes that one visitor connection may alternate between with state kept for each.
///
/// Reason: browsers use one or two names on a connection; proxies in front use more, and then the
/// least recently used one is forgotten.
pub const MAX_SEATS: usize = 8;

/// Idle pipes to the upstream that are kept for one HTTP/2 visitor.
pub const MAX_IDLE_PIPES: usize = 16;

/// Time to flush the last bytes, and to let a peer take them, once a connection is told to end.
pub const LINGER: Duration = Duration::from_secs(2);

/// Time for the handlers of a connection, or of an exchange, to be told that it is over.
///
/// Reason: they have had their say; what they still want to note takes milliseconds.
pub const TELL: Duration = Duration::from_secs(1);

/// How long an HTTP connection is quiet before the memory of its parsers is given back; its bytes,
/// and its pipe's, stay open.
///
/// Reason: to set a parser up again costs microseconds, so even somebody who clicks fast does not
/// notice; and a visitor under load is never quiet for so long. Short, for a crowd that comes at
/// once costs what it holds at once.
pub const QUIET: Duration = Duration::from_millis(100);

/// Longest wait for `100 Continue` before the body is sent without it.
///
/// Fact: RFC 9110 (section 10.1.1) forbids to wait indefinitely; common clients wait one second.
pub const CONTINUE_WAIT: Duration = Duration::from_secs(1);

/// Sizes and deadlines of one route. `Default` is what an endpoint gets unless told otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time for a request's head to arrive whole, from its first byte; for the first of a
    /// connection, from accept.
    pub head_timeout: Duration,
    /// How long a connection may stay open between requests.
    pub idle_timeout: Duration,
    /// How long a pipe to the upstream is kept for a visitor that asks for nothing. The visitor's
    /// own connection stays open, and its next request gets a fresh pipe.
    ///
    /// Reason: at the edge a pipe is one of a few hundred streams that an agent has, and browsers
    /// keep connections for minutes. It is longer than the pauses within the loading of a page and
    /// between clicks, so those still find their pipe; and a fresh one costs one round trip at most.
    pub pipe_idle: Duration,
    /// Time for the upstream to be connected to, whatever the upstream's own deadlines are.
    pub connect_timeout: Duration,
    /// Time for the response's head to arrive once the request has been sent.
    pub response_timeout: Duration,
    /// Largest body that is buffered for a handler that needs it whole, in bytes.
    pub max_buffered_body: usize,
}

/// How much longer the edge waits for a response's head than an agent does.
///
/// Reason: the exchange begins at the edge. With the same deadline the edge would always be the first
/// to give up, and its page would have an id that the agent's inspector has never heard of.
const LEEWAY: Duration = Duration::from_secs(5);

impl Limits {
    /// What an endpoint gets on one side of the tunnel.
    pub fn of(side: Side) -> Self {
        let mut limits = Self::default();
        if side == Side::Edge {
            limits.response_timeout += LEEWAY;
        }
        limits
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(300),
            pipe_idle: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(15),
            response_timeout: Duration::from_secs(120),
            max_buffered_body: 10 * 1024 * 1024,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_gives_up_before_its_edge_does() {
        let patience = |side| Limits::of(side).response_timeout;
        assert!(patience(Side::Agent) + Duration::from_secs(1) < patience(Side::Edge));
    }
}
