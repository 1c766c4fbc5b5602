//! One plugin of the configuration: a kind of handler, whose component may be exchanged.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use adit_chain::{BoxHandler, BuildCx, BuildError, Factory, Registry, Side};
use adit_config::{At, Diagnostic, Diagnostics, opaque::Opaque};
use adit_wasm::{Grants, Host, PluginSpec};
use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use super::flags::FLAG;

/// One plugin of the configuration.
pub(super) struct Slot {
    name: At<String>,
    spec: PluginSpec,
    factory: Mutex<Arc<dyn Factory>>,
}

impl Slot {
    /// Reads a plugin, compiles its component and checks it. Blocks.
    pub(super) fn load(
        name: &At<String>,
        definition: &Opaque,
        builtin: &Registry,
        host: &Host,
    ) -> Result<Self, Diagnostics> {
        let fail = |at: &str, what: String| {
            let place = if at.is_empty() { &name.place } else { &definition.places.find(at) };
            let message = format!("plugin {:?}: {what}", name.value);
            Diagnostics::from(Diagnostic::new(place.clone(), message))
        };
        if builtin.has(&name.value) {
            return Err(fail("", "there is a handler of that name already; choose another".into()));
        }
        let base = base_dir(&name.place.file);
        let mut spec = PluginSpec::from_json(&name.value, &definition.json, &base)
            .map_err(|error| fail(&error.at.join("."), error.to_string()))?;
        if *name.place.file == *FLAG {
            let state = state_of(&spec.wasm);
            spec.grants = Grants::from_json(&state, &base)
                .map_err(|error| fail(&error.at.join("."), error.to_string()))?;
        }
        let factory = host
            .plugin(spec.clone())
            .map_err(|error| fail("wasm", format!("{:#}", anyhow::Error::from(error))))?;
        Ok(Self { name: name.clone(), spec, factory: Mutex::new(factory) })
    }

    /// The component as it is on disk now, beside the one that is used. Blocks.
    pub(super) fn again(&self, host: &Host) -> Result<Arc<dyn Factory>, adit_wasm::LoadError> {
        host.plugin(self.spec.clone())
    }

    /// Uses another component from now on, and returns the one of before.
    pub(super) fn exchange(&self, factory: Arc<dyn Factory>) -> Arc<dyn Factory> {
        std::mem::replace(&mut *self.factory.lock(), factory)
    }

    pub(super) fn file(&self) -> &Path {
        &self.spec.wasm
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
