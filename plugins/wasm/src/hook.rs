//! The calls that a policy may implement.

use std::fmt;

use adit_chain::Needs;

/// A call from the agent into a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Hook {
    /// `configure`.
    Configure,
    /// `on-connection`.
    Connection,
    /// `on-data`.
    Data,
    /// `on-close`.
    Close,
    /// `on-request`.
    Request,
    /// `on-request-body`.
    RequestBody,
    /// `on-request-chunk`.
    RequestChunk,
    /// `on-response`.
    Response,
    /// `on-response-body`.
    ResponseBody,
    /// `on-response-chunk`.
    ResponseChunk,
    /// `on-finish`.
    Finish,
}

impl Hook {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Configure,
        Self::Connection,
        Self::Data,
        Self::Close,
        Self::Request,
        Self::RequestBody,
        Self::RequestChunk,
        Self::Response,
        Self::ResponseBody,
        Self::ResponseChunk,
        Self::Finish,
    ];

    /// The function's name in the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configure => "configure",
            Self::Connection => "on-connection",
            Self::Data => "on-data",
            Self::Close => "on-close",
            Self::Request => "on-request",
            Self::RequestBody => "on-request-body",
            Self::RequestChunk => "on-request-chunk",
            Self::Response => "on-response",
            Self::ResponseBody => "on-response-body",
            Self::ResponseChunk => "on-response-chunk",
            Self::Finish => "on-finish",
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An interface that a policy exports: what makes the agent call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum HookInterface {
    /// `connection-hook`.
    Connection,
    /// `close-hook`.
    Close,
    /// `stream-hook`.
    Stream,
    /// `request-hook`.
    Request,
    /// `request-body-hook`.
    RequestBody,
    /// `response-hook`.
    Response,
    /// `response-body-hook`.
    ResponseBody,
    /// `finish-hook`.
    Finish,
}

impl HookInterface {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Connection,
        Self::Close,
        Self::Stream,
        Self::Request,
        Self::RequestBody,
        Self::Response,
        Self::ResponseBody,
        Self::Finish,
    ];

    /// The interface's name in the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection-hook",
            Self::Close => "close-hook",
            Self::Stream => "stream-hook",
            Self::Request => "request-hook",
            Self::RequestBody => "request-body-hook",
            Self::Response => "response-hook",
            Self::ResponseBody => "response-body-hook",
            Self::Finish => "finish-hook",
        }
    }

    /// The interface of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.as_str() == name)
    }

    /// What a chain must show to a policy that exports it.
    pub const fn needs(self) -> Needs {
        match self {
            Self::Connection | Self::Close => Needs::CONNECT,
            Self::Stream => Needs::CONNECTION,
            Self::Request | Self::RequestBody | Self::Finish => Needs::REQUEST_HEAD,
            Self::Response | Self::ResponseBody => Needs::RESPONSE_HEAD,
        }
    }
}

impl fmt::Display for HookInterface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
