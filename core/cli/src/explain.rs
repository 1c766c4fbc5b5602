//! `adit explain`: what would happen to the connections of each endpoint, planned by the code that
//! serves them. Nothing is dialled.

mod json;
mod policy;
mod text;

use std::{fmt, io, process::ExitCode, sync::Arc};

use adit_agent::{Agent, EndpointSpec, Explanation};
use adit_chain::{Conn, Id};
use adit_config::{
    Config, Endpoint,
    config::{InspectDb, LogTarget},
    location::Persona,
};
use adit_runtime::tap::{RequestHead, Tap, Tape};
use anyhow::{Context, Result, bail};
use clap::Args;
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::{
    app::{Choice, file_names},
    args::GlobalArgs,
    documents,
    embedded::Embedded,
    failure, flags,
    load::{self, Loaded},
    output,
    plugins::Plugins,
    registry, runtime,
};

/// `adit explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Names of endpoints in the configuration file; all of them, if none is said.
    pub names: Vec<String>,
    /// Print it for programs.
    #[arg(long)]
    pub json: bool,
}

/// An endpoint, and what it comes to.
struct Explained<'a> {
    endpoint: &'a Endpoint,
    plan: Explanation,
}

pub(crate) fn run(global: &GlobalArgs, args: &ExplainArgs) -> Result<ExitCode> {
    let mut read = load::read(global, flags::file(global, &Default::default())?)?;
    // The answer stands there alone, unless this command was asked for records as well.
    if global.log.is_none() && read.config.log.target == LogTarget::Stdout {
        read.config.log.target = LogTarget::Off;
    }
    let mut loaded = load::start(global, read)?;
    choose(&mut loaded, &args.names)?;
    let runtime = runtime::start()?;
    runtime.block_on(explain(loaded.config, args.json))?;
    Ok(ExitCode::SUCCESS)
}

fn choose(loaded: &mut Loaded, names: &[String]) -> Result<()> {
    if loaded.config.endpoints.is_empty() {
        bail!("no endpoints are defined in {}", file_names(&loaded.files));
    }
    if !names.is_empty() {
        let chosen = Choice::Names(names.to_vec());
        chosen.check(&loaded.config, &loaded.files)?;
        loaded.config.endpoints.retain(|endpoint| chosen.has(&endpoint.name));
    }
    Ok(())
}

async fn explain(config: Config, json: bool) -> Result<()> {
    let (config, plans, problems) = plan(config).await?;
    let explained = zip(&config, plans);
    if json {
        let text = serde_json::to_string_pretty(&json::plans(&config, &explained));
        output::line(text.context("cannot print the plans")?);
    } else {
        output::line(text::plans(&config, &explained).trim_end());
    }
    if problems.is_empty() { Ok(()) } else { bail!("{}", problems.join("\n")) }
}

/// The plans of each endpoint, none for those that cannot be planned, and why they cannot.
async fn plan(mut config: Config) -> Result<(Config, Vec<Vec<Explanation>>, Vec<String>)> {
    let registry = registry();
    let plugins = Plugins::load(&config, &registry).await?;
    let mut builder = Agent::builder().config(&config).registry(plugins.join(registry));
    if config.connect.is_none() {
        Embedded::adapt(&mut config);
        let nowhere = || Err::<tokio::io::DuplexStream, _>(io::Error::other("nothing is dialled"));
        builder = builder.link(nowhere).certificates(Arc::new(Later));
    }
    let agent = builder.build()?;
    let (mut explained, mut problems) = (Vec::new(), Vec::new());
    for endpoint in &config.endpoints {
        let captured = endpoint.inspect && config.inspect_db != InspectDb::Off;
        match plans(&agent, endpoint, captured).await {
            Ok(plans) => explained.push(plans),
            Err(problem) => {
                explained.push(Vec::new());
                problems.push(failure::text(Persona::Adit, &problem));
            }
        }
    }
    Ok((config, explained, problems))
}

fn zip(config: &Config, plans: Vec<Vec<Explanation>>) -> Vec<Explained<'_>> {
    let all = config.endpoints.iter().zip(plans);
    all.flat_map(|(endpoint, plans)| {
        plans.into_iter().map(move |plan| Explained { endpoint, plan })
    })
    .collect()
}

/// The plans of one entry: one per scheme.
async fn plans(agent: &Agent, endpoint: &Endpoint, captured: bool) -> Result<Vec<Explanation>> {
    let mut plans = Vec::new();
    let mut endpoint = endpoint.clone();
    documents::fetch(&mut endpoint).await?;
    for mut spec in EndpointSpec::from_config(&endpoint)? {
        if captured {
            spec = spec.tapped(Arc::new(Later));
        }
        plans.push(agent.explain(spec).await?);
    }
    Ok(plans)
}

/// Stands for the certificates of the embedded edge, and for the inspector: neither is started to be
/// explained.
struct Later;

impl fmt::Debug for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Later")
    }
}

impl ResolvesServerCert for Later {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

impl Tap for Later {
    fn begin(&self, _: &Arc<Conn>, _: Id, _: RequestHead<'_>) -> Option<Box<dyn Tape>> {
        None
    }
}

#[cfg(test)]
mod tests;
