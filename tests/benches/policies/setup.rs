//! Policies, and endpoints that they stand before.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex},
};

use adit_agent::EndpointSpec;
use adit_chain::{Factory, Registry};
use adit_tests::{Upstream, world};
use adit_wasm::{Host, HostOptions, PluginSpec, Services};
use serde_json::json;

/// A host with one plugin.
pub(crate) struct Plugins(Arc<dyn Factory>);

impl Plugins {
    pub(crate) fn with(name: &str, file: &Path) -> Self {
        let host = Host::new(HostOptions::new(Services::builder().build()));
        let entry = json!({"wasm": file, "grants": {"rate": ["per-key"]}});
        let spec = PluginSpec::from_json(name, &entry, Path::new("/"));
        let spec = spec.unwrap_or_else(|error| panic!("the entry is good: {error}"));
        Self(host.plugin(spec).unwrap_or_else(|error| panic!("the policy is good: {error}")))
    }

    pub(crate) fn registry(&self) -> Registry {
        world::registry().with([Arc::clone(&self.0)])
    }
}

pub(crate) fn spec(upstream: &Upstream, name: &str) -> EndpointSpec {
    EndpointSpec::http(&upstream.http_url()).named(name)
}

/// The component of a crate of the checkout; each is compiled once.
pub(crate) fn guest(dir: &'static str) -> PathBuf {
    static BUILT: LazyLock<Mutex<HashMap<&str, PathBuf>>> = LazyLock::new(Mutex::default);
    let mut built = BUILT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let build = || {
        let adit = env!("CARGO_BIN_EXE_adit-under-test");
        adit_tests::guest::built(adit, dir, env!("CARGO_TARGET_TMPDIR"))
    };
    built.entry(dir).or_insert_with(build).clone()
}

/// Memory of this process that is in the machine, in octets.
pub(crate) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.unwrap_or_default() << 10
}
