//! Every limit that an edge sets to strangers, with its default and the reason for it.
//!
//! Each key has an effect, and a value that cannot be kept is an error. One limit has no key: the
//! first receive window of a stream. It is 256 KiB by an unwritten agreement of all clients, and it is
//! never transmitted. With less room the edge would reset honest agents in the middle of their bytes;
//! more would never be used, because agents do not know of it. (Windows that *grow* are announced.)

use std::time::Duration;

use super::range::{self, AtMost};
use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    place::At,
    record::record,
    unit::ByteSize,
};

/// One table makes the file's keys, the resolved values and the defaults, so that they cannot part.
/// Where not every value makes sense, the range of those that do follows the default.
macro_rules! limits {
    ($($(#[doc = $doc:literal])* $field:ident: $ty:ty = $default:expr $(, in $range:expr)?;)*) => {
        record! {
            /// The keys of `limits:`.
            pub struct LimitsFile { $($(#[doc = $doc])* $field: At<$ty>,)* }
        }

        /// Every limit towards strangers. The docs of a field say what happens beyond it.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub struct EdgeLimits { $($(#[doc = $doc])* pub $field: $ty,)* }

        impl Default for EdgeLimits {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl EdgeLimits {
            /// The defaults, where the file does not say otherwise.
            pub(crate) fn resolve(file: LimitsFile, problems: &mut Diagnostics) -> Self {
                $($(if let Some(written) = &file.$field {
                    range::check(written, &$range, problems);
                })?)*
                let heartbeat_max = file.heartbeat_max.as_ref().map(|at| at.place.clone());
                let heartbeat_min = file.heartbeat_min.as_ref().map(|at| at.place.clone());
                let default = Self::default();
                let resolved =
                    Self { $($field: file.$field.map_or(default.$field, |at| at.value),)* };
                if let Some(place) = heartbeat_max.or(heartbeat_min)
                    && resolved.heartbeat_max < resolved.heartbeat_min
                {
                    let message = "heartbeat_max is shorter than heartbeat_min";
                    problems.push(Diagnostic::new(place, message));
                }
                resolved
            }
        }

        #[cfg(test)]
        const DEFAULTS: &str = concat!($(stringify!($field), ": ", stringify!($default), "\n"),*);
    };
}

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// For numbers without which nobody could be served; the upper end is beyond any machine.
const SOME: std::ops::RangeInclusive<usize> = 1..=100_000_000;

limits! {
    /// Longest TLS handshake; then the connection is closed.
    tls_handshake: Duration = secs(10);
    /// Longest time from TLS to a finished `Auth`; heartbeats do not extend it. Then: close.
    auth_timeout: Duration = secs(15);
    /// Connections of agents at a time, authenticated or not. More are closed.
    legs: usize = 10_000, in SOME;
    /// Connections of one source address that have not authenticated. More are closed.
    unauthenticated_legs_per_source: usize = 32;
    /// Streams that may be open before `Auth`. More close the connection.
    streams_before_auth: usize = 4, in SOME;
    /// Refused `Auth`s of one source address in a minute; after that each refusal is delayed.
    failed_auth_per_minute: u32 = 10;
    /// How long such a refusal is delayed.
    failed_auth_delay: Duration = secs(3);
    /// Longest DATA frame. A longer one resets its stream or ends the session. Agents may write
    /// frames as long as a window: less than the default resets those that do.
    data_frame_len: ByteSize = ByteSize::kib(256);
    /// Longest DATA frame before `Auth`.
    data_frame_len_before_auth: ByteSize = ByteSize::kib(64);
    /// Longest DATA frame above those limits that is still skipped to save the session; one that is
    /// longer ends it.
    skipped_frame_len: ByteSize = ByteSize::mib(1);
    /// Longest text of a GOAWAY, besides its 8 fixed bytes. A longer one closes the connection.
    goaway_text_len: ByteSize = ByteSize::kib(4), in ByteSize::bytes(0)..=ByteSize::kib(64);
    /// Times that one connection may send past a window. Each resets its stream, the last ends the
    /// connection.
    window_violations: u32 = 16;
    /// Longest time for a stream to say its type; then it is reset.
    stream_type_timeout: Duration = secs(5);
    /// Longest JSON of an `Auth`.
    rpc_auth_len: ByteSize = ByteSize::kib(64);
    /// Longest JSON of a `Bind` or `PatchTunnelState`: it may hold certificates and policies.
    rpc_bind_len: ByteSize = ByteSize::mib(1);
    /// Longest JSON of any other request.
    rpc_len: ByteSize = ByteSize::kib(64);
    /// Deepest nesting of a request's JSON.
    rpc_depth: u32 = 64, in 1..=64;
    /// Longest time for a request to be complete; then its stream is reset.
    rpc_timeout: Duration = secs(10);
    /// Requests of one connection at a time. More are reset.
    rpcs_in_flight: usize = 16, in SOME;
    /// Streams opened by an agent that may be open at a time. More are reset.
    agent_streams: usize = 64, in SOME;
    /// Streams that an agent may open in a second, after a burst.
    agent_streams_per_second: u32 = 50;
    /// The burst: an agent that comes back binds everything at once. It is never less than twice
    /// `binds_per_session`.
    agent_streams_burst: u32 = 256;
    /// Visitors' streams of one connection to a Rust agent. Fact: those fail at 512.
    proxied_streams_rust: usize = 480, in 1..=480;
    /// Visitors' streams of one connection to any other agent. Ours refuses more than the default.
    proxied_streams: usize = 4096, in 1..=4096;
    /// Longest wait of a visitor for one of those streams; then 503, or a reset.
    proxied_stream_wait: Duration = secs(1);
    /// Connections of visitors at a time: on the two main ports together, and on each `tcp` port.
    /// More wait to be accepted.
    visitors: usize = 10_000, in SOME;
    /// The same for one source address; more are closed. Not limited unless the file says so: the
    /// visitors of a whole office, of a mobile network or of a proxy in front of the edge come from
    /// one address, and no number tells them from an attacker.
    visitors_per_source: AtMost = AtMost::Unlimited;
    /// How long a visitor waits for an agent that is away; then it is told that the endpoint is
    /// offline. For as long after the start of the edge every name may be that of such an agent.
    detached_wait: Duration = secs(3);
    /// How long a new endpoint waits for its agent to say that it is ready; then it gets visitors
    /// all the same.
    bind_hold: Duration = Duration::from_millis(250);
    /// How long after that a visitor's stream that ends with nothing is tried once more.
    bind_retry: Duration = secs(1);
    /// Longest time for an agent to answer a command of the operator.
    command_timeout: Duration = secs(10);
    /// Endpoints of one session. More are refused with code 324.
    binds_per_session: usize = 100;
    /// Labels of one endpoint. More are refused with code 301.
    labels_per_bind: usize = 32;
    /// Longest metadata. More is refused with code 301.
    metadata_len: ByteSize = ByteSize::kib(4);
    /// Connections of one session. More are refused with code 108.
    legs_per_session: usize = 8;
    /// Longest JSON in front of a visitor's stream. A longer one is our own mistake. Our own agent
    /// reads 64 KiB; ordinary headers have less than 512 bytes.
    proxy_header_len: ByteSize = ByteSize::kib(4), in ByteSize::bytes(512)..=ByteSize::kib(64);
    /// Heartbeats of an agent in a second. More end the connection.
    heartbeats_per_second: u32 = 10;
    /// Frames without effect in a second, of each sort, for `junk_frames_for`. More end the session.
    /// Refused streams have a tenth of it; frames for streams that have just ended, of which honest
    /// agents send some, twenty times as much.
    junk_frames_per_second: u32 = 1000;
    /// How long `junk_frames_per_second` must be exceeded, in whole seconds: one bad moment is
    /// nothing.
    junk_frames_for: Duration = secs(5), in secs(1)..=secs(3600);
    /// Bytes that wait to be sent to one agent; then visitors are not read from.
    unsent_per_leg: ByteSize = ByteSize::mib(8), in ByteSize::kib(64)..=ByteSize::mib(1 << 20);
    /// Longest time without progress while bytes wait; then the connection is closed.
    write_stalled: Duration = secs(30);
    /// Bytes that a stream may send from one grant of its agent to the next, however much was
    /// granted. The default is the largest window of our own agent; with less than half of that, it
    /// is slower on long paths, where its grants come late. Less than the first window could stall
    /// agents that grant in halves of it.
    send_credit: ByteSize = ByteSize::mib(16), in ByteSize::kib(256)..=ByteSize::mib(2047);
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
mod tests;
