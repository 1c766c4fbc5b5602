//! Who may depend on whom: the table in `ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What a crate may use of ours. Crates that are not named here put everything together.
fn may_use(name: &str) -> Option<&'static [&'static str]> {
    Some(match name {
        "adit-mux" | "adit-chain" | "adit-net" | "adit-config" => &[],
        "adit-policy-rules" | "adit-policy-macro" => &[],
        "adit-proto" => &["adit-mux"],
        "adit-runtime" => &["adit-chain", "adit-net"],
        "adit-inspect" => &["adit-runtime", "adit-chain", "adit-net"],
        "adit-builtin" => &["adit-chain"],
        "adit-policy" => &["adit-chain", "adit-builtin"],
        "adit-wasm" => &["adit-chain", "adit-policy-rules"],
        "adit-policy-sdk" => &["adit-policy-rules", "adit-policy-macro"],
        "adit-agent" | "adit-edge" => {
            &["adit-runtime", "adit-proto", "adit-config", "adit-chain", "adit-net", "adit-mux"]
        }
        _ => return None,
    })
}

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let metadata = MetadataCommand::new().manifest_path(manifest).no_deps().exec().unwrap();
    let is_ours = |name: &str| name == "adit" || name.starts_with("adit-");
    let packages = metadata.packages.into_iter().map(|package| {
        let normal = package.dependencies.into_iter().filter(|dependency| {
            dependency.kind == DependencyKind::Normal && is_ours(&dependency.name)
        });
        (package.name.to_string(), normal.map(|dependency| dependency.name).collect())
    });
    packages.collect()
}

#[test]
fn crates_use_only_what_is_below_them() {
    let dependencies = dependencies();
    let mut wrong = Vec::new();
    for (name, used) in &dependencies {
        let Some(allowed) = may_use(name) else { continue };
        let beyond = used.iter().filter(|used| !allowed.contains(&used.as_str()));
        wrong.extend(beyond.map(|used| format!("{name} uses {used}")));
    }
    assert_eq!(wrong, [""; 0]);
    for name in [
        "adit-mux",
        "adit-proto",
        "adit-runtime",
        "adit-inspect",
        "adit-agent",
        "adit-edge",
        "adit-policy",
        "adit-wasm",
        "adit",
    ] {
        assert!(dependencies.contains_key(name), "there is no {name}");
    }
}

#[test]
fn the_table_in_the_architecture_says_the_same() {
    let text = include_str!("../../../ARCHITECTURE.md");
    for row in [
        "| mux, chain, net, config, rules, macro | none of ours |",
        "| proto | mux |",
        "| runtime | chain, net |",
        "| agent, edge | runtime, proto, config, and what is below those |",
        "| inspect | runtime, and what is below it |",
        "| builtin | chain |",
        "| policy | chain, builtin |",
        "| wasm | chain, rules |",
        "| sdk | rules, macro |",
        "| cli, tests | everything |",
    ] {
        assert!(text.lines().any(|line| line == row), "no longer there: {row}");
    }
}
