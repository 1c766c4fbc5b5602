//! The features with which wasmtime is built, whoever else in the tree depends on it: one
//! dependency with default features would turn them on for all.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::process::Command;

use serde_json::Value;

/// The platform that this runs on: what others need is not downloaded.
fn platform() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let host = text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    host.to_owned()
}

/// Features of a resolved package.
fn features(package: &str) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let args = ["metadata", "--format-version", "1", "--offline", "--filter-platform"];
    let output = Command::new(cargo).args(args).arg(platform()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let is_it = |node: &&Value| {
        let id = node["id"].as_str().unwrap();
        id.contains(&format!("#{package}@")) || id.contains(&format!("/{package}#"))
    };
    let found: Vec<_> = nodes.iter().filter(is_it).collect();
    assert_eq!(found.len(), 1, "{package} is there once");
    let names = found[0]["features"].as_array().unwrap();
    names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_would_slow_calls_down_or_weaken_the_cache_is_off() {
    let features = features("wasmtime");
    for needed in ["component-model", "cranelift", "async", "pooling-allocator", "runtime"] {
        assert!(features.iter().any(|feature| feature == needed), "{needed}: {features:?}");
    }
    for off in [
        "component-model-async",
        "cache",
        "gc",
        "threads",
        "stack-switching",
        "coredump",
        "debug-builtins",
        "profiling",
        "wat",
        "winch",
        "default",
    ] {
        assert!(!features.iter().any(|feature| feature == off), "{off}: {features:?}");
    }
}
