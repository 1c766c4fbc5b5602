//! From a plugin's entry in the file to handlers of a chain.

use std::{
    collections::HashMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::{Arc, Weak, atomic::AtomicUsize},
};

use adit_chain::Factory;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tracing::{info, warn};

use crate::{
    cache::{Cache, CachePolicy},
    component::{ComponentError, inspect},
    engine::{EngineError, Machine},
    factory::PluginFactory,
    host::Services,
    limits::size_text,
    linked::{Linked, check_grants},
    plugin::{Hex, PluginSpec},
    policy::Policy,
};

/// Runs policies. Cheap to clone; it starts no engine before the first one is loaded.
#[derive(Clone, Debug)]
pub struct Host(Arc<Inner>);

/// What a [`Host`] is made of.
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// What policies can ask of the agent.
    pub services: Arc<Services>,
    /// Where compiled code is kept.
    pub cache: CachePolicy,
    /// Instances of each policy that are made before the first call; at least one is.
    pub warm: usize,
    /// Instances of all policies together.
    pub pool: u32,
}

impl HostOptions {
    /// No cache, one instance beforehand, the usual pool.
    pub fn new(services: Arc<Services>) -> Self {
        let pool = u32::try_from(adit_policy_rules::limits::POOL.default).unwrap_or(u32::MAX);
        Self { services, cache: CachePolicy::Off, warm: 1, pool }
    }
}

/// A plugin could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file could not be read.
    #[error("could not read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is too long.
    #[error("{} is longer than {}; raise `limits.component`", .path.display(), size_text(*.limit))]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Octets that it may have.
        limit: usize,
    },
    /// The file is another one than the configuration says.
    #[error("{} has the SHA-256 {found}, not the one in `sha256`", .path.display())]
    OtherDigest {
        /// The file.
        path: PathBuf,
        /// Its digest, in hex.
        found: String,
    },
    /// It is no component that this agent can run.
    #[error("{}: {source}", .path.display())]
    Component {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: ComponentError,
    },
    /// The compiler, or the linker, does not take it.
    #[error("{}: {message}", .path.display())]
    Compile {
        /// The file.
        path: PathBuf,
        /// What they say.
        message: String,
    },
    /// There is no engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What makes one policy the same as another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(pub(crate) [u8; 32]);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) options: HostOptions,
    cache: Cache,
    /// Policies that run, as long as a chain holds them.
    policies: Mutex<HashMap<Key, Weak<Policy>>>,
    /// Components that are linked, as long as a plugin or a policy holds them.
    linked: Mutex<HashMap<Key, Weak<Linked>>>,
    /// One compilation at a time: each may use every core.
    compiling: Mutex<()>,
    /// Instances that live.
    pub(crate) instances: Arc<AtomicUsize>,
}

impl Host {
    /// A host without an engine.
    pub fn new(options: HostOptions) -> Self {
        let cache = Cache::new(options.cache.clone());
        Self(Arc::new(Inner {
            options,
            cache,
            policies: Mutex::default(),
            linked: Mutex::default(),
            compiling: Mutex::default(),
            instances: Arc::default(),
        }))
    }

    /// Reads, checks, and compiles a plugin, or takes it from the cache. Blocks: call it where that
    /// is allowed.
    ///
    /// # Errors
    /// The file is no policy that this agent can run with these grants.
    pub fn plugin(&self, spec: PluginSpec) -> Result<Arc<dyn Factory>, LoadError> {
        let linked = self.0.load(&spec)?;
        warn_of_grants(&spec, &linked);
        Ok(Arc::new(PluginFactory::new(Arc::clone(&self.0), spec, linked)))
    }

    /// What policies can ask of the agent.
    pub fn services(&self) -> &Arc<Services> {
        &self.0.options.services
    }

    pub(crate) const fn inner(&self) -> &Arc<Inner> {
        &self.0
    }
}

impl Inner {
    /// The component of a plugin, compiled and linked.
    pub(crate) fn load(&self, spec: &PluginSpec) -> Result<Arc<Linked>, LoadError> {
        let path = &spec.wasm;
        let bytes = read(path, spec.limits.component)?;
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        if spec.sha256.is_some_and(|pin| pin != digest) {
            let found = Hex(&digest).to_string();
            return Err(LoadError::OtherDigest { path: path.clone(), found });
        }
        let key = linked_key(&digest, spec);
        let linked = self.linked.lock().get(&key).and_then(Weak::upgrade);
        if let Some(linked) =
            linked.filter(|linked| linked.machine.max_memory >= spec.limits.memory)
        {
            return Ok(linked);
        }
        let refused = |source| LoadError::Component { path: path.clone(), source };
        let inspection = inspect(&bytes).map_err(refused)?;
        inspection.check().map_err(refused)?;
        check_grants(&inspection, &spec.grants).map_err(refused)?;
        let machine = Machine::shared(self.options.pool, spec.limits.memory)?;
        let failed = |error: wasmtime::Error| LoadError::Compile {
            path: path.clone(),
            message: format!("{error:#}"),
        };
        let component = {
            let _one = self.compiling.lock();
            self.cache.component(&machine.engine, &bytes, &digest).map_err(failed)?
        };
        let linked = Linked::new(machine, &component, inspection, &spec.grants).map_err(failed)?;
        let linked = Arc::new(linked);
        let hooks: Vec<_> = linked.inspection.hooks.iter().map(ToString::to_string).collect();
        let imports: Vec<_> = linked.inspection.imports.keys().map(String::as_str).collect();
        info!(
            policy = %spec.name, digest = %Hex(&digest), hooks = hooks.join(", "),
            imports = imports.join(", "), grants = spec.grants.summary(), "policy loaded"
        );
        let mut all = self.linked.lock();
        all.retain(|_, linked| linked.strong_count() > 0);
        all.insert(key, Arc::downgrade(&linked));
        Ok(linked)
    }

    /// Policies that a chain holds.
    pub(crate) fn all_policies(&self) -> Vec<Arc<Policy>> {
        self.policies.lock().values().filter_map(Weak::upgrade).collect()
    }

    /// The engine, if a policy is loaded.
    pub(crate) fn machine(&self) -> Option<Arc<Machine>> {
        let linked = self.linked.lock().values().find_map(Weak::upgrade)?;
        Some(Arc::clone(&linked.machine))
    }

    /// The policy of that key, if a chain holds it.
    pub(crate) fn running(&self, key: &Key) -> Option<Arc<Policy>> {
        self.policies.lock().get(key).and_then(Weak::upgrade)
    }

    /// Remembers a policy while a chain holds it. If somebody was faster, theirs is used.
    pub(crate) fn remember(&self, key: Key, policy: Arc<Policy>) -> Arc<Policy> {
        let mut all = self.policies.lock();
        if let Some(theirs) = all.get(&key).and_then(Weak::upgrade) {
            return theirs;
        }
        all.retain(|_, policy| policy.strong_count() > 0);
        all.insert(key, Arc::downgrade(&policy));
        let sweeper: Weak<Policy> = Arc::downgrade(&policy);
        policy.machine().ticker.sweeps(sweeper);
        policy
    }
}

/// Reads a file, which is refused before it is read if it is too long.
fn read(path: &Path, limit: usize) -> Result<Vec<u8>, LoadError> {
    let failed = |source| LoadError::Read { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    // One more than allowed tells a file that is too long from one that just fits.
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > limit {
        return Err(LoadError::TooLong { path: path.to_owned(), limit });
    }
    Ok(bytes)
}

fn linked_key(digest: &[u8; 32], spec: &PluginSpec) -> Key {
    let mut hash = Sha256::new();
    hash.update(digest);
    hash.update(spec.grants.digest());
    Key(hash.finalize().into())
}

/// Grants that do nothing are a sign of a mistake.
fn warn_of_grants(spec: &PluginSpec, linked: &Linked) {
    for interface in ["kv", "rate", "secrets", "outbound"] {
        let is_granted = spec.grants.allow(interface);
        if is_granted && !linked.inspection.imports.contains_key(interface) {
            warn!(policy = %spec.name, "grants {interface}, which the policy never uses");
        }
    }
}
