//! Randomness of the operating system, fit for secrets.
//!
//! The crates `rand`, `uuid` and their like work too, with this SDK's feature `getrandom`: see the
//! [first page](crate#randomness-for-other-crates).

use adit_policy_rules::limits;

use crate::backend::random;

/// So many random octets.
pub fn bytes(count: usize) -> Vec<u8> {
    let mut octets = vec![0; count];
    fill(&mut octets);
    octets
}

/// Fills a slice with random octets.
pub fn fill(octets: &mut [u8]) {
    for piece in octets.chunks_mut(limits::RANDOM) {
        let count = u32::try_from(piece.len()).expect("a piece is at most 4 KiB");
        piece.copy_from_slice(&random::bytes(count));
    }
}

/// A random number.
pub fn number() -> u64 {
    random::number()
}

/// A random number below `end`, all equally likely; 0 if `end` is 0.
pub fn below(end: u64) -> u64 {
    let wide = u128::from(number()) * u128::from(end);
    // The bias of this step is below `end` / 2⁶⁴.
    u64::try_from(wide >> 64).expect("below end")
}
