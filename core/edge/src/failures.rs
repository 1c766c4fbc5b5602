//! Who failed to authenticate how often of late.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// Sources that are remembered. Beyond it the oldest are forgotten first.
const MAX_SOURCES: usize = 4096;
const WINDOW: Duration = Duration::from_secs(60);

/// Refused logins of each source within the last minute.
#[derive(Debug)]
pub(crate) struct Failures {
    max: u32,
    sources: Mutex<HashMap<IpAddr, Recent>>,
}

#[derive(Clone, Copy, Debug)]
struct Recent {
    since: Instant,
    n: u32,
}

impl Failures {
    pub(crate) fn new(max: u32) -> Self {
        Self { max, sources: Mutex::default() }
    }

    /// Whether a source has failed so often that it has to wait for its answers.
    pub(crate) fn is_tiresome(&self, source: IpAddr) -> bool {
        let sources = self.sources.lock();
        let recent = sources.get(&network(source)).filter(|recent| recent.since.elapsed() < WINDOW);
        recent.is_some_and(|recent| recent.n >= self.max)
    }

    /// A login of a source was refused.
    pub(crate) fn note(&self, source: IpAddr) {
        let (now, source) = (Instant::now(), network(source));
        let mut sources = self.sources.lock();
        if sources.len() >= MAX_SOURCES && !sources.contains_key(&source) {
            sources.retain(|_, recent| now.duration_since(recent.since) < WINDOW);
            if sources.len() >= MAX_SOURCES {
                let oldest = sources.iter().min_by_key(|(_, recent)| recent.since);
                oldest.map(|(source, _)| *source).and_then(|source| sources.remove(&source));
            }
        }
        let recent = sources.entry(source).or_insert(Recent { since: now, n: 0 });
        if now.duration_since(recent.since) >= WINDOW {
            *recent = Recent { since: now, n: 0 };
        }
        recent.n = recent.n.saturating_add(1);
    }
}

/// One customer commonly owns a whole /64 of IPv6.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_tiresome_after_its_failures_and_others_are_not() {
        let failures = Failures::new(2);
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        failures.note(one);
        assert!(!failures.is_tiresome(one));
        failures.note(one);
        assert!(failures.is_tiresome(one));
        assert!(!failures.is_tiresome(other));
    }

    #[test]
    fn one_ipv6_network_is_one_source() {
        let failures = Failures::new(1);
        failures.note("2001:db8:1:2::1".parse().unwrap());
        assert!(failures.is_tiresome("2001:db8:1:2:ffff::9".parse().unwrap()));
        assert!(!failures.is_tiresome("2001:db8:1:3::1".parse().unwrap()));
    }

    #[test]
    fn a_bounded_number_of_sources_is_remembered() {
        let failures = Failures::new(1);
        for n in 0..u32::try_from(MAX_SOURCES).unwrap() + 10 {
            failures.note(IpAddr::from(n.to_be_bytes()));
        }
        assert_eq!(failures.sources.lock().len(), MAX_SOURCES);
    }
}
