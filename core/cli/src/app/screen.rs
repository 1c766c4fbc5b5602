//! What a person sees of a running agent, and how a person ends it from there.
//!
//! Whatever draws gets a [`Running`]: handles to ask, and to be told that something changed. It
//! holds up nobody: it runs in a task or a thread of its own, and ends when it is dropped.

use std::{
    io::{self, IsTerminal},
    net::SocketAddr,
    sync::Arc,
};

use adit_config::{Config, config::LogTarget, file::ConsoleUi, location::Persona};
use adit_inspect::{
    capture::Store,
    control::{Control, EndpointState, EndpointView, SessionStatus},
};
use adit_net::tasks::Spawner;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{console::Console, output::line, persona, qr};

/// A running agent, for whoever shows it.
#[derive(Clone)]
pub(crate) struct Running {
    /// Endpoints, session, settings; [`Control::changes`] tells when there is news.
    pub(crate) control: Arc<dyn Control>,
    /// Captured exchanges; `None` when nothing is captured.
    pub(crate) store: Option<Arc<Store>>,
    /// Where the web service answers; `None` when there is none.
    pub(crate) web: Option<SocketAddr>,
    /// What the agent was started with.
    pub(crate) config: Arc<Config>,
    /// Where the log goes because somebody said so.
    pub(crate) log: LogTarget,
    /// What shall be shown.
    pub(crate) show: Show,
    /// Under which name the program was started.
    pub(crate) persona: Persona,
    /// Told each time the user asks to quit: once to drain, again to cut.
    pub(crate) quit: mpsc::Sender<()>,
    /// Cancelled when the session begins to end.
    pub(crate) ending: CancellationToken,
    /// Runs tasks for as long as the program shows anything.
    pub(crate) spawner: Spawner,
}

/// What shall be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// As usual, and public URLs as QR codes.
    Codes,
    /// Lines, between those of somebody else.
    Lines,
    /// The console where it can be; lines elsewhere.
    Usual,
}

impl Show {
    pub(crate) const fn of(codes: bool) -> Self {
        if codes { Self::Codes } else { Self::Usual }
    }
}

/// Something that shows a running agent. Dropping it ends that, and gives back the terminal.
pub(crate) trait Screen: Send {}

/// Begins to show a running agent.
pub(crate) fn open(running: Running) -> Box<dyn Screen> {
    if let Some(console) = Console::open(&running) {
        return Box::new(console);
    }
    let stop = CancellationToken::new();
    if says_lines(&running) {
        let stop = stop.clone();
        running.spawner.clone().spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = plain(running) => {}
            }
        });
    }
    Box::new(Lines(stop))
}

/// Whether there are plain lines. Fact: a script that started the agent for its local API gets
/// nothing on a pipe that it did not ask for.
fn says_lines(running: &Running) -> bool {
    let asked = running.show != Show::Usual || running.config.console_ui == ConsoleUi::On;
    running.config.log.target != LogTarget::Stdout && (asked || io::stdout().is_terminal())
}

/// Plain lines on standard output. Nothing but records may stand there when it belongs to the log.
struct Lines(CancellationToken);

impl Screen for Lines {}

impl Drop for Lines {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

async fn plain(running: Running) {
    let Running { control, web, show, persona, .. } = running;
    let mut changes = control.changes();
    let (name, version) = (persona::name(persona), persona::version(persona));
    line(format_args!("{name} {version}  (Ctrl+C to quit)"));
    if let Some(web) = web {
        line(format_args!("Web         http://{web}"));
    }
    let mut session = String::new();
    let mut endpoints: Vec<String> = Vec::new();
    loop {
        changes.mark_unchanged();
        let view = control.session();
        let now = match view.status {
            SessionStatus::Connecting => format!("Session     connecting to {}", view.edge),
            SessionStatus::Online => format!("Session     online at {}", view.edge),
            SessionStatus::Reconnecting(why) => format!("Session     reconnecting ({why})"),
            SessionStatus::Offline => "Session     ended".to_owned(),
        };
        if now != session {
            line(&now);
            session = now;
        }
        let shown: Vec<_> =
            control.endpoints().into_iter().map(|endpoint| told(endpoint, show)).collect();
        for text in shown.iter().filter(|text| !endpoints.contains(text)) {
            line(text);
        }
        endpoints = shown;
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// What there is to say about an endpoint.
fn told(endpoint: EndpointView, show: Show) -> String {
    let EndpointView { name, public_url: url, addr, state, .. } = endpoint;
    match state {
        EndpointState::Online if show == Show::Codes => {
            format!("Forwarding  {url} -> {addr}\n{}", qr::printed(&url))
        }
        EndpointState::Online => format!("Forwarding  {url} -> {addr}"),
        EndpointState::Offline(why) => format!("Offline     {name}: {why}"),
    }
}
