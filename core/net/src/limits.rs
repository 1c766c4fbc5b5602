//! Named limits and deadlines of this crate, each with its reason.

use std::time::Duration;

/// Largest TLS ClientHello that is kept for replay, in bytes.
///
/// Reason: a ClientHello with a post-quantum key share is about 1.8 KiB and one with large
/// session tickets some more; one maximal TLS record (16 KiB and its 5-byte header) holds every
/// hello that is seen in practice.
pub const MAX_CLIENT_HELLO: usize = 16 * 1024 + 5;

/// Time for a ClientHello to arrive whole.
///
/// Reason: it is one flight of at most two packets; a client that needs longer is a slow-loris.
pub const CLIENT_HELLO_DEADLINE: Duration = Duration::from_secs(3);

/// Time for a TLS handshake, the whole of it.
pub const TLS_HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);

/// Longest PROXY protocol header that is read, in bytes.
///
/// Fact: 536 is what published agents give up at: the smallest TCP segment, which the PROXY
/// protocol says a header must fit in.
pub const MAX_PROXY_HEADER: usize = 536;

/// Time for a PROXY protocol header to arrive whole.
///
/// Reason: the sender writes it at once, before anything else.
pub const PROXY_HEADER_DEADLINE: Duration = Duration::from_secs(3);

/// Connections that one listener serves at a time unless told otherwise.
///
/// Reason: each costs two file descriptors and some tens of KiB when busy; further ones wait in
/// the kernel's queue.
pub const MAX_CONNECTIONS: usize = 10_000;

/// Length of the kernel's queue of connections that were not accepted yet.
///
/// Reason: bursts of new connections; the kernel clamps it to `net.core.somaxconn`.
pub const LISTEN_BACKLOG: i32 = 4096;

/// First pause after the accept call failed for want of a resource (file descriptors, memory).
pub const ACCEPT_BACKOFF_MIN: Duration = Duration::from_millis(5);

/// Longest pause after the accept call failed.
pub const ACCEPT_BACKOFF_MAX: Duration = Duration::from_secs(1);

/// Time for one dial: name resolution and every attempt together.
pub const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// The least time that one attempt gets while other addresses remain to be tried.
///
/// Reason: a lost SYN is repeated after one second; less than two would turn a single lost
/// packet into a failed address.
pub const MIN_ATTEMPT: Duration = Duration::from_secs(2);

/// Addresses of one name that are tried at most.
pub const MAX_ADDRESSES: usize = 16;

/// Idle time before the kernel asks whether the peer still exists.
///
/// Reason: a system keeps what is left of a closed connection for about this long (`tcp_fin_timeout`
/// of Linux is 60 s) and resets what comes later; asking earlier would learn nothing. It is also
/// less than most address translators let a connection be idle.
pub const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);

/// Time for an answer, before the kernel asks again.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Questions without an answer after which the peer is gone.
///
/// Reason: a minute, with the interval; a network that is away for a moment loses no connection.
pub const KEEPALIVE_PROBES: u32 = 4;

/// Largest head of a proxy's answer to CONNECT, in bytes.
pub const MAX_CONNECT_RESPONSE: usize = 16 * 1024;

/// Largest DNS answer that is read over TCP, in bytes; the format's own limit.
pub const MAX_DNS_MESSAGE: usize = 65_535;

/// Time for one question to one DNS server.
pub const DNS_QUERY_TIMEOUT: Duration = Duration::from_secs(2);

/// Sessions that one TLS configuration remembers.
///
/// Reason: room for them is made when the configuration is, about 100 bytes each, and there may
/// be a configuration per route. It is enough for dialling, where a configuration serves few
/// hosts; accepting sides hand out stateless tickets and need it for old clients only.
pub const TLS_SESSION_CACHE: usize = 256;
