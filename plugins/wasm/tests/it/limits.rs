//! Limits that have no place of their own: a policy meets each, and is told its name.

use std::{sync::Arc, time::Duration};

use adit_chain::OnError;
use adit_wasm::{Clock, FaultKind, Limits, LogCapture, ManualClock, PluginSpec, Services};
use http::Request;
use serde_json::json;
use wasmparser::{Parser, Payload};

use crate::{
    guest::{FIRST, Guest, case_reply, data},
    lab::{ask, lab},
    rig::{Rig, chain},
};

/// What keeps a policy from being loaded or configured.
fn refused(bytes: &[u8]) -> String {
    let rig = Rig::new();
    let spec = PluginSpec::new("policy", rig.file(bytes));
    match rig.host.plugin(spec) {
        Err(error) => error.to_string(),
        Ok(plugin) => chain(plugin, &json!({}), OnError::Deny).unwrap_err().message,
    }
}

/// What is told of the fault of a request.
async fn fault(rig: &Rig, spec: PluginSpec) -> (FaultKind, String) {
    let lab = lab(rig, spec, &json!({})).unwrap();
    let told = lab.request(ask("/")).await;
    let [fault] = &told.faults[..] else { panic!("{:?}", told.faults) };
    (fault.kind, fault.message.clone())
}

/// Name, default and highest value of each limit that can be set, as the guide says.
fn told() -> Vec<[String; 3]> {
    let guide = include_str!("../../../../docs/policies/limits.md");
    let settable = guide.split("These are fixed").next().unwrap();
    let rows = settable.lines().filter(|line| line.starts_with("| `"));
    let plain = |cell: &str| cell.trim().trim_matches('`').to_owned();
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(plain).collect();
        [cells[0].clone(), cells[1].clone(), cells[2].clone()]
    })
    .collect()
}

#[test]
fn the_guide_tells_each_limit_as_it_is() {
    // A number where there is no unit.
    let value = |text: &str| text.parse::<u64>().map_or_else(|_| json!(text), |n| json!(n));
    let twice = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        value(&format!("{}{}", text[..end].parse::<u64>().unwrap() * 2, &text[end..]))
    };
    let told = told();
    assert_eq!(told.len(), 12);
    for [name, default, most] in told {
        let read = |value| Limits::from_json(&json!({ &name: value }));
        assert_eq!(read(value(&default)).unwrap(), Limits::default(), "{name}");
        if !most.is_empty() {
            assert!(read(value(&most)).is_ok(), "{name}: {most}");
            let error = read(twice(&most)).unwrap_err().to_string();
            assert!(error.contains(&name), "{error}");
        }
    }
}

#[test]
fn a_table_has_so_many_elements() {
    let guest = |n: u32| Guest::new().on_request(FIRST).with(&format!("(table {n} funcref)"));
    let error = refused(&guest(20_001).build());
    assert!(error.contains("20001") && error.contains("20000"), "{error}");
    let rig = Rig::new();
    rig.chain(rig.spec(&guest(20_000)), OnError::Deny);
}

#[tokio::test]
async fn a_table_does_not_grow_beyond_its_elements() {
    let grown = |n: u32| {
        Guest::new().with("(table $t 1 funcref)").on_request(&format!(
            "(if (i32.eq (table.grow $t (ref.null func) (i32.const {n})) (i32.const -1)) \
             (then unreachable)) {FIRST}"
        ))
    };
    let rig = Rig::new();
    let (kind, _) = fault(&rig, rig.spec(&grown(20_000))).await;
    assert_eq!(kind, FaultKind::Trap);
    let lab = lab(&rig, rig.spec(&grown(19_999)), &json!({})).unwrap();
    assert!(lab.request(ask("/")).await.faults.is_empty());
}

#[test]
fn a_policy_has_so_many_tables() {
    let error =
        refused(&Guest::new().on_request(FIRST).with(&"(table 1 funcref)".repeat(5)).build());
    assert!(error.contains("tables") && error.contains("limit of 4"), "{error}");
}

/// Adds more instances of an empty core module to a component.
fn with_instances(mut component: Vec<u8>, n: u8) -> Vec<u8> {
    let is_module = |payload: &Payload<'_>| matches!(payload, Payload::ModuleSection { .. });
    let depth = std::cell::Cell::new(0_u32);
    let at_the_top = |payload: &Payload<'_>| {
        match payload {
            Payload::ComponentSection { .. } | Payload::ModuleSection { .. } => {
                depth.set(depth.get() + 1);
                return depth.get() == 1;
            }
            Payload::End(_) => depth.set(depth.get().saturating_sub(1)),
            _ => {}
        }
        false
    };
    let payloads = Parser::new(0).parse_all(&component).map(Result::unwrap);
    let modules = payloads.filter(|payload| at_the_top(payload) && is_module(payload)).count();
    let module = b"\0asm\x01\0\0\0";
    component.extend([1, 8]);
    component.extend(module);
    let instance = [0, u8::try_from(modules).unwrap(), 0];
    component.extend([2, 1 + 3 * n, n]);
    component.extend(instance.repeat(n.into()));
    component
}

#[test]
fn a_policy_is_made_of_so_many_core_instances() {
    let component = Guest::new().on_request(FIRST).build();
    let error = refused(&with_instances(component.clone(), 17));
    assert!(error.contains("instances") && error.contains("16"), "{error}");
    let rig = Rig::new();
    let few = rig.file(&with_instances(component, 10));
    rig.chain(PluginSpec::new("policy", few), OnError::Deny);
}

#[tokio::test]
async fn an_instance_holds_so_many_handles() {
    let rig = Rig::new();
    let component = wat::parse_str(include_str!("handles.wat")).unwrap();
    let spec = PluginSpec::new("policy", rig.file(&component));
    let lab = lab(&rig, spec, &json!({})).unwrap();
    assert!(lab.request(ask("/")).await.faults.is_empty(), "600 are fine");
    let told = lab.request(ask("/")).await;
    let [fault] = &told.faults[..] else { panic!("1 200 are not") };
    assert_eq!(fault.kind, FaultKind::Trap);
    assert!(fault.message.contains("handle"), "{}", fault.message);
    // The instance went with its handles.
    assert!(lab.request(ask("/")).await.faults.is_empty());
}

#[tokio::test]
async fn the_wall_stops_a_call_about_a_piece() {
    let rig = Rig::new();
    let guest = Guest::new()
        .import("http", "[method]request.watch-body", "$watch (param i32 i32)")
        .on_request(&format!("(call $watch (local.get $req) (i32.const 8192)) {FIRST}"))
        .on_request_body(FIRST, "(loop $l (br $l)) (i32.const 0)");
    let mut spec = rig.spec(&guest);
    spec.limits.cpu = Duration::from_secs(1);
    spec.limits.chunk_wall = Duration::from_millis(30);
    let lab = lab(&rig, spec, &json!({})).unwrap();
    let mut asked = ask("/");
    asked.request = Request::post("/").body("abc".into()).unwrap();
    let told = lab.request(asked).await;
    assert_eq!(told.faults[0].kind, FaultKind::Timeout);
    let expected = "took longer than 30ms, busy all the time; the limit is `limits.chunk_wall`";
    assert_eq!(told.faults[0].message, expected);
}

#[tokio::test]
async fn those_who_are_told_of_ends_have_less_time() {
    let rig = Rig::new();
    let guest = Guest::new().on_finish("(loop $l (br $l))");
    let (kind, message) = fault(&rig, rig.spec(&guest)).await;
    let expected = (FaultKind::Cpu, "used more than 5ms of CPU time".to_owned());
    assert_eq!((kind, message), expected);
}

#[tokio::test]
async fn a_reply_has_so_many_octets() {
    let rig = Rig::new();
    for (len, is_fine) in [(1 << 20, true), ((1 << 20) + 1, false)] {
        let guest = Guest::new().on_request(&case_reply(1, 200, 65_536, len));
        let lab = lab(&rig, rig.spec(&guest), &json!({})).unwrap();
        let told = lab.request(ask("/")).await;
        assert_eq!(told.faults.is_empty(), is_fine);
        for fault in told.faults {
            assert_eq!(fault.kind, FaultKind::Answer);
            assert!(fault.message.starts_with("reply: reply body"), "{}", fault.message);
        }
    }
}

#[tokio::test]
async fn what_is_kept_has_so_many_octets() {
    let rig = Rig::new();
    // Traps if it is not refused; the first octet of the answer tells.
    let keeps = |len: u32, refused: u32| {
        Guest::new()
            .import("http", "[method]request.keep", "$keep (param i32 i32 i32 i32)")
            .on_request(&format!(
                "(call $keep (local.get $req) (i32.const 65536) (i32.const {len}) (i32.const 8192)) \
                 (if (i32.ne (i32.load8_u (i32.const 8192)) (i32.const {refused})) \
                 (then unreachable)) {FIRST}"
            ))
    };
    for guest in [keeps(16 << 10, 0), keeps((16 << 10) + 1, 1)] {
        let lab = lab(&rig, rig.spec(&guest), &json!({})).unwrap();
        assert_eq!(lab.request(ask("/")).await.faults, []);
    }
}

#[tokio::test]
async fn randomness_comes_in_so_many_octets() {
    let rig = Rig::new();
    let guest =
        Guest::new().import("random", "bytes", "$bytes (param i32 i32)").on_request(&format!(
            "(call $bytes (i32.const 5000) (i32.const 8192)) \
             (if (i32.ne (i32.load (i32.const 8196)) (i32.const 4096)) (then unreachable)) {FIRST}"
        ));
    let lab = lab(&rig, rig.spec(&guest), &json!({})).unwrap();
    assert_eq!(lab.request(ask("/")).await.faults, []);
}

#[tokio::test]
async fn a_policy_writes_so_many_records_of_so_many_octets() {
    // Time stands still: what was used up does not come back.
    let (logs, clock) = (LogCapture::default(), Arc::new(ManualClock::starting_at(0)));
    let services = Services::builder().capture(logs.clone()).clock(Clock::Manual(clock)).build();
    let rig = Rig::with(|options| options.services = services);
    let guest = Guest::new()
        .with(&data(70_000, &"x".repeat(10_000)))
        .import("log", "write", "$write (param i32 i32 i32 i32 i32)")
        .with("(global $n (mut i32) (i32.const 0))")
        .on_request(&format!(
            "(loop $l (call $write (i32.const 4) (i32.const 70000) (i32.const 10000) \
             (i32.const 0) (i32.const 0)) \
             (global.set $n (i32.add (global.get $n) (i32.const 1))) \
             (br_if $l (i32.lt_u (global.get $n) (i32.const 150)))) {FIRST}"
        ));
    let mut spec = rig.spec(&guest);
    spec.limits.cpu = Duration::from_secs(1);
    let lab = lab(&rig, spec, &json!({})).unwrap();
    assert_eq!(lab.request(ask("/")).await.faults, []);
    let records = logs.take();
    assert_eq!(records.len(), 100);
    assert!(records.iter().all(|record| record.message == "x".repeat(8 << 10)));
    let text = rig.host.services().metrics().render();
    assert!(text.contains("adit_policy_log_dropped_total{policy=\"policy\"} 50"), "{text}");
}
