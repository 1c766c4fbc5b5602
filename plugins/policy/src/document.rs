//! Reads a document and finds everything that is wrong with it.
//!
//! ```text
//! on_http_request:                  # a phase
//!   - name: writes need a token     # a rule: runs if all of its expressions are true
//!     expressions: ["req.method == 'POST'"]
//!     actions:
//!       - type: deny                # an action
//!         config: {status_code: 428}
//! ```

mod cx;
mod keys;
mod phases;
mod rule;
mod step;

use std::fmt;

use adit_chain::Needs;
use serde_json::Value as Json;

use self::{cx::Loading, phases::N_PHASES};
pub(crate) use self::{
    rule::{Condition, Rule},
    step::Step,
};
use crate::{
    phase::Phase,
    problem::{Problems, code},
    scope::Scope,
    services::Services,
};

/// How many rules a document may have.
///
/// Reason: the language has such a limit and does not tell it; people write tens.
const MAX_RULES: usize = 1000;

/// A document that was read and can be run.
pub(crate) struct Policy {
    /// The rules, by [`Phase::index`].
    rules: [Vec<Rule>; N_PHASES],
    #[cfg(test)]
    pub(crate) seen: crate::testing::Seen,
}

impl Policy {
    /// Reads a document. `None` if it cannot be used; `problems` then says why.
    pub(crate) fn load(
        document: &Json,
        cx: &adit_chain::BuildCx,
        services: &Services,
        problems: &mut Problems,
    ) -> Option<Self> {
        let mut loading = Loading::new(cx, services, problems);
        let policy = Self::read(document, &mut loading);
        policy.filter(|_| !problems.has_errors())
    }

    fn read(document: &Json, loading: &mut Loading<'_>) -> Option<Self> {
        let none = serde_json::Map::new();
        let map = match document {
            Json::Null => &none,
            Json::Object(map) => map,
            _ => {
                let message = "a traffic policy is an object with phases, such as on_http_request";
                loading.problems.error(&[], code::SHAPE, message);
                return None;
            }
        };
        let is_enabled = phases::is_enabled(map, loading);
        let found = phases::find(map, loading);
        // Before any of them is compiled, which takes its time.
        let n_rules: usize = found.iter().map(|(.., list)| list.len()).sum();
        if n_rules > MAX_RULES {
            let message = format!("there are {n_rules} rules; at most {MAX_RULES} are allowed");
            loading.problems.error(&[], code::N_RULES, message);
            return None;
        }
        let mut rules: [Vec<Rule>; N_PHASES] = Default::default();
        for (phase, at, list) in found {
            if let Some(read) = rule::read_all(list, phase, &[at], loading) {
                rules[phase.index()] = read;
            }
        }
        loading.check_logins();
        Some(Self {
            rules: if is_enabled { rules } else { Default::default() },
            #[cfg(test)]
            seen: crate::testing::Seen::default(),
        })
    }

    /// Called when a phase is over, so that tests can look at what it left behind.
    pub(crate) fn saw(&self, scope: &Scope) {
        #[cfg(test)]
        self.seen.note(scope);
        #[cfg(not(test))]
        let _ = scope;
    }

    /// The rules of a phase, in order.
    pub(crate) fn rules(&self, phase: Phase) -> &[Rule] {
        &self.rules[phase.index()]
    }

    /// Whether a phase has rules.
    pub(crate) fn has(&self, phase: Phase) -> bool {
        !self.rules(phase).is_empty()
    }

    /// What the chain must let it see.
    pub(crate) fn needs(&self) -> Needs {
        let of_phase = |phase: Phase| {
            let own = match phase {
                Phase::TcpConnect => Needs::CONNECT,
                Phase::HttpRequest => Needs::REQUEST_HEAD,
                Phase::HttpResponse | Phase::EventStreamMessage => {
                    Needs::REQUEST_HEAD | Needs::RESPONSE_HEAD
                }
            };
            let rules = self.rules(phase);
            let steps = rules.iter().flat_map(|rule| &rule.actions);
            let needs = steps.fold(Needs::empty(), |all, step| all | step.action.needs());
            if rules.is_empty() { Needs::empty() } else { own | needs }
        };
        Phase::ALL.into_iter().map(of_phase).fold(Needs::empty(), |all, needs| all | needs)
    }
}

impl fmt::Debug for Policy {
    /// How many rules: what they hold may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for phase in Phase::ALL.into_iter().filter(|phase| self.has(*phase)) {
            map.entry(&phase.key(), &self.rules(phase).len());
        }
        map.finish()
    }
}

#[cfg(test)]
mod tests;
