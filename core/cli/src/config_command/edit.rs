//! `adit config edit`: the file in the user's editor, and a check when it is left.

use std::{
    env,
    path::Path,
    process::{Command, ExitCode, ExitStatus},
};

use adit_config::location::Persona;
use anyhow::{Context, Result};

use super::{
    check, whereabouts,
    write::{self, Access},
};
use crate::args::GlobalArgs;

/// What a new file says.
const NEW: &str = "\
version: \"3\"
agent:
  # authtoken: …
  # connect_url: connect.tunnel.example.com:443
# endpoints:
# - name: web
#   upstream: {url: 8080}
";

pub(super) fn run(persona: Persona, global: &GlobalArgs) -> Result<ExitCode> {
    let path = whereabouts::one(persona, global)?;
    if write::read(&path)?.is_none() {
        write::write(&path, NEW.as_bytes(), Access::Owner)?;
    }
    let status = open(&path)?;
    if !status.success() {
        // Ended by a signal, it has no code.
        let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
        return Ok(ExitCode::from(code));
    }
    check::check(persona, &[path])
}

fn open(path: &Path) -> Result<ExitStatus> {
    let editor = env::var("EDITOR").ok().filter(|editor| !editor.trim().is_empty());
    let editor = editor.as_deref().unwrap_or("nano");
    // The variable may hold arguments, as in `code --wait`: a shell takes it apart.
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(path);
    command.status().with_context(|| format!("cannot start the editor {editor:?}; set EDITOR"))
}
