//! Requests of strangers: the first byte says how the rest is cut.
#![no_main]

use adit_proto::{
    json::{MAX_DEPTH, Scanner, decode, encode, from_slice},
    message::{
        Auth, AuthResp, Bind, BindResp, PatchTunnelState, StartTunnelWithLabel, StopTunnel, Unbind,
        Update,
    },
};
use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// What is understood survives writing and reading.
fn round_trip<T: Serialize + DeserializeOwned>(value: &Value) {
    if let Ok(message) = decode::<T>(value.clone()) {
        let text = encode(&message);
        let again = from_slice(&text, MAX_DEPTH).expect("our own JSON parses");
        let again = decode::<T>(again).expect("our own message is understood");
        assert_eq!(encode(&again), text);
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&size, text)) = data.split_first() else { return };

    // Cutting changes neither where an object ends nor whether it is refused.
    let whole = Scanner::new(MAX_DEPTH).scan(text);
    let mut scanner = Scanner::new(MAX_DEPTH);
    let (mut cut, mut n_before) = (Ok(None), 0);
    for piece in text.chunks(usize::from(size) + 1) {
        cut = scanner.scan(piece).map(|end| end.map(|n| n_before + n));
        if !matches!(cut, Ok(None)) {
            break;
        }
        n_before += piece.len();
    }
    assert_eq!(cut, whole);

    let Ok(value) = from_slice(text, MAX_DEPTH) else { return };
    round_trip::<Auth>(&value);
    round_trip::<AuthResp>(&value);
    round_trip::<Bind>(&value);
    round_trip::<BindResp>(&value);
    round_trip::<PatchTunnelState>(&value);
    round_trip::<StartTunnelWithLabel>(&value);
    round_trip::<StopTunnel>(&value);
    round_trip::<Unbind>(&value);
    round_trip::<Update>(&value);
    if let Ok(bind) = decode::<Bind>(value) {
        let _ = (bind.opts.http(), bind.opts.tcp(), bind.opts.tls());
        let echo = bind.opts.chosen(bind.proto, "tcp://a.test:1", "a.test:1");
        assert_eq!(echo.chosen(bind.proto, "tcp://a.test:1", "a.test:1"), echo);
    }
});
