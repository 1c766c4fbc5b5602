//! What is asked of cargo and rustc.

use std::{
    env,
    ffi::OsString,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

/// What policies are compiled for.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";
/// The package that a policy is written with.
const SDK: &str = "adit-policy-sdk";

/// A crate that is a policy.
#[derive(Clone, Debug)]
pub(super) struct Crate {
    /// The policy's name: the package's, unless `package.metadata.adit.name` is another.
    pub(super) name: String,
    pub(super) version: String,
    pub(super) description: Option<String>,
    /// What its manifest says under `package.metadata.adit`.
    pub(super) metadata: Value,
    pub(super) manifest: PathBuf,
    /// Name of its library, as cargo's files have it.
    library: String,
    /// Where cargo leaves what it builds.
    target_dir: PathBuf,
}

/// Compiled, not yet a component.
pub(super) struct Compiled {
    pub(super) module: PathBuf,
    /// Version of the SDK in it, when it has one.
    pub(super) sdk: Option<String>,
}

impl Crate {
    /// The crate in `dir`, or of `manifest`.
    pub(super) fn find(dir: Option<&Path>, manifest: Option<&Path>) -> Result<Self> {
        let manifest = match (manifest, dir) {
            (Some(manifest), _) => manifest.to_owned(),
            (None, dir) => dir.unwrap_or(Path::new(".")).join("Cargo.toml"),
        };
        let manifest = manifest.canonicalize().with_context(|| {
            format!(
                "there is no policy here: {} cannot be read; name its directory, or start one \
                 with: adit policy new NAME",
                manifest.display()
            )
        })?;
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version=1", "--manifest-path"])
            .arg(&manifest)
            .stderr(Stdio::piped())
            .output()
            .map_err(|error| not_started("cargo", &error))?;
        if !output.status.success() {
            bail!("cargo: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let all: Value = serde_json::from_slice(&output.stdout).context("answer of cargo")?;
        let packages = all["packages"].as_array().map_or(&[][..], Vec::as_slice);
        let path = |package: &Value| package["manifest_path"].as_str().map(PathBuf::from);
        let package = packages
            .iter()
            .find(|package| path(package).as_ref() == Some(&manifest))
            .with_context(|| {
                format!("{} is a workspace; name a policy's directory in it", manifest.display())
            })?;
        let text = |key: &str| package[key].as_str().map(str::to_owned);
        let metadata = &package["metadata"]["adit"];
        let own = text("name").context("answer of cargo: no name")?;
        let found = Self {
            library: own.replace('-', "_"),
            name: metadata["name"].as_str().map_or(own, str::to_owned),
            version: text("version").unwrap_or_default(),
            description: text("description").filter(|text| !text.is_empty()),
            metadata: metadata.clone(),
            manifest,
            target_dir: all["target_directory"].as_str().unwrap_or("target").into(),
        };
        if !is_cdylib(package) {
            bail!(
                "{} makes no WebAssembly module; add to it:\n[lib]\ncrate-type = [\"cdylib\"]",
                found.manifest.display()
            );
        }
        Ok(found)
    }

    /// The directory of its manifest.
    pub(super) fn dir(&self) -> &Path {
        self.manifest.parent().unwrap_or(Path::new("/"))
    }

    /// Compiles it; cargo's progress and errors go to standard error.
    pub(super) fn compile(&self, release: bool) -> Result<Compiled> {
        target_is_there(self.dir())?;
        let mut command = cargo();
        command.args(["build", "--lib", "--target", TARGET]);
        command.args(["--message-format=json-render-diagnostics", "--manifest-path"]);
        command.arg(&self.manifest).current_dir(self.dir()).stdout(Stdio::piped());
        if release {
            command.arg("--release");
        }
        let mut child = command.spawn().map_err(|error| not_started("cargo", &error))?;
        let messages = child.stdout.take().context("cargo's output")?;
        let (mut module, mut sdk) = (None, None);
        for line in BufReader::new(messages).lines() {
            let line = line.context("cargo's output")?;
            let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
            if message["reason"] != "compiler-artifact" {
                continue;
            }
            if message["manifest_path"].as_str().map(Path::new) == Some(&self.manifest) {
                module = wasm_file(&message).or(module);
            } else if let Some(id) = message["package_id"].as_str() {
                sdk = sdk_version(id).or(sdk);
            }
        }
        if !child.wait().context("waiting for cargo")?.success() {
            bail!("{} does not compile; cargo says above why", self.name);
        }
        let module = module.with_context(|| format!("cargo made no .wasm of {}", self.name))?;
        Ok(Compiled { module, sdk })
    }

    /// The files that its last component was made of; none when there is no list of them.
    ///
    /// Fact: beside `name.wasm` cargo leaves `name.d`, a rule of a makefile: the module, a colon,
    /// and what it depends on, spaces in names behind backslashes.
    pub(super) fn sources(&self) -> Vec<PathBuf> {
        let file = format!("{}.d", self.library);
        let rule = ["release", "debug"].into_iter().filter_map(|profile| {
            let rule = self.target_dir.join(TARGET).join(profile).join(&file);
            let written = rule.metadata().ok()?.modified().ok()?;
            Some((written, rule))
        });
        let text = rule.max().and_then(|(_, rule)| std::fs::read_to_string(rule).ok());
        text.map_or_else(Vec::new, |text| depends_on(&text))
    }

    /// Runs its native tests.
    pub(super) fn test(&self) -> Result<()> {
        let mut command = cargo();
        command.args(["test", "--quiet", "--manifest-path"]).arg(&self.manifest);
        let status = command.current_dir(self.dir()).status();
        if !status.map_err(|error| not_started("cargo", &error))?.success() {
            bail!("native tests of {} failed; cargo says above which", self.name);
        }
        Ok(())
    }
}

fn is_cdylib(package: &Value) -> bool {
    let is = |target: &Value| {
        target["crate_types"].as_array().is_some_and(|types| types.iter().any(|t| t == "cdylib"))
    };
    package["targets"].as_array().is_some_and(|targets| targets.iter().any(is))
}

fn wasm_file(message: &Value) -> Option<PathBuf> {
    let files = message["filenames"].as_array()?;
    let mut paths = files.iter().filter_map(Value::as_str).map(PathBuf::from);
    paths.find(|path| path.extension().is_some_and(|extension| extension == "wasm"))
}

/// Fact: cargo writes `path+file:///…/sdk#adit-policy-sdk@0.1.0`, and only `#0.1.0` when the
/// directory has the package's name.
fn sdk_version(id: &str) -> Option<String> {
    let (source, rest) = id.rsplit_once('#')?;
    let (name, version) = match rest.split_once('@') {
        Some(both) => both,
        None => (source.rsplit('/').next()?, rest),
    };
    (name == SDK).then(|| version.to_owned())
}

fn depends_on(rule: &str) -> Vec<PathBuf> {
    let line = rule.lines().next().unwrap_or_default();
    let Some((_, names)) = line.split_once(": ") else { return Vec::new() };
    let names = names.replace("\\ ", "\0");
    names.split_whitespace().map(|name| PathBuf::from(name.replace('\0', " "))).collect()
}

/// Fails with the command that adds the target, when it is missing.
fn target_is_there(dir: &Path) -> Result<()> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(&rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(dir)
        .output()
        .map_err(|error| not_started(&rustc.to_string_lossy(), &error))?;
    let libdir = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let has_std = output.status.success()
        && libdir.read_dir().is_ok_and(|mut files| files.next().is_some_and(|file| file.is_ok()));
    if !has_std {
        bail!("the target {TARGET} is not installed; run:\nrustup target add {TARGET}");
    }
    Ok(())
}

pub(super) fn cargo() -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    Command::new(program)
}

fn not_started(program: &str, error: &std::io::Error) -> anyhow::Error {
    anyhow!(
        "{program} cannot be started ({error}); policies are built with Rust: https://rustup.rs"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_from_the_rule_that_cargo_leaves() {
        let rule = "/t/a.wasm: /p/src/lib.rs /my\\ dir/sdk/src/lib.rs\n";
        assert_eq!(
            depends_on(rule),
            [PathBuf::from("/p/src/lib.rs"), PathBuf::from("/my dir/sdk/src/lib.rs")]
        );
        assert_eq!(depends_on(""), Vec::<PathBuf>::new());
    }

    #[test]
    fn the_sdk_is_found_under_both_spellings_of_a_package() {
        let version = |id| sdk_version(id);
        assert_eq!(version("path+file:///a/sdk#adit-policy-sdk@0.1.0").as_deref(), Some("0.1.0"));
        assert_eq!(version("path+file:///a/adit-policy-sdk#0.2.0").as_deref(), Some("0.2.0"));
        assert_eq!(version("registry+https://x/index#serde@1.0.0"), None);
    }
}
