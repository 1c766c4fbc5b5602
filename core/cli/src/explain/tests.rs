#![allow(clippy::unwrap_used)]

use adit_config::{Layers, file::File};

use super::*;

/// What is said about a file, and about its mistakes.
async fn explained(yaml: &str) -> (String, serde_json::Value) {
    let files = vec![File::parse("adit.yml", yaml.as_bytes())];
    let config = Layers { files, ..Layers::default() }.resolve().unwrap();
    let (config, explained, problems) = plan(config).await.unwrap();
    assert_eq!(problems, [""; 0]);
    let all = zip(&config, explained);
    (text::plans(&config, &all), json::plans(&config, &all))
}

const FILE: &str = "\
version: 3
agent:
  connect_url: connect.example.com:443
endpoints:
  - name: web
    url: https://app.example.com
    upstream:
      url: https://localhost:3000
      proxy_protocol: 2
    handlers:
      - basic-auth: { credentials: ['ann:correct-horse'] }
        on_error: pass
      - ip-restriction: { allow: ['192.0.2.0/24'] }
      - compression
  - name: quiet
    inspect: false
    upstream: { url: 8080 }
  - name: files
    upstream: { url: 'file:///' }
tunnels:
  db:
    proto: tcp
    addr: 5432
    ip_restriction: { allow_cidrs: ['::1/128'] }
  passed:
    proto: tls
    addr: 443
    subdomain: inner
  both:
    proto: http
    addr: 80
    schemes: [http, https]
    host_header: rewrite
  labelled:
    labels: [site=a]
    addr: 9000
";

#[tokio::test]
async fn each_endpoint_is_told_with_its_handlers_and_its_relay() {
    let (text, json) = explained(FILE).await;
    insta::assert_snapshot!("text", text);
    insta::assert_snapshot!("json", serde_json::to_string_pretty(&json).unwrap());
}

#[tokio::test]
async fn what_has_nothing_to_act_on_is_told() {
    let yaml =
        "version: 2\ntunnels: { files: { proto: http, addr: 'file:///', proxy_proto: 1 } }\n";
    let (text, json) = explained(yaml).await;
    let told = "adit.yml:2:65: proxy_proto has nothing to act on: the agent itself answers from /; leave it out";
    assert!(text.contains(&format!("  Warning    {told}\n")), "{text}");
    assert_eq!(json["endpoints"][0]["warnings"], serde_json::json!([told]));
}

#[tokio::test]
async fn the_rules_of_a_policy_are_told_without_what_they_hold() {
    let yaml = "\
version: 2
tunnels:
  web:
    proto: http
    addr: 80
    verify_webhook: { provider: github, secret: s3cret }
    traffic_policy:
      on_tcp_connect:
        - actions: [{ type: restrict-ips, config: { allow: ['192.0.2.0/24'] } }]
      on_http_request:
        - name: staff
          expressions: [\"req.url.path.startsWith('/office')\", \"req.method == 'GET'\"]
          actions: [{ type: basic-auth, config: { credentials: ['ann:s3cret-word'] } }, { type: deny }]
";
    let (text, json) = explained(yaml).await;
    assert!(!text.contains("s3cret") && !json.to_string().contains("s3cret"), "{text}");
    let lines: Vec<_> = text.lines().skip(5).take(8).collect();
    insta::assert_snapshot!("policy", lines.join("\n"));
    let policy = &json["endpoints"][0]["traffic_policy"];
    assert_eq!(policy["enforced_at"], "agent");
    assert_eq!(policy["phases"]["on_http_request"][0]["actions"][1], "deny");
}

#[tokio::test]
async fn without_an_edge_the_embedded_one_is_planned_for() {
    let (text, json) =
        explained("version: 3\nendpoints:\n  - { name: a, upstream: { url: 1 } }\n").await;
    assert_eq!(text.lines().next(), Some("Edge  embedded, on loopback"));
    assert_eq!(json["edge"], serde_json::Value::Null);
    assert_eq!(json["endpoints"][0]["asks"], "http://");
}

#[tokio::test]
async fn a_mistake_is_told_with_its_line_beside_the_other_plans() {
    let yaml = "version: 3\nendpoints:\n  - { name: a, upstream: { url: 1 } }\n  - name: b\n    \
                upstream: { url: 2 }\n    handlers: [ { ip-restriction: { allow: [nonsense] } } ]\n";
    let files = vec![File::parse("adit.yml", yaml.as_bytes())];
    let config = Layers { files, ..Layers::default() }.resolve().unwrap();
    let (_, explained, problems) = plan(config).await.unwrap();
    assert_eq!(explained.iter().flatten().count(), 1);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("adit.yml:6:"), "{problems:?}");
}
