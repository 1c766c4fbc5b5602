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
use anyhow::{Context, Result, bail};
use serde_json::json;

use super::{
    args::RunArgs,
    given::{Given, Subject},
    watch,
};
use crate::{app, args::GlobalArgs, output::line, registry};

/// Name of the endpoint in the configuration that is made.
const ENDPOINT: &str = "policy-run";

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
    let Some(of) = &subject.of else {
        return app::made(&global, file, ENDPOINT, handlers);
    };
    let (stop, stopped) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| watch::rebuild(of, args.profile, stopped));
        let ended = app::made(&global, file, ENDPOINT, handlers);
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
    Ok(File::parse("adit policy run", file.to_string().as_bytes()))
}
