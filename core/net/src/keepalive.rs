//! Whether a peer that says nothing still exists.
//!
//! A peer that has vanished and one that only waits look the same: neither sends anything. So the
//! kernel asks now and then; it is told where there was a peer (a reset), or nothing at all.

use std::io;

use socket2::{SockRef, TcpKeepalive};

use crate::limits::{KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_PROBES};

/// Lets the kernel ask. For a socket that listens, those that it accepts inherit it on most systems.
pub(crate) fn set<'a>(socket: impl Into<SockRef<'a>>) -> io::Result<()> {
    let asks = TcpKeepalive::new().with_time(KEEPALIVE_IDLE);
    #[cfg(not(target_os = "openbsd"))]
    let asks = asks.with_interval(KEEPALIVE_INTERVAL);
    #[cfg(not(any(target_os = "openbsd", windows)))]
    let asks = asks.with_retries(KEEPALIVE_PROBES);
    #[cfg(any(target_os = "openbsd", windows))]
    let _ = (KEEPALIVE_INTERVAL, KEEPALIVE_PROBES);
    socket.into().set_tcp_keepalive(&asks)
}
