//! The console: what the agent does, live, on the terminal that it was started in.
//!
//! ```text
//! Control, Store ── Source ──► State ── draw ──► terminal        a thread of its own
//!                                ▲
//!                              keys ── quit ──► the program's end
//! ```
//!
//! What is shown follows from plain values (`state`), so that a frame can be tested without a
//! terminal. Traffic never waits for it: the console fetches what it shows.

mod agent;
mod draw;
mod filter;
mod run;
mod source;
mod state;
mod terminal;
mod view;

use std::{
    io::{self, IsTerminal as _},
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    time::Duration,
};

use adit_config::{
    Config,
    config::LogTarget,
    file::{ConsoleColor, ConsoleUi},
};
use jiff::tz::TimeZone;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::{
    agent::Agent,
    draw::Look,
    run::Work,
    source::Source,
    state::{About, State},
    terminal::Taken,
    view::{Fills, View},
};
pub(crate) use self::{draw::duration, terminal::notice};
use crate::{
    app::{Running, Screen, Show},
    persona,
};

/// How long the end waits for the thread to give the terminal back.
///
/// Reason: a terminal that takes nothing more must not keep the process; it has less than a second.
const PATIENCE: Duration = Duration::from_millis(200);

/// What the edge is called that is not somewhere else.
const EMBEDDED: &str = "embedded, on this machine";

/// The console, while it has the terminal. Dropping it gives the terminal back.
#[derive(Debug)]
pub(crate) struct Console {
    stop: CancellationToken,
    /// Closed when the thread has ended.
    ended: Receiver<()>,
}

/// What the console asks of the program, and hears from it.
#[derive(Clone, Debug)]
struct Ends {
    /// Told each time the user asks to quit: once to end well, again to cut.
    quit: mpsc::Sender<()>,
    /// Cancelled when the session begins to end.
    ending: CancellationToken,
}

impl Screen for Console {}

impl Console {
    /// Shows a running agent, where that is wanted and possible.
    pub(crate) fn open(running: &Running) -> Option<Self> {
        if running.show == Show::Lines || !is_wanted(&running.config, &running.log) {
            return None;
        }
        let edge = running.config.connect.as_ref();
        let state = State {
            about: About {
                name: persona::name(running.persona),
                version: persona::version(running.persona),
                edge: edge.map_or_else(|| EMBEDDED.to_owned(), |at| at.value.to_string()),
                web: running.web.map(|web| format!("http://{web}")),
                captures: running.store.is_some(),
            },
            view: View {
                screen: if running.show == Show::Codes { Fills::Code(0) } else { Fills::Main },
                ..View::default()
            },
            ..State::default()
        };
        let source = Agent::new(Arc::clone(&running.control), running.store.clone());
        let ends = Ends { quit: running.quit.clone(), ending: running.ending.clone() };
        match Self::start(state, running.config.console_ui_color, source, ends) {
            Ok(console) => Some(console),
            Err(error) => {
                tracing::warn!(err = %error, "no console on this terminal");
                None
            }
        }
    }

    /// Takes the terminal and shows a source.
    fn start(
        state: State,
        color: ConsoleColor,
        source: impl Source,
        ends: Ends,
    ) -> io::Result<Self> {
        let look = Look { color, zone: TimeZone::system() };
        let stop = CancellationToken::new();
        let (alive, ended) = sync_channel::<()>(1);
        let terminal = Taken::enter()?;
        let noticed = None;
        let work = Work { terminal, state, look, source, stop: stop.clone(), ends, noticed };
        std::thread::Builder::new().name("console".to_owned()).spawn(move || {
            let _alive = alive;
            work.run();
        })?;
        Ok(Self { stop, ended })
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.stop.cancel();
        let _ = self.ended.recv_timeout(PATIENCE);
        terminal::give_back();
    }
}

/// Whether to show one: unless the configuration says no, where a person can see it. Ours: not even
/// `console_ui: true` lets it and records write across each other.
fn is_wanted(config: &Config, log: &LogTarget) -> bool {
    let is_apart = match log {
        LogTarget::Stdout => false,
        LogTarget::Stderr => !io::stderr().is_terminal(),
        _ => true,
    };
    is_apart && config.console_ui != ConsoleUi::Off && terminal::is_available()
}

#[cfg(test)]
mod tests;
