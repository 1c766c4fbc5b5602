//! The binary in a home of its own.

use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A command with nothing in its environment but its home.
pub(crate) fn adit(home: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
    command.args(args).env_clear().env("HOME", home.path()).stdin(Stdio::null());
    command.current_dir(home.path());
    command
}

/// What a command that ends says, in a new home.
pub(crate) fn output(args: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    adit(&home, args).output().unwrap()
}
