//! From files, environment and flags to a [`Config`]. Pure; every problem is reported.

mod agent;
mod endpoint;
mod idle;
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
        let written = merged.endpoints.map_or_else(Vec::new, |list| list.value);
        cx.entries.extend(written.iter().map(|endpoint| endpoint.place.clone()));
        cx.entries.extend(merged.tunnels.0.iter().map(|(name, _)| name.place.clone()));
        for endpoint in written {
            endpoints.extend(endpoint::resolve(endpoint, &mut cx));
        }
        for (name, tunnel) in merged.tunnels.0 {
            endpoints.extend(tunnel::resolve(name, tunnel, &mut cx));
        }
        for endpoint in &mut endpoints {
            let idle = idle::without_policy(endpoint);
            endpoint.warnings.extend(idle);
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
    /// Where the files could not be read.
    unread: Vec<Place>,
    /// Where each endpoint and tunnel starts.
    entries: Vec<Place>,
}

impl Context {
    fn new(problems: Diagnostics) -> Self {
        let unread = problems.iter().map(|problem| problem.place.clone()).collect();
        Self { problems, unread, entries: Vec::new() }
    }

    fn fail(&mut self, diagnostic: Diagnostic) {
        self.problems.push(diagnostic);
    }

    fn error(&mut self, place: &Place, message: impl Into<String>) {
        self.fail(Diagnostic::new(place.clone(), message));
    }

    /// Notes that the entry at `place` lacks something. Says nothing while there are other problems
    /// in it: a value that could not be read is not missing.
    fn missing(&mut self, place: &Place, message: impl Into<String>) {
        if self.is_read(place) {
            self.error(place, message);
        }
    }

    /// Whether everything was read of the entry at `place`. An entry may have parts in several
    /// files, so those must have been read altogether.
    fn is_read(&self, place: &Place) -> bool {
        let at = |place: &Place| (place.line, place.column);
        let behind = self.entries.iter().filter(|e| e.file == place.file && at(e) > at(place));
        let next = behind.map(at).min();
        self.unread.iter().all(|problem| {
            let before = problem.line > 0 && at(problem) < at(place);
            let behind = next.is_some_and(|next| at(problem) >= next);
            problem.file == place.file && (before || behind)
        })
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
