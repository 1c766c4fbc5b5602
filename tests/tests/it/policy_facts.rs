//! What the rules of an endpoint know of a visitor, from the edge's socket on.

use adit_tests::{Reply, Upstream, World};
use serde_json::{Value, json};

/// A service, and an endpoint before it that answers with what it knows.
async fn telling(url: &str, facts: &str) -> (Upstream, World) {
    let upstream = Upstream::counting("not asked").await;
    let file = format!(
        "version: 3\nendpoints:\n- name: a\n  url: {url}\n  upstream: {{url: \"{}\"}}\n  \
         traffic_policy:\n    on_http_request:\n    - actions:\n      - type: custom-response\n        \
         config:\n          body: \"${{json.encode({{{facts}}})}}\"\n",
        upstream.http_url()
    );
    let world = World::new().agent(file.as_str()).up().await;
    (upstream, world)
}

fn told(reply: &Reply) -> Value {
    serde_json::from_str(&reply.text()).unwrap_or_else(|error| panic!("{error}: {}", reply.text()))
}

#[tokio::test]
async fn the_edge_knows_what_tls_asked_for_and_what_was_agreed_on() {
    let facts = "'sni': conn.tls.sni, 'version': conn.tls.version, \
                 'cipher': conn.tls.cipher_suite.startsWith('TLS_'), \
                 'ja4': conn.tls.ja4_fingerprint, 'names': conn.tls.server.san.dns_names, \
                 'client': conn.tls.client.subject, 'region': conn.server_region, \
                 'port': conn.server_port, 'id': endpoint.id.startsWith('ep_'), \
                 'host': endpoint.host, 'protocol': endpoint.protocol";
    let (upstream, world) = telling("https://app.tunnel.test", facts).await;
    let mut told = told(&world.get("/").await);
    let ja4 = told["ja4"].take();
    let ja4 = ja4.as_str().unwrap();
    assert!(ja4.starts_with("t13d") && ja4.len() == 36, "{ja4}");
    let expected = json!({
        "sni": "app.tunnel.test", "version": "1.3", "cipher": true, "ja4": null,
        "names": ["app.tunnel.test"], "client": "", "region": "local",
        "port": world.edge().tls_addr().port(), "id": true,
        "host": "app.tunnel.test", "protocol": "https",
    });
    assert_eq!(told, expected);
    assert_eq!(upstream.hits(), 0);
    world.down().await.assert_clean();
}

#[tokio::test]
async fn the_region_is_known_without_tls_too() {
    let facts = "'region': conn.server_region, 'sni': conn.tls.sni, 'scheme': req.url.scheme";
    let (_upstream, world) = telling("http://plain.tunnel.test", facts).await;
    let told = told(&world.get("/").await);
    assert_eq!(told, json!({ "region": "local", "sni": "", "scheme": "http" }));
    world.down().await.assert_clean();
}

#[tokio::test]
async fn an_agent_knows_the_visitor_and_what_its_connection_carried() {
    let facts = "'ip': conn.client_ip, 'port': conn.client_port > 0, 'in': conn.bytes_in > 20, \
                 'out': conn.bytes_out, 'age': timestamp(time.now) - conn.ts.start < duration('1m'), \
                 'path': req.url.path, 'version': req.version, 'agent': req.user_agent.name, \
                 'cookie': getReqCookie('a').value, 'host': req.url.host";
    let (_upstream, world) = telling("https://app.tunnel.test", facts).await;
    let visit = world.get("/a/%2e%2e/b").header("cookie", "a=1");
    let told = told(&visit.header("user-agent", "curl/8.5.0").await);
    let expected = json!({
        "ip": "127.0.0.1", "port": true, "in": true, "out": 0, "age": true, "path": "/b",
        "version": "HTTP/1.1", "agent": "curl", "cookie": "1", "host": "app.tunnel.test",
    });
    assert_eq!(told, expected);
    world.down().await.assert_clean();
}
