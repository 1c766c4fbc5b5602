//! The order of things: what is begun, waited for and ended when.

use std::{
    io::{self, IsTerminal as _},
    os::unix::process::CommandExt,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use adit_agent::{Agent, Event, Order, Support};
use adit_chain::Registry;
use adit_config::{Config, config::InspectDb, location::Persona};
use adit_inspect::{
    api::Web,
    capture::Store,
    control::{Changes, Origin},
};
use adit_net::tasks::Tasks;
use anyhow::{Context, Result, anyhow};
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use super::{
    App, Choice, Ground, Line, Source, Table,
    control::Controls,
    end::{Ends, until_end},
    reload,
    screen::{self, Running, Show},
    watch as files, web,
};
use crate::{
    asking, documents,
    embedded::Embedded,
    load::{self, Loaded},
    persona,
    plugins::Plugins,
    runtime,
    signals::{Hangups, Signals},
};

/// Wishes to quit that wait; the second cuts what the first drains.
const MAX_QUITS: usize = 2;

/// How long tasks of our own may take to notice that it is over.
const MARGIN: Duration = Duration::from_millis(50);

/// Whether files are looked at while the agent runs: configuration and policies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Watch {
    No,
    Yes,
}

impl Watch {
    pub(super) const fn of(watch: bool) -> Self {
        if watch { Self::Yes } else { Self::No }
    }
}

/// What an agent is made of.
struct Parts {
    source: Source,
    choice: Choice,
    /// As it was read.
    started: Config,
    loaded: Loaded,
    watch: Watch,
    show: Show,
    builtin: Registry,
}

/// Runs an agent until something ends it.
pub(super) fn run(
    source: Source,
    choice: Choice,
    watch: Watch,
    show: Show,
    builtin: Registry,
) -> Result<ExitCode> {
    let read = source.read()?;
    let started = read.config.clone();
    let loaded = load::start(&source.global, read)?;
    choice.check(&loaded.config, &loaded.files)?;
    let builtin = asking(builtin, started.policy_requests);
    // Before anybody can replace the file: an update does.
    let me = std::env::current_exe();
    let runtime = runtime::start()?;
    let parts = Parts { source, choice, started, loaded, watch, show, builtin };
    let result = runtime.block_on(Box::pin(serve(parts)));
    drop(runtime);
    let order = result.inspect_err(|error| {
        let err = format!("{error:#}");
        error!(obj = "app", err, "terminating with error");
    })?;
    if order == Some(Order::Restart) {
        let me = me.context("cannot restart: where the program is")?;
        drop(load::end_log());
        let error = std::process::Command::new(me).args(std::env::args_os().skip(1)).exec();
        return Err(anyhow!(error).context("cannot restart"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Serves until a signal or the edge ends it; then what the edge ordered, if it did.
async fn serve(mut parts: Parts) -> Result<Option<Order>> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let config = &mut parts.loaded.config;
    config.endpoints.retain(|endpoint| parts.choice.has(&endpoint.name));
    let prepared = async {
        for endpoint in &mut config.endpoints {
            documents::fetch(endpoint).await?;
        }
        Plugins::load(config, &parts.builtin).await
    };
    let plugins = tokio::select! {
        plugins = prepared => plugins?,
        _ = signals.next() => return Ok(None),
    };
    let embedded = match &config.connect {
        Some(_) => None,
        None => {
            Embedded::adapt(config);
            Embedded::tell_foreign(config);
            let edge = Embedded::start(parts.builtin.clone()).await;
            Some(edge.context("cannot start the embedded edge")?)
        }
    };
    let served = Box::pin(serve_with(parts, plugins, embedded.as_ref(), &mut signals)).await;
    if let Some(embedded) = embedded {
        embedded.shutdown().await;
    }
    served
}

async fn serve_with(
    parts: Parts,
    plugins: Plugins,
    embedded: Option<&Embedded>,
    signals: &mut Signals,
) -> Result<Option<Order>> {
    let config = &parts.loaded.config;
    let mut builder = Agent::builder().config(config).registry(plugins.join(parts.builtin.clone()));
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
    let origin = match parts.choice {
        Choice::One(_) => Origin::CommandLine,
        _ => Origin::File,
    };
    // All of them are planned before anything is dialled, so that a mistake starts nothing.
    let wanted = reload::wanted(config, origin)?;
    for one in &wanted {
        agent.check(one.spec.clone()).await?;
    }
    reload::warn_of(&config.endpoints);
    let web = web::bind(config).await?;
    let addr = web.as_ref().map(Web::addr);
    let connecting = agent.begin();
    let (changes, _) = watch::channel(Changes::default());
    let tasks = Tasks::new();
    let defined = reload::names(&parts.started);
    let watch = parts.watch;
    let (show, log) = (parts.show, parts.started.log.target.clone());
    let config = Arc::new(parts.loaded.config);
    let store = match config.inspect_db {
        // Without anybody who could look, nothing is captured.
        InspectDb::Bytes(limit) if addr.is_some() || io::stdout().is_terminal() => {
            Some(Store::new(usize::try_from(limit).unwrap_or(usize::MAX)))
        }
        _ => None,
    };
    let is_blind = config.inspect_db == InspectDb::Off;
    let handle = connecting.handle().clone();
    let edge = config.connect.as_ref().map(|at| at.value.to_string());
    let persona = parts.source.global.persona;
    // Clients of the local API expect it under whatever name the program runs.
    let version = persona::version(Persona::Ngrok).to_owned();
    let app = Arc::new(App {
        line: Line::new(handle.clone(), edge.unwrap_or_else(|| "embedded".to_owned()), version),
        table: Table::new(changes.clone()),
        ground: Ground { agent, handle, store: store.clone(), is_blind },
        is_embedded: embedded.is_some(),
        web: addr,
        source: parts.source,
        choice: parts.choice,
        started: parts.started,
        files: parts.loaded.files,
        builtin: parts.builtin,
        spawner: tasks.spawner(),
        plugins,
        store,
        changes,
    });
    app.table.change().await.want(wanted, defined);
    tasks.spawn(keep(Arc::clone(&app), connecting.handle().events()));
    if watch == Watch::Yes {
        tasks.spawn(files::watch(Arc::clone(&app)));
    }
    let control = Arc::new(Controls(Arc::clone(&app)));
    let serve = |web| web::serve(web, &config, Arc::clone(&control), app.store.clone());
    let service = web.map(serve).transpose()?;
    let ending = CancellationToken::new();
    let (quit, quits) = mpsc::channel(MAX_QUITS);
    let hangups = Hangups::listen().context("cannot listen for signals")?;
    tasks.spawn(reload::on_hangup(Arc::clone(&app), hangups, quit.clone()));
    let running = Running {
        store: app.store.clone(),
        web: addr,
        config,
        log,
        show,
        persona,
        quit,
        ending: ending.clone(),
        spawner: tasks.spawner(),
        control,
    };
    let screen = screen::open(running);
    let ends = Ends { signals, quits, ending };
    let result = Box::pin(until_end(&app, connecting, ends)).await;
    drop(screen);
    if let Some(service) = service {
        let drained = service.shutdown(MARGIN).await;
        debug!(?drained, "web service ended");
    }
    let drained = tasks.shutdown(MARGIN).await;
    debug!(?drained, "tasks ended");
    result
}

/// Takes in what the session tells.
async fn keep(app: Arc<App>, mut events: broadcast::Receiver<Event>) {
    let mut rtt = app.ground.handle.rtt();
    loop {
        let is_session = tokio::select! {
            event = events.recv() => match event {
                Ok(event) => {
                    app.table.take_in(&event);
                    app.line.take_in(&event)
                }
                Err(broadcast::error::RecvError::Lagged(_)) => true,
                Err(broadcast::error::RecvError::Closed) => return,
            },
            Ok(()) = rtt.changed() => {
                if let Some(store) = &app.store {
                    store.set_rtt(*rtt.borrow_and_update());
                }
                true
            }
        };
        if is_session {
            let count = |changes: &mut Changes| changes.session = changes.session.wrapping_add(1);
            app.changes.send_modify(count);
        }
    }
}
