//! The console's own thread: keys, news and frames.
//!
//! Nothing waits for it. What it shows it fetches, at most twenty times a second.

use std::{io, time::Duration};

use crossterm::event::{Event, EventStream, KeyEventKind};
use futures_util::StreamExt as _;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{
    Ends,
    draw::{Look, draw},
    source::Source,
    state::{Phase, State},
    terminal::{self, Taken},
    view::Asks,
};

/// Least time between two frames.
///
/// Reason: nobody reads faster, and each costs what the terminal needs to draw it.
const FRAME: Duration = Duration::from_millis(50);

/// How often numbers are looked at that tell nobody when they change.
const TICK: Duration = Duration::from_secs(1);

/// How long something that needs attention is shown, unless Esc was pressed.
///
/// Reason: it was seen by then, or there is nobody.
const NOTICE: Duration = Duration::from_secs(60);

/// What the thread works with.
pub(super) struct Work<S> {
    pub(super) terminal: Taken,
    pub(super) state: State,
    pub(super) look: Look,
    pub(super) source: S,
    /// Ends it.
    pub(super) stop: CancellationToken,
    pub(super) ends: Ends,
    /// Since when something that needs attention is shown.
    pub(super) noticed: Option<Instant>,
}

impl<S: Source> Work<S> {
    /// Shows what happens until it is stopped. The terminal is given back when this returns.
    pub(super) fn run(mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let Ok(runtime) = runtime else { return };
        let stop = self.stop.clone();
        let shown = runtime.block_on(async {
            tokio::select! {
                biased;
                () = stop.cancelled() => Ok(()),
                shown = self.show() => shown,
            }
        });
        if let Err(error) = shown {
            tracing::warn!(err = %error, "the console has lost its terminal");
        }
    }

    async fn show(&mut self) -> io::Result<()> {
        let mut keys = EventStream::new();
        let mut has_keys = true;
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut dirty, mut next_frame) = (true, Instant::now());
        self.source.update(&mut self.state);
        let ending = self.ends.ending.clone();
        loop {
            tokio::select! {
                biased;
                () = sleep_until(next_frame), if dirty => {
                    self.source.update(&mut self.state);
                    self.frame()?;
                    (dirty, next_frame) = (false, Instant::now() + FRAME);
                }
                key = keys.next(), if has_keys => match key {
                    Some(Ok(event)) => dirty |= self.event(&event)?,
                    // Standard input is gone; signals still end the program.
                    Some(Err(_)) | None => has_keys = false,
                },
                () = ending.cancelled(), if self.state.session.phase != Phase::Ending => {
                    self.state.session.phase = Phase::Ending;
                    dirty = true;
                }
                () = self.source.changed(), if !dirty => dirty = true,
                _ = tick.tick() => {
                    dirty |= self.source.update(&mut self.state) | terminal::has_notice();
                    if self.noticed.is_some_and(|at| at.elapsed() > NOTICE) {
                        (self.noticed, self.state.notice) = (None, None);
                        dirty = true;
                    }
                }
            }
        }
    }

    fn frame(&mut self) -> io::Result<()> {
        if let Some(notice) = terminal::take_notice() {
            self.state.notice = Some(notice);
            self.noticed = Some(Instant::now());
        }
        let Self { terminal, state, look, .. } = self;
        terminal.draw(|frame| draw(state, look, frame))
    }

    /// Whether it changes what is shown.
    fn event(&mut self, event: &Event) -> io::Result<bool> {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => match self.state.press(*key) {
                Asks::Nothing => {}
                Asks::Redraw => self.terminal.forget()?,
                // When it is full, enough was asked.
                Asks::Quit => drop(self.ends.quit.try_send(())),
            },
            Event::Resize(..) => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}
