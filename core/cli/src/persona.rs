//! Under which name the program was started, and what it calls itself then.

use std::{ffi::OsStr, path::Path};

use adit_config::location::Persona;

/// The version that programs which expect the ngrok agent are told.
///
/// Fact: they ask for `ngrok version 3.` and three numbers. Ours: the latest one that adit's
/// behaviour was compared with.
const REFERENCE_VERSION: &str = "3.39.0";

/// The persona of a program started as `name`: a link or a copy called `ngrok` is the ngrok agent
/// to whoever starts it.
pub(crate) fn of(name: Option<&OsStr>) -> Persona {
    let name = name.map(Path::new).and_then(Path::file_name).and_then(OsStr::to_str);
    match name.map(|name| name.strip_suffix(".exe").unwrap_or(name)) {
        Some("ngrok") => Persona::Ngrok,
        _ => Persona::Adit,
    }
}

/// What it calls itself.
pub(crate) const fn name(persona: Persona) -> &'static str {
    match persona {
        Persona::Adit => "adit",
        Persona::Ngrok => "ngrok",
    }
}

/// Its version.
pub(crate) const fn version(persona: Persona) -> &'static str {
    match persona {
        Persona::Adit => env!("CARGO_PKG_VERSION"),
        Persona::Ngrok => REFERENCE_VERSION,
    }
}

/// The one line of `--version`.
pub(crate) fn version_line(persona: Persona) -> String {
    format!("{} version {}", name(persona), version(persona))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_that_of_the_file() {
        for (started, persona) in [
            ("adit", Persona::Adit),
            ("/opt/ngrok", Persona::Ngrok),
            ("./ngrok.exe", Persona::Ngrok),
            ("ngrok-2", Persona::Adit),
            ("", Persona::Adit),
        ] {
            assert_eq!(of(Some(OsStr::new(started))), persona, "{started}");
        }
        assert_eq!(of(None), Persona::Adit);
    }
}
