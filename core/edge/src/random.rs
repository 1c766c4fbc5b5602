//! Ids that cannot be guessed, and names that can be said.

use std::sync::LazyLock;

use petname::Petnames;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Characters of an id's random part: about 160 bits.
const ID_LEN: usize = 27;

static WORDS: LazyLock<Petnames<'static>> = LazyLock::new(Petnames::default);

/// `prefix_` and 27 random base62 characters.
pub(crate) fn id(prefix: &str) -> String {
    let mut id = String::with_capacity(prefix.len() + 1 + ID_LEN);
    id.push_str(prefix);
    id.push('_');
    id.extend((0..ID_LEN).map(|_| char::from(BASE62[below(BASE62.len())])));
    id
}

/// Two words: `quiet-heron`. About 650,000 of them.
pub(crate) fn name() -> String {
    format!("{}-{}", pick(&WORDS.adjectives), pick(&WORDS.nouns))
}

/// A uniform number in `0..n`.
///
/// # Panics
/// If `n` is 0, or the system has no random bytes to give.
pub(crate) fn below(n: usize) -> usize {
    let n = u64::try_from(n).expect("lengths fit 64 bits");
    let zone = u64::MAX - u64::MAX % n;
    loop {
        let mut bytes = [0; 8];
        fill(&mut bytes);
        let value = u64::from_le_bytes(bytes);
        if value < zone {
            return usize::try_from(value % n).expect("below a usize");
        }
    }
}

/// Random bytes of the system.
///
/// # Panics
/// If there are none; nothing that needs them could be done safely.
pub(crate) fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system's random source works");
}

fn pick<'a>(words: &'a [&'a str]) -> &'a str {
    words.get(below(words.len())).copied().unwrap_or("adit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_long_and_differ() {
        let (a, b) = (id("ep"), id("ep"));
        assert_eq!(a.len(), 30);
        assert!(a.starts_with("ep_") && a != b);
    }

    #[test]
    fn names_are_two_words_that_a_label_may_be() {
        for _ in 0..200 {
            let name = name();
            assert!(name.split('-').count() >= 2, "{name}");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{name}");
        }
    }
}
