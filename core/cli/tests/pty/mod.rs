//! A program in a pseudo-terminal, and what its user sees.

use std::{
    io::{Read, Write},
    num::NonZero,
    path::Path,
    process::Command,
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::termios::LocalModes;

/// Longest time that any single thing may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// A program in a terminal of its own. Dropping it kills it.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    output: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    /// Whether everything that it will ever write was read.
    is_over: bool,
}

impl Terminal {
    /// Starts a program in a terminal with so many columns and rows.
    pub(crate) fn start(program: &Path, args: &[&str], home: &Path, size: (u16, u16)) -> Self {
        Self::start_with(program, args, home, size, &[])
    }

    /// The same with more in its environment.
    pub(crate) fn start_with(
        program: &Path,
        args: &[&str],
        home: &Path,
        (cols, rows): (u16, u16),
        more: &[(&str, &str)],
    ) -> Self {
        let pty = native_pty_system().openpty(size(cols, rows)).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env_clear();
        command.env("HOME", home);
        command.env("TERM", "xterm-256color");
        command.env("TZ", "UTC");
        more.iter().for_each(|(name, value)| command.env(name, value));
        command.cwd(home);
        let child = pty.slave.spawn_command(command).unwrap();
        let mut reader = pty.master.try_clone_reader().unwrap();
        let keys = pty.master.take_writer().unwrap();
        // Few: whoever does not look stops the reading, and so the terminal.
        let (send, output) = sync_channel(2);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                if send.send(buffer[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        let parser = vt100::Parser::new(cells(rows), cells(cols), 0);
        Self { child, master: pty.master, keys, output, parser, is_over: false }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub(crate) fn resize(&mut self, cols: u16, rows: u16) {
        self.parser.screen_mut().set_size(cells(rows), cells(cols));
        self.master.resize(size(cols, rows)).unwrap();
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// The rows of the screen, without the blanks at their ends.
    pub(crate) fn rows(&self) -> Vec<String> {
        let (_, cols) = self.parser.screen().size();
        self.parser.screen().rows(0, cols.get()).map(|row| row.trim_end().to_owned()).collect()
    }

    /// Waits until the screen is so; what it found there.
    pub(crate) fn until<T>(&mut self, what: &str, seen: impl Fn(&[String]) -> Option<T>) -> T {
        let asked = Instant::now();
        loop {
            if let Some(seen) = seen(&self.rows()) {
                return seen;
            }
            let left = DEADLINE.saturating_sub(asked.elapsed());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.parser.process(&bytes),
                Err(_) => panic!("waited for {what}; shown was:\n{}", self.rows().join("\n")),
            }
        }
    }

    /// Waits for a row that begins so; the rest of it.
    pub(crate) fn row(&mut self, label: &str) -> String {
        self.until(label, |rows| {
            let rest = rows.iter().find_map(|row| row.strip_prefix(label))?.trim();
            (!rest.is_empty()).then(|| rest.to_owned())
        })
    }

    /// Waits for a text anywhere.
    pub(crate) fn text(&mut self, text: &str) {
        self.until(text, |rows| rows.iter().any(|row| row.contains(text)).then_some(()));
    }

    /// Waits for the end; the exit code.
    pub(crate) fn end(&mut self) -> u32 {
        let asked = Instant::now();
        while !self.is_over {
            match self.output.recv_timeout(DEADLINE.saturating_sub(asked.elapsed())) {
                Ok(bytes) => self.parser.process(&bytes),
                Err(RecvTimeoutError::Disconnected) => self.is_over = true,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end: {:?}", self.rows()),
            }
        }
        self.child.wait().unwrap().exit_code()
    }

    /// Waits for the end without reading what is written; the exit code.
    pub(crate) fn end_unread(&mut self) -> u32 {
        let asked = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(asked.elapsed() < DEADLINE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether the console has the terminal: other screen, no cursor, keys not for the line.
    pub(crate) fn is_taken(&self) -> bool {
        self.parser.screen().alternate_screen()
    }

    /// Whether anything on the screen has a colour.
    pub(crate) fn has_colours(&self) -> bool {
        let screen = self.parser.screen();
        let (rows, cols) = screen.size();
        let mut cells = (0..rows.get()).flat_map(|row| (0..cols.get()).map(move |col| (row, col)));
        cells.any(|(row, col)| {
            screen.cell(row, col).is_some_and(|cell| cell.fgcolor() != vt100::Color::Default)
        })
    }

    /// Holds that the terminal is as a shell wants it.
    pub(crate) fn assert_given_back(&self) {
        let screen = self.parser.screen();
        assert!(!screen.alternate_screen(), "it is the main screen");
        assert!(!screen.hide_cursor(), "the cursor is shown");
        let modes = self.master.get_termios().unwrap().local_flags.bits();
        let cooked = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        assert_eq!(modes & cooked.bits(), cooked.bits(), "lines are edited and echoed");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn cells(n: u16) -> NonZero<u16> {
    NonZero::new(n).unwrap()
}

const fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}
