//! What calls fail with, on each side.

use std::{io, time::Duration};

use adit_mux::{ErrorCode as Reset, ResetBy, StreamError};

use crate::{
    ErrorCode, ErrorText, StreamType,
    json::{DecodeError, ReadJsonError},
};

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The other side said no, and why.
    #[error("refused: {}", in_a_line(.0))]
    Refused(ErrorText),
    /// The stream could not be opened.
    #[error("could not open a stream")]
    Open(#[source] adit_mux::OpenError),
    /// The request could not be sent.
    #[error("could not send the request")]
    Send(#[source] io::Error),
    /// There is no complete answer.
    #[error("could not read the answer")]
    Read(#[source] ReadJsonError),
    /// The answer is not what it should be.
    #[error("unexpected answer")]
    Decode(#[source] DecodeError),
    /// Silence.
    #[error("no answer within {after:?}")]
    Timeout {
        /// The limit.
        after: Duration,
    },
}

impl CallError {
    /// Whether the other side refused the stream unread: nothing came of the call, and there may be
    /// room for another one later.
    pub fn was_not_taken(&self) -> bool {
        let (Self::Send(error) | Self::Read(ReadJsonError::Io(error))) = self else { return false };
        let stream = error.get_ref().and_then(|source| source.downcast_ref::<StreamError>());
        matches!(
            stream,
            Some(StreamError::Reset {
                code: Reset::StreamRefused | Reset::AcceptQueueFull,
                by: ResetBy::Peer
            })
        )
    }
}

/// For logs and terminals: `text (ERR_NGROK_107)`.
fn in_a_line(error: &ErrorText) -> String {
    let text = error.message().replace('\n', " ");
    match error.code() {
        Some(code) => format!("{text} ({code})"),
        None => text,
    }
}

/// Why a request could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// It did not come, or is not JSON within the limits.
    #[error("could not read the request")]
    Read(#[source] ReadJsonError),
    /// A member is not what it should be.
    #[error("unexpected request")]
    Decode(#[source] DecodeError),
    /// It did not come in time.
    #[error("no complete request within {after:?}")]
    Timeout {
        /// The limit.
        after: Duration,
    },
}

impl RequestError {
    /// What to answer with, if it makes sense to answer: the stream still works.
    pub fn refusal(&self, stream_type: StreamType) -> Option<ErrorText> {
        let detail = match self {
            Self::Read(ReadJsonError::Io(_) | ReadJsonError::Eof { .. }) | Self::Timeout { .. } => {
                return None;
            }
            Self::Read(ReadJsonError::Syntax(e)) => e.to_string(),
            Self::Read(ReadJsonError::Parse(e)) | Self::Decode(e) => e.to_string(),
            Self::Read(too_long @ ReadJsonError::TooLong { .. }) => too_long.to_string(),
        };
        let message = format!("Invalid {stream_type} request: {detail}.");
        Some(match stream_type {
            StreamType::AUTH => ErrorText::new(ErrorCode::AUTH_INVALID, message),
            StreamType::BIND | StreamType::START_TUNNEL_WITH_LABEL => {
                ErrorText::new(ErrorCode::BIND_INVALID, message)
            }
            _ => ErrorText::uncoded(message),
        })
    }

    /// Why the stream is reset, after the refusal if there is one. `None`: FIN is enough.
    pub fn reset_code(&self) -> Option<adit_mux::ErrorCode> {
        match self {
            Self::Read(ReadJsonError::TooLong { .. }) => Some(adit_mux::ErrorCode::FrameSize),
            Self::Timeout { .. } => Some(adit_mux::ErrorCode::StreamCancelled),
            _ => None,
        }
    }
}

/// Why an answer could not be sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RespondError {
    /// The stream failed.
    #[error("could not send the answer")]
    Io(#[source] io::Error),
    /// The other side took nothing.
    #[error("the answer was not taken within {after:?}")]
    Timeout {
        /// The limit.
        after: Duration,
    },
}
