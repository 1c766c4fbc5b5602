//! What each version of the file has, and is read as.

use super::*;

pub(super) const FULL_V3: &str = r#"
version: "3"
agent:
  authtoken: some-auth-token
  api_key: key
  connect_cas: host
  connect_interface: eth1
  connect_timeout: 20s
  connect_url: edge.example.com:443
  console_ui: false
  console_ui_color: transparent
  crl_noverify: true
  crl_url: http://crl.example.com
  dns_resolver_ips: [1.1.1.1, "::1"]
  drain_timeout: 30s
  heartbeat_interval: 1m30s
  heartbeat_tolerance: 20s
  inspect_db_size: -1
  log: /var/log/adit.log
  log_format: json
  log_level: debug
  metadata: 42
  proxy_url: socks5://ann:secret@proxy:1080
  remote_management: false
  update_channel: beta
  update_check: no
  web_addr: 4041
  web_allow_hosts: [.example.com]
endpoints:
  - name: web
    url: https://app.example.com
    bindings: [public]
    description: the app
    metadata: '{"a": 1}'
    pooling_enabled: true
    inspect: false
    traffic_policy:
      on_http_request:
        - actions: [{type: deny, config: {status_code: 404}}]
    upstream:
      url: 8080
      protocol: http2
      proxy_protocol: "2"
  - name: db
    url: tcp://1.tcp.example:12345
    traffic_policy_file: policy.yml
    upstream: {url: tcp://localhost:5432}
  - name: secure
    url: tls://secure.example.com
    agent_tls_termination:
      server_certificate: cert.pem
      server_private_key: |
        -----BEGIN PRIVATE KEY-----
        hidden
      mutual_tls_certificate_authorities: [ca.pem]
    upstream: {url: "https-less:443"}
tunnels:
  old: {proto: http, addr: 3000}
"#;

#[test]
fn version_3_is_read_completely() {
    let c = config(FULL_V3);
    assert_eq!(c.authtoken.as_ref().map(|t| t.expose().as_str()), Some("some-auth-token"));
    assert_eq!(c.connect.as_ref().map(|a| a.value.to_string()).unwrap(), "edge.example.com:443");
    assert_eq!(c.connect_cas, ConnectCas::Host);
    assert_eq!(c.connect_timeout, Duration::from_secs(20));
    assert_eq!(c.drain_timeout, Duration::from_secs(30));
    assert_eq!(c.heartbeat_interval, Duration::from_secs(90));
    assert_eq!(c.dns_resolver_ips.len(), 2);
    assert_eq!(c.inspect_db, InspectDb::Off);
    assert!(matches!(&c.log.target, LogTarget::File(p) if p.value.ends_with("adit.log")));
    assert_eq!((c.log.format, c.log.level), (LogFormat::Json, LogLevel::Debug));
    assert_eq!(c.metadata, "42");
    assert!(!c.remote_management && !c.update_check && c.crl_noverify);
    assert!(matches!(&c.web_addr, WebAddr::At(a) if a.value.to_string() == "127.0.0.1:4041"));

    let names: Vec<_> = c.endpoints.iter().map(|e| e.name.as_str()).collect();
    assert_eq!(names, ["web", "db", "secure", "old"]);
    let web = &c.endpoints[0];
    assert_eq!(web.url().unwrap().to_string(), "https://app.example.com");
    assert_eq!(web.upstream.addr.value.to_string(), "http://localhost:8080");
    assert_eq!(web.upstream.protocol, HttpVersion::Http2);
    assert_eq!(web.upstream.proxy_protocol, ProxyProtocol::V2);
    assert!(web.pooling_enabled && !web.inspect);
    let Some(TrafficPolicy::Inline(policy)) = &web.traffic_policy else { panic!() };
    assert_eq!(
        policy.json.to_string(),
        r#"{"on_http_request":[{"actions":[{"config":{"status_code":404},"type":"deny"}]}]}"#
    );
    let db = &c.endpoints[1];
    assert_eq!((db.kind, db.inspect), (Kind::Tcp, false));
    assert_eq!(db.upstream.addr.value.to_string(), "tcp://localhost:5432");
    let secure = &c.endpoints[2];
    assert_eq!(secure.tls.at, TerminateAt::Agent);
    let pair = secure.tls.certificate.as_ref().unwrap();
    assert!(matches!(&pair.certificate.value, PemSource::File(p) if p.ends_with("cert.pem")));
    assert!(matches!(&pair.key.value, PemSource::Text(_)));
    assert_eq!(secure.tls.client_cas.len(), 1);
}

#[test]
fn version_2_has_its_own_names() {
    let c = config(
        r#"
version: "2"
authtoken: t
server_addr: edge.example.com:4443
root_cas: /etc/ca.pem
region: eu
tunnels:
  web:
    proto: http
    addr: "3000"
    schemes: [http, https]
    domain: App.Example.com
  short: {proto: http, addr: 80, subdomain: My-App, schemes: [http]}
  ssh: {proto: tcp, addr: 22, remote_addr: "1.tcp.example:2222", inspect: false}
  tls: {proto: tls, addr: 443, crt: c.pem, key: k.pem, mutual_tls_cas: ca.pem}
  pass: {proto: tls, addr: 443, hostname: x.example.com}
  labelled: {addr: 8080, labels: ["edge=edghts_1", "a=b=c"]}
"#,
    );
    assert_eq!(c.connect.unwrap().value.to_string(), "edge.example.com:4443");
    assert!(matches!(&c.connect_cas, ConnectCas::File(p) if p.place.to_string() == "0.yml:5:11"));
    assert_eq!(c.region.unwrap().value, "eu");
    let by_name = |name: &str| c.endpoints.iter().find(|e| e.name == name).unwrap();
    let urls = |name: &str| match &by_name(name).address {
        Address::Urls(urls) => urls.iter().map(ToString::to_string).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(urls("web"), ["https://app.example.com", "http://app.example.com"]);
    let split: Vec<_> = by_name("web").clone().split_schemes();
    let names: Vec<_> = split.iter().map(|e| format!("{} {}", e.name, e.url().unwrap())).collect();
    assert_eq!(names, ["web https://app.example.com", "web (http) http://app.example.com"]);
    let Address::Subdomain { name, schemes } = &by_name("short").address else { panic!() };
    assert_eq!((name.value.as_str(), schemes.len()), ("my-app", 1));
    assert_eq!(urls("ssh"), ["tcp://1.tcp.example:2222"]);
    assert_eq!(by_name("tls").tls.at, TerminateAt::Edge);
    assert_eq!(by_name("tls").upstream.addr.value.to_string(), "tls://localhost:443");
    assert_eq!(by_name("pass").tls.at, TerminateAt::Upstream);
    assert_eq!(urls("pass"), ["tls://x.example.com"]);
    assert_eq!(
        by_name("labelled").address,
        Address::Labels(vec![("edge".into(), "edghts_1".into()), ("a".into(), "b=c".into())])
    );
}

#[test]
fn version_1_has_the_oldest_names() {
    let c = config(
        r#"
version: 1
http_proxy: http://proxy:3128
update: false
tunnels:
  both: {proto: http, addr: 80, auth: "ann:password"}
  plain: {proto: http, addr: 80, bind_tls: false, client_cas: ca.pem}
  secure: {proto: http, addr: 80, bind_tls: true}
"#,
    );
    assert_eq!(c.proxy_url.unwrap().value.expose().as_str(), "http://proxy:3128/");
    assert!(!c.update_check);
    let schemes =
        |i: usize| c.endpoints[i].schemes().iter().map(|s| s.as_str()).collect::<Vec<_>>();
    assert_eq!(schemes(0), ["https", "http"]);
    assert_eq!(schemes(1), ["http"]);
    assert_eq!(schemes(2), ["https"]);
    assert_eq!(c.endpoints[0].middleware.basic_auth.len(), 1);
    assert_eq!(c.endpoints[1].tls.client_cas.len(), 1);
}
