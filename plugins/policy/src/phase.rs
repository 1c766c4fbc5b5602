//! When rules run.

use std::fmt;

/// When rules run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Phase {
    /// Once per connection, before a byte of it is answered.
    TcpConnect,
    /// Once per request, before the upstream is asked.
    HttpRequest,
    /// Once per response, before the visitor gets it.
    HttpResponse,
    /// Once per message of a `text/event-stream` response.
    EventStreamMessage,
}

impl Phase {
    /// Every phase, in the order in which they run.
    pub(crate) const ALL: [Self; 4] =
        [Self::TcpConnect, Self::HttpRequest, Self::HttpResponse, Self::EventStreamMessage];

    /// Its place in [`ALL`](Self::ALL).
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// The key of a document under which its rules stand.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::TcpConnect => "on_tcp_connect",
            Self::HttpRequest => "on_http_request",
            Self::HttpResponse => "on_http_response",
            Self::EventStreamMessage => "on_event_stream_message",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}
