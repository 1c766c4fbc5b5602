//! Randomness that is the same in each run.

use adit_policy_rules::limits;

use super::ask;

/// SplitMix64: a number and its successors.
#[derive(Debug)]
pub(crate) struct Sequence(pub(crate) u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

pub(crate) fn bytes(count: u32) -> Vec<u8> {
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(limits::RANDOM);
    ask(|world| {
        let numbers = std::iter::repeat_with(|| world.random.next().to_le_bytes());
        numbers.take(count.div_ceil(8)).flatten().take(count).collect()
    })
}

pub(crate) fn number() -> u64 {
    ask(|world| world.random.next())
}
