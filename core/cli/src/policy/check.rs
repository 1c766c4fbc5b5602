//! `adit policy check`: everything that can be known before a request comes.

use std::path::Path;

use adit_agent::{Agent, EndpointSpec};
use adit_config::file::File;
use anyhow::{Context, Result, bail};

use super::{
    args::{CheckArgs, ProfileArgs},
    artifact,
    contents::Contents,
    given::{Given, Subject},
    stage::{Setting, Stage},
    text,
};
use crate::{args::GlobalArgs, load, output::line, plugins::Plugins, registry, runtime};

pub(super) fn run(global: &GlobalArgs, args: &CheckArgs) -> Result<()> {
    match &args.config_file {
        Some(file) => all(global, file),
        None => one(args, args.what.as_deref().unwrap_or(Path::new("."))),
    }
}

/// Loads and configures every plugin of a configuration file, as the agent would.
fn all(global: &GlobalArgs, file: &Path) -> Result<()> {
    // `--config` is the policy's own here.
    let global = GlobalArgs { config: vec![file.to_owned()], ..global.clone() };
    let loaded = load::agent(&global, File::default())?;
    let config = &loaded.config;
    if config.plugins.is_empty() {
        bail!("{} has no plugins", file.display());
    }
    let runtime = runtime::start()?;
    runtime.block_on(Box::pin(async {
        let registry = registry();
        let plugins = Plugins::load(config, &registry).await?;
        let builder = Agent::builder().config(config).registry(plugins.join(registry));
        let agent = builder.connect("localhost:1").build()?;
        for endpoint in &config.endpoints {
            for spec in EndpointSpec::from_config(endpoint)? {
                agent.check(spec).await?;
            }
        }
        Ok::<_, anyhow::Error>(())
    }))?;
    for (name, definition) in &config.plugins {
        let base = file.parent().unwrap_or(Path::new("."));
        let wasm = definition.json["wasm"].as_str().unwrap_or_default();
        let contents = Contents::of_file(&base.join(wasm))?;
        let used = |endpoint: &&adit_config::Endpoint| {
            endpoint.handlers.iter().any(|link| link.kind == name.value)
        };
        let users = config.endpoints.iter().filter(used).map(|endpoint| endpoint.name.as_str());
        let users: Vec<_> = users.collect();
        let users = if users.is_empty() { "no endpoint".to_owned() } else { users.join(", ") };
        line(format_args!(
            "ok    {}: {}; used by {users}",
            name.value,
            contents.hooks().join(", ")
        ));
    }
    Ok(())
}

/// Checks one component.
fn one(args: &CheckArgs, what: &Path) -> Result<()> {
    let subject = Subject::open(what, ProfileArgs::default())?;
    line(text::contents(&subject.contents).trim_end());
    let given = Given::of(&args.given, &subject)?;
    granted(&subject, &given).with_context(|| {
        format!(
            "{}; it needs:\n{}",
            subject.file.display(),
            artifact::entry(&subject.contents, &subject.file).trim_end()
        )
    })?;
    Stage::new(&subject, &given, Setting::default())?;
    let mut grants = String::new();
    if given.grants.is_none() && subject.contents.needs_grants().next().is_some() {
        let names: Vec<_> = subject.contents.needs_grants().collect();
        grants = format!("; grants to write: {}", names.join(", "));
    }
    line(format_args!("config    accepted ({}){grants}", given.config_from));
    Ok(())
}

/// Whether what is granted is enough to load it.
fn granted(subject: &Subject, given: &Given) -> Result<()> {
    let Some(grants) = &given.grants else { return Ok(()) };
    let is_empty = |name: &str| match &grants[name] {
        serde_json::Value::Array(names) => names.is_empty(),
        serde_json::Value::Object(names) => names.is_empty(),
        _ => true,
    };
    let missing: Vec<_> = subject.contents.needs_grants().filter(|name| is_empty(name)).collect();
    if !missing.is_empty() {
        bail!("not granted: {}", missing.join(", "));
    }
    Ok(())
}
