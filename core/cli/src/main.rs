//! The `adit` binary: everything is in the library beside it.

use std::process::ExitCode;

/// Reason: exchanges begin on one thread and end on another, and the C library's allocator makes its
/// threads wait for each other then: a sixth of the exchanges that are captured a second. Without
/// huge pages, which would be resident where a few kilobytes of them are used.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    adit_cli::run(std::env::args_os())
}
