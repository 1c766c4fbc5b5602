//! What a stream is for: its first four bytes.

use std::{fmt, io};

use tokio::io::{AsyncRead, AsyncReadExt};

/// Length of the type in front of every stream, in bytes.
pub const TYPE_LEN: usize = 4;

/// The kind of a stream: a big-endian `u32`, the first thing sent on it.
///
/// Values without a name are kept, so that a refusal can name them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamType(pub u32);

impl StreamType {
    /// Agent: who am I, may I come in.
    pub const AUTH: Self = Self(0);
    /// Agent: give me a public address.
    pub const BIND: Self = Self(1);
    /// Agent: take it back.
    pub const UNBIND: Self = Self(2);
    /// Edge: a visitor's connection follows.
    pub const PROXY: Self = Self(3);
    /// Edge: restart yourself.
    pub const RESTART: Self = Self(4);
    /// Edge: stop yourself.
    pub const STOP: Self = Self(5);
    /// Edge: update yourself.
    pub const UPDATE: Self = Self(6);
    /// Agent: serve an address that is chosen by labels.
    pub const START_TUNNEL_WITH_LABEL: Self = Self(7);
    /// Agent: where are you? The only call that is valid before [`Self::AUTH`].
    pub const SRV_INFO: Self = Self(8);
    /// Edge: this bind has ended. Not answered.
    pub const STOP_TUNNEL: Self = Self(9);
    /// Agent: change a running bind.
    pub const PATCH_TUNNEL_STATE: Self = Self(10);
    /// Either: four bytes, echoed.
    pub const HEARTBEAT: Self = Self(0xffff_ffff);

    /// The word used in logs, if this is a type we know.
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::AUTH => "auth",
            Self::BIND => "bind",
            Self::UNBIND => "unbind",
            Self::PROXY => "proxy",
            Self::RESTART => "restart",
            Self::STOP => "stop",
            Self::UPDATE => "update",
            Self::START_TUNNEL_WITH_LABEL => "start-tunnel-with-label",
            Self::SRV_INFO => "srv-info",
            Self::STOP_TUNNEL => "stop-tunnel",
            Self::PATCH_TUNNEL_STATE => "patch-tunnel-state",
            Self::HEARTBEAT => "heartbeat",
            _ => return None,
        })
    }

    /// The four bytes on the wire.
    pub const fn to_bytes(self) -> [u8; TYPE_LEN] {
        self.0.to_be_bytes()
    }

    /// Reads the type from a fresh stream, and not one byte more.
    ///
    /// The caller sets the deadline. Must not run inside an accept loop: a stranger who opens a
    /// stream and says nothing would hold up all others.
    ///
    /// # Errors
    /// The stream's own, and `UnexpectedEof` if it ends before four bytes came.
    ///
    /// # Cancel safety
    /// Not cancel safe: bytes already read are lost. Give up the stream with the future.
    pub async fn read<S: AsyncRead + Unpin>(io: &mut S) -> io::Result<Self> {
        io.read_u32().await.map(Self)
    }
}

impl fmt::Display for StreamType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "type {:#x}", self.0),
        }
    }
}

impl fmt::Debug for StreamType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamType({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_big_endian_words() {
        assert_eq!(StreamType::PROXY.to_bytes(), [0, 0, 0, 3]);
        assert_eq!(StreamType::PATCH_TUNNEL_STATE.to_bytes(), [0, 0, 0, 10]);
        assert_eq!(StreamType::HEARTBEAT.to_bytes(), [0xff; 4]);
    }

    #[test]
    fn an_unknown_type_keeps_its_value() {
        assert_eq!(StreamType(11).to_string(), "type 0xb");
        assert_eq!(StreamType::BIND.to_string(), "bind");
    }

    #[tokio::test]
    async fn reading_stops_after_four_bytes() {
        let mut io: &[u8] = &[0, 0, 0, 3, 0x5d];
        assert_eq!(StreamType::read(&mut io).await.ok(), Some(StreamType::PROXY));
        assert_eq!(io, [0x5d]);
    }

    #[tokio::test]
    async fn a_stream_that_ends_inside_the_type_is_an_error() {
        let mut io: &[u8] = &[0, 0];
        let err = StreamType::read(&mut io).await.map_err(|e| e.kind());
        assert_eq!(err, Err(io::ErrorKind::UnexpectedEof));
    }
}
