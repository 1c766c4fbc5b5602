//! A clock that only the test moves.

use super::ask;

pub(crate) fn now() -> u64 {
    ask(|world| world.now_ns)
}

pub(crate) fn monotonic() -> u64 {
    ask(|world| world.monotonic_ns)
}
