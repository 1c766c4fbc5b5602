#![allow(clippy::unwrap_used)]

use crate::{Layers, endpoint::Endpoint, file::File};

fn endpoint(text: &str) -> Endpoint {
    let files = vec![File::parse("adit.yml", text.as_bytes())];
    Layers { files, ..Layers::default() }.resolve().unwrap().endpoints.remove(0)
}

fn problems(handlers: &str) -> String {
    let text = format!(
        "version: 3\nendpoints:\n- name: a\n  upstream: {{url: 80}}\n  handlers:\n{handlers}"
    );
    let files = vec![File::parse("adit.yml", text.as_bytes())];
    Layers { files, ..Layers::default() }.resolve().unwrap_err().to_string()
}

#[test]
fn a_handler_is_a_name_or_a_map() {
    let e = endpoint(
        "version: 3\nendpoints:\n- name: a\n  upstream: {url: 80}\n  handlers:\n  \
         - compression\n  \
         - basic-auth: {credentials: [\"ann:password\"]}\n  \
         - key-limit: {burst: 20, per: [{ms: 1.5}]}\n    on_error: pass\n  \
         - empty:\n",
    );
    let specs: Vec<String> = e
        .handler_specs(None)
        .iter()
        .map(|s| format!("{} {} {} {}", s.place, s.kind, s.options, s.on_error))
        .collect();
    assert_eq!(
        specs,
        [
            "adit.yml:6:5 compression {} deny",
            "adit.yml:7:5 basic-auth {\"credentials\":[\"ann:password\"]} deny",
            "adit.yml:8:5 key-limit {\"burst\":20,\"per\":[{\"ms\":1.5}]} pass",
            "adit.yml:10:5 empty {} deny",
        ]
    );
    let limit = &e.handlers[2];
    assert_eq!(limit.place_of("per[0].ms").to_string(), "adit.yml:8:39");
    assert_eq!(limit.place_of("per[0].unknown").to_string(), "adit.yml:8:34");
    assert_eq!(limit.place_of("nothing").to_string(), "adit.yml:8:16");
    assert_eq!(format!("{:?}", e.handlers[1]), "HandlerSpec(basic-auth at adit.yml:7:5)");
}

#[test]
fn malformed_entries_are_named() {
    assert_eq!(
        problems("  - a: 1\n    b: 2\n"),
        "adit.yml:7:5: \"b\" follows \"a\" in one entry; begin each handler with its own \"-\""
    );
    assert_eq!(problems("  - a: {1: x}\n"), "adit.yml:6:9: the key 1 is not a string; quote it");
    assert_eq!(
        problems("  - a:\n    on_error: ignore\n"),
        "adit.yml:7:15: \"ignore\" is not one of deny, pass"
    );
    assert_eq!(
        problems("  - []\n"),
        "adit.yml:6:5: expected a handler's name, or a map of its name to its options, found a list"
    );
}

#[test]
fn classic_options_become_handlers_in_order() {
    let e = endpoint(
        r#"version: 2
tunnels:
  web:
    proto: http
    addr: 8080
    compression: true
    websocket_tcp_converter: true
    host_header: rewrite
    circuit_breaker: 0.5
    basic_auth: ["ann:password", "bob:pass:word"]
    ip_restriction: {allow_cidrs: [10.0.0.0/8], deny_cidrs: [1.2.3.4/32, bad]}
    request_header: {add: ["x-a: b"], remove: [x-b]}
    response_header: {add: ["x-c:1"]}
    user_agent_filter: {deny: ["bot"]}
    handlers: [mine]
"#,
    );
    let specs = e.handler_specs(None);
    let shown: Vec<String> = specs.iter().map(|s| format!("{} {}", s.kind, s.options)).collect();
    assert_eq!(
        shown,
        [
            r#"ip-restriction {"allow":["10.0.0.0/8"],"deny":["1.2.3.4/32","bad"]}"#,
            r#"user-agent-filter {"deny":["bot"]}"#,
            r#"basic-auth {"credentials":["ann:password","bob:pass:word"]}"#,
            r#"circuit-breaker {"error_threshold":0.5}"#,
            r#"compression {}"#,
            r#"host-header {"value":"rewrite"}"#,
            r#"request-headers {"add":["x-a: b"],"remove":["x-b"]}"#,
            r#"response-headers {"add":["x-c:1"]}"#,
            r#"mine {}"#,
            r#"websocket-tcp-converter {}"#,
        ]
    );
    assert_eq!(specs[0].place_of("deny[1]").to_string(), "adit.yml:11:74");
    assert_eq!(specs[2].place_of("credentials[1]").to_string(), "adit.yml:10:34");
    assert!(!format!("{e:?}").contains("password"), "{e:?}");
}
