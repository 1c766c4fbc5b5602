//! The program itself, for the tests that run it: `CARGO_BIN_EXE_…` names only what the package of
//! the tests builds.

use std::process::ExitCode;

fn main() -> ExitCode {
    adit_cli::run(std::env::args_os())
}
