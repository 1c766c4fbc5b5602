//! Policies for tests, written in WebAssembly itself: small, and made in no time.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const CONTRACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../policy-sdk/wit/policy.wit");

/// Sets `x-policy` of each request to `mark` and `x-config` to its configuration, which must not be
/// empty. The first letter of the path has it do something else: `t` trap, `d` deny with a 403,
/// `r` reroute to the endpoint `b`.
pub(super) fn request_policy(mark: &str) -> Vec<u8> {
    let len = mark.len();
    component(
        "import adit:policy/http@0.1.0; import adit:policy/connections@0.1.0;
         export adit:policy/setup@0.1.0; export adit:policy/request-hook@0.1.0;",
        r#"
            (import "adit:policy/http@0.1.0" "[method]request.set-header"
                (func $set (param i32 i32 i32 i32 i32 i32)))
            (import "adit:policy/http@0.1.0" "[method]request.target"
                (func $target (param i32 i32)))
            (import "adit:policy/http@0.1.0" "[resource-drop]request" (func $drop-request (param i32)))
            (import "adit:policy/connections@0.1.0" "[resource-drop]connection"
                (func $drop-connection (param i32)))
        "#,
        &format!(
            r#"
            (data (i32.const 256) "x-policy")
            (data (i32.const 272) "x-config")
            (data (i32.const 288) "denied")
            (data (i32.const 304) "b")
            (data (i32.const 320) "{mark}")
            (func (export "adit:policy/request-hook@0.1.0#on-request")
                (param $conn i32) (param $req i32) (result i32)
                (local $path i32)
                (call $target (local.get $req) (i32.const 128))
                (if (i32.gt_u (i32.load (i32.const 132)) (i32.const 1)) (then
                    (local.set $path (i32.load8_u offset=1 (i32.load (i32.const 128))))))
                (call $set (local.get $req) (i32.const 256) (i32.const 8)
                    (i32.const 320) (i32.const {len}) (i32.const 160))
                (call $set (local.get $req) (i32.const 272) (i32.const 8)
                    (global.get $config) (global.get $config-len) (i32.const 160))
                (call $drop-request (local.get $req))
                (call $drop-connection (local.get $conn))
                (if (i32.eq (local.get $path) (i32.const 0x74)) (then unreachable))
                (i32.store8 (i32.const 64) (i32.const 0))
                (if (i32.eq (local.get $path) (i32.const 0x64)) (then
                    (i32.store8 (i32.const 64) (i32.const 1))
                    (i32.store16 (i32.const 68) (i32.const 403))
                    (i32.store (i32.const 72) (i32.const 0))
                    (i32.store (i32.const 76) (i32.const 0))
                    (i32.store (i32.const 80) (i32.const 288))
                    (i32.store (i32.const 84) (i32.const 6))))
                (if (i32.eq (local.get $path) (i32.const 0x72)) (then
                    (i32.store8 (i32.const 64) (i32.const 2))
                    (i32.store (i32.const 68) (i32.const 304))
                    (i32.store (i32.const 72) (i32.const 1))))
                (global.set $heap (global.get $base))
                (i32.const 64))
            "#
        ),
    )
}

/// Lets connections through, unless its configuration is longer than `{"let": true}`.
pub(super) fn connection_policy() -> Vec<u8> {
    component(
        "import adit:policy/connections@0.1.0;
         export adit:policy/setup@0.1.0; export adit:policy/connection-hook@0.1.0;",
        r#"
        (import "adit:policy/connections@0.1.0" "[resource-drop]connection"
            (func $drop-connection (param i32)))
        "#,
        r#"
        (data (i32.const 288) "not you")
        (func (export "adit:policy/connection-hook@0.1.0#on-connection")
            (param $conn i32) (result i32)
            (call $drop-connection (local.get $conn))
            (i32.store8 (i32.const 64) (i32.gt_u (global.get $config-len) (i32.const 12)))
            (i32.store (i32.const 68) (i32.const 288))
            (i32.store (i32.const 72) (i32.const 7))
            (i32.const 64))
        "#,
    )
}

/// A component of a world with these items and this code, beside which stand memory, an allocator,
/// and a `configure` that keeps the configuration and refuses an empty one.
fn component(world: &str, imports: &str, code: &str) -> Vec<u8> {
    let text = format!(
        r#"(module {imports}
            (memory (export "memory") 4)
            (global $heap (mut i32) (i32.const 4096))
            (global $base (mut i32) (i32.const 4096))
            (global $config (mut i32) (i32.const 0))
            (global $config-len (mut i32) (i32.const 0))
            (data (i32.const 512) "mark: expected a text")
            (func (export "cabi_realloc") (param i32 i32 i32) (param $len i32) (result i32)
                (local $at i32)
                (local.set $at (global.get $heap))
                (global.set $heap (i32.and (i32.add (i32.add (global.get $heap) (local.get $len))
                    (i32.const 7)) (i32.const -8)))
                (local.get $at))
            (func (export "adit:policy/setup@0.1.0#configure")
                (param $at i32) (param $len i32) (result i32)
                (global.set $config (local.get $at))
                (global.set $config-len (local.get $len))
                (global.set $base (global.get $heap))
                (i32.store8 (i32.const 32) (i32.le_u (local.get $len) (i32.const 2)))
                (i32.store (i32.const 36) (i32.const 512))
                (i32.store (i32.const 40) (i32.const 21))
                (i32.const 32))
            {code})"#
    );
    let mut module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut resolve = Resolve::default();
    resolve.push_path(CONTRACT).unwrap();
    let package = format!("package test:policy; world guest {{ {world} }}");
    let package = resolve.push_str("guest.wit", &package).unwrap();
    let world = resolve.select_world(&[package], Some("guest")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let encoder = ComponentEncoder::default().validate(true).module(&module);
    encoder.and_then(|mut encoder| encoder.encode()).unwrap_or_else(|error| panic!("{error:#}"))
}
