//! Keys, defaults and ranges.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::edge::{EdgeFile, EdgeLayers};

/// The limits of a file, or what is wrong with it.
fn limits(text: &str) -> Result<EdgeLimits, String> {
    let text = format!("domain: a.example\nlimits: {{{text}}}\n");
    let files = vec![EdgeFile::parse("edge.yml", text.as_bytes())];
    let resolved = EdgeLayers { files, ..EdgeLayers::default() }.resolve();
    resolved.map(|config| config.limits).map_err(|problems| problems.to_string())
}

#[test]
fn every_limit_can_be_configured() {
    assert_eq!(LimitsFile::KEYS.len(), DEFAULTS.lines().count());
    assert_eq!(limits("rpc_depth: 8"), Ok(EdgeLimits { rpc_depth: 8, ..EdgeLimits::default() }));
}

#[test]
fn what_cannot_be_kept_is_an_error() {
    let refused = |text: &str, message: &str| {
        let column = text.find(' ').unwrap() + 11;
        assert_eq!(limits(text), Err(format!("edge.yml:2:{column}: {message}")));
    };
    refused("rpc_depth: 65", "65 is not from 1 to 64");
    refused("proxied_streams_rust: 512", "512 is not from 1 to 480");
    refused("send_credit: 64KiB", "64KiB is not from 256KiB to 2047MiB");
    refused("junk_frames_for: 500ms", "500ms is not from 1s to 3600s");
    let unknown = limits("receive_window: 1MiB").unwrap_err();
    assert!(unknown.starts_with("edge.yml:2:10: unknown key \"receive_window\""), "{unknown}");
}

#[test]
fn heartbeats_need_a_range_that_has_something_in_it() {
    assert_eq!(
        limits("heartbeat_min: 1m, heartbeat_max: 30s"),
        Err("edge.yml:2:44: heartbeat_max is shorter than heartbeat_min".to_owned())
    );
    assert!(limits("heartbeat_min: 1m").is_ok());
}

#[test]
fn visitors_of_one_source_may_be_any_number() {
    let of = |text: &str| limits(text).map(|limits| limits.visitors_per_source);
    assert_eq!(of("visitors: 1"), Ok(AtMost::Unlimited));
    assert_eq!(of("visitors_per_source: 64"), Ok(AtMost::N(64)));
    assert_eq!(of("visitors_per_source: false"), Ok(AtMost::Unlimited));
    let message = "edge.yml:2:31: \"many\" is not a whole number";
    assert_eq!(of("visitors_per_source: many"), Err(message.to_owned()));
    let message = "edge.yml:2:31: \"-1\" is not a whole number from 0 to 4294967295";
    assert_eq!(of("visitors_per_source: -1"), Err(message.to_owned()));
}
