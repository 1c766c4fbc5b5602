//! Compiles policies to components and reads off what they import and export.

use std::path::PathBuf;
use std::process::Command;

use wit_component::{ComponentEncoder, DecodedWasm};
use wit_parser::{Resolve, WorldItem, WorldKey};

/// What a component says about itself.
struct Component {
    /// `interface.function`, for each that it calls.
    imports: Vec<String>,
    /// Interfaces.
    exports: Vec<String>,
    size: usize,
}

/// Builds one of the examples as `policy build` would.
fn build(example: &str) -> Component {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("components");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--target", "wasm32-unknown-unknown"])
        .args(["--package", "adit-policy-sdk", "--example", example])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("RUSTFLAGS")
        .status()
        .expect("cargo runs");
    assert!(built.success(), "{example} does not compile");
    let module = target.join(format!("wasm32-unknown-unknown/release/examples/{example}.wasm"));
    let module = std::fs::read(&module).expect("was built");
    let encoder = ComponentEncoder::default().validate(true).module(&module);
    let component = encoder.and_then(|mut encoder| encoder.encode()).expect("componentizes");
    if let Some(folder) = std::env::var_os("ADIT_KEEP_COMPONENTS") {
        let path = PathBuf::from(folder).join(format!("{example}.wasm"));
        std::fs::write(path, &component).expect("can be kept");
    }
    read(&component)
}

fn read(component: &[u8]) -> Component {
    let decoded = wit_component::decode(component).expect("can be read");
    let DecodedWasm::Component(resolve, world) = decoded else { panic!("is a component") };
    let world = &resolve.worlds[world];
    let mut imports = Vec::new();
    for (key, item) in &world.imports {
        let WorldItem::Interface { id, .. } = item else { panic!("imports interfaces only") };
        let interface = name(&resolve, key);
        let functions = resolve.interfaces[*id].functions.keys();
        imports.extend(functions.map(|function| match function.split_once(']') {
            Some((_, method)) => method.to_owned(),
            None => format!("{interface}.{function}"),
        }));
    }
    imports.sort();
    let mut exports: Vec<_> = world.exports.keys().map(|key| name(&resolve, key)).collect();
    exports.sort();
    Component { imports, exports, size: component.len() }
}

/// `request-hook` of `adit:policy/request-hook@0.1.0`. Anything of another package is foreign.
fn name(resolve: &Resolve, key: &WorldKey) -> String {
    let full = resolve.name_world_key(key);
    let name = full.strip_prefix("adit:policy/").and_then(|rest| rest.strip_suffix("@0.1.0"));
    name.unwrap_or_else(|| panic!("{full} is foreign")).to_owned()
}

#[test]
fn a_rate_limit_imports_what_it_calls_and_exports_one_hook() {
    let component = build("key_limit");
    let expected = [
        "agent.panicked",
        "connection.client",
        "rate.take",
        "request.header",
        "request.set-header",
    ];
    assert_eq!(component.imports, expected);
    assert_eq!(component.exports, ["request-hook", "setup"]);
    assert!(component.size < 160 * 1024, "{} octets", component.size);
}

#[test]
fn state_from_request_to_response_takes_two_hooks() {
    let component = build("canary");
    let expected = [
        "agent.panicked",
        "random.number",
        "request.header-all",
        "request.keep",
        "request.kept",
        "response.append-header",
    ];
    assert_eq!(component.imports, expected);
    assert_eq!(component.exports, ["request-hook", "response-hook", "setup"]);
}

#[test]
fn a_policy_may_have_every_hook() {
    let component = build("everything");
    let expected = [
        "close-hook",
        "connection-hook",
        "finish-hook",
        "request-body-hook",
        "request-hook",
        "response-body-hook",
        "response-hook",
        "setup",
        "stream-hook",
    ];
    assert_eq!(component.exports, expected);
}
