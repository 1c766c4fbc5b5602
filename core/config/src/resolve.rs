//! From files, environment and flags to a [`Config`]. Pure; every problem is reported.

mod agent;
mod endpoint;
mod tunnel;

use std::collections::BTreeMap;

use crate::{
    config::Config,
    diagnostic::{Diagnostic, Diagnostics},
    endpoint::Endpoint,
    file::{Agent, File},
    place::{At, Place},
};

/// The environment, as far as it matters: name to value.
pub type Env = BTreeMap<String, String>;

/// Everything that a configuration is made of. Later beats earlier: files in their order, then the
/// environment, then the flags.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// The files, in the order they were given.
    pub files: Vec<File>,
    /// The environment.
    pub env: Env,
    /// What the flags say, in the same form as a file.
    pub flags: File,
}

impl Layers {
    /// What all layers together mean.
    ///
    /// # Errors
    /// Every problem of every layer, in the order of the files and their lines.
    pub fn resolve(self) -> Result<Config, Diagnostics> {
        let mut merged = File::default();
        self.files.into_iter().for_each(|file| merged.merge(file));
        let mut cx = Context::new(std::mem::take(&mut merged.problems));
        agent::apply_env(&mut merged.agent, &self.env, &mut cx);
        merged.merge(self.flags);
        cx.problems.append(std::mem::take(&mut merged.problems));

        let mut endpoints: Vec<Endpoint> = Vec::new();
        let mut names: BTreeMap<String, Place> = BTreeMap::new();
        for written in merged.endpoints.into_iter().flat_map(|list| list.value) {
            endpoints.extend(endpoint::resolve(written, &mut cx));
        }
        for (name, written) in merged.tunnels.0 {
            endpoints.extend(tunnel::resolve(name, written, &mut cx));
        }
        for endpoint in &endpoints {
            let place = &endpoint.place;
            if let Some(first) = names.insert(endpoint.name.clone(), place.clone()) {
                let message = format!("endpoint {:?} is also defined at {first}", endpoint.name);
                cx.fail(Diagnostic::new(place.clone(), message).hint("give each its own name"));
            }
        }
        let config = agent::resolve(merged.agent, &self.env, merged.plugins.0, endpoints, &mut cx);
        cx.problems.into_result(config)
    }
}

/// The configuration that nothing at all means.
pub(crate) fn defaults() -> Config {
    let mut cx = Context::new(Diagnostics::default());
    agent::resolve(Agent::default(), &Env::new(), Vec::new(), Vec::new(), &mut cx)
}

/// Collects problems.
struct Context {
    problems: Diagnostics,
    /// Whether the files could be read without a problem.
    all_read: bool,
}

impl Context {
    fn new(problems: Diagnostics) -> Self {
        Self { all_read: problems.is_empty(), problems }
    }

    fn fail(&mut self, diagnostic: Diagnostic) {
        self.problems.push(diagnostic);
    }

    fn error(&mut self, place: &Place, message: impl Into<String>) {
        self.fail(Diagnostic::new(place.clone(), message));
    }

    /// Notes that something required was not written. Says nothing while the files have other
    /// problems: a value that could not be read is not missing.
    fn missing(&mut self, place: &Place, message: impl Into<String>) {
        if self.all_read {
            self.error(place, message);
        }
    }

    /// The value, or its error noted.
    fn check<T, E: std::fmt::Display>(&mut self, at: &Place, result: Result<T, E>) -> Option<T> {
        result.map_err(|e| self.error(at, e.to_string())).ok()
    }
}

/// The value of an optional setting, or its default.
fn or<T>(written: Option<At<T>>, default: T) -> T {
    written.map_or(default, |at| at.value)
}

#[cfg(test)]
mod tests;
