//! The terminal while the console has it, and its way back, whatever ends the console.
//!
//! ```text
//! cooked, main screen ── enter ──► raw, alternate screen ── leave | drop | panic ──► cooked, main
//! ```

use std::{
    cell::Cell,
    io::{self, BufWriter, IsTerminal, Stdout, Write},
    panic,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crossterm::{
    cursor::{Hide, Show},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use parking_lot::Mutex;
use ratatui::{Frame, Terminal, backend::CrosstermBackend};

/// Bytes of a frame that go out in one write.
///
/// Reason: a full screen with colours is below it.
const BUFFER: usize = 64 * 1024;

/// How long the way back waits for a frame that is being written.
///
/// Reason: a terminal that takes nothing more must not keep the process from ending.
const PATIENCE: Duration = Duration::from_millis(100);

/// Whether the terminal is ours. Changed and used under the lock only.
static OURS: AtomicBool = AtomicBool::new(false);
static DRAWING: Mutex<()> = Mutex::new(());

thread_local! {
    /// Whether this thread is drawing, and so has the lock.
    static DRAWS: Cell<bool> = const { Cell::new(false) };
}

/// What there is to say while nobody may write to the terminal; the latest only.
static NOTICE: Mutex<Option<String>> = Mutex::new(None);

/// Whether the console may take the terminal: there is one, and it is ours now.
///
/// A background job that touched its terminal would be stopped by it. One that calls itself dumb, as
/// the shell of an editor does, shows what was meant to move its cursor.
pub(super) fn is_available() -> bool {
    let out = io::stdout();
    if !out.is_terminal() || std::env::var_os("TERM").is_some_and(|name| name == "dumb") {
        return false;
    }
    rustix::termios::tcgetpgrp(&out).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// The terminal, taken. Dropping it gives it back.
pub(super) struct Taken {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Taken {
    pub(super) fn enter() -> io::Result<Self> {
        give_back_on_panic();
        let out = BufWriter::with_capacity(BUFFER, io::stdout());
        let terminal = Terminal::new(CrosstermBackend::new(out))?;
        let _drawing = DRAWING.lock();
        enable_raw_mode()?;
        OURS.store(true, Ordering::SeqCst);
        let taken = Self { terminal };
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        Ok(taken)
    }

    /// Draws what differs from the frame before. Nothing once the terminal was given back.
    pub(super) fn draw(&mut self, frame: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let _drawing = DRAWING.lock();
        if !OURS.load(Ordering::SeqCst) {
            return Err(io::Error::other("the terminal was given back"));
        }
        DRAWS.set(true);
        let drawn = self.terminal.draw(frame).map(drop);
        DRAWS.set(false);
        drawn
    }

    /// Makes the next frame a whole one.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back. The first call does it, from whatever thread.
pub(super) fn give_back() {
    let lock = DRAWING.try_lock_for(if DRAWS.get() { Duration::ZERO } else { PATIENCE });
    let takes_more = lock.is_some() || DRAWS.get();
    if !OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    // The mode never waits. What is written to a terminal that takes nothing more does.
    let _ = disable_raw_mode();
    if takes_more {
        let mut out = io::stdout();
        let _ = execute!(out, LeaveAlternateScreen, Show);
        let _ = out.flush();
    }
}

/// A panic in a task costs that task only, and is told in the console; any other may end the
/// program, which needs its terminal to say so.
fn give_back_on_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let in_task = std::thread::current().name().is_some_and(|n| n.starts_with("tokio-"));
            if in_task && OURS.load(Ordering::SeqCst) {
                tracing::error!(panic = %info, "a task has failed");
                notice(Some(format!("a task has failed: {info}")));
                return;
            }
            give_back();
            before(info);
        }));
    });
}

/// Says something in the console instead of on the terminal, if there is something to say; false
/// when there is no console.
pub(crate) fn notice(text: Option<String>) -> bool {
    let ours = OURS.load(Ordering::SeqCst);
    if ours && text.is_some() {
        *NOTICE.lock() = text;
    }
    ours
}

/// Whether something was said since it was asked for last.
pub(super) fn has_notice() -> bool {
    NOTICE.lock().is_some()
}

/// What was said since it was asked last.
pub(super) fn take_notice() -> Option<String> {
    NOTICE.lock().take()
}
