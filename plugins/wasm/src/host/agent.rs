//! The agent, and this policy's place in it.

use adit_policy_rules::{limits, observe};

use super::State;
use crate::bindings::adit::policy::agent::Host;

/// Behaviour that has no type of its own, by name. Names are only ever added.
const FEATURES: [&str; 4] =
    ["connection-vars", "request-body-edits", "response-body-edits", "tls-attributes"];

/// Whether this agent has it.
pub(super) fn supports(feature: &str) -> bool {
    FEATURES.contains(&feature)
}

impl Host for State {
    fn policy_name(&mut self) -> String {
        self.policy.name().to_owned()
    }

    fn version(&mut self) -> String {
        self.policy.services().version().to_owned()
    }

    fn supports(&mut self, feature: String) -> bool {
        supports(&feature)
    }

    fn panicked(&mut self, message: String, location: String) {
        let cut = |text: &str| observe::cut(text, limits::PANIC_TEXT).to_owned();
        self.panic = Some((cut(&message), cut(&location)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_heard_of_is_not_supported() {
        assert!(supports("tls-attributes"));
        assert!(!supports("tls-attribute"));
        assert!(!supports(""));
    }
}
