//! Every limit that an edge sets to strangers, with its default and the reason for it.

use std::time::Duration;

use crate::{place::At, record::record, unit::ByteSize};

/// One table makes the file's keys, the resolved values and the defaults, so that they cannot part.
macro_rules! limits {
    ($($(#[$meta:meta])* $field:ident: $ty:ty = $default:expr;)*) => {
        record! {
            /// The keys of `limits:`.
            pub struct LimitsFile { $($(#[$meta])* $field: At<$ty>,)* }
        }

        /// Every limit towards strangers. The docs of a field say what happens beyond it.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct EdgeLimits { $($(#[$meta])* pub $field: $ty,)* }

        impl Default for EdgeLimits {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl EdgeLimits {
            /// The defaults, where the file does not say otherwise.
            pub(crate) fn resolve(file: LimitsFile) -> Self {
                let default = Self::default();
                Self { $($field: file.$field.map_or(default.$field, |at| at.value),)* }
            }
        }

        #[cfg(test)]
        const DEFAULTS: &str = concat!($(stringify!($field), ": ", stringify!($default), "\n"),*);
    };
}

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

limits! {
    /// Longest TLS handshake; then the connection is closed.
    tls_handshake: Duration = secs(10);
    /// Longest time from TLS to a finished `Auth`; heartbeats do not extend it. Then: close.
    auth_timeout: Duration = secs(15);
    /// Connections of one source address that have not authenticated. More are closed.
    unauthenticated_legs_per_source: usize = 32;
    /// Streams that may be open before `Auth`. More close the connection.
    streams_before_auth: usize = 4;
    /// Refused `Auth`s of one source address in a minute; then answers are delayed, then refused.
    failed_auth_per_minute: u32 = 10;
    /// Longest DATA frame. A longer one resets its stream or ends the session.
    data_frame_len: ByteSize = ByteSize::kib(256);
    /// Longest DATA frame before `Auth`.
    data_frame_len_before_auth: ByteSize = ByteSize::kib(64);
    /// Longest frame whose payload is still skipped to save the session.
    skipped_frame_len: ByteSize = ByteSize::mib(1);
    /// Longest text of a GOAWAY, besides its 8 fixed bytes. A longer one closes the connection.
    goaway_text_len: ByteSize = ByteSize::kib(4);
    /// First receive window of a stream. Sending past it resets the stream.
    receive_window: ByteSize = ByteSize::kib(256);
    /// Window violations of one connection before it is ended.
    window_violations: u32 = 16;
    /// Longest time for a stream to say its type; then it is reset.
    stream_type_timeout: Duration = secs(5);
    /// Longest JSON of an `Auth`.
    rpc_auth_len: ByteSize = ByteSize::kib(64);
    /// Longest JSON of a `Bind`: it may hold certificates and policies.
    rpc_bind_len: ByteSize = ByteSize::mib(1);
    /// Longest JSON of any other request.
    rpc_len: ByteSize = ByteSize::kib(64);
    /// Deepest nesting of a request's JSON.
    rpc_depth: usize = 64;
    /// Longest time for a request to be complete; then its stream is reset.
    rpc_timeout: Duration = secs(10);
    /// Requests of one connection at a time. More are reset.
    rpcs_in_flight: usize = 16;
    /// Streams opened by an agent that may be open at a time. More are reset.
    agent_streams: usize = 64;
    /// Streams that an agent may open in a second, after a burst.
    agent_streams_per_second: u32 = 50;
    /// The burst: an agent that comes back binds everything at once.
    agent_streams_burst: u32 = 256;
    /// Visitors' streams of one connection to a Rust agent. Fact: those fail at 512.
    proxied_streams_rust: usize = 480;
    /// Visitors' streams of one connection to any other agent.
    proxied_streams: usize = 4096;
    /// Longest wait of a visitor for one of those streams; then 503, or a reset.
    proxied_stream_wait: Duration = secs(1);
    /// Endpoints of one session. More are refused with code 324.
    binds_per_session: usize = 100;
    /// Labels of one endpoint. More are refused with code 301.
    labels_per_bind: usize = 32;
    /// Longest metadata. More is refused with code 301.
    metadata_len: ByteSize = ByteSize::kib(4);
    /// Connections of one session. More are refused with code 108.
    legs_per_session: usize = 8;
    /// Longest JSON in front of a visitor's stream. A longer one is our own mistake.
    proxy_header_len: ByteSize = ByteSize::kib(4);
    /// Heartbeats of an agent in a second. More end the connection.
    heartbeats_per_second: u32 = 10;
    /// Frames without effect in a second, of each sort, for `junk_frames_for`. More end the session.
    junk_frames_per_second: u32 = 1000;
    /// How long `junk_frames_per_second` must be exceeded: one bad moment is nothing.
    junk_frames_for: Duration = secs(5);
    /// Bytes that wait to be sent to one agent; then visitors are not read from.
    unsent_per_leg: ByteSize = ByteSize::mib(8);
    /// Longest time without progress while bytes wait; then the connection is closed.
    write_stalled: Duration = secs(30);
    /// Credit of a stream that is used, however much more was granted.
    send_credit: ByteSize = ByteSize::mib(1);
    /// How long an agent may claim its address with the token that its `Bind` was given.
    bind_token_lifetime: Duration = secs(24 * 3600);
    /// Longest `ClientType` and `UserAgent`.
    client_name_len: ByteSize = ByteSize::bytes(512);
    /// Shortest heartbeat interval and tolerance that an agent may ask for (codes 111, 112).
    heartbeat_min: Duration = secs(1);
    /// Longest of the same.
    heartbeat_max: Duration = secs(600);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_can_be_configured() {
        assert_eq!(LimitsFile::KEYS.len(), DEFAULTS.lines().count());
        let limits = EdgeLimits::resolve(LimitsFile {
            rpc_depth: Some(At::from_flag(8, "--test")),
            ..LimitsFile::default()
        });
        assert_eq!(limits, EdgeLimits { rpc_depth: 8, ..EdgeLimits::default() });
    }
}
