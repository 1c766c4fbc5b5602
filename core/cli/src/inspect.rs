//! `adit inspect`: what the running agent has captured, from a shell.
//!
//! Everything comes from the agent's local API. What strangers sent is shown with its control
//! characters written out, so that it cannot command the terminal; pipes get it as it is where they
//! ask for that.

pub mod args;
mod client;
mod export;
mod find;
mod list;
mod paint;
mod replay;
mod row;
mod show;
mod tail;

use std::{io, process::ExitCode};

use anyhow::Result;
use tokio::runtime::Builder;

use self::{
    args::{InspectArgs, InspectCommand},
    client::Api,
};
use crate::args::GlobalArgs;

/// Runs the command.
pub(crate) fn run(global: &GlobalArgs, args: InspectArgs) -> Result<ExitCode> {
    let api = Api::new(find::address(global, args.addr.as_deref())?);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        match args.command {
            InspectCommand::List(args) => list::run(&api, &args).await,
            InspectCommand::Show(args) => show::run(&api, &args).await,
            InspectCommand::Replay(args) => return replay::run(&api, &args).await,
            InspectCommand::Export(args) => export::run(&api, &args).await,
            InspectCommand::Tail(args) => tail::run(&api, &args).await,
            InspectCommand::Clear => clear(&api).await,
        }
        .map(|()| ExitCode::SUCCESS)
    });
    match done {
        // Whoever read has enough: `adit inspect tail | head`.
        Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
        done => done,
    }
}

/// Asks the running agent for something else than its exchanges.
pub(crate) async fn ask(
    global: &GlobalArgs,
    addr: Option<&str>,
    path: &str,
    value: &serde_json::Value,
) -> Result<serde_json::Value> {
    Api::new(find::address(global, addr)?).post(path, value).await
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

async fn clear(api: &Api) -> Result<()> {
    api.delete("/api/exchanges").await?;
    paint::line("cleared")?;
    Ok(())
}
