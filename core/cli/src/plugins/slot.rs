//! One plugin of the configuration: a kind of handler, whose component may be exchanged.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use adit_chain::{BoxHandler, BuildCx, BuildError, Factory, Registry, Side};
use adit_config::{At, Diagnostic, Diagnostics, opaque::Opaque};
use adit_wasm::{Grants, Host, PluginSpec};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use super::{
    flags::FLAG,
    reload::{Stamp, stamp},
};

/// One plugin, as it was written.
pub(super) struct Written {
    name: At<String>,
    definition: Opaque,
    pub(super) spec: PluginSpec,
}

/// One plugin that can be used.
pub(super) struct Slot {
    name: At<String>,
    definition: Opaque,
    spec: PluginSpec,
    /// What the file was like when it was loaded, or found bad.
    stamp: Mutex<Stamp>,
    factory: Mutex<Arc<dyn Factory>>,
}

impl Written {
    /// Reads an entry of `plugins:`, and the secrets that it names.
    pub(super) fn read(
        name: &At<String>,
        definition: &Opaque,
        builtin: &Registry,
    ) -> Result<Self, Diagnostics> {
        if builtin.has(&name.value) {
            let what = "there is a handler of that name already; choose another";
            return Err(fail(name, definition, "", what.to_owned()));
        }
        let wrong = |error: BuildError| fail(name, definition, &path(&error.at), error.message);
        let base = base_dir(&name.place.file);
        let mut spec =
            PluginSpec::from_json(&name.value, &definition.json, &base).map_err(wrong)?;
        if *name.place.file == *FLAG {
            spec.grants = Grants::from_json(&state_of(&spec.wasm), &base).map_err(wrong)?;
        }
        Ok(Self { name: name.clone(), definition: definition.clone(), spec })
    }
}

/// What is wrong, and where.
fn fail(name: &At<String>, definition: &Opaque, at: &str, what: String) -> Diagnostics {
    let place = if at.is_empty() { name.place.clone() } else { definition.places.find(at) };
    Diagnostic::new(place, format!("plugin {:?}: {what}", name.value)).into()
}

/// `["grants", "kv", "2"]` as the configuration writes it: `grants.kv[2]`.
fn path(keys: &[String]) -> String {
    keys.iter().fold(String::new(), |path, key| {
        let is_index = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_digit());
        match (is_index, path.is_empty()) {
            (true, _) => format!("{path}[{key}]"),
            (false, true) => key.clone(),
            (false, false) => format!("{path}.{key}"),
        }
    })
}

impl Slot {
    /// Compiles a plugin's component and checks it. Blocks.
    pub(super) fn load(written: Written, host: &Host) -> Result<Self, Diagnostics> {
        let Written { name, definition, spec } = written;
        // Before it is read: a change in between is one that is taken up.
        let stamp = stamp(&spec.wasm);
        let factory = host
            .plugin(spec.clone())
            .map_err(|error| fail(&name, &definition, "wasm", words(&error)))?;
        let (stamp, factory) = (Mutex::new(stamp), Mutex::new(factory));
        Ok(Self { name, definition, spec, stamp, factory })
    }

    /// Whether it is what was written, and its file what it was.
    pub(super) fn is_still(&self, written: &Written) -> bool {
        let Written { name, definition, spec } = written;
        (&self.name.value, &self.definition.json, &self.spec.wasm)
            == (&name.value, &definition.json, &spec.wasm)
            && self.stamp() == stamp(&spec.wasm)
    }

    /// The component as it is on disk now, beside the one that is used. Blocks.
    pub(super) fn again(&self, host: &Host) -> anyhow::Result<Arc<dyn Factory>> {
        host.plugin(self.spec.clone()).map_err(|error| anyhow::Error::msg(words(&error)))
    }

    /// Uses another component from now on, and returns the one of before.
    pub(super) fn exchange(&self, factory: Arc<dyn Factory>) -> Arc<dyn Factory> {
        std::mem::replace(&mut *self.factory.lock(), factory)
    }

    pub(super) fn file(&self) -> &Path {
        &self.spec.wasm
    }

    pub(super) fn stamp(&self) -> Stamp {
        *self.stamp.lock()
    }

    pub(super) fn set_stamp(&self, stamp: Stamp) {
        *self.stamp.lock() = stamp;
    }
}

impl Factory for Slot {
    fn kind(&self) -> &str {
        &self.name.value
    }

    fn build(&self, options: &Value, cx: &BuildCx) -> Result<BoxHandler, BuildError> {
        if cx.side == Side::Edge {
            return Err(BuildError::new("policies run at agents, not at an edge"));
        }
        let factory = Arc::clone(&*self.factory.lock());
        factory.build(options, cx)
    }
}

/// An error with its causes. Some print their cause themselves.
fn words(error: &dyn Error) -> String {
    let (mut text, mut next) = (error.to_string(), error.source());
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

/// Whoever names a file on the command line lets it keep state, under names of its choice. What
/// reaches out of the process takes a file that grants it.
fn state_of(wasm: &Path) -> Value {
    // Whether it can be read at all is told when it is loaded.
    let imports = fs::read(wasm).ok().and_then(|bytes| adit_wasm::inspect(&bytes).ok());
    let imports = imports.map(|inspection| inspection.imports).unwrap_or_default();
    let state = ["kv", "rate"].into_iter().filter(|name| imports.contains_key(*name));
    state.map(|name| (name.to_owned(), json!(["*"]))).collect::<Map<_, _>>().into()
}

/// Paths in a file are relative to it; those of flags to where the program runs.
fn base_dir(file: &str) -> PathBuf {
    if file == FLAG {
        return PathBuf::new();
    }
    Path::new(file).parent().map(Path::to_owned).unwrap_or_default()
}
