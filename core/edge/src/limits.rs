//! Every limit that strangers and agents meet, with its default and its reason.

mod file;

use std::time::Duration;

use adit_mux as mux;
use adit_proto::{
    heartbeat::MAX_PINGS_PER_SECOND,
    peer::{Family, PeerLimits},
    rpc::{BIND_FIN_FALLBACK, BODY_TIMEOUT, RequestLimits},
};

/// Streams of the edge's own on one leg: its heartbeat, and commands.
const COMMANDS: usize = 8;

/// What one edge allows. `Default` is what a hardened edge should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time for a ClientHello and for a TLS handshake, each.
    pub tls_handshake: Duration,
    /// Time from the end of the handshake to a good `Auth`. Nothing extends it.
    pub auth: Duration,
    /// Legs of one source address that have not authenticated.
    pub unauthenticated_per_source: u32,
    /// Streams that a leg may open before it has authenticated.
    pub streams_before_auth: usize,
    /// Refused `Auth` calls of one source in a minute; beyond it each answer is delayed.
    pub failed_auth_per_minute: u32,
    /// How long such an answer is delayed.
    pub failed_auth_delay: Duration,
    /// Legs at once, authenticated or not.
    pub legs: usize,
    /// Payload bytes of one frame.
    pub frame_len: usize,
    /// Payload bytes of one frame before `Auth`.
    pub frame_len_before_auth: usize,
    /// Payload bytes of a longer frame that are still skipped.
    pub skipped_frame_len: usize,
    /// Bytes of text in a GOAWAY.
    pub goaway_text_len: usize,
    /// Time for a stream to say its type.
    pub stream_type: Duration,
    /// Bytes of an `Auth`.
    pub rpc_auth_len: usize,
    /// Bytes of a `Bind` or `PatchTunnelState`.
    pub rpc_bind_len: usize,
    /// Bytes of any other request.
    pub rpc_len: usize,
    /// Objects and arrays inside each other in a request.
    pub rpc_depth: u32,
    /// Time for the rest of a request.
    pub rpc_body: Duration,
    /// Requests of one leg that are worked on at once.
    pub rpcs_per_leg: usize,
    /// Streams that an agent may hold open.
    pub agent_streams: usize,
    /// Streams that an agent may open at once, before the rate applies. At least as many as it takes
    /// to bind all that a session may have, and to give it back.
    pub agent_stream_burst: u32,
    /// Streams that an agent may open each second.
    pub agent_streams_per_second: u32,
    /// Visitors' streams on one leg to an agent of the Rust family, which fails at 512 in all.
    pub proxied_streams_rust: usize,
    /// Visitors' streams on one leg to any other agent.
    pub proxied_streams: usize,
    /// How long a visitor waits for room on a leg.
    pub proxied_wait: Duration,
    /// Endpoints of one session.
    pub binds_per_session: usize,
    /// Labels of one tunnel.
    pub labels: usize,
    /// Bytes of opaque metadata.
    pub metadata_len: usize,
    /// Legs of one session.
    pub legs_per_session: usize,
    /// Bytes of `ClientType`, `UserAgent` and the like.
    pub client_name_len: usize,
    /// Shortest heartbeat interval, and tolerance, of an agent.
    pub heartbeat_min: Duration,
    /// Longest heartbeat interval, and tolerance, of an agent.
    pub heartbeat_max: Duration,
    /// Bytes of JSON in front of a visitor's stream.
    pub proxy_header_len: usize,
    /// Pings of one agent in a second.
    pub heartbeats_per_second: u32,
    /// Frames without effect in a second, of each sort.
    pub junk_frames_per_second: u32,
    /// How long that many end a leg, in whole seconds.
    pub junk_frames_for: Duration,
    /// Streams of one leg that may break their window before the leg is given up.
    pub window_violations: u32,
    /// Bytes that may wait to be sent on one leg.
    pub unsent_per_leg: usize,
    /// Bytes that a stream may send from one grant to the next.
    pub send_credit: usize,
    /// How long a leg may take nothing.
    pub write_stall: Duration,
    /// How long binds outlive their last leg.
    pub reconnect_grace: Duration,
    /// How long a bind token is good.
    pub token_life: Duration,
    /// How long a visitor waits for an agent that is away.
    pub detached_wait: Duration,
    /// How long a bind waits for the agent's FIN before it gets visitors all the same.
    pub bind_hold: Duration,
    /// How long after that a stream that ends with nothing is tried once more.
    pub bind_retry: Duration,
    /// Time for an agent to answer a command.
    pub command: Duration,
    /// Visitors' connections at once: on the two main listeners together, and on each port.
    pub visitors: usize,
    /// Visitors' connections of one source address, on each listener. None: no limit, because many
    /// visitors may come through one proxy.
    pub visitors_per_source: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        let sec = Duration::from_secs;
        Self {
            tls_handshake: sec(10),
            auth: sec(15),
            unauthenticated_per_source: 32,
            streams_before_auth: 4,
            failed_auth_per_minute: 10,
            failed_auth_delay: sec(3),
            legs: 10_000,
            frame_len: 256 * 1024,
            frame_len_before_auth: 64 * 1024,
            skipped_frame_len: 1024 * 1024,
            goaway_text_len: 4096,
            stream_type: sec(5),
            rpc_auth_len: 64 * 1024,
            rpc_bind_len: 1024 * 1024,
            rpc_len: 64 * 1024,
            rpc_depth: 64,
            rpc_body: sec(10),
            rpcs_per_leg: 16,
            agent_streams: 64,
            agent_stream_burst: 256,
            agent_streams_per_second: 50,
            proxied_streams_rust: 480,
            proxied_streams: 4096,
            proxied_wait: sec(1),
            binds_per_session: 100,
            labels: 32,
            metadata_len: 4096,
            legs_per_session: 8,
            client_name_len: 512,
            heartbeat_min: sec(1),
            heartbeat_max: sec(600),
            proxy_header_len: 4096,
            heartbeats_per_second: MAX_PINGS_PER_SECOND,
            junk_frames_per_second: 1000,
            junk_frames_for: sec(5),
            window_violations: 16,
            unsent_per_leg: 8 * 1024 * 1024,
            send_credit: 16 * 1024 * 1024,
            write_stall: sec(30),
            reconnect_grace: sec(30),
            token_life: sec(24 * 3600),
            detached_wait: sec(3),
            bind_hold: BIND_FIN_FALLBACK,
            bind_retry: sec(1),
            command: BODY_TIMEOUT,
            visitors: 10_000,
            visitors_per_source: None,
        }
    }
}

impl Limits {
    /// Visitors' streams on one leg to such an agent.
    pub(crate) fn proxied_for(&self, family: Family) -> usize {
        let ours = match family {
            Family::Rust => self.proxied_streams_rust,
            _ => self.proxied_streams,
        };
        ours.min(family.max_proxied_streams()).max(1)
    }

    /// What the multiplexer has to respect towards such an agent. Heartbeat and commands come on
    /// top of the visitors: with what the agent itself opens, Rust agents stay below their 512.
    pub(crate) fn traits_for(&self, family: Family) -> mux::PeerTraits {
        let max_streams = self.proxied_for(family) + COMMANDS;
        mux::PeerTraits { max_streams, ..family.traits() }
    }

    /// The multiplexer of a leg that has not authenticated.
    pub(crate) fn mux_config(&self) -> mux::Config {
        let mut config = mux::Config::edge();
        config.limits = mux::Limits {
            max_frame_len: self.frame_len_before_auth,
            max_peer_streams: self.streams_before_auth,
            excess: mux::Limits::before_auth().excess,
            ..self.mux_limits()
        };
        config.max_streams = self.proxied_streams.max(self.proxied_streams_rust) + COMMANDS;
        config.max_unsent = self.unsent_per_leg;
        config.max_send_credit = self.send_credit;
        config.write_stall = self.write_stall;
        config.max_violations = self.window_violations;
        config
    }

    /// The multiplexer once the agent is known.
    pub(crate) fn mux_limits(&self) -> mux::Limits {
        let all_endpoints = u32::try_from(self.binds_per_session.saturating_mul(2));
        let all_endpoints = all_endpoints.unwrap_or(u32::MAX);
        mux::Limits {
            max_frame_len: self.frame_len,
            max_skipped_len: self.skipped_frame_len,
            max_goaway_text: self.goaway_text_len,
            junk_per_second: self.junk_frames_per_second,
            junk_for: self.junk_frames_for,
            max_peer_streams: self.agent_streams,
            open_burst: self.agent_stream_burst.max(all_endpoints),
            opens_per_second: self.agent_streams_per_second,
            ..mux::Limits::edge()
        }
    }

    /// What a request may cost.
    pub(crate) fn requests(&self) -> RequestLimits {
        RequestLimits {
            auth_len: self.rpc_auth_len,
            bind_len: self.rpc_bind_len,
            other_len: self.rpc_len,
            max_depth: self.rpc_depth,
            within: self.rpc_body,
        }
    }

    /// What an agent may say about itself.
    pub(crate) fn peer(&self) -> PeerLimits {
        PeerLimits {
            name_len: self.client_name_len,
            metadata_len: self.metadata_len,
            heartbeat: self.heartbeat_min..=self.heartbeat_max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_agents_never_get_more_visitors_than_they_survive() {
        let generous = Limits { proxied_streams_rust: 9999, ..Limits::default() };
        assert_eq!(generous.proxied_for(Family::Rust), 480);
        assert_eq!(generous.proxied_for(Family::Go), 4096);
        assert_eq!(generous.traits_for(Family::Rust).max_streams, 488);
        let narrow = Limits { proxied_streams_rust: 7, ..Limits::default() };
        assert_eq!(narrow.proxied_for(Family::Rust), 7);
    }

    #[test]
    fn an_agent_may_bind_all_its_endpoints_at_once_and_give_them_back() {
        let burst = |binds_per_session, agent_stream_burst| {
            let limits = Limits { binds_per_session, agent_stream_burst, ..Limits::default() };
            limits.mux_limits().open_burst
        };
        assert_eq!((burst(100, 256), burst(100, 1000)), (256, 1000));
        assert_eq!((burst(500, 256), burst(usize::MAX, 256)), (1000, u32::MAX));
    }

    #[test]
    fn the_defaults_are_those_of_the_layers_below() {
        let limits = Limits::default();
        assert_eq!(limits.mux_limits(), mux::Limits::edge());
        assert_eq!(limits.requests(), RequestLimits::default());
        assert_eq!(limits.peer(), PeerLimits::default());
        let mux = limits.mux_config();
        assert_eq!(mux.limits.excess, mux::Excess::Close);
        assert_eq!(mux.max_send_credit, mux::Config::edge().max_send_credit);
    }
}
