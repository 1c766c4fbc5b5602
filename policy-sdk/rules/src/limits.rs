//! Every number a policy can run into.
//!
//! A [`Bound`] can be raised by the operator up to its highest value; its name is the spelling in
//! the configuration. The plain constants are fixed. Sizes are octets.

use std::time::Duration;

/// 1 024 octets.
pub const KIB: usize = 1024;
/// 1 048 576 octets.
pub const MIB: usize = 1024 * KIB;

/// A limit that the operator may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound<T> {
    /// Its name in the configuration and in error texts.
    pub name: &'static str,
    /// What holds when nothing is said.
    pub default: T,
    /// The most that can be asked for.
    pub highest: T,
}

const fn bound<T>(name: &'static str, default: T, highest: T) -> Bound<T> {
    Bound { name, default, highest }
}

impl<T: Copy + PartialOrd> Bound<T> {
    /// `asked` if it is not above the highest value.
    pub fn admit(&self, asked: T) -> Option<T> {
        (asked <= self.highest).then_some(asked)
    }
}

// Loading.

/// Size of a component file.
pub const COMPONENT: Bound<usize> = bound("component", 16 * MIB, 64 * MIB);

// One instance.

/// Linear memory of an instance.
pub const MEMORY: Bound<usize> = bound("memory", 16 * MIB, 256 * MIB);
/// Tables of an instance.
pub const TABLES: usize = 4;
/// Elements in one table.
pub const TABLE_ELEMENTS: usize = 20_000;
/// Core instances that one component may be made of.
pub const CORE_INSTANCES: usize = 16;
/// Stack of the guest.
pub const STACK: usize = 512 * KIB;
/// Handles that an instance may hold at once.
pub const HANDLES: usize = 1_000;
/// One value that goes from the guest to the host.
pub const HOST_CALL: Bound<usize> = bound("host_call", 2 * MIB, 16 * MIB);

// Time.

/// CPU time of one hook call.
pub const CPU: Bound<Duration> = bound("cpu", Duration::from_millis(10), Duration::from_secs(1));
/// CPU time of `configure`.
pub const CONFIGURE_CPU: Bound<Duration> =
    bound("configure_cpu", Duration::from_secs(2), Duration::from_secs(10));
/// Wall clock of one call, waits included.
pub const WALL: Bound<Duration> = bound("wall", Duration::from_secs(1), Duration::from_secs(30));
/// CPU time of `on-close` and `on-finish`, which are told afterwards and hold nobody up.
pub const AFTERWARDS_CPU: Duration = Duration::from_millis(5);

// Pools.

/// Live instances of one policy.
pub const INSTANCES: Bound<usize> = bound("max_instances", 256, POOL.highest);
/// Live instances of all policies together.
pub const POOL: Bound<usize> = bound("pool", 1_024, 8_192);
/// How long a call waits for an instance.
pub const QUEUE_WAIT: Bound<Duration> =
    bound("queue_wait", Duration::from_millis(100), Duration::from_secs(5));
/// An instance is replaced after about so many phases …
pub const RECYCLE_PHASES: u32 = 10_000;
/// … give or take this many percent, so that a pool does not turn over at once.
pub const RECYCLE_SPREAD_PERCENT: u32 = 25;
/// An instance idle for so long is dropped, unless it is the last one.
pub const IDLE: Duration = Duration::from_secs(600);

// Faults.

/// So many faults …
pub const BREAKER_FAULTS: u32 = 20;
/// … within this time, with no success among them, stop the policy from being called.
pub const BREAKER_WINDOW: Duration = Duration::from_secs(10);
/// First wait before one call is tried again; doubles each time.
pub const BREAKER_FIRST_WAIT: Duration = Duration::from_millis(100);
/// Longest wait before one call is tried again.
pub const BREAKER_LONGEST_WAIT: Duration = Duration::from_secs(10);
/// Faults of one policy are logged at most once in this time.
pub const FAULT_LOG_EVERY: Duration = Duration::from_secs(1);

// Messages.

/// An awaited body. The highest value is the buffer limit of the route.
pub const AWAITED_BODY: usize = MIB;
/// A piece given to a chunk hook.
pub const CHUNK: usize = 64 * KIB;
/// Header lines of a head that a policy adds to.
pub const HEAD_LINES: usize = 256;
/// Names and values of a head that a policy adds to.
pub const HEAD_OCTETS: usize = 256 * KIB;
/// Name of one header.
pub const HEADER_NAME: usize = 256;
/// Value of one header.
pub const HEADER_VALUE: usize = 64 * KIB;
/// A request method.
pub const METHOD: usize = 64;
/// A request target.
pub const TARGET: usize = 32 * KIB;
/// An authority.
pub const AUTHORITY: usize = 261;
/// Header lines of a reply.
pub const REPLY_LINES: usize = 100;
/// Names and values of a reply's headers.
pub const REPLY_HEAD: usize = 64 * KIB;
/// Body of a reply.
pub const REPLY_BODY: usize = MIB;
/// Times one exchange may be handed from endpoint to endpoint.
pub const REROUTES: usize = 5;
/// The text of `refuse` and `abort`; the rest is cut off.
pub const REASON: usize = KIB;
/// The text of a panic or of a failed `configure`; the rest is cut off.
pub const PANIC_TEXT: usize = 4 * KIB;

// State.

/// The value of `keep`.
pub const KEEP: usize = 16 * KIB;
/// Variables of one exchange or connection.
pub const VARS: usize = 64;
/// Name of a variable.
pub const VAR_NAME: usize = 128;
/// Value of a variable.
pub const VAR_VALUE: usize = 4 * KIB;
/// An identity.
pub const IDENTITY: usize = KIB;
/// Key in a `kv` or `rate` bucket.
pub const KV_KEY: usize = 256;
/// Value in a `kv` bucket.
pub const KV_VALUE: usize = 64 * KIB;
/// Entries in a `kv` bucket, unless the file says otherwise.
pub const KV_ENTRIES: usize = 10_000;
/// Keys and values in a `kv` bucket, unless the file says otherwise.
pub const KV_OCTETS: usize = 16 * MIB;
/// Keys in a `rate` bucket, unless the file says otherwise.
pub const RATE_KEYS: usize = 100_000;

// Observation.

/// A log record, extra pairs included.
pub const LOG_RECORD: usize = 8 * KIB;
/// Log records of one policy in a second.
pub const LOG_PER_SECOND: u32 = 100;
/// Names of metrics of one policy.
pub const METRIC_NAMES: usize = 100;
/// Length of a metric's name or of a label's name.
pub const METRIC_NAME: usize = 100;
/// Labels of one metric.
pub const METRIC_LABELS: usize = 8;
/// Value of a label.
pub const METRIC_LABEL_VALUE: usize = 128;
/// Combinations of metrics and labels of one policy.
pub const METRIC_SERIES: usize = 1_000;

// The rest.

/// Octets of randomness in one call; longer requests get this many.
pub const RANDOM: usize = 4 * KIB;
/// `outbound` calls of one phase.
pub const OUTBOUND_CALLS: u32 = 4;
/// `outbound` calls of one policy at a time.
pub const OUTBOUND_IN_FLIGHT: usize = 32;
/// Body of an `outbound` call or of its answer.
pub const OUTBOUND_BODY: usize = MIB;
/// Time for one `outbound` call.
pub const OUTBOUND_TIME: Bound<Duration> =
    bound("outbound", Duration::from_millis(500), Duration::from_secs(30));
