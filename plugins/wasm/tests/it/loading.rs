//! What loads and what does not, and why.

use std::sync::Arc;

use adit_chain::{BuildCx, Endpoint, Needs, OnError, Protocol, Side};
use adit_wasm::{Grants, HookInterface, Instances, Limits, PluginSpec, RateQuota, inspect};
use serde_json::json;

use crate::{
    guest::{FIRST, Guest, case_text, data},
    rig::{Rig, chain, cx, get, request},
};

fn rate() -> Guest {
    Guest::new()
        .import("rate", "take", "$take (param i32 i32 i32 i32 i32 i32 i32 i32)")
        .on_request(&format!(
            "(call $take (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 2) \
             (i32.const 1000) (i32.const 1) (i32.const 8192)) {FIRST}"
        ))
        .with(&data(0, "k"))
}

#[test]
fn a_core_module_is_not_a_policy_yet() {
    let rig = Rig::new();
    let module = Guest::new().on_request(FIRST).module();
    let error = rig.load_error(PluginSpec::new("p", rig.file(&module)));
    assert!(error.ends_with("this is a core module; run `adit policy build`"), "{error}");
}

#[test]
fn precompiled_code_is_refused() {
    let rig = Rig::new();
    let error = rig.load_error(PluginSpec::new("p", rig.file(b"\x7fELF and so on")));
    assert!(error.contains("precompiled"), "{error}");
}

#[test]
fn what_is_no_wasm_is_told_so() {
    let rig = Rig::new();
    let error = rig.load_error(PluginSpec::new("p", rig.file(b"hello")));
    let expected =
        "this is not a WebAssembly component: magic header not detected: bad magic number";
    assert!(error.ends_with(expected), "{error}");
    let error = rig.load_error(PluginSpec::new("p", rig.dir.path().join("nowhere")));
    assert!(error.starts_with("could not read"), "{error}");
}

#[test]
fn a_power_that_is_not_granted_keeps_a_policy_from_loading() {
    let rig = Rig::new();
    let mut spec = rig.spec(&rate());
    let error = rig.load_error(spec.clone());
    let expected = "needs rate (take), which is not granted; write `grants: { rate: [...] }`";
    assert!(error.ends_with(expected), "{error}");
    spec.grants.rate.insert("k".to_owned(), RateQuota::default());
    rig.plugin(spec);
}

#[test]
fn a_policy_without_hooks_is_refused() {
    let rig = Rig::new();
    let error = rig.load_error(rig.spec(&Guest::new()));
    assert!(error.ends_with("exports no hook: it would never be called"), "{error}");
}

#[test]
fn asking_for_a_body_needs_the_hook_for_it() {
    let rig = Rig::new();
    let guest = Guest::new()
        .import("http", "[method]request.await-body", "$await (param i32 i32 i32)")
        .on_request(&format!(
            "(call $await (local.get $req) (i32.const 9) (i32.const 8192)) {FIRST}"
        ));
    let error = rig.load_error(rig.spec(&guest));
    let expected = "calls `request.await-body` but exports no `request-body-hook`";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn the_world_outside_is_explained() {
    let rig = Rig::new();
    let component = wat::parse_str(
        r#"(component (import "wasi:cli/environment@0.2.6" (instance))
                      (import "wasi:io/streams@0.2.6" (instance)))"#,
    );
    let error = rig.load_error(PluginSpec::new("p", rig.file(&component.unwrap())));
    assert!(error.contains("imports wasi:cli/environment@0.2.6 and 1 more"), "{error}");
    assert!(error.contains("build it for wasm32-unknown-unknown"), "{error}");
}

#[test]
fn another_line_of_the_contract_is_told_so() {
    let rig = Rig::new();
    let component = wat::parse_str(r#"(component (import "adit:policy/http@0.2.0" (instance)))"#);
    let error = rig.load_error(PluginSpec::new("p", rig.file(&component.unwrap())));
    let expected = "was built for version 0.2.0 of the policy contract; this agent serves 0.1";
    assert!(error.ends_with(expected), "{error}");
}

#[test]
fn functions_of_a_later_agent_are_named() {
    let rig = Rig::new();
    let later = include_str!("../../../../policy-sdk/wit/policy.wit")
        .replace("adit:policy@0.1.0", "adit:policy@0.1.1")
        .replace("    kept: func() -> option<list<u8>>;\n  }\n\n  resource response",
            "    kept: func() -> option<list<u8>>;\n    trailers: func() -> u32;\n  }\n\n  resource response");
    let guest = Guest::new()
        .import("http", "[method]request.trailers", "$trailers (param i32) (result i32)")
        .on_request(&format!("(drop (call $trailers (local.get $req))) {FIRST}"))
        .release("0.1.1");
    let mut bytes = guest.build_for(&later);
    manifest(&mut bytes, r#"{"name":"p","min-agent":"1.4"}"#);
    let error = rig.load_error(PluginSpec::new("p", rig.file(&bytes)));
    assert!(error.contains("needs adit 1.4 or newer (uses http.request.trailers)"), "{error}");
}

#[tokio::test]
async fn another_patch_of_the_contract_loads_and_runs() {
    let rig = Rig::new();
    let later = include_str!("../../../../policy-sdk/wit/policy.wit")
        .replace("adit:policy@0.1.0", "adit:policy@0.1.7");
    let bytes = Guest::new().on_request(FIRST).release("0.1.7").build_for(&later);
    assert_eq!(inspect(&bytes).unwrap().abi.as_deref(), Some("0.1.7"));
    let spec = PluginSpec::new("p", rig.file(&bytes));
    assert!(request(&rig.chain(spec, OnError::Deny), get()).await.is_next());
}

/// Appends a custom section.
fn manifest(bytes: &mut Vec<u8>, json: &str) {
    let name = "adit:policy";
    let mut section = vec![u8::try_from(name.len()).unwrap()];
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(json.as_bytes());
    bytes.push(0);
    bytes.push(u8::try_from(section.len()).unwrap());
    bytes.extend(section);
}

#[test]
fn inspection_tells_imports_by_function_and_hooks() {
    let mut bytes = rate().build();
    manifest(&mut bytes, r#"{"name":"key-limit","version":"0.3.0","sdk":"0.1.0"}"#);
    let inspection = inspect(&bytes).unwrap();
    assert_eq!(inspection.hooks, [HookInterface::Request]);
    assert_eq!(inspection.imports["rate"], ["take"]);
    assert_eq!(inspection.grants().collect::<Vec<_>>(), ["rate"]);
    assert_eq!(inspection.abi.as_deref(), Some("0.1.0"));
    assert_eq!(inspection.manifest.as_ref().unwrap().name.as_deref(), Some("key-limit"));
    assert!(inspection.has_setup && inspection.foreign.is_empty());
    assert_eq!(inspection.check(), Ok(()));
}

#[test]
fn a_pin_holds_the_file_to_its_digest() {
    let rig = Rig::new();
    let bytes = Guest::new().on_request(FIRST).build();
    let mut spec = PluginSpec::new("p", rig.file(&bytes));
    spec.sha256 = Some(inspect(&bytes).unwrap().digest);
    rig.plugin(spec.clone());
    spec.sha256 = Some([0; 32]);
    assert!(rig.load_error(spec).contains("not the one in `sha256`"));
}

#[test]
fn a_file_that_is_too_long_is_not_read() {
    let rig = Rig::new();
    let mut spec = rig.spec(&Guest::new().on_request(FIRST));
    spec.limits.component = 100;
    assert!(rig.load_error(spec).ends_with("is longer than 100B; raise `limits.component`"));
}

#[test]
fn what_configure_says_is_what_the_operator_reads() {
    let rig = Rig::new();
    let text = "burst: expected an integer";
    let guest =
        Guest::new().with(&data(0, text)).configure(&case_text(1, 0, text.len())).on_request(FIRST);
    let error = chain(rig.plugin(rig.spec(&guest)), &json!({}), OnError::Pass).unwrap_err();
    assert_eq!(error.message, text);
}

#[test]
fn the_configuration_arrives_as_json() {
    let rig = Rig::new();
    // Says no with what it was given.
    let guest = Guest::new()
        .configure(
            "(i32.store8 (i32.const 4096) (i32.const 1)) \
             (i32.store (i32.const 4100) (local.get $at)) \
             (i32.store (i32.const 4104) (local.get $len)) (i32.const 4096)",
        )
        .on_request(FIRST);
    let plugin = rig.plugin(rig.spec(&guest));
    let told = |options| chain(plugin.clone(), &options, OnError::Deny).unwrap_err().message;
    assert_eq!(told(json!({ "burst": 2, "names": ["a"] })), r#"{"burst":2,"names":["a"]}"#);
    assert_eq!(told(json!(null)), "{}");
}

#[test]
fn a_policy_that_breaks_in_configure_does_not_load() {
    let rig = Rig::new();
    let cases = [
        ("unreachable", "configure: reached `unreachable`"),
        ("(loop $l (br $l)) (i32.const 0)", "configure: used more than 50ms of CPU time"),
    ];
    for (body, expected) in cases {
        let mut spec = rig.spec(&Guest::new().configure(body).on_request(FIRST));
        spec.limits.configure_cpu = std::time::Duration::from_millis(50);
        let error = chain(rig.plugin(spec), &json!({}), OnError::Deny).unwrap_err();
        assert!(error.message.starts_with(expected), "{}", error.message);
    }
}

#[test]
fn memory_that_it_starts_with_counts() {
    let rig = Rig::new();
    let mut spec = rig.spec(&Guest::new().on_request(FIRST));
    spec.limits.memory = 1 << 20;
    let error = chain(rig.plugin(spec), &json!({}), OnError::Deny).unwrap_err();
    assert_eq!(error.message, "configure: needs more than 1MiB (2MiB); raise `limits.memory`");
}

#[test]
fn policies_do_not_run_at_the_edge() {
    let rig = Rig::new();
    let plugin = rig.plugin(rig.spec(&Guest::new().on_request(FIRST)));
    let error = plugin.build(&json!({}), &BuildCx { side: Side::Edge, ..cx() }).unwrap_err();
    assert_eq!(error.message, "policies run at the agent, not at the edge");
}

#[test]
fn needs_come_from_the_hooks() {
    let rig = Rig::new();
    let needs = |guest: Guest| rig.chain(rig.spec(&guest), OnError::Deny).needs();
    assert_eq!(needs(Guest::new().on_request(FIRST)), Needs::REQUEST_HEAD);
    assert_eq!(needs(Guest::new().on_response(FIRST)), Needs::RESPONSE_HEAD);
    assert_eq!(needs(Guest::new().on_connection(FIRST)), Needs::CONNECT);
    assert_eq!(needs(Guest::new().on_close("")), Needs::CONNECT);
    assert_eq!(needs(Guest::new().on_data(FIRST)), Needs::CONNECTION);
    assert_eq!(needs(Guest::new().on_finish("")), Needs::REQUEST_HEAD);
}

#[test]
fn who_is_told_of_ends_is_told_of_those_there_are() {
    let rig = Rig::new();
    let endpoint = Endpoint { protocol: Protocol::Tcp, ..Endpoint::clone(&cx().endpoint) };
    let raw = BuildCx { endpoint: Arc::new(endpoint), ..cx() };
    let needs = |guest: Guest| {
        let handler = rig.plugin(rig.spec(&guest)).build(&json!({}), &raw).unwrap();
        handler.needs()
    };
    assert_eq!(needs(Guest::new().on_close("").on_finish("")), Needs::CONNECT);
    assert_eq!(needs(Guest::new().on_finish("")), Needs::REQUEST_HEAD);
    let lock = Guest::new().on_connection(FIRST).on_request(FIRST);
    assert!(needs(lock).wants_http(), "nobody would ask it for anything there");
}

#[tokio::test]
async fn every_hook_keeps_the_promises_of_handlers() {
    let rig = Rig::new();
    let guest = Guest::new()
        .on_connection(FIRST)
        .on_close("")
        .on_data(FIRST)
        .on_request(FIRST)
        .on_request_body(FIRST, FIRST)
        .on_response(FIRST)
        .on_response_body(FIRST, FIRST)
        .on_finish("");
    for instances in [Instances::Reuse, Instances::Fresh] {
        let mut spec = rig.spec(&guest);
        spec.instances = instances;
        let handler = rig.plugin(spec).build(&json!({}), &cx()).unwrap();
        adit_chain::conformance::check(&handler).await.unwrap();
    }
}

#[test]
fn arbitrary_bytes_never_panic() {
    let whole = Guest::new().on_request(FIRST).on_data(FIRST).build();
    for n in (0..whole.len()).step_by(7) {
        let _ = inspect(&whole[..n]);
        let mut flipped = whole.clone();
        flipped[n] ^= 0x55;
        let _ = inspect(&flipped);
    }
}

/// What is damaged does not load, or is another policy: the sandbox holds that one too.
#[tokio::test]
async fn damaged_components_break_nothing() {
    let rig = Rig::new();
    let whole = rate().build();
    let mut random = 0x2545_f491_u32;
    let mut next = |below: usize| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 8) as usize % below
    };
    let mut loaded = 0;
    for _ in 0..200 {
        let mut damaged = whole.clone();
        for _ in 0..=next(3) {
            let at = next(damaged.len());
            damaged[at] = u8::try_from(next(256)).unwrap();
        }
        let mut spec = PluginSpec::new("p", rig.file(&damaged));
        spec.grants.rate.insert("k".to_owned(), RateQuota::default());
        spec.limits.configure_cpu = std::time::Duration::from_millis(50);
        let Ok(plugin) = rig.host.plugin(spec) else { continue };
        let Ok(chain) = chain(plugin, &json!({}), OnError::Pass) else { continue };
        request(&chain, get()).await;
        loaded += 1;
    }
    assert!(loaded > 0, "some damage is in names and numbers");
    let mut spec = PluginSpec::new("p", rig.file(&whole));
    spec.grants.rate.insert("k".to_owned(), RateQuota::default());
    assert!(request(&rig.chain(spec, OnError::Deny), get()).await.is_next());
}

#[test]
fn defaults_are_what_the_file_does_not_say() {
    let spec = PluginSpec::from_json("p", &json!({ "wasm": "p.wasm" }), "/x".as_ref()).unwrap();
    assert_eq!((spec.grants, spec.limits), (Grants::default(), Limits::default()));
}
