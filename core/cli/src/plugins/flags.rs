//! `--policy FILE[=CONFIG]`: a plugin, and a link of it in the endpoint's handlers.

use std::path::{Path, PathBuf};

use adit_chain::Registry;
use adit_config::{
    At, HandlerSpec, Place,
    file::{File, Tunnel},
    opaque::Opaque,
};
use anyhow::Result;
use serde_json::{Value, json};

/// What stands as the place of such a policy.
pub(super) const FLAG: &str = "--policy";

/// Puts the policies of the flags behind the other handlers of the command line's endpoint.
pub(crate) fn with_policies(
    file: &mut File,
    tunnel: &mut Tunnel,
    policies: &[String],
    registry: &Registry,
) -> Result<()> {
    for text in policies {
        let (path, config) = split(text);
        let place = Place::of(FLAG);
        let name = name(file, &path, registry);
        let options = match config {
            Some(path) => Opaque::load(&path)?,
            None => Opaque::new(Value::Null, place.clone()),
        };
        let link = HandlerSpec::with_options(name.as_str(), options, place.clone());
        let handlers = tunnel.handlers.get_or_insert_with(|| At::from_flag(Vec::new(), FLAG));
        handlers.value.push(link);
        if !file.plugins.0.iter().any(|(known, _)| known.value == name) {
            let definition = Opaque::new(json!({ "wasm": path }), place.clone());
            file.plugins.0.push((At::new(name, place), definition));
        }
    }
    Ok(())
}

/// The file, and that of its configuration. A file whose name has a `=` in it is taken as it is.
fn split(text: &str) -> (PathBuf, Option<PathBuf>) {
    match text.rsplit_once('=') {
        Some((path, config)) if !Path::new(text).exists() => (path.into(), Some(config.into())),
        _ => (text.into(), None),
    }
}

/// What the policy is called: its file's name, or something like it if that is taken.
fn name(file: &File, path: &Path, registry: &Registry) -> String {
    let stem = path.file_stem().map_or_else(Default::default, |stem| stem.to_string_lossy());
    let is_other = |name: &str| {
        let other = file.plugins.0.iter().find(|(known, _)| known.value == name);
        other.is_some_and(|(_, definition)| definition.json["wasm"] != json!(path))
    };
    let mut name = stem.to_string();
    let mut n = 1;
    while registry.has(&name) || is_other(&name) {
        n += 1;
        name = format!("{stem}-{n}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(policies: &[&str]) -> (File, Tunnel) {
        let (mut file, mut tunnel) = (File::default(), Tunnel::default());
        let policies: Vec<_> = policies.iter().map(|text| (*text).to_owned()).collect();
        with_policies(&mut file, &mut tunnel, &policies, &crate::registry()).unwrap();
        (file, tunnel)
    }

    #[test]
    fn policies_are_links_in_the_order_of_their_flags() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("c.json");
        std::fs::write(&config, "{\"burst\": 2}").unwrap();
        let with_config = format!("a/limit.wasm={}", config.display());
        let (file, tunnel) =
            named(&[&with_config, "b/limit.wasm", "compression.wasm", "a/limit.wasm"]);
        let plugins: Vec<_> = file.plugins.0.iter().map(|(name, _)| name.value.as_str()).collect();
        assert_eq!(plugins, ["limit", "limit-2", "compression-2"]);
        let links = tunnel.handlers.unwrap().value;
        let links: Vec<_> = links.iter().map(|l| format!("{} {}", l.kind, l.options)).collect();
        assert_eq!(links, ["limit {\"burst\":2}", "limit-2 {}", "compression-2 {}", "limit {}"]);
    }

    #[test]
    fn a_configuration_that_is_none_is_told_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("c.json");
        std::fs::write(&config, "{\n  1: 2\n}").unwrap();
        let text = format!("limit.wasm={}", config.display());
        let (mut file, mut tunnel) = (File::default(), Tunnel::default());
        let error = with_policies(&mut file, &mut tunnel, &[text], &Registry::default());
        let error = error.unwrap_err().to_string();
        assert!(error.ends_with("c.json:2:3: the key 1 is not a string; quote it"), "{error}");
    }
}
