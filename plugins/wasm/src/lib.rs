//! Runs a user's WebAssembly policies as handlers of a chain.
//!
//! ```text
//! file ─[`PluginSpec`]─▶ read, check, compile ─▶ factory ─config─▶ handler (a policy and its pool)
//! call: take an instance ─ arm ─ call ─ verdict ─ give it back, or throw it away
//! ```
//!
//! A policy is a stranger in a sandbox: it sees what passes and what it is granted, and its time,
//! memory and stack are bounded. What goes wrong in it costs the exchange that it was called for,
//! and nothing else.
//!
//! Unsafe code stands in one function, which loads machine code that we compiled ourselves from a
//! directory that is ours alone; see [`CachePolicy`].
//!
//! What this crate leaves out: the way to other services (see [`Outbound`]) and the file's syntax.

pub mod bindings;
mod breaker;
mod cache;
mod component;
mod connect;
mod engine;
mod exchange;
mod factory;
mod fault;
mod finish;
mod gather;
mod grants;
mod guests;
mod handler;
mod hook;
mod host;
mod instance;
pub mod lab;
mod limits;
mod linked;
mod load;
mod note;
mod pieces;
mod plugin;
mod policy;
mod pool;
mod reply;
mod request;
mod response;
mod stats;
mod stream;
mod ticker;
mod time;
mod watch;

pub use self::{
    cache::{CachePolicy, clear_cache},
    component::{ComponentError, Foreign, Inspection, Manifest, inspect},
    engine::{Allocation, EngineError},
    fault::{Fault, FaultKind},
    grants::{Grants, KvQuota, RateQuota, SecretValue},
    hook::{Hook, HookInterface},
    host::{
        Clock, Edit, Level, LogCapture, LogRecord, ManualClock, Metric, MetricValue, Metrics,
        Outbound, OutboundError, PolicyMetrics, ScriptedOutbound, Services, ServicesBuilder,
    },
    limits::{LimitError, Limits, byte_size, duration},
    load::{Host, HostOptions, LoadError},
    plugin::{Instances, PluginSpec},
    stats::{EngineStats, PolicyStats, Stats},
};
