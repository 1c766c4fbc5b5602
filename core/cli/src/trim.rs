//! Gives back the pages of code that only the start needed.
//!
//! Reading flags and files, building handlers and the first handshake run through most of the
//! binary once, and the kernel maps sixteen pages around each one that is touched. An idle program
//! needs few of them. Unmapping is free: the pages stay in the kernel's cache of the file and are
//! mapped again when they are run.

#![allow(unsafe_code, reason = "`madvise` can discard what was written, which no code ever was")]

use std::{convert::Infallible, env, fs, path::Path, time::Duration};

/// How long after the start the program has done what it does only once.
///
/// Reason: a script that starts it tries it at once, and the first visitor of all runs through code
/// that only the first one needs.
const SETTLED: Duration = Duration::from_millis(500);

/// Gives back, once, when the program has settled; then waits forever, for a `select!`.
pub(crate) async fn when_settled() -> Infallible {
    tokio::time::sleep(SETTLED).await;
    trim();
    std::future::pending().await
}

/// Unmaps the program's code and constants. Does nothing where it cannot tell where they are.
fn trim() {
    let (Ok(maps), Ok(program)) = (fs::read_to_string("/proc/self/maps"), env::current_exe())
    else {
        return;
    };
    for (start, len) in maps.lines().filter_map(|line| unwritten(line, &program)) {
        let at = std::ptr::with_exposed_provenance_mut(start);
        // SAFETY: the range is one mapping of the running program's file, as the kernel lists it,
        // and holds a segment that no part of the process can write to: code, or the constants at
        // the file's beginning, which the linker keeps apart from whatever the loader relocates.
        // Nothing private is discarded, then; the next access maps the same octets of the same
        // file, which cannot be written to while it runs.
        let _ = unsafe { rustix::mm::madvise(at, len, rustix::mm::Advice::LinuxDontNeed) };
    }
}

/// Address and length of a mapping of `program` that nobody has written to, from a line of `maps`:
/// `55c6-55d0 r-xp 00690000 fe:00 123  /usr/bin/adit`.
fn unwritten(line: &str, program: &Path) -> Option<(usize, usize)> {
    let mut fields = line.split_ascii_whitespace();
    let (range, rights, offset) = (fields.next()?, fields.next()?, fields.next()?);
    let (_device, _inode) = (fields.next()?, fields.next()?);
    let is_ours = line.ends_with(program.to_str()?) && fields.next().is_some();
    let is_constant = rights == "r--p" && offset.bytes().all(|digit| digit == b'0');
    if !is_ours || !(rights == "r-xp" || is_constant) {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    let address = |text| usize::from_str_radix(text, 16).ok();
    let (start, end) = (address(start)?, address(end)?);
    Some((start, end.checked_sub(start)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_can_have_written_is_taken() {
        let program = Path::new("/usr/bin/adit");
        let taken = |line| unwritten(line, program);
        assert_eq!(taken("1000-3000 r-xp 00002000 fe:00 9  /usr/bin/adit"), Some((0x1000, 0x2000)));
        assert_eq!(taken("0000-1000 r--p 00000000 fe:00 9  /usr/bin/adit"), Some((0, 0x1000)));
        for other in [
            "3000-4000 r--p 00004000 fe:00 9  /usr/bin/adit",
            "4000-5000 rw-p 00005000 fe:00 9  /usr/bin/adit",
            "1000-3000 r-xp 00002000 fe:00 9  /usr/lib/libc.so.6",
            "1000-3000 r-xp 00000000 00:00 0  [vdso]",
            "1000-3000 r-xp 00000000 00:00 0",
            "",
        ] {
            assert_eq!(taken(other), None, "{other}");
        }
    }

    #[test]
    fn the_program_runs_on_afterwards() {
        let before = crate::persona::version_line(Default::default());
        trim();
        assert_eq!(crate::persona::version_line(Default::default()), before);
    }
}
