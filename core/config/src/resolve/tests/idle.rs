//! What is written and has nothing to act on.

use super::config;

fn warnings(text: &str) -> String {
    let config = config(text);
    let all = config.endpoints.iter().flat_map(|endpoint| &endpoint.warnings);
    all.map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_certificate_that_nobody_shows_is_told_with_the_remedy() {
    let text = r#"version: 3
endpoints:
  - {name: a, upstream: {url: "http://localhost:8080", tls_verify: true}}
  - {name: b, url: "tls://", upstream: {url: 8443, tls_verify_cas: ca.pem}}
  - {name: c, upstream: {url: "unix:/run/app.sock", tls_verify: true}}
  - {name: d, upstream: {url: "file:///srv", tls_verify: true, proxy_protocol: 1}}
  - {name: e, url: "tls://", upstream: {url: 443, tls_verify: true}}
  - {name: f, url: "tcp://", upstream: {url: 22, tls_verify: true}}
tunnels:
  g: {proto: http, addr: 80, verify_upstream_tls: true}
  h: {proto: tls, addr: 443, terminate_at: edge, upstream_tls_verify_cas: ca.pem, proxy_proto: 2}
  i: {proto: http, addr: "file:///srv", proxy_proto: 2}
"#;
    let expected = [
        "0.yml:3:68: tls_verify has nothing to act on: http://localhost:8080 is reached without TLS; \
         write https://localhost:8080, or leave it out",
        "0.yml:4:68: tls_verify_cas has nothing to act on: localhost:8443 is reached without TLS; \
         write tls://localhost:8443, or leave it out",
        "0.yml:5:65: tls_verify has nothing to act on: unix:/run/app.sock is reached without TLS; \
         leave it out",
        "0.yml:6:58: tls_verify has nothing to act on: the agent itself answers from /srv; \
         leave it out",
        "0.yml:6:80: proxy_protocol has nothing to act on: the agent itself answers from /srv; \
         leave it out",
        "0.yml:7:63: tls_verify has nothing to act on: \
         the visitor's own TLS goes through to tls://localhost:443; \
         end it at the edge or at the agent, or leave it out",
        "0.yml:8:62: tls_verify has nothing to act on: localhost:22 is reached without TLS; \
         leave it out",
        "0.yml:10:51: verify_upstream_tls has nothing to act on: \
         http://localhost:80 is reached without TLS; \
         write https://localhost:80, or leave it out",
        "0.yml:12:54: proxy_proto has nothing to act on: the agent itself answers from /srv; \
         leave it out",
    ];
    assert_eq!(warnings(text), expected.join("\n"));
}

#[test]
fn where_rules_run_is_said_of_rules() {
    let text = r#"version: 3
endpoints:
  - {name: a, upstream: {url: 80}, enforce: edge}
  - {name: b, upstream: {url: 80}, enforce: edge, traffic_policy: {on_http_request: []}}
"#;
    assert_eq!(
        warnings(text),
        "0.yml:3:45: enforce has nothing to act on: there is no traffic policy; \
         write one, or leave it out"
    );
}

#[test]
fn what_only_http_has_is_told_where_there_is_none() {
    let text = r#"version: 3
endpoints:
  - {name: a, url: "tcp://", inspect: true, upstream: {url: 22}}
  - {name: b, url: "tls://", inspect: true, upstream: {url: 443}}
  - {name: c, upstream: {url: "file:///srv", protocol: http2}}
tunnels:
  d: {proto: tcp, addr: 22, inspect: true}
  e: {proto: http, addr: "file:///srv", app_protocol: http2}
"#;
    let expected = [
        "0.yml:3:39: inspect has nothing to act on: only HTTP is captured; leave it out",
        "0.yml:4:39: inspect has nothing to act on: only HTTP is captured; leave it out",
        "0.yml:5:56: upstream.protocol has nothing to act on: the agent itself answers from /srv; \
         leave it out",
        "0.yml:7:38: inspect has nothing to act on: only HTTP is captured; leave it out",
        "0.yml:8:55: app_protocol has nothing to act on: the agent itself answers from /srv; \
         leave it out",
    ];
    assert_eq!(warnings(text), expected.join("\n"));
}

#[test]
fn what_acts_or_asks_for_nothing_is_not_told() {
    let text = r#"version: 3
endpoints:
  - {name: a, upstream: {url: "https://localhost", tls_verify: true, proxy_protocol: 2}}
  - {name: b, upstream: {url: 80, tls_verify: false, proxy_protocol: 1}}
  - {name: e, url: "tcp://", inspect: false, upstream: {url: 22}}
  - {name: f, inspect: true, upstream: {url: "unix:/run/app.sock", protocol: http2}}
  - {name: g, inspect: true, upstream: {url: "file:///srv", protocol: http1}}
tunnels:
  c: {proto: http, addr: "file:///srv", upstream_tls_verify: false, proxy_proto: 0}
  d: {proto: tls, addr: 443, terminate_at: agent, upstream_tls_verify: true}
  h: {proto: tcp, addr: 22}
  i: {labels: [a=b], addr: 80, inspect: true}
"#;
    assert_eq!(warnings(text), "");
}
