//! The signals that end the process, and the one that makes it read its configuration again.

use std::{fs::File, io};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens for SIGINT and SIGTERM from now on.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

/// Listens for SIGHUP from now on.
pub(crate) struct Hangups {
    signal: Signal,
    /// Whether there is a terminal whose end shall be ours.
    has_terminal: bool,
}

/// What a SIGHUP means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hangup {
    /// Somebody wants the configuration to be read again.
    Reload,
    /// The terminal was closed.
    TerminalGone,
}

impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    /// The name of the next one.
    ///
    /// # Cancel safety
    /// A signal that arrives while nobody waits is kept.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "interrupt",
            _ = self.terminate.recv() => "terminate",
        }
    }
}

impl Hangups {
    pub(crate) fn listen() -> io::Result<Self> {
        // Looked at before it changes: whoever was started by `nohup` survives the terminal.
        let has_terminal = !is_ignored() && terminal().is_ok();
        Ok(Self { signal: signal(SignalKind::hangup())?, has_terminal })
    }

    /// Waits for the next one. Many that arrive while nobody waits are one.
    ///
    /// # Cancel safety
    /// A signal that arrives while nobody waits is kept.
    pub(crate) async fn next(&mut self) -> Hangup {
        if self.signal.recv().await.is_none() {
            std::future::pending().await
        }
        match self.has_terminal && terminal().is_err() {
            true => Hangup::TerminalGone,
            false => Hangup::Reload,
        }
    }
}

/// The terminal that the process belongs to, if there is one.
fn terminal() -> io::Result<File> {
    File::open("/dev/tty")
}

/// Whether whoever started us wants SIGHUP ignored, as far as the system tells.
fn is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The signal of number 1 is the lowest bit.
    mask.is_some_and(|mask| mask & 1 == 1)
}
