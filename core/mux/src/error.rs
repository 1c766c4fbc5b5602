//! Error codes of the wire, and what each operation can fail with.

use std::{fmt, io, sync::Arc};

/// Why a stream was reset or a session said goodbye. A `u32` on the wire.
///
/// Fact: the table of both published client families. Any other value is [`Self::Unknown`] and
/// never an error in itself (one family uses `0xff`, the other `0xffff_ffff`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// 0x00
    NoError,
    /// 0x01
    Protocol,
    /// 0x02
    Internal,
    /// 0x03
    FlowControl,
    /// 0x04
    StreamClosed,
    /// 0x05
    StreamRefused,
    /// 0x06
    StreamCancelled,
    /// 0x07
    StreamReset,
    /// 0x08
    FrameSize,
    /// 0x09
    AcceptQueueFull,
    /// 0x0a
    EnhanceYourCalm,
    /// 0x0b
    RemoteGoneAway,
    /// 0x0c
    StreamsExhausted,
    /// 0x0d
    WriteTimeout,
    /// 0x0e
    SessionClosed,
    /// 0x0f
    PeerEof,
    /// Anything else.
    Unknown(u32),
}

impl From<u32> for ErrorCode {
    fn from(value: u32) -> Self {
        match value {
            0x00 => Self::NoError,
            0x01 => Self::Protocol,
            0x02 => Self::Internal,
            0x03 => Self::FlowControl,
            0x04 => Self::StreamClosed,
            0x05 => Self::StreamRefused,
            0x06 => Self::StreamCancelled,
            0x07 => Self::StreamReset,
            0x08 => Self::FrameSize,
            0x09 => Self::AcceptQueueFull,
            0x0a => Self::EnhanceYourCalm,
            0x0b => Self::RemoteGoneAway,
            0x0c => Self::StreamsExhausted,
            0x0d => Self::WriteTimeout,
            0x0e => Self::SessionClosed,
            0x0f => Self::PeerEof,
            other => Self::Unknown(other),
        }
    }
}

impl From<ErrorCode> for u32 {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::NoError => 0x00,
            ErrorCode::Protocol => 0x01,
            ErrorCode::Internal => 0x02,
            ErrorCode::FlowControl => 0x03,
            ErrorCode::StreamClosed => 0x04,
            ErrorCode::StreamRefused => 0x05,
            ErrorCode::StreamCancelled => 0x06,
            ErrorCode::StreamReset => 0x07,
            ErrorCode::FrameSize => 0x08,
            ErrorCode::AcceptQueueFull => 0x09,
            ErrorCode::EnhanceYourCalm => 0x0a,
            ErrorCode::RemoteGoneAway => 0x0b,
            ErrorCode::StreamsExhausted => 0x0c,
            ErrorCode::WriteTimeout => 0x0d,
            ErrorCode::SessionClosed => 0x0e,
            ErrorCode::PeerEof => 0x0f,
            ErrorCode::Unknown(other) => other,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoError => "no error",
            Self::Protocol => "protocol error",
            Self::Internal => "internal error",
            Self::FlowControl => "flow control error",
            Self::StreamClosed => "stream closed",
            Self::StreamRefused => "stream refused",
            Self::StreamCancelled => "stream cancelled",
            Self::StreamReset => "stream reset",
            Self::FrameSize => "frame size error",
            Self::AcceptQueueFull => "accept queue full",
            Self::EnhanceYourCalm => "enhance your calm",
            Self::RemoteGoneAway => "remote gone away",
            Self::StreamsExhausted => "streams exhausted",
            Self::WriteTimeout => "write timeout",
            Self::SessionClosed => "session closed",
            Self::PeerEof => "peer EOF",
            Self::Unknown(other) => return write!(f, "unknown code {other:#x}"),
        })
    }
}

/// Who ended a stream before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetBy {
    /// This side.
    Local,
    /// The other side.
    Peer,
}

/// Why a session ended. Cheap to clone, because every handle may ask.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// [`crate::Session::close`] was called. The driver reports this end as `Ok`.
    #[error("session closed")]
    Closed,
    /// The driver was dropped before the session ended.
    #[error("session driver dropped")]
    Dropped,
    /// The peer said goodbye.
    #[error("peer went away: {text} ({code})")]
    GoAway {
        /// The peer's reason.
        code: ErrorCode,
        /// The peer's words, with what is not UTF-8 replaced.
        text: String,
    },
    /// The transport failed.
    #[error("transport failed")]
    Io(#[source] Arc<io::Error>),
    /// The transport ended without a goodbye.
    #[error("peer closed the connection")]
    PeerEof,
    /// The peer broke the protocol or a limit; it was told so.
    #[error("peer broke the protocol: {reason} ({code})")]
    Violation {
        /// What the peer was told.
        code: ErrorCode,
        /// Which rule.
        reason: &'static str,
    },
    /// The transport took nothing for too long.
    #[error("writing to the peer stalled")]
    WriteStalled,
}

impl SessionError {
    /// The wire's word for this end, as streams of the session report it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Closed | Self::Dropped => ErrorCode::SessionClosed,
            Self::GoAway { .. } => ErrorCode::RemoteGoneAway,
            Self::Io(_) | Self::PeerEof => ErrorCode::PeerEof,
            Self::Violation { code, .. } => *code,
            Self::WriteStalled => ErrorCode::WriteTimeout,
        }
    }
}

/// Why a stream could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The session has ended or is ending.
    #[error("session closed")]
    Closed,
    /// Every stream id of this side was used; only a new session helps.
    #[error("stream ids exhausted")]
    Exhausted,
    /// The first bytes are shorter than the four of the stream type.
    #[error("a stream starts with at least four bytes, its type")]
    NoStreamType,
    /// As many streams as the peer can bear are open.
    #[error("too many open streams")]
    TooManyStreams,
}

/// Why reading from or writing to a stream failed. The source of the [`io::Error`]s of [`crate::Stream`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// Written to after its end was sent.
    #[error("stream already finished")]
    Finished,
    /// Ended at once in both directions.
    #[error("stream reset by {}: {code}", match by { ResetBy::Local => "this side", ResetBy::Peer => "peer" })]
    Reset {
        /// The reason given.
        code: ErrorCode,
        /// Whose decision it was.
        by: ResetBy,
    },
    /// The session under it ended.
    #[error("session ended: {code}")]
    SessionEnded {
        /// The reason, see [`SessionError::code`].
        code: ErrorCode,
    },
}

impl From<StreamError> for io::Error {
    fn from(error: StreamError) -> Self {
        let kind = match error {
            StreamError::Finished => io::ErrorKind::BrokenPipe,
            StreamError::Reset { .. } => io::ErrorKind::ConnectionReset,
            StreamError::SessionEnded { .. } => io::ErrorKind::ConnectionAborted,
        };
        Self::new(kind, error)
    }
}
