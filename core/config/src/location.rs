//! Where the configuration is when nobody says.

use std::path::{Path, PathBuf};

use crate::resolve::Env;

/// Under which name the program was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Persona {
    /// `adit`: its own file, or the reference's where there is none of its own.
    #[default]
    Adit,
    /// `ngrok`: the reference's file only.
    Ngrok,
}

/// The operating system's habit of placing files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Os {
    /// Linux and the BSDs.
    Unix,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl Os {
    /// The one that this program was built for.
    pub const HERE: Self = if cfg!(windows) {
        Self::Windows
    } else if cfg!(target_os = "macos") {
        Self::MacOs
    } else {
        Self::Unix
    };
}

/// The file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is none; a new one belongs here.
    Missing(PathBuf),
    /// The reference's file, because there is no `adit.yml`. Worth a log record.
    Reference(PathBuf),
    /// The file at its default place.
    Usual(PathBuf),
}

impl Found {
    /// The path, whether or not there is a file.
    pub fn path(&self) -> &Path {
        match self {
            Self::Missing(path) | Self::Reference(path) | Self::Usual(path) => path,
        }
    }
}

/// The home directory: `HOME`, else what the system says of the effective user.
pub fn home(env: &Env) -> Option<PathBuf> {
    match env.get("HOME").filter(|home| !home.is_empty()) {
        Some(home) => Some(home.into()),
        None => directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()),
    }
}

/// Where a file of `program` (`adit` or `ngrok`) is by default.
pub fn default_path(program: &str, os: Os, home: &Path, env: &Env) -> PathBuf {
    let set = |name: &str| env.get(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = match os {
        Os::Unix => set("XDG_CONFIG_HOME")
            .filter(|dir| dir.is_absolute())
            .unwrap_or_else(|| home.join(".config")),
        Os::MacOs => home.join("Library").join("Application Support"),
        Os::Windows => set("LOCALAPPDATA").unwrap_or_else(|| home.join("AppData").join("Local")),
    };
    base.join(program).join(format!("{program}.yml"))
}

/// Every place that is looked at, in order. The first is where a new file belongs.
pub fn candidates(persona: Persona, os: Os, home: &Path, env: &Env) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    if persona == Persona::Adit {
        paths.push(default_path("adit", os, home, env));
    }
    paths.push(default_path("ngrok", os, home, env));
    paths.push(home.join(".ngrok2").join("ngrok.yml"));
    paths
}

/// Looks for a file in the default places; `exists` tells whether there is one at a path.
pub fn find(
    persona: Persona,
    os: Os,
    home: &Path,
    env: &Env,
    exists: impl Fn(&Path) -> bool,
) -> Found {
    let candidates = candidates(persona, os, home, env);
    let usual = default_path(
        match persona {
            Persona::Adit => "adit",
            Persona::Ngrok => "ngrok",
        },
        os,
        home,
        env,
    );
    match candidates.into_iter().find(|path| exists(path)) {
        Some(path) if path == usual || persona == Persona::Ngrok => Found::Usual(path),
        Some(path) => Found::Reference(path),
        None => Found::Missing(usual),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn each_system_has_its_own_place() {
        let home = Path::new("/home/ann");
        let at = |os, env: &Env| default_path("ngrok", os, home, env);
        assert_eq!(at(Os::Unix, &Env::new()), home.join(".config/ngrok/ngrok.yml"));
        assert_eq!(
            at(Os::Unix, &env(&[("XDG_CONFIG_HOME", "/cfg")])),
            Path::new("/cfg/ngrok/ngrok.yml")
        );
        assert_eq!(
            at(Os::MacOs, &Env::new()),
            home.join("Library/Application Support/ngrok/ngrok.yml")
        );
        let windows = env(&[("LOCALAPPDATA", "/local")]);
        assert_eq!(at(Os::Windows, &windows), Path::new("/local/ngrok/ngrok.yml"));
    }

    #[test]
    fn the_reference_file_is_used_when_there_is_no_other() {
        let home = Path::new("/home/ann");
        let find = |persona, existing: &[PathBuf]| {
            find(persona, Os::Unix, home, &Env::new(), |p| existing.contains(&p.to_owned()))
        };
        let adit = home.join(".config/adit/adit.yml");
        let reference = home.join(".config/ngrok/ngrok.yml");
        let old = home.join(".ngrok2/ngrok.yml");
        assert_eq!(find(Persona::Adit, &[]), Found::Missing(adit.clone()));
        assert_eq!(
            find(Persona::Adit, &[adit.clone(), reference.clone()]),
            Found::Usual(adit.clone())
        );
        assert_eq!(find(Persona::Adit, std::slice::from_ref(&old)), Found::Reference(old.clone()));
        assert_eq!(find(Persona::Ngrok, &[adit, old.clone()]), Found::Usual(old));
        assert_eq!(find(Persona::Ngrok, &[]), Found::Missing(reference));
    }
}
