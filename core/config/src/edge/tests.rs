#![allow(clippy::unwrap_used)]

use super::*;
use crate::{ByteSize, Diagnostics, config::LogTarget};

fn resolve(text: &str) -> Result<EdgeConfig, Diagnostics> {
    let files = vec![EdgeFile::parse("edge.yml", text.as_bytes())];
    EdgeLayers { files, ..EdgeLayers::default() }.resolve()
}

#[test]
fn a_domain_is_enough() {
    let c = resolve("domain: Tunnel.Example.com\n").unwrap();
    assert_eq!(c.domain, "tunnel.example.com");
    assert_eq!(c.connect_host, "connect.tunnel.example.com");
    assert_eq!(c.tls_addr.to_string(), "0.0.0.0:443");
    assert_eq!(c.http_addr.unwrap().to_string(), "0.0.0.0:80");
    assert_eq!(c.tcp_ports, None);
    assert_eq!((c.public_tls_port, c.public_http_port), (None, None));
    assert_eq!(c.limits, EdgeLimits::default());
    assert_eq!(c.reconnect_grace, Duration::from_secs(30));
    assert_eq!(c.drain, Duration::from_secs(30));
    assert_eq!(c.heartbeat.interval, Duration::from_secs(10));
    assert_eq!(c.heartbeat.tolerance, Duration::from_secs(15));
    assert_eq!(c.log.target, LogTarget::Stderr);
}

#[test]
fn tcp_endpoints_listen_where_visitors_of_the_tls_port_come_from() {
    let tcp_addr =
        |text: &str| resolve(&format!("domain: a.test\n{text}")).unwrap().tcp_addr.to_string();
    assert_eq!(tcp_addr(""), "0.0.0.0");
    assert_eq!(tcp_addr("tls_addr: 127.0.0.1:443"), "0.0.0.0");
    assert_eq!(tcp_addr("tls_addr: '[::]:443'"), "::");
    assert_eq!(tcp_addr("tls_addr: '[::1]:443'"), "::");
    assert_eq!(tcp_addr("tls_addr: '[::]:443'\ntcp_addr: 10.0.0.1"), "10.0.0.1");
}

#[test]
fn every_key_is_understood() {
    let hash = "ab".repeat(32);
    let c = resolve(&format!(
        r#"
domain: tunnel.example.com
tls_addr: "[::]:0"
http_addr: false
public_tls_port: 443
public_http_port: 80
tcp_ports: 20000-20100
tcp_addr: 10.0.0.1
cert: wild.pem
key: wild.key
certificates: [{{cert: a.pem, key: a.key}}]
state_dir: /var/lib/adit
tokens:
  - {{id: ann, hash: "sha256:{hash}", max_sessions: 2, acl: ["bind:*.example.com"]}}
connect_host: edge.example.com
region: eu
limits: {{rpc_depth: 8, data_frame_len: 64KiB, write_stalled: 5s}}
heartbeat: {{interval: 5s}}
reconnect_grace: 1m
drain: 5s
log: stdout
log_format: json
log_level: warn
"#
    ))
    .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(c.tls_addr.to_string(), "[::]:0");
    assert_eq!(c.http_addr, None);
    assert_eq!((c.public_tls_port, c.public_http_port), (Some(443), Some(80)));
    assert_eq!(c.tcp_ports.unwrap().range(), 20_000..=20_100);
    assert_eq!(c.certificates.len(), 2);
    assert_eq!(c.connect_host, "edge.example.com");
    assert_eq!(c.limits.rpc_depth, 8);
    assert_eq!(c.limits.data_frame_len, ByteSize::kib(64));
    assert_eq!(c.limits.write_stalled, Duration::from_secs(5));
    assert_eq!(c.limits.agent_streams, 64);
    assert_eq!(c.heartbeat.tolerance, Duration::from_secs(15));
    assert!(c.tokens[0].hash.matches(&[0xab; 32]));
    assert_eq!(c.tokens[0].max_sessions, Some(2));
    assert_eq!(c.log.target, LogTarget::Stdout);
}

#[test]
fn all_problems_are_reported_at_once() {
    let text = "domain: a b\ntls_addr: localhots:443\ntcp_ports: 9-1\ncert: x\n\
                tokens: [{id: a, hash: secret}, {id: b}]\nlimits: {rpc_dept: 1}\ndrian: 1s\n";
    assert_eq!(
        resolve(text).unwrap_err().to_string(),
        "edge.yml:1:9: \"a b\" is not a host name or address\n\
         edge.yml:2:11: \"localhots\" is not an IP address to listen at\n\
         edge.yml:3:12: \"9-1\" is not a range of ports; write it as 20000-20100\n\
         edge.yml:4:7: cert and key need each other\n\
         edge.yml:5:24: not a token's hash; write sha256: and 64 hex digits\n\
         edge.yml:5:33: a token needs an id and a hash; write {id: NAME, hash: \"sha256:…\"}\n\
         edge.yml:6:10: unknown key \"rpc_dept\"; did you mean \"rpc_depth\"?\n\
         edge.yml:7:1: unknown key \"drian\"; did you mean \"drain\"?"
    );
}

#[test]
fn flags_beat_the_file() {
    let flags = EdgeFile {
        domain: Some(At::from_flag("flag.example".to_owned(), "--domain")),
        ..EdgeFile::default()
    };
    let files = vec![EdgeFile::parse("edge.yml", b"domain: file.example\nregion: eu\n")];
    let c = EdgeLayers { files, flags }.resolve().unwrap();
    assert_eq!((c.domain.as_str(), c.region.as_str()), ("flag.example", "eu"));

    let nothing = EdgeLayers::default().resolve().unwrap_err().to_string();
    assert_eq!(
        nothing,
        "--domain: the edge has no domain; add domain: tunnel.example.com, or --domain"
    );
}

#[test]
fn a_heartbeat_without_a_pause_is_refused() {
    let text = b"domain: a.example\nheartbeat: {interval: 0s}\n";
    let layers =
        EdgeLayers { files: vec![EdgeFile::parse("e.yml", text)], ..EdgeLayers::default() };
    let problems = layers.resolve().unwrap_err().to_string();
    assert_eq!(problems, "e.yml:2:23: 0ns is not from 1s to 600s");
}
