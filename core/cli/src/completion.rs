//! `adit completion`: the shells' completion, with the names of the configuration's endpoints.
//!
//! ```text
//! shell ── TAB ──► function from `adit completion` ── ADIT_COMPLETE=bash adit -- words ──► here
//! ```
//!
//! The function that a shell is given is small and asks the program itself, so that it knows what
//! this version knows, and what the file says now.

mod values;

use std::{env, ffi::OsString, io, path::Path, process::ExitCode};

use adit_config::location::Persona;
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use clap_complete::{CompleteEnv, env::Shells};

pub(crate) use self::values::with_values;
use crate::{help, output, persona};

/// Variable by which a shell asks.
const VARIABLE: &str = "ADIT_COMPLETE";

/// `adit completion`.
#[derive(Debug, Args)]
pub struct CompletionArgs {
    /// bash, zsh, fish, powershell or elvish; that of SHELL, if it is not said.
    #[arg(value_enum)]
    pub shell: Option<Shell>,
}

/// Shells that can complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU Bash.
    Bash,
    /// Elvish.
    Elvish,
    /// Fish.
    Fish,
    /// PowerShell.
    #[value(name = "powershell")]
    PowerShell,
    /// Z shell.
    Zsh,
}

/// Answers a shell that asks for completions; `None` if none does.
pub(crate) fn answer(persona: Persona, args: &[OsString]) -> Option<ExitCode> {
    env::var_os(VARIABLE).filter(|shell| !shell.is_empty())?;
    let answer = CompleteEnv::with_factory(|| help::command(persona))
        .var(VARIABLE)
        .bin(persona::name(persona))
        .try_complete(args.to_vec(), env::current_dir().ok().as_deref());
    match answer {
        Ok(true) => Some(ExitCode::SUCCESS),
        Ok(false) => None,
        Err(error) => {
            output::error(&format!("{VARIABLE}: {}", error.to_string().trim()));
            Some(ExitCode::FAILURE)
        }
    }
}

/// Prints the script for a shell. `program` is how the program was started.
pub(crate) fn run(
    persona: Persona,
    program: Option<&OsString>,
    shell: Option<Shell>,
) -> Result<ExitCode> {
    let shell = match shell {
        Some(shell) => shell,
        None => from_environment()?,
    };
    let word = shell.to_possible_value().map(|value| value.get_name().to_owned());
    let word = word.unwrap_or_default();
    let shells = Shells::builtins();
    let completer = shells.completer(&word).context("no completion for this shell")?;
    let name = persona::name(persona);
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, name, name, &called(name, program), &mut script)?;
    let script = String::from_utf8(script).context("the script is not text")?;
    output::line(script.trim_end());
    Ok(ExitCode::SUCCESS)
}

fn from_environment() -> Result<Shell> {
    let shell = env::var_os("SHELL").unwrap_or_default();
    let word = Path::new(&shell).file_name().unwrap_or_default().to_string_lossy().into_owned();
    match Shell::from_str(&word, true) {
        Ok(shell) => Ok(shell),
        Err(_) => bail!("say which shell: bash, zsh, fish, powershell or elvish"),
    }
}

/// How the shell calls the program: by its name if it was found by that, by its whole path else.
fn called(name: &str, program: Option<&OsString>) -> String {
    let path = program.map(Path::new).filter(|path| path.components().count() > 1);
    let path = path.and_then(|path| -> Option<_> {
        let absolute: io::Result<_> = std::path::absolute(path);
        absolute.ok()
    });
    path.map_or_else(|| name.to_owned(), |path| path.display().to_string())
}
