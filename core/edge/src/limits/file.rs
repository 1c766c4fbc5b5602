//! From the edge's configuration file. There is no `..Default::default()` here: a limit that no key
//! sets does not compile.

use adit_config::{EdgeConfig, edge::AtMost};

use super::Limits;

impl From<&EdgeConfig> for Limits {
    fn from(config: &EdgeConfig) -> Self {
        let file = &config.limits;
        Self {
            tls_handshake: file.tls_handshake,
            auth: file.auth_timeout,
            unauthenticated_per_source: u32::try_from(file.unauthenticated_legs_per_source)
                .unwrap_or(u32::MAX),
            streams_before_auth: file.streams_before_auth,
            failed_auth_per_minute: file.failed_auth_per_minute,
            failed_auth_delay: file.failed_auth_delay,
            legs: file.legs,
            frame_len: file.data_frame_len.as_usize(),
            frame_len_before_auth: file.data_frame_len_before_auth.as_usize(),
            skipped_frame_len: file.skipped_frame_len.as_usize(),
            goaway_text_len: file.goaway_text_len.as_usize(),
            stream_type: file.stream_type_timeout,
            rpc_auth_len: file.rpc_auth_len.as_usize(),
            rpc_bind_len: file.rpc_bind_len.as_usize(),
            rpc_len: file.rpc_len.as_usize(),
            rpc_depth: file.rpc_depth,
            rpc_body: file.rpc_timeout,
            rpcs_per_leg: file.rpcs_in_flight,
            agent_streams: file.agent_streams,
            agent_stream_burst: file.agent_streams_burst,
            agent_streams_per_second: file.agent_streams_per_second,
            proxied_streams_rust: file.proxied_streams_rust,
            proxied_streams: file.proxied_streams,
            proxied_wait: file.proxied_stream_wait,
            binds_per_session: file.binds_per_session,
            labels: file.labels_per_bind,
            metadata_len: file.metadata_len.as_usize(),
            legs_per_session: file.legs_per_session,
            client_name_len: file.client_name_len.as_usize(),
            heartbeat_min: file.heartbeat_min,
            heartbeat_max: file.heartbeat_max,
            proxy_header_len: file.proxy_header_len.as_usize(),
            heartbeats_per_second: file.heartbeats_per_second,
            junk_frames_per_second: file.junk_frames_per_second,
            junk_frames_for: file.junk_frames_for,
            window_violations: file.window_violations,
            unsent_per_leg: file.unsent_per_leg.as_usize(),
            send_credit: file.send_credit.as_usize(),
            write_stall: file.write_stalled,
            reconnect_grace: config.reconnect_grace,
            token_life: file.bind_token_lifetime,
            detached_wait: file.detached_wait,
            bind_hold: file.bind_hold,
            bind_retry: file.bind_retry,
            command: file.command_timeout,
            visitors: file.visitors,
            visitors_per_source: match file.visitors_per_source {
                AtMost::N(n) => Some(n),
                AtMost::Unlimited => None,
            },
        }
    }
}

#[cfg(test)]
mod tests;
