//! Every key of the file arrives where it has its effect.

use adit_config::edge::{EdgeFile, EdgeLayers, LimitsFile};
use adit_mux as mux;

use super::*;
use crate::settings::Settings;

/// Every key, with a value that is not the default.
const OTHERS: &str = "
agent_streams: 65
agent_streams_burst: 257
agent_streams_per_second: 51
auth_timeout: 16s
bind_hold: 1s
bind_retry: 2s
bind_token_lifetime: 1h
binds_per_session: 101
client_name_len: 513
command_timeout: 11s
data_frame_len: 255KiB
data_frame_len_before_auth: 63KiB
detached_wait: 4s
failed_auth_delay: 4s
failed_auth_per_minute: 11
goaway_text_len: 5KiB
heartbeat_max: 11m
heartbeat_min: 2s
heartbeats_per_second: 11
junk_frames_for: 6s
junk_frames_per_second: 1001
labels_per_bind: 33
legs: 10001
legs_per_session: 9
metadata_len: 5KiB
proxied_stream_wait: 2s
proxied_streams: 4095
proxied_streams_rust: 479
proxy_header_len: 5KiB
rpc_auth_len: 65KiB
rpc_bind_len: 2MiB
rpc_depth: 63
rpc_len: 66KiB
rpc_timeout: 11s
rpcs_in_flight: 17
send_credit: 1MiB
skipped_frame_len: 2MiB
stream_type_timeout: 6s
streams_before_auth: 5
tls_handshake: 11s
unauthenticated_legs_per_source: 33
unsent_per_leg: 9MiB
visitors: 10001
visitors_per_source: 99
window_violations: 17
write_stalled: 31s
";

fn config(text: &str) -> EdgeConfig {
    let files = vec![EdgeFile::parse("edge.yml", text.as_bytes())];
    EdgeLayers { files, ..EdgeLayers::default() }.resolve().unwrap_or_else(|e| panic!("{e}"))
}

fn others() -> Limits {
    let keys: String = OTHERS.trim().lines().map(|line| format!("  {line}\n")).collect();
    Limits::from(&config(&format!("domain: a.example\nreconnect_grace: 31s\nlimits:\n{keys}")))
}

/// The fields of two values that are the same, by name.
fn same<T: std::fmt::Debug>(a: &T, b: &T) -> Vec<String> {
    let (a, b) = (format!("{a:#?}"), format!("{b:#?}"));
    let fields = a.lines().zip(b.lines()).filter(|(a, b)| a == b && a.contains(": "));
    let same = fields.map(|(field, _)| field.trim().split(':').next().unwrap_or_default());
    same.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_file_s_defaults_are_ours() {
    assert_eq!(Limits::from(&EdgeConfig::new("edge.example")), Limits::default());
}

#[test]
fn every_key_changes_its_limit() {
    let written: Vec<_> =
        OTHERS.trim().lines().filter_map(|line| Some(line.split_once(':')?.0)).collect();
    let mut keys = LimitsFile::KEYS.to_vec();
    keys.sort_unstable();
    assert_eq!(written, keys);
    assert_eq!(same(&others(), &Limits::default()), Vec::<String>::new());
}

#[test]
fn every_limit_of_the_layers_below_is_set() {
    let (others, defaults) = (others(), Limits::default());
    assert_eq!(same(&others.mux_limits(), &defaults.mux_limits()), ["excess"]);
    let of_strangers = mux::Limits { excess: mux::Excess::Close, ..others.mux_limits() };
    let config = others.mux_config();
    assert_eq!(
        config.limits,
        mux::Limits { max_frame_len: 63 * 1024, max_peer_streams: 5, ..of_strangers }
    );
    assert_eq!((config.max_send_credit, config.max_unsent), (1 << 20, 9 << 20));
    assert_eq!((config.max_violations, config.write_stall.as_secs()), (17, 31));
    assert_eq!(same(&others.requests(), &defaults.requests()), Vec::<String>::new());
    assert_eq!(same(&others.peer(), &defaults.peer()), Vec::<String>::new());
}

#[test]
fn ports_as_visitors_see_them_are_set() {
    let text = "domain: a.example\npublic_tls_port: 443\npublic_http_port: 80\n";
    let settings = Settings::from(&config(text));
    assert_eq!((settings.public.tls, settings.public.http), (Some(443), Some(80)));
}
