//! How many connections one source may hold.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use parking_lot::Mutex;

/// Counts what each source address holds and refuses more than a limit.
///
/// An entry exists only while its source holds something, so memory is bounded by the number of
/// guards, which the connection limit bounds. IPv6 sources are counted by their /64: one
/// customer commonly owns all of it.
#[derive(Clone, Debug)]
pub struct PerSource {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    max: u32,
    held: Mutex<HashMap<IpAddr, u32>>,
}

impl PerSource {
    /// Lets each source hold at most `max`.
    pub fn new(max: u32) -> Self {
        Self { inner: Arc::new(Inner { max, held: Mutex::default() }) }
    }

    /// Counts one more for `source`, until the guard is dropped; `None` if it holds all it may.
    pub fn admit(&self, source: IpAddr) -> Option<SourceGuard> {
        let key = key(source);
        {
            let mut held = self.inner.held.lock();
            let n = held.entry(key).or_insert(0);
            if *n >= self.inner.max {
                if *n == 0 {
                    held.remove(&key);
                }
                return None;
            }
            *n += 1;
        }
        Some(SourceGuard { inner: Arc::clone(&self.inner), key })
    }

    /// What `source` holds now.
    pub fn held(&self, source: IpAddr) -> u32 {
        self.inner.held.lock().get(&key(source)).copied().unwrap_or(0)
    }

    /// Sources that hold something now.
    pub fn n_sources(&self) -> usize {
        self.inner.held.lock().len()
    }
}

/// One thing that a source holds; gives it back when dropped.
#[derive(Debug)]
pub struct SourceGuard {
    inner: Arc<Inner>,
    key: IpAddr,
}

impl Drop for SourceGuard {
    fn drop(&mut self) {
        let mut held = self.inner.held.lock();
        if let Entry::Occupied(mut entry) = held.entry(self.key) {
            match entry.get().checked_sub(1) {
                None | Some(0) => drop(entry.remove()),
                Some(n) => *entry.get_mut() = n,
            }
        }
    }
}

fn key(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_gets_its_limit_and_no_more_and_others_are_not_affected() {
        let sources = PerSource::new(2);
        let first = sources.admit(ip("192.0.2.1")).unwrap();
        let _second = sources.admit(ip("192.0.2.1")).unwrap();
        assert!(sources.admit(ip("192.0.2.1")).is_none());
        assert!(sources.admit(ip("192.0.2.2")).is_some());
        drop(first);
        assert!(sources.admit(ip("192.0.2.1")).is_some());
    }

    #[test]
    fn nothing_is_remembered_of_a_source_that_holds_nothing() {
        let sources = PerSource::new(8);
        let guards: Vec<_> = (0..4).map(|_| sources.admit(ip("192.0.2.1")).unwrap()).collect();
        assert_eq!((sources.held(ip("192.0.2.1")), sources.n_sources()), (4, 1));
        drop(guards);
        assert_eq!((sources.held(ip("192.0.2.1")), sources.n_sources()), (0, 0));
        let closed = PerSource::new(0);
        assert!(closed.admit(ip("192.0.2.1")).is_none());
        assert_eq!(closed.n_sources(), 0);
    }

    #[test]
    fn one_ipv6_network_is_one_source_and_a_mapped_address_is_its_ipv4_self() {
        let sources = PerSource::new(1);
        let _one = sources.admit(ip("2001:db8:1:2::1")).unwrap();
        assert!(sources.admit(ip("2001:db8:1:2:ffff::9")).is_none());
        assert!(sources.admit(ip("2001:db8:1:3::1")).is_some());
        let _two = sources.admit(ip("192.0.2.1")).unwrap();
        assert!(sources.admit(ip("::ffff:192.0.2.1")).is_none());
    }
}
