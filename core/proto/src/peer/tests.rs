//! What agents say about themselves.

use super::*;

#[test]
fn families_are_told_by_mark_then_by_client_type() {
    let detect = Family::detect;
    assert_eq!(detect("ngrok-python", "ngrok-python/1.4.0 ngrok-rust/0.14.0-pre.14"), Family::Rust);
    assert_eq!(detect("my-app", "my-app/1 ngrok-go/2.1.1"), Family::Go);
    assert_eq!(detect("my-app", "my-app/1 ngrok-rust/0.19.0"), Family::Rust);
    assert_eq!(detect("ngrok-javascript", ""), Family::Rust);
    assert_eq!(detect("ngrok-go", ""), Family::Go);
    assert_eq!(detect("adit", &adit_user_agent()), Family::Adit);
    assert_eq!(detect("adit", "ngrok-rust/0.19.0"), Family::Rust);
    assert_eq!(detect("curl", "not-ngrok-rust/1"), Family::Unknown);
}

#[test]
fn rust_gets_fewer_streams_and_small_windows() {
    assert_eq!(Family::Rust.max_proxied_streams(), 480);
    assert_eq!(Family::Unknown.max_proxied_streams(), 4096);
    assert!(!Family::Rust.windows_may_grow());
    assert!(Family::Go.windows_may_grow());
}

#[test]
fn heartbeats_out_of_bounds_have_their_codes() {
    let sec = 1_000_000_000;
    let bounds = PeerLimits::default().heartbeat;
    let code = |i, t| HeartbeatTiming::from_wire(i, t, &bounds).map_err(|e| e.code().unwrap());
    assert_eq!(code(0, 0), Ok(HeartbeatTiming::default()));
    assert_eq!(code(sec - 1, sec), Err(ErrorCode::HEARTBEAT_INTERVAL));
    assert_eq!(code(sec, 600 * sec + 1), Err(ErrorCode::HEARTBEAT_TOLERANCE));
    assert_eq!(code(-1, sec), Err(ErrorCode::HEARTBEAT_INTERVAL));
    let timing = HeartbeatTiming::from_wire(sec, 600 * sec, &bounds).unwrap();
    assert_eq!(timing.limit(), Duration::from_secs(601));
    assert_eq!(timing.to_wire(), (sec, 600 * sec));
}

#[test]
fn long_names_and_control_characters_are_refused() {
    let code = |extra: &AuthExtra| PeerInfo::try_from(extra).map_err(|e| e.code().unwrap());
    let mut extra = AuthExtra { client_type: "x".repeat(512), ..AuthExtra::default() };
    assert!(code(&extra).is_ok());
    extra.client_type.push('x');
    assert_eq!(code(&extra), Err(ErrorCode::USER_AGENT_INVALID));
    let extra = AuthExtra { user_agent: "a\nb".into(), ..AuthExtra::default() };
    assert_eq!(code(&extra), Err(ErrorCode::USER_AGENT_INVALID));
}

#[test]
fn what_an_agent_may_say_is_up_to_the_edge() {
    let sec = Duration::from_secs;
    let limits = PeerLimits { name_len: 3, metadata_len: 4, heartbeat: sec(20)..=sec(30) };
    let refusal = |change: fn(&mut AuthExtra)| {
        let nanos = 20_000_000_000;
        let mut extra = AuthExtra {
            heartbeat_interval: nanos,
            heartbeat_tolerance: nanos,
            ..AuthExtra::default()
        };
        change(&mut extra);
        PeerInfo::checked(&extra, &limits).err().map(|e| e.message().to_owned())
    };
    assert_eq!(refusal(|extra| extra.os = "bsd".into()), None);
    let text = "OS must have at most 3 bytes and no control characters.";
    assert_eq!(refusal(|extra| extra.os = "unix".into()).as_deref(), Some(text));
    let text = "Hostname must have at most 4 bytes.";
    assert_eq!(refusal(|extra| extra.hostname = "north".into()).as_deref(), Some(text));
    let text = "The heartbeat tolerance must be from 20s to 30s.";
    assert_eq!(refusal(|extra| extra.heartbeat_tolerance += 1 << 40).as_deref(), Some(text));
    let text = "The heartbeat interval must be from 20s to 30s.";
    assert_eq!(refusal(|extra| extra.heartbeat_interval = 0).as_deref(), Some(text));
}

#[test]
fn processors_are_named_as_go_does() {
    let extra = AuthExtra { arch: "x86_64".into(), ..AuthExtra::default() };
    assert_eq!(PeerInfo::try_from(&extra).unwrap().arch, "amd64");
}
