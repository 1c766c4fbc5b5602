//! Programs that start this one and follow its log, line by line.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::FileTypeExt,
    },
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long a failed command stays for whoever reads why.
///
/// Fact: pyngrok looks after each line whether the process is still there, and reads no further once
/// it is gone. The reason is the last of a few lines that are written within milliseconds of each
/// other; on a busy machine the client has read the first of them by then.
const TIME_TO_READ: Duration = Duration::from_millis(200);

/// The other end of the log, where that is a program.
#[derive(Debug)]
pub(crate) struct Reader(OwnedFd);

impl Reader {
    /// Whoever reads what is written here; nobody where it is a file or a terminal.
    pub(super) fn of(out: impl AsFd) -> Option<Self> {
        let out = File::from(out.as_fd().try_clone_to_owned().ok()?);
        let kind = out.metadata().ok()?.file_type();
        (kind.is_fifo() || kind.is_socket()).then(|| Self(out.into()))
    }

    /// Stays until it has had the time to read all, or has gone.
    pub(crate) fn wait(self) {
        self.wait_at_most(TIME_TO_READ);
    }

    fn wait_at_most(self, time: Duration) {
        let Ok(time) = Timespec::try_from(time) else { return };
        // Nothing is asked for, so that only its end is told. A signal ends the wait as well.
        let _ended: io::Result<_> =
            poll(&mut [PollFd::new(&self.0, PollFlags::empty())], Some(&time)).map_err(Into::into);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Instant;

    use super::*;

    #[test]
    fn a_pipe_has_a_reader_and_a_file_has_none() {
        let (read, write) = io::pipe().unwrap();
        let started = Instant::now();
        Reader::of(&write).unwrap().wait();
        assert!(started.elapsed() >= TIME_TO_READ);
        drop(read);
        assert!(Reader::of(tempfile::tempfile().unwrap()).is_none());
    }

    #[test]
    fn nobody_waits_for_a_reader_that_has_gone() {
        let (read, write) = io::pipe().unwrap();
        let reader = Reader::of(&write).unwrap();
        drop(read);
        let (started, hour) = (Instant::now(), Duration::from_secs(3600));
        reader.wait_at_most(hour);
        assert!(started.elapsed() < hour);
    }
}
