//! The `adit` binary: everything is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    adit_cli::run(std::env::args_os())
}
