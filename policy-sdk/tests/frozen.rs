//! What was published does not change.

/// The copies beside the contract: each is what a line was when it was released. The last one moves
/// with the contract until its release.
#[test]
fn the_newest_copy_is_the_contract() {
    let current = include_str!("../wit/policy.wit");
    assert!(current.starts_with("package adit:policy@0.1.0;\n"));
    assert_eq!(current, include_str!("../wit/0.1.0/policy.wit"));
}

/// The bindings are committed; a tool writes them. Its `--check` compares all of it, this notices
/// functions that were added or taken away and forgotten.
#[test]
fn the_bindings_have_every_function_of_the_contract() {
    let imports = include_str!("../src/bindings/imports.rs");
    let exports = [
        include_str!("../src/bindings/setup.rs"),
        include_str!("../src/bindings/connection_hook.rs"),
        include_str!("../src/bindings/close_hook.rs"),
        include_str!("../src/bindings/stream_hook.rs"),
        include_str!("../src/bindings/request_hook.rs"),
        include_str!("../src/bindings/request_body_hook.rs"),
        include_str!("../src/bindings/response_hook.rs"),
        include_str!("../src/bindings/response_body_hook.rs"),
        include_str!("../src/bindings/finish_hook.rs"),
    ]
    .concat();
    let functions = include_str!("../wit/policy.wit").lines().filter_map(|line| {
        let (name, rest) = line.trim().split_once(": ")?;
        rest.starts_with("func(").then(|| name.replace('-', "_"))
    });
    let functions: Vec<_> = functions.collect();
    assert!(functions.len() > 80, "{}", functions.len());
    for function in functions {
        let is_export = function == "configure" || function.starts_with("on_");
        let text = if is_export { exports.as_str() } else { imports };
        assert!(text.contains(&format!("fn {function}(")), "{function} is not in the bindings");
    }
}
