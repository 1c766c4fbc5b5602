//! `adit policy run -- UPSTREAM`: an endpoint with just this policy in front of a service.
//!
//! ```text
//! visitor ─ witness ─ the policy ─ witness ─ service
//! ```
//!
//! The two witnesses see what goes in and what comes out, and tell it on a line. Sources that
//! change are compiled by a thread of ours; the agent, which watches the component's file, takes
//! the new one without dropping a request.

mod witness;

use std::{path::PathBuf, process::ExitCode, sync::mpsc, thread};

use adit_config::file::File;
use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;

use super::{
    args::RunArgs,
    given::{Given, Subject},
    watch,
};
use crate::{app, args::GlobalArgs, output::line, registry};

/// Name of the endpoint in the configuration that is made.
const ENDPOINT: &str = "policy-run";

/// Name of the configuration that is made.
const FILE: &str = "adit policy run";

/// Serves until it is interrupted.
pub(super) fn run(global: &GlobalArgs, args: &RunArgs, upstream: &str) -> Result<ExitCode> {
    let what = match args.what.as_slice() {
        [] => PathBuf::from("."),
        [what] => what.into(),
        [_, other, ..] => bail!("{other} is too much: a policy and, after --, an upstream"),
    };
    let subject = Subject::open(&what, args.profile)?;
    let given = Given::of(&args.given, &subject)?;
    let file = configuration(&subject, &given, upstream)?;
    // `--config` is the policy's own here.
    let global = GlobalArgs { config: Vec::new(), ..global.clone() };
    line(format_args!("Policy      {}, configuration: {}", subject.name, given.config_from));
    let sees_responses = subject.contents.hooks().iter().any(|hook| hook.starts_with("response"));
    let handlers = registry().with(witness::pair(sees_responses));
    let serve = || app::made(&global, file, ENDPOINT, handlers).map_err(without_place);
    let Some(of) = &subject.of else { return serve() };
    let (stop, stopped) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| watch::rebuild(of, args.profile, stopped));
        let ended = serve();
        drop(stop);
        ended
    })
}

/// An endpoint with just this policy, as a file would say it.
fn configuration(subject: &Subject, given: &Given, upstream: &str) -> Result<File> {
    let wasm = subject.file.canonicalize().with_context(|| subject.file.display().to_string())?;
    let policy = json!({ &subject.name: given.config });
    let is_http = subject.contents.sees_http();
    let handlers = if is_http {
        json!([{ witness::BEFORE: {} }, policy, { witness::AFTER: {} }])
    } else {
        json!([policy])
    };
    let mut endpoint = json!({
        "name": ENDPOINT,
        "upstream": { "url": upstream },
        "handlers": handlers,
    });
    if !is_http {
        endpoint["url"] = json!("tcp://");
    }
    let file = json!({
        "version": 3,
        "plugins": { &subject.name: { "wasm": wasm, "grants": given.grants_for(subject) } },
        "endpoints": [endpoint],
    });
    Ok(File::parse(FILE, file.to_string().as_bytes()))
}

/// A mistake, without its place in a file that nobody wrote.
fn without_place(error: anyhow::Error) -> anyhow::Error {
    let text = format!("{error:#}");
    if !text.contains(FILE) {
        return error;
    }
    let lines = text.lines().map(|line| match line.strip_prefix(FILE) {
        Some(rest) => {
            rest.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit()).trim_start()
        }
        None => line,
    });
    anyhow!(lines.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_without_a_place_that_nobody_can_look_at() {
        let told = |text: &str| without_place(anyhow!(text.to_owned())).to_string();
        let text =
            "adit policy run:1:66: handler \"k\": missing field\nadit policy run:1:9: 7 is odd";
        assert_eq!(told(text), "handler \"k\": missing field\n7 is odd");
        assert_eq!(told("no session"), "no session");
    }
}
