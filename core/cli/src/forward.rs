//! `adit http`, `tcp`, `tls` and `start`: one session, its endpoints, and their end.

use std::{
    convert::Infallible, os::unix::process::CommandExt, pin::pin, process::ExitCode, time::Duration,
};

use adit_agent::{Agent, EndpointSpec, Order, Session, Stopped, Support};
use adit_chain::Registry;
use adit_config::{Config, endpoint::Address, endpoint_url::Scheme, file::Tunnel};
use anyhow::{Context, Result, anyhow, bail};
use tracing::{debug, info};

use crate::{
    args::{EndpointArgs, GlobalArgs, SessionArgs, StartArgs},
    embedded::Embedded,
    flags,
    load::{self, Loaded},
    plugins::{self, Plugins, Served},
    registry,
    signals::Signals,
    status::Status,
};

/// How long connections may go on after a signal.
///
/// Fact: a wrapper's test gives the v3 agent one second from SIGTERM to its end.
const GRACE: Duration = Duration::from_millis(700);

/// The one endpoint of the command line.
pub(crate) fn one(
    global: &GlobalArgs,
    session: &SessionArgs,
    endpoint: &EndpointArgs,
    mut tunnel: Tunnel,
) -> Result<ExitCode> {
    let name = endpoint.name.as_deref();
    let mut file = flags::file(global, session)?;
    plugins::with_policies(&mut file, &mut tunnel, &endpoint.policy, &registry())?;
    let file = flags::with_tunnel(file, name, tunnel);
    let mut loaded = load::agent(global, file)?;
    let name = name.unwrap_or(flags::COMMAND_LINE);
    loaded.config.endpoints.retain(|e| e.name == name);
    run(loaded, Reload::of(endpoint.watch))
}

/// The one endpoint of a configuration that somebody else made, with their handlers beside ours. Its
/// policies are loaded anew when their files change.
#[cfg(feature = "wasm")]
pub(crate) fn made(
    global: &GlobalArgs,
    file: adit_config::file::File,
    endpoint: &str,
    registry: Registry,
) -> Result<ExitCode> {
    let mut loaded = load::agent(global, file)?;
    loaded.config.endpoints.retain(|e| e.name == endpoint);
    run_with(loaded, Reload::Yes, registry)
}

/// Endpoints of the file.
pub(crate) fn named(global: &GlobalArgs, args: &StartArgs) -> Result<ExitCode> {
    let mut loaded = load::agent(global, flags::file(global, &args.session)?)?;
    choose(&mut loaded, args)?;
    run(loaded, Reload::of(args.watch))
}

fn choose(loaded: &mut Loaded, args: &StartArgs) -> Result<()> {
    let Loaded { config, files, .. } = loaded;
    if args.none {
        config.endpoints.clear();
    } else if args.all {
        if config.endpoints.is_empty() {
            bail!("no endpoints are defined in {}; define one, or use --none", of(files));
        }
    } else if args.names.is_empty() {
        bail!("name the endpoints to start, or use --all or --none");
    }
    let defined: Vec<_> = config.endpoints.iter().map(|e| e.name.clone()).collect();
    if let Some(missing) = args.names.iter().find(|name| !defined.contains(name)) {
        let known = if defined.is_empty() { "none".to_owned() } else { defined.join(", ") };
        bail!("no endpoint {missing:?} in {}; defined are: {known}", of(files));
    }
    if !args.names.is_empty() {
        config.endpoints.retain(|e| args.names.contains(&e.name));
    }
    Ok(())
}

fn of(files: &[String]) -> String {
    if files.is_empty() { "any configuration file".to_owned() } else { files.join(", ") }
}

/// Whether policies are loaded anew when their files change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reload {
    No,
    Yes,
}

impl Reload {
    const fn of(watch: bool) -> Self {
        if watch { Self::Yes } else { Self::No }
    }
}

fn run(loaded: Loaded, reload: Reload) -> Result<ExitCode> {
    run_with(loaded, reload, registry())
}

fn run_with(loaded: Loaded, reload: Reload, registry: Registry) -> Result<ExitCode> {
    let runtime = load::runtime()?;
    let order = runtime.block_on(Box::pin(serve(loaded.config, reload, registry)))?;
    drop(runtime);
    if order == Some(Order::Restart) {
        let me = std::env::current_exe().context("cannot restart: where the program is")?;
        drop(loaded._log);
        let error = std::process::Command::new(me).args(std::env::args_os().skip(1)).exec();
        return Err(anyhow!(error).context("cannot restart"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Serves until a signal or the edge ends it; then what the edge ordered, if it did.
async fn serve(mut config: Config, reload: Reload, registry: Registry) -> Result<Option<Order>> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let plugins = tokio::select! {
        plugins = Plugins::load(&config, &registry) => plugins?,
        _ = signals.next() => return Ok(None),
    };
    let embedded = match &config.connect {
        Some(_) => None,
        None => {
            Embedded::adapt(&mut config);
            Some(
                Embedded::start(registry.clone())
                    .await
                    .context("cannot start the embedded edge")?,
            )
        }
    };
    let parts = Parts { config: &config, plugins: &plugins, reload };
    let served = Box::pin(serve_with(parts, registry, embedded.as_ref(), &mut signals)).await;
    if let Some(embedded) = embedded {
        embedded.shutdown().await;
    }
    served
}

/// What is served.
#[derive(Clone, Copy)]
struct Parts<'a> {
    config: &'a Config,
    plugins: &'a Plugins,
    reload: Reload,
}

async fn serve_with(
    parts: Parts<'_>,
    registry: Registry,
    embedded: Option<&Embedded>,
    signals: &mut Signals,
) -> Result<Option<Order>> {
    let config = parts.config;
    let mut builder = Agent::builder().config(config).registry(parts.plugins.join(registry));
    if config.remote_management {
        builder = builder.orders(adit_agent::RemoteOrders {
            stop: Support::Followed,
            restart: Support::Followed,
            update: Support::Refused("this agent is updated by its operator".to_owned()),
        });
    }
    if let Some(embedded) = embedded {
        builder = embedded.attach(builder)?;
    }
    let agent = builder.build()?;
    let mut specs = Vec::new();
    for endpoint in &config.endpoints {
        let of_endpoint = EndpointSpec::from_config(endpoint)?;
        let twins = twin_schemes(endpoint).into_iter().map(Some);
        specs.extend(of_endpoint.into_iter().zip(twins.chain(std::iter::repeat(None))));
    }
    // All of them are planned before anything is dialled, so that a mistake starts nothing.
    for (spec, _) in &specs {
        agent.check(spec.clone()).await?;
    }
    let session = tokio::select! {
        session = agent.start() => session?,
        _ = signals.next() => return Ok(None),
    };
    let mut all: Vec<Served> = Vec::new();
    for (mut spec, twin) in specs {
        let name = spec.name().to_owned();
        if let (Some(Twin::Second(scheme)), Some(first)) = (twin, all.last()) {
            spec = spec.url(&format!("{scheme}://{}", host_of(&first.endpoint.url())));
        }
        let bound = tokio::select! {
            bound = session.bind(spec.clone()) => bound,
            _ = signals.next() => return end(session, signals).await,
        };
        match bound {
            Ok(endpoint) => all.push(Served { endpoint, spec }),
            Err(error) => {
                leave(session).await;
                return Err(anyhow!(error).context(format!("failed to start endpoint {name:?}")));
            }
        }
    }
    watch(session, &agent, &all, parts, signals).await
}

/// The parts of an endpoint that asks for two schemes and leaves the name to the edge: both shall
/// have the same one.
#[derive(Clone, Copy)]
enum Twin {
    First,
    Second(Scheme),
}

fn twin_schemes(endpoint: &adit_config::Endpoint) -> Vec<Twin> {
    match &endpoint.address {
        Address::Urls(urls) => match urls.as_slice() {
            [first, second] if first.host.is_none() => {
                vec![Twin::First, Twin::Second(second.scheme)]
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The host of a public URL, without its port.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.rsplit_once(':').map_or(rest, |(host, _)| host)
}

/// Shows what happens until the end.
async fn watch(
    session: Session,
    agent: &Agent,
    all: &[Served],
    parts: Parts<'_>,
    signals: &mut Signals,
) -> Result<Option<Order>> {
    let mut events = session.events();
    let handle = session.handle().clone();
    let status = Status::new(parts.config);
    status.started(all.iter().map(|served| &served.endpoint));
    let mut reloading = pin!(async {
        match parts.reload {
            Reload::No => std::future::pending::<Infallible>().await,
            Reload::Yes => parts.plugins.keep_up(agent, all).await,
        }
    });
    loop {
        tokio::select! {
            signal = signals.next() => {
                info!(obj = "app", stopReq = signal, "received stop request");
                return end(session, signals).await;
            }
            never = reloading.as_mut() => match never {},
            why = handle.stopped() => {
                leave(session).await;
                return Ok(match why {
                    Stopped::ByEdge(order) => Some(order),
                    _ => None,
                });
            }
            event = events.recv() => match event {
                Ok(event) => status.event(&event),
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return Ok(None),
            },
        }
    }
}

/// Lets connections finish; a second signal cuts them.
async fn end(session: Session, signals: &mut Signals) -> Result<Option<Order>> {
    tokio::select! {
        () = leave(session) => {}
        _ = signals.next() => {}
    }
    Ok(None)
}

async fn leave(session: Session) {
    let drained = session.shutdown(GRACE).await;
    debug!(?drained, "session left");
}
