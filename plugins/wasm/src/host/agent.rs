//! The agent, and this policy's place in it.

use adit_policy_rules::{limits, observe};

use super::State;
use crate::bindings::adit::policy::agent::Host;

impl Host for State {
    fn policy_name(&mut self) -> String {
        self.policy.name().to_owned()
    }

    fn version(&mut self) -> String {
        self.policy.services().version().to_owned()
    }

    /// No name is defined yet: whatever this agent does can be read off its interfaces.
    fn supports(&mut self, _feature: String) -> bool {
        false
    }

    fn panicked(&mut self, message: String, location: String) {
        let cut = |text: &str| observe::cut(text, limits::PANIC_TEXT).to_owned();
        self.panic = Some((cut(&message), cut(&location)));
    }
}
