//! What the file lets a policy do beyond looking at what passes.

use std::{collections::BTreeMap, collections::BTreeSet, fmt};

use sha2::{Digest as _, Sha256};

/// Grants every name of `kv` or `rate`.
pub(crate) const ANY: &str = "*";

/// Powers of one policy, each by name. Everything that is not named here is denied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Buckets of key-value state.
    pub kv: BTreeMap<String, KvQuota>,
    /// Buckets of rate limits.
    pub rate: BTreeMap<String, RateQuota>,
    /// Secrets, with their values.
    pub secrets: BTreeMap<String, SecretValue>,
    /// Upstreams that may be called: the policy's name for each, and what the agent calls it (a
    /// URL, or an endpoint's name).
    pub outbound: BTreeMap<String, String>,
    /// Endpoints that an exchange may be sent to.
    pub reroute: BTreeSet<String>,
}

/// What one key-value bucket holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KvQuota {
    /// Keys.
    pub max_entries: usize,
    /// Octets of keys and values together.
    pub max_octets: usize,
}

impl Default for KvQuota {
    fn default() -> Self {
        Self { max_entries: 10_000, max_octets: 16 * 1024 * 1024 }
    }
}

/// What one rate bucket holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateQuota {
    /// Keys.
    pub max_keys: usize,
}

impl Default for RateQuota {
    fn default() -> Self {
        Self { max_keys: 100_000 }
    }
}

/// A secret's octets; printing it shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Vec<u8>);

impl SecretValue {
    /// Wraps the octets.
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self(value.into())
    }

    /// The octets.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Grants {
    /// Whether any name is granted of an interface that needs one: `kv`, `rate`, `secrets`,
    /// `outbound`. Interfaces that need no grant are always allowed.
    pub fn allow(&self, interface: &str) -> bool {
        match interface {
            "kv" => !self.kv.is_empty(),
            "rate" => !self.rate.is_empty(),
            "secrets" => !self.secrets.is_empty(),
            "outbound" => !self.outbound.is_empty(),
            _ => true,
        }
    }

    /// What is granted, in words: `rate: per-key; secrets: signing-key`. Shows no value.
    pub fn summary(&self) -> String {
        let all: [(&str, Vec<&str>); 5] = [
            ("kv", self.kv.keys().map(String::as_str).collect()),
            ("rate", self.rate.keys().map(String::as_str).collect()),
            ("secrets", self.secrets.keys().map(String::as_str).collect()),
            ("outbound", self.outbound.keys().map(String::as_str).collect()),
            ("reroute", self.reroute.iter().map(String::as_str).collect()),
        ];
        let granted = all.into_iter().filter(|(_, names)| !names.is_empty());
        let granted: Vec<_> =
            granted.map(|(power, names)| format!("{power}: {}", names.join(", "))).collect();
        granted.join("; ")
    }

    /// A digest of all of it, values of secrets included, by which two sets are told apart.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut put = |tag: u8, name: &str, value: &[u8]| {
            hash.update([tag]);
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name);
            hash.update((value.len() as u64).to_le_bytes());
            hash.update(value);
        };
        for (name, quota) in &self.kv {
            let sizes = [quota.max_entries as u64, quota.max_octets as u64];
            put(1, name, &sizes.map(u64::to_le_bytes).concat());
        }
        for (name, quota) in &self.rate {
            put(2, name, &(quota.max_keys as u64).to_le_bytes());
        }
        for (name, value) in &self.secrets {
            put(3, name, value.expose());
        }
        for (name, target) in &self.outbound {
            put(4, name, target.as_bytes());
        }
        for name in &self.reroute {
            put(5, name, &[]);
        }
        hash.finalize().into()
    }
}
