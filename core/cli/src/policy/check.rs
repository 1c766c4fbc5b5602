//! `adit policy check`: everything that can be known before a request comes.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::{
    args::{CheckArgs, ProfileArgs},
    artifact,
    given::{Given, Subject},
    stage::{Setting, Stage},
    text,
};
use crate::output::line;

pub(super) fn run(args: &CheckArgs) -> Result<()> {
    match &args.what {
        _ => one(args, args.what.as_deref().unwrap_or(Path::new("."))),
    }
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
