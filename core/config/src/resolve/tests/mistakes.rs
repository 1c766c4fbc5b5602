use super::problems;

#[test]
fn all_problems_are_reported_at_once() {
    let text = r#"version: 3
authtoken: x
agent:
  regoin: us
  connect_url: edge.example.com
  heartbeat_interval: 10
  log_level: loud
endpoints:
  - name: a
    basic_auth: ["u:p"]
    uri: https://x.example
    upstream: {url: 80, protocl: http2}
  - name: a
    url: https://x.example/
    upstream: {url: 80}
  - name: b
    upstream: {url: ftp://x}
tunnels:
  c: {proto: http, addr: 80, bind_tls: true, basic_atuh: []}
  d: {proto: tcp, addr: 80, host_header: rewrite}
"#;
    assert_eq!(
        problems(text),
        r#"0.yml:2:1: unknown key "authtoken"; in version 3 it stands under agent:
0.yml:4:3: unknown key "regoin"; did you mean "region"?
0.yml:5:16: "edge.example.com" has no port; write host:port
0.yml:6:23: "10" is not a duration; write a number with a unit, such as 10s, 500ms or 1m30s
0.yml:7:14: "loud" is not one of debug, info, warn, error, crit
0.yml:10:5: unknown key "basic_auth"; it belongs to a tunnel; an endpoint has url:, upstream: and handlers:
0.yml:11:5: unknown key "uri"; did you mean "url"?
0.yml:12:25: unknown key "protocl"; did you mean "protocol"?
0.yml:14:10: "https://x.example/" ends with a slash; leave it out (ERR_NGROK_9038)
0.yml:17:21: upstream address "ftp://x": ftp:// is not possible for a http endpoint; use a port, host:port, http://, https://, file:// or unix:
0.yml:19:30: unknown key "bind_tls"; since version 2 it is "schemes"
0.yml:19:46: unknown key "basic_atuh"; did you mean "basic_auth"?
0.yml:20:42: host_header has no meaning for a tcp tunnel; remove it"#
    );
}

#[test]
fn single_mistakes_have_clear_words() {
    for (text, expected) in [
        (
            "authtoken: x\n",
            "0.yml:1:1: the version property is required; \
             add version: \"3\"; older files are brought to it by `adit config upgrade`",
        ),
        (
            "",
            "0.yml:1:1: the version property is required; \
             add version: \"3\"; older files are brought to it by `adit config upgrade`",
        ),
        ("version: 4\n", "0.yml:1:10: unknown version \"4\"; use \"3\""),
        ("- a\n", "0.yml:1:1: expected a map, found a list"),
        (
            "version: 2\nconnect_url: a:1\n",
            "0.yml:2:1: unknown key \"connect_url\"; in version 2 it is \"server_addr\"",
        ),
        ("version: 3\nagent: {drain_timeout: 25h}\n", "0.yml:2:24: drain_timeout is 24h at most"),
        (
            "version: 3\nagent: {region: us}\n",
            "0.yml:2:9: unknown key \"region\"; version 3 has no regions; remove it",
        ),
        (
            "version: 3\nendpoints: [{name: a, upstream: {url: 80}, basic_atuh: []}]\n",
            "0.yml:2:44: unknown key \"basic_atuh\"; did you mean \"basic_auth\"? \
             it belongs to a tunnel; an endpoint has url:, upstream: and handlers:",
        ),
        (
            "version: 2\ntunnels: {a: {proto: http, addr: 1, domain: \"https://a.b\"}}\n",
            "0.yml:2:45: \"https://a.b\" is more than a host name; \
             leave the scheme out, or write it as url (ERR_NGROK_9034)",
        ),
        (
            "version: 2\ntunnels: {\"\": {proto: http, addr: 1}}\n",
            "0.yml:2:11: the tunnel has no name",
        ),
        (
            "version: 2\nregion: mars\n",
            "0.yml:2:9: unknown region \"mars\"; \
             use one of auto, us, us-cal-1, eu, ap, au, sa, jp, in",
        ),
        (
            "version: 2\ntunnels: {a: {proto: udp, addr: 1}}\n",
            "0.yml:2:22: Invalid protocol name 'udp'; use http, tcp or tls",
        ),
        (
            "version: 2\ntunnels: {a: {proto: http, addr: 1, schemes: [https, tcp]}}\n",
            "0.yml:2:54: scheme \"tcp\" is not possible for a http tunnel; use http or https",
        ),
        (
            "version: 2\ntunnels: {a: {labels: [a=b], addr: 1, url: \"https://a.example\"}}\n",
            "0.yml:2:44: url has no meaning for a labelled tunnel; remove it",
        ),
        (
            "version: 2\ntunnels: {a: {labels: [a=b], addr: 1, pooling_enabled: true}}\n",
            "0.yml:2:56: pooling_enabled has no meaning for a labelled tunnel; remove it",
        ),
        (
            "version: 2\ntunnels: {a: {labels: [a=b], addr: 1, crt: c, key: k}}\n",
            "0.yml:2:44: crt has no meaning for a labelled tunnel; remove it\n\
             0.yml:2:52: key has no meaning for a labelled tunnel; remove it",
        ),
        (
            "version: 2\ntunnels: {a: {addr: 1}}\n",
            "0.yml:2:11: tunnel \"a\" has neither proto nor labels; \
             add proto: http, tcp or tls (ERR_NGROK_394)",
        ),
        (
            "version: 2\ntunnels: {a: {proto: http}}\n",
            "0.yml:2:11: tunnel \"a\" has no addr; add addr: …",
        ),
        (
            "version: 2\ntunnels: {a: {proto: http, addr: 1, domain: a.b, subdomain: c}}\n",
            "0.yml:2:61: tunnel \"a\" asks for more than one address; keep one of \
             url, domain, hostname, subdomain, remote_addr (ERR_NGROK_9021)",
        ),
        (
            "version: 2\ntunnels: {a: {proto: http, addr: 1, policy: {}, traffic_policy: {}}}\n",
            "0.yml:2:11: endpoint \"a\" has more than one traffic policy; keep one \
             (ERR_NGROK_9025)",
        ),
        (
            "version: 2\ntunnels: {a: {proto: tls, addr: 1, crt: x}}\n",
            "0.yml:2:41: crt and key need each other",
        ),
        (
            "version: 3\nendpoints: [{upstream: {url: 1}}]\n",
            "0.yml:2:13: the endpoint has no name; add name: …",
        ),
        (
            "version: 3\nendpoints: [{name: a}]\n",
            "0.yml:2:13: endpoint \"a\" has no upstream; add upstream: {url: …}",
        ),
        (
            "version: 3\nendpoints: [{name: a, upstream: {url: 1}}]\n\
             tunnels: {a: {proto: tcp, addr: 1}}\n",
            "0.yml:3:11: endpoint \"a\" is also defined at 0.yml:2:20; give each its own name",
        ),
        (
            "version: 3\nagent: {proxy_url: proxy:3128}\n",
            "0.yml:2:20: not the URL of a proxy; \
             write http://host:port, https://host:port or socks5://host:port",
        ),
        (
            "version: 3\nagent: {inspect_db_size: -2}\n",
            "0.yml:2:26: inspect_db_size is a number of bytes, 0 for the default or -1 for none",
        ),
        (
            "version: 2\ntunnels: {a: {proto: http, addr: 1, circuit_breaker: .nan}}\n",
            "0.yml:2:54: \".nan\" is not a number",
        ),
    ] {
        assert_eq!(problems(text), expected, "{text}");
    }
}

#[test]
fn a_file_full_of_mistakes_is_not_repeated_whole() {
    let keys: String = (0..100_000).map(|i| format!("k{i}: v\n")).collect();
    let shown = problems(&format!("version: 3\n{keys}"));
    assert_eq!(shown.lines().count(), 101);
    assert_eq!(shown.lines().last(), Some("99900 more problems are not shown"));
}

#[test]
fn an_internal_endpoint_without_a_name_is_told_wherever_it_is_written() {
    for (text, place) in [
        ("version: 3\nendpoints: [{name: a, bindings: [internal], upstream: {url: 1}}]\n", "2:34"),
        ("version: 2\ntunnels: {a: {proto: http, addr: 1, bindings: [internal]}}\n", "2:48"),
    ] {
        let problems = problems(text);
        assert!(problems.starts_with(&format!("0.yml:{place}: ")), "{problems}");
        assert!(problems.ends_with("(ERR_NGROK_9028)"), "{problems}");
    }
}
