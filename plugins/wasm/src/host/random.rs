//! Octets that nobody can guess: the operating system's, or, for tests, a sequence from a seed.

use adit_policy_rules::limits;
use parking_lot::Mutex;

use super::State;
use crate::bindings::adit::policy::random::Host;

/// Where random octets come from.
#[derive(Debug, Default)]
pub(super) enum Random {
    /// The operating system.
    #[default]
    System,
    /// The same octets for the same seed, each time.
    Seeded(Mutex<u64>),
}

impl Random {
    pub(super) const fn seeded(seed: u64) -> Self {
        Self::Seeded(Mutex::new(seed))
    }

    fn number(&self) -> wasmtime::Result<u64> {
        match self {
            Self::System => getrandom::u64().map_err(broken),
            Self::Seeded(state) => Ok(next(&mut state.lock())),
        }
    }

    /// As many octets as asked for, at most [`limits::RANDOM`].
    fn bytes(&self, count: u32) -> wasmtime::Result<Vec<u8>> {
        let len = usize::try_from(count).unwrap_or(usize::MAX).min(limits::RANDOM);
        let mut bytes = vec![0; len];
        match self {
            Self::System => getrandom::fill(&mut bytes).map_err(broken)?,
            Self::Seeded(state) => {
                let mut state = state.lock();
                for piece in bytes.chunks_mut(8) {
                    piece.copy_from_slice(&next(&mut state).to_le_bytes()[..piece.len()]);
                }
            }
        }
        Ok(bytes)
    }
}

/// The operating system has none, so nothing that depends on it may go on.
#[cold]
fn broken(error: getrandom::Error) -> wasmtime::Error {
    wasmtime::format_err!("no randomness: {error}")
}

/// The next number of a sequence that looks random (`SplitMix64`).
const fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Host for State {
    fn bytes(&mut self, count: u32) -> wasmtime::Result<Vec<u8>> {
        self.policy.services().random().bytes(count)
    }

    fn number(&mut self) -> wasmtime::Result<u64> {
        self.policy.services().random().number()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_requests_get_as_much_as_there_is_in_one_call() {
        for random in [Random::System, Random::seeded(1)] {
            assert_eq!(random.bytes(0).unwrap().len(), 0);
            assert_eq!(random.bytes(13).unwrap().len(), 13);
            assert_eq!(random.bytes(u32::MAX).unwrap().len(), limits::RANDOM);
        }
    }

    #[test]
    fn a_seed_gives_the_same_sequence_and_the_system_does_not() {
        let sequence = |random: &Random| (random.bytes(20).unwrap(), random.number().unwrap());
        assert_eq!(sequence(&Random::seeded(7)), sequence(&Random::seeded(7)));
        assert_ne!(sequence(&Random::seeded(7)), sequence(&Random::seeded(8)));
        assert_ne!(sequence(&Random::System), sequence(&Random::System));
    }
}
