//! `adit config check`: everything that is wrong with an agent's files, or an edge's, with its lines.

use std::{path::PathBuf, process::ExitCode};

use adit_config::{
    Config, Diagnostic, Diagnostics, HandlerSpec, Layers,
    edge::{EdgeFile, EdgeLayers},
    file::File,
    location::Persona,
    nearest,
    report::Report,
};
use adit_edge::FileAccounts;
use anyhow::Result;

use super::{whereabouts, write};
use crate::{
    args::GlobalArgs,
    failure, log,
    output::{self, line},
    registry,
};

pub(super) fn run(persona: Persona, global: &GlobalArgs) -> Result<ExitCode> {
    check(persona, &whereabouts::existing(persona, global)?)
}

/// Checks the files as they are used together, and says what came of it.
///
/// The environment stays out of it: it is not in the files.
pub(super) fn check(persona: Persona, paths: &[PathBuf]) -> Result<ExitCode> {
    let mut sources = Vec::new();
    let mut unreadable = Vec::new();
    for path in paths {
        match write::read(path) {
            Ok(Some(bytes)) => sources.push((path.display().to_string(), bytes)),
            Ok(None) => unreadable.push(format!("{}: there is no such file", path.display())),
            Err(error) => unreadable.push(format!("{error:#}")),
        }
    }
    let (problems, warnings) = match sources.iter().any(|(name, bytes)| is_of_edge(name, bytes)) {
        true => (problems_of_edge(&sources), Vec::new()),
        false => problems(sources.iter().map(|(name, bytes)| File::parse(name, bytes)).collect()),
    };
    if problems.is_empty() && unreadable.is_empty() {
        for path in paths {
            line(format_args!("Valid configuration file at {}", path.display()));
        }
        // Fact: wrappers take a byte on standard error for a file that is not valid.
        for warning in &warnings {
            line(format_args!("Warning: {warning}"));
        }
        return Ok(ExitCode::SUCCESS);
    }
    for text in &unreadable {
        tracing::error!(target: log::CRIT, err = %text, "command failed");
        output::error(text);
    }
    if !problems.is_empty() {
        let err = failure::called(persona, &problems.to_string());
        tracing::error!(target: log::CRIT, %err, "command failed");
        let files = sources.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        let report = Report::new(&problems, files).to_string();
        // Lines of the file stay as they are.
        output::error(&failure::advised(persona, &report));
    }
    Ok(ExitCode::FAILURE)
}

/// Whether it is a file for `adit edge`: an agent's has neither key at its top.
fn is_of_edge(name: &str, bytes: &[u8]) -> bool {
    let (file, _) = EdgeFile::parse(name, bytes);
    file.domain.is_some() || file.tokens.is_some()
}

fn problems_of_edge(sources: &[(String, Vec<u8>)]) -> Diagnostics {
    let files = sources.iter().map(|(name, bytes)| EdgeFile::parse(name, bytes)).collect();
    let config = EdgeLayers { files, ..EdgeLayers::default() }.resolve();
    config.and_then(|config| FileAccounts::from_config(&config)).err().unwrap_or_default()
}

/// What is wrong with files that are used together, in the order of their lines; and what of them has
/// nothing to act on.
fn problems(files: Vec<File>) -> (Diagnostics, Vec<Diagnostic>) {
    let unknown = unknown_handlers(&files);
    let (mut problems, warnings) = match (Layers { files, ..Layers::default() }).resolve() {
        Ok(config) => {
            let warnings = config.endpoints.iter().flat_map(|e| e.warnings.iter().cloned());
            (policies(&config), warnings.collect())
        }
        Err(problems) => (problems, Vec::new()),
    };
    unknown.into_iter().for_each(|problem| problems.push(problem));
    (problems.into_result(()).err().unwrap_or_default(), warnings)
}

/// What is wrong with the traffic policies that are written in the files, or that are in files of
/// their own on this machine.
fn policies(config: &Config) -> Diagnostics {
    let registry = registry();
    let mut problems = Diagnostics::default();
    for endpoint in &config.endpoints {
        if let Err(error) = adit_agent::check_policy(endpoint, &registry) {
            problems.append(error.into());
        }
    }
    problems
}

/// Handlers that the program does not have. What their options mean is for the start, as it is for
/// all values that may be about another machine.
fn unknown_handlers(files: &[File]) -> Vec<Diagnostic> {
    let registry = registry();
    let plugins: Vec<&str> =
        files.iter().flat_map(|f| &f.plugins.0).map(|(name, _)| name.value.as_str()).collect();
    let of_endpoints = files.iter().flat_map(|file| {
        let endpoints = file.endpoints.iter().flat_map(|list| &list.value);
        let tunnels = file.tunnels.0.iter().filter_map(|(_, tunnel)| tunnel.handlers.as_ref());
        endpoints.filter_map(|endpoint| endpoint.value.handlers.as_ref()).chain(tunnels)
    });
    let links = of_endpoints.flat_map(|handlers| &handlers.value);
    let unknown = links.filter(|l| !registry.has(&l.kind) && !plugins.contains(&l.kind.as_str()));
    let problem = |link: &HandlerSpec| {
        let known = || registry.kinds().chain(plugins.iter().copied());
        let hint = match nearest(&link.kind, known()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("there are {}", known().collect::<Vec<_>>().join(", ")),
        };
        let problem = Diagnostic::new(link.place.clone(), format!("no handler {:?}", link.kind));
        problem.hint(hint)
    };
    unknown.map(problem).collect()
}
