//! Rules about who comes in, how often, and where to, from a visitor's socket on.

use adit_net::tls::client;
use adit_tests::{Identity, Upstream, World, identity, soon, visitor::until_the_end};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The file of an agent with one endpoint and a policy for it.
fn file(url: &str, upstream: &str, policy: &Value) -> String {
    format!(
        "version: 3\nendpoints:\n- name: a\n  url: {url}\n  upstream: {{url: \"{upstream}\"}}\n  \
         traffic_policy: {policy}\n"
    )
}

/// A service with a counter, behind an endpoint with these rules.
async fn with(policy: Value) -> (Upstream, World) {
    let upstream = Upstream::counting("hello").await;
    let file = file("https://app.tunnel.test", &upstream.http_url(), &policy);
    let world = World::new().agent(file).up().await;
    (upstream, world)
}

fn rule(kind: &str, config: Value) -> Value {
    json!([{"actions": [{"type": kind, "config": config}]}])
}

#[tokio::test]
async fn certificates_of_visitors_are_known_to_the_rules_of_their_requests() {
    let (member, stranger) = (Identity::new("member.example"), Identity::new("eve.example"));
    let san = "actions.ngrok.terminate_tls.client.san.dns_names";
    let body = format!(
        "${{actions.ngrok.terminate_tls.version}} ${{{san}}} ${{conn.tls.client.san.dns_names}} \
         ${{actions.ngrok.terminate_tls.server.san.dns_names}} ${{actions.ngrok.terminate_tls.sni}}"
    );
    for (strategy, lets_in) in [
        ("require-and-verify", [true, false, false]),
        ("require-any", [true, true, false]),
        ("request", [true; 3]),
    ] {
        let tls = json!({
            "mutual_tls_certificate_authorities": [member.root],
            "mutual_tls_verification_strategy": strategy,
        });
        let (upstream, world) = with(json!({
            "on_tcp_connect": rule("terminate-tls", tls),
            "on_http_request": rule("custom-response", json!({ "body": body })),
        }))
        .await;
        let roots = || identity::roots(world.root());
        let request = format!(
            "GET / HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            world.visitor().authority()
        );
        let visitors = [
            (member.client(roots()), r#"["member.example"]"#),
            (stranger.client(roots()), r#"["eve.example"]"#),
            (client::verified(roots(), &[]), "[]"),
        ];
        for ((tls, name), is_let_in) in visitors.into_iter().zip(lets_in) {
            let answer = match world.visitor().with_tls(tls).try_connect().await {
                Ok(mut socket) => {
                    let _ = socket.write_all(request.as_bytes()).await;
                    until_the_end(&mut socket).await
                }
                Err(_) => String::new(),
            };
            let told = format!("1.3 {name} {name} [\"app.tunnel.test\"] app.tunnel.test");
            let told = if is_let_in { told } else { String::new() };
            let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
            assert_eq!(body, told, "{strategy}: {answer}");
        }
        assert_eq!(upstream.hits(), 0);
        world.down().await.assert_no_task_left();
    }
}

#[tokio::test]
async fn a_visitor_without_a_certificate_reads_the_alert() {
    let (ours, member) = (Identity::new("app.tunnel.test"), Identity::new("member.example"));
    let upstream = Upstream::echo().await;
    let tls = json!({
        "server_certificate": ours.cert, "server_private_key": ours.key,
        "mutual_tls_certificate_authorities": [member.root],
    });
    let policy = json!({"on_tcp_connect": rule("terminate-tls", tls)});
    let file = file("tls://app.tunnel.test", &upstream.tcp_url(), &policy);
    let world = World::new().agent(file).up().await;
    let roots = || identity::roots(&ours.root);
    let mut socket = world.visitor().with_tls(client::verified(roots(), &[])).connect().await;
    let error = soon("a refusal", socket.read_u8()).await.unwrap_err();
    let alert = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    let expected = rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired);
    assert_eq!(alert, Some(&expected), "{error}");
    assert_eq!(upstream.hits(), 0);
    drop(socket);
    let mut socket = world.visitor().with_tls(member.client(roots())).connect().await;
    socket.write_all(b"hello").await.unwrap();
    socket.shutdown().await.unwrap();
    assert_eq!(until_the_end(&mut socket).await, "hello", "decrypted, and back");
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn addresses_that_are_not_allowed_are_closed_or_refused() {
    let config = || json!({"deny": ["127.0.0.0/8", "::1"], "allow": ["0.0.0.0/0", "::/0"]});
    let (upstream, world) = with(json!({"on_http_request": rule("restrict-ips", config())})).await;
    let claims = world.get("/").header("x-forwarded-for", "192.0.2.1").await;
    assert_eq!((claims.status().as_u16(), claims.code()), (403, "ERR_NGROK_3203"));
    assert_eq!(upstream.hits(), 0);
    world.down().await.assert_no_task_left();

    let policy = json!({"on_tcp_connect": rule("restrict-ips", config())});
    let upstream = Upstream::counts_to_the_end().await;
    let world = World::new().agent(file("tcp://", &upstream.tcp_url(), &policy)).up().await;
    let mut socket = world.visitor().tcp().await;
    let mut rest = Vec::new();
    let _ = soon("the end", socket.read_to_end(&mut rest)).await;
    assert_eq!(rest, b"", "not a byte");
    assert_eq!(upstream.hits(), 0);
    drop(socket);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_back() {
    let limit = json!({
        "name": "each visitor", "algorithm": "sliding_window", "capacity": 2, "rate": "60s",
        "bucket_key": ["conn.client_ip"],
    });
    let (upstream, world) = with(json!({"on_http_request": rule("rate-limit", limit)})).await;
    assert_eq!(world.get("/").await.status(), 200);
    assert_eq!(world.get("/").http2().await.status(), 200);
    let reply = world.get("/").await;
    assert_eq!((reply.status().as_u16(), reply.code()), (429, ""));
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(upstream.hits(), 2);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_service_that_fails_is_given_a_rest() {
    let upstream = Upstream::counting("hello").await;
    let policy =
        json!({"on_http_request": rule("circuit-breaker", json!({"volume_threshold": 2}))});
    let nobody = format!("http://{}", Upstream::nobody().await);
    let world = World::new().agent(file("https://app.tunnel.test", &nobody, &policy)).up().await;
    for _ in 0..2 {
        let reply = world.get("/").await;
        assert_eq!((reply.status().as_u16(), reply.code()), (502, "ERR_NGROK_8012"));
    }
    let reply = world.get("/").await;
    assert_eq!((reply.status().as_u16(), reply.code()), (503, "ERR_NGROK_3202"));
    assert_eq!(upstream.hits(), 0);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn passwords_are_asked_for_and_urls_are_changed() {
    let upstream = Upstream::mirror().await;
    let policy = json!({"on_http_request": [{"actions": [
        {"type": "redirect", "config": {"from": "/old(.*)", "to": "/new$1", "status_code": 308}},
        {"type": "basic-auth", "config": {"credentials": ["ann:long password"], "realm": "door"}},
        {"type": "url-rewrite", "config": {"from": "/new/([0-9]+)", "to": "/v2?id=$1"}},
    ]}]});
    let file = file("https://app.tunnel.test", &upstream.http_url(), &policy);
    let world = World::new().agent(file).up().await;
    let reply = world.get("/old/7?q=a%20b").await;
    assert_eq!(reply.status(), 308);
    let location = format!("https://{}/new/7?q=a%20b", world.visitor().authority());
    assert_eq!(reply.header("location"), location);
    let reply = world.get("/new/7").await;
    assert_eq!(reply.status(), 401);
    assert_eq!(reply.header("www-authenticate"), "Basic realm=\"door\"");
    assert_eq!(upstream.hits(), 0);
    let text = world.get("/new/7").basic("ann", "long password").await.text();
    assert!(text.starts_with("GET /v2?id=7 HTTP/1.1\n"), "{text}");
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn responses_are_compressed_for_those_who_understand() {
    let (_upstream, world) =
        with(json!({"on_http_response": rule("compress-response", json!({"algorithms": ["br"]}))}))
            .await;
    let reply = world.get("/").header("accept-encoding", "gzip, br;q=0.1").await;
    assert_eq!((reply.header("content-encoding"), reply.header("vary")), ("br", "Accept-Encoding"));
    let reply = world.get("/").header("accept-encoding", "gzip").await;
    assert_eq!((reply.header("content-encoding"), reply.text().as_str()), ("", "hello"));
    world.down().await.assert_no_task_left();
}
