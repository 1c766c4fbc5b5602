//! The agent itself.

use super::ask;

pub(crate) fn policy_name() -> String {
    ask(|world| world.policy_name.clone())
}

pub(crate) fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

pub(crate) fn supports(_: &str) -> bool {
    false
}
