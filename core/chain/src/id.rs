//! Identities of connections and exchanges.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Bits below the millisecond: a million ids in one millisecond before the counter runs ahead.
const SEQUENCE_BITS: u32 = 20;

/// Identity of a connection or an exchange: unique in this process, and its text sorts in the order
/// of time (16 hex digits), which the local API promises for captured requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u64);

impl Id {
    /// The next identity.
    pub fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let floor = u64::try_from(since_epoch.as_millis()).unwrap_or(0) << SEQUENCE_BITS;
        let step = |last: u64| Some(last.saturating_add(1).max(floor));
        let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step);
        Self(last.unwrap_or_default().saturating_add(1).max(floor))
    }

    /// The identity of a text: exactly what one prints.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        let is_one = text.len() == 16 && text.bytes().all(is_digit);
        is_one.then(|| u64::from_str_radix(text, 16).ok().map(Self)).flatten()
    }

    /// When it was made, since 1970, to the millisecond.
    pub const fn since_epoch(self) -> Duration {
        Duration::from_millis(self.0 >> SEQUENCE_BITS)
    }

    /// The number that its text is of.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_as_text_in_the_order_they_were_made() {
        let ids: Vec<String> = (0..2_000).map(|_| Id::next().to_string()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.iter().all(|id| id.len() == 16));
    }

    #[test]
    fn what_is_printed_is_read_and_nothing_else_is() {
        let id = Id::next();
        assert_eq!(Id::parse(&id.to_string()), Some(id));
        for text in ["", "1", "+123456789abcdef", "123456789ABCDEF0", "00000000000000000", "é"] {
            assert_eq!(Id::parse(text), None, "{text}");
        }
    }
}
