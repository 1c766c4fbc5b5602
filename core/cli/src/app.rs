//! `adit http`, `tcp`, `tls` and `start`: one session, its endpoints, and their end.
//!
//! ```text
//! configuration ─► web service ─► session ─► endpoints ─► shown, changed, reloaded ─► drained
//! ```
//!
//! - `source`: where the configuration comes from; `run`, `end`: the order of things.
//! - `table`: every endpoint, whoever asked for it; `session`: how the session stands.
//! - `control`: what the local API may ask; `define`: endpoints in requests; `settings`, `web`.
//! - `reload`, `watch`: another configuration for a running agent. `replay`: requests, sent again.
//! - `screen`: what a person sees.

mod control;
mod define;
mod end;
mod reload;
mod replay;
mod run;
mod screen;
mod session;
mod settings;
mod source;
mod table;
mod watch;
mod web;

use std::{net::SocketAddr, process::ExitCode, sync::Arc};

use adit_chain::Registry;
use adit_config::{Config, file::Tunnel};
use adit_inspect::{capture::Store, control::Changes};
use adit_net::tasks::Spawner;
use anyhow::Result;
use tokio::sync::watch as watched;

use self::{
    run::Watch,
    session::Line,
    source::Source,
    table::{Ground, Table},
};
pub(crate) use self::{
    screen::{Running, Screen, Show},
    source::{Choice, file_names},
};
use crate::{
    args::{EndpointArgs, GlobalArgs, SessionArgs, StartArgs},
    flags,
    plugins::{self, Plugins},
    registry,
};

/// A running agent.
struct App {
    source: Source,
    choice: Choice,
    /// What it was started with, as it was read.
    started: Config,
    /// The files of it, as the user named them.
    files: Vec<String>,
    /// The handlers of the program itself.
    builtin: Registry,
    plugins: Plugins,
    /// Whether the edge is our own, on loopback.
    is_embedded: bool,
    web: Option<SocketAddr>,
    store: Option<Arc<Store>>,
    ground: Ground,
    line: Line,
    table: Table,
    changes: watched::Sender<Changes>,
    /// Runs what must not end with the request that asked for it.
    spawner: Spawner,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("line", &self.line).finish_non_exhaustive()
    }
}

/// The one endpoint of the command line.
pub(crate) fn one(
    global: &GlobalArgs,
    session: &SessionArgs,
    endpoint: &EndpointArgs,
    tunnel: Tunnel,
) -> Result<ExitCode> {
    let name = endpoint.name.clone().filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| flags::COMMAND_LINE.to_owned());
    let choice = Choice::One(name.clone());
    let flags = {
        let (global, session, policies) =
            (global.clone(), session.clone(), endpoint.policy.clone());
        move || {
            let mut tunnel = tunnel.clone();
            let mut file = flags::file(&global, &session)?;
            plugins::with_policies(&mut file, &mut tunnel, &policies, &registry())?;
            Ok(flags::with_tunnel(file, Some(&name), tunnel))
        }
    };
    run::run(
        Source::new(global, flags),
        choice,
        Watch::of(endpoint.watch),
        Show::of(endpoint.qr),
        registry(),
    )
}

/// The one endpoint of a configuration that somebody else made, with their handlers beside ours. Its
/// policies are loaded anew when their files change. The terminal is theirs too.
#[cfg(feature = "wasm")]
pub(crate) fn made(
    global: &GlobalArgs,
    file: adit_config::file::File,
    endpoint: &str,
    registry: Registry,
) -> Result<ExitCode> {
    let source = Source::new(global, move || Ok(file.clone()));
    run::run(source, Choice::One(endpoint.to_owned()), Watch::Yes, Show::Lines, registry)
}

/// Endpoints of the file.
pub(crate) fn named(global: &GlobalArgs, args: &StartArgs) -> Result<ExitCode> {
    let choice = match args {
        StartArgs { none: true, .. } => Choice::None,
        StartArgs { all: true, .. } => Choice::All,
        StartArgs { names, .. } if names.is_empty() => {
            anyhow::bail!("name the endpoints to start, or use --all or --none")
        }
        StartArgs { names, .. } => Choice::Names(names.clone()),
    };
    let flags = {
        let (global, session) = (global.clone(), args.session.clone());
        move || flags::file(&global, &session)
    };
    run::run(
        Source::new(global, flags),
        choice,
        Watch::of(args.watch),
        Show::of(args.qr),
        registry(),
    )
}
