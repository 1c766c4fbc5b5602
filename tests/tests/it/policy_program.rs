//! Traffic policies as people write them: flags, files, URLs, requests to the local API, and mistakes.

use adit_tests::{Upstream, eventually, service, soon};
use aws_lc_rs::hmac;
use futures_util::{SinkExt as _, StreamExt as _};
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;

use crate::program::{Program, Signal, agent::Agent, here};

/// Answers `/teapot` itself, and marks everything else.
const POLICY: &str = "\
on_http_request:
  - name: teapot
    expressions: [\"req.url.path == '/teapot'\"]
    actions:
      - type: custom-response
        config: { status_code: 418, body: \"${req.method} short and stout\" }
on_http_response:
  - actions:
      - type: add-headers
        config: { headers: { x-marked: \"${endpoint.protocol}\" } }
";

fn written(home: &TempDir, name: &str, text: &str) -> String {
    let path = home.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

async fn holds(url: &str) {
    let reply = here(url).get("/teapot").await;
    assert_eq!((reply.status().as_u16(), reply.text().as_str()), (418, "GET short and stout"));
    let reply = here(url).get("/").await;
    assert_eq!((reply.text().as_str(), reply.header("x-marked")), ("hello", "http"));
}

#[tokio::test]
async fn rules_of_a_file_hold_under_both_flags() {
    let home = tempfile::tempdir().unwrap();
    let upstream = Upstream::counting("hello").await;
    let addr = upstream.addr().to_string();
    let file = written(&home, "policy.yml", POLICY);
    for flag in ["--traffic-policy-file", "--policy-file"] {
        let mut program = Program::start(&home, &["http", &addr, flag, &file]);
        if flag == "--policy-file" {
            let told = program.line("command usage").await;
            assert!(told.contains("use --traffic-policy-file instead"), "{told}");
        }
        holds(&program.url().await).await;
    }
    assert_eq!(upstream.hits(), 2);
}

#[tokio::test]
async fn rules_come_from_a_url_once() {
    let home = tempfile::tempdir().unwrap();
    let upstream = Upstream::counting("hello").await;
    let policies = Upstream::counting(POLICY).await;
    let url = format!("{}/policy.yml", policies.http_url());
    let args = ["http", &upstream.addr().to_string(), "--traffic-policy-url", &url];
    let mut program = Program::start(&home, &args);
    holds(&program.url().await).await;
    assert_eq!(policies.hits(), 1);
}

#[tokio::test]
async fn rules_stand_in_files_of_each_version() {
    let home = tempfile::tempdir().unwrap();
    let upstream = Upstream::counting("hello").await;
    let addr = upstream.addr();
    let indented =
        |text: &str| text.lines().map(|line| format!("      {line}\n")).collect::<String>();
    let policy = indented(POLICY);
    let older =
        POLICY.replace("on_http_request", "inbound").replace("on_http_response", "outbound");
    let older = indented(&older);
    let json = serde_json::to_string(POLICY).unwrap();
    for file in [
        format!(
            "version: 3\nendpoints:\n  - name: a\n    upstream: {{url: \"{addr}\"}}\n    \
             traffic_policy:\n{policy}"
        ),
        format!(
            "version: 3\nendpoints:\n  - name: a\n    upstream: {{url: \"{addr}\"}}\n    \
             traffic_policy: {json}\n"
        ),
        format!(
            "version: 2\ntunnels:\n  a:\n    proto: http\n    addr: \"{addr}\"\n    policy:\n{older}"
        ),
    ] {
        let path = written(&home, "adit.yml", &file);
        let mut program = Program::start(&home, &["start", "a", "--config", &path]);
        holds(&program.url().await).await;
    }
}

#[tokio::test]
async fn connections_that_rules_close_do_not_reach_the_service() {
    let home = tempfile::tempdir().unwrap();
    let upstream = Upstream::echo().await;
    let file = |network: &str| {
        let config = format!("{{ allow: [\"{network}\"] }}");
        let text =
            format!("on_tcp_connect:\n- actions:\n  - type: restrict-ips\n    config: {config}\n");
        written(&home, "policy.yml", &text)
    };
    let addr = upstream.addr().to_string();
    let args = |file: &str| ["tcp", &addr, "--traffic-policy-file", file].map(str::to_owned);
    let start = |args: [String; 4]| Program::start(&home, &args.each_ref().map(String::as_str));
    let mut program = start(args(&file("192.0.2.0/24")));
    let mut socket = here(&program.url().await).connect().await;
    let _ = socket.write_all(b"?").await;
    let mut rest = Vec::new();
    let _ = soon("the end", socket.read_to_end(&mut rest)).await;
    assert_eq!((rest.as_slice(), upstream.hits()), (&b""[..], 0));
    let mut program = start(args(&file("127.0.0.0/8")));
    let mut socket = here(&program.url().await).connect().await;
    socket.write_all(b"?").await.unwrap();
    soon("an echo", socket.read_exact(&mut [0])).await.unwrap();
}

/// What a command says that does not start.
async fn said(home: &TempDir, args: &[&str]) -> Vec<String> {
    let (code, said) = Program::start(home, args).exit().await;
    assert_eq!(code, Some(1), "{said}");
    said.lines().map(|line| line.trim_start_matches("ERROR:").trim_start().to_owned()).collect()
}

/// The code of an error block: above its link, which is the last line.
fn code(lines: &[String]) -> &str {
    let [.., code, link] = lines else { panic!("{lines:?}") };
    assert_eq!(*link, format!("https://ngrok.com/docs/errors/{}", code.to_lowercase()));
    code
}

#[tokio::test]
async fn mistakes_are_told_with_their_lines_and_codes() {
    let home = tempfile::tempdir().unwrap();
    let broken = written(&home, "broken.yml", "on_http_request:\n  - actions: [\n");
    let lines = said(&home, &["http", "80", "--traffic-policy-file", &broken]).await;
    assert!(lines[0].starts_with(&format!("{broken}:3:1: ")), "{lines:?}");
    let missing = said(&home, &["http", "80", "--traffic-policy-file", "/no/such.yml"]).await;
    assert!(missing[0].starts_with("/no/such.yml: ") && missing[0].contains("cannot read"));

    let text = "on_http_request:\n  - expressions: [\"req.nope == 1\"]\n    actions:\n      - type: denny\n";
    let wrong = written(&home, "wrong.yml", text);
    let lines = said(&home, &["http", "80", "--traffic-policy-file", &wrong]).await;
    assert!(lines[0].ends_with("the traffic policy is not valid:"), "{lines:?}");
    let has = |place: &str, code: &str| {
        let begins = format!("{wrong}:{place}: ");
        let ends = format!("(ERR_NGROK_{code})");
        assert!(lines.iter().any(|l| l.starts_with(&begins) && l.ends_with(&ends)), "{lines:?}");
    };
    has("2:19", "2200");
    has("4:15", "2201");
    assert_eq!(code(&lines), "ERR_NGROK_9026", "{lines:?}");

    let both = ["http", "80", "--traffic-policy-file", &wrong, "--policy-file", &wrong];
    assert_eq!(code(&said(&home, &both).await), "ERR_NGROK_9025");
    let url = Upstream::counting("[]").await;
    let at = format!("{}/p", url.http_url());
    let lines = said(&home, &["http", "80", "--traffic-policy-url", &at]).await;
    assert_eq!(code(&lines), "ERR_NGROK_9026", "{lines:?}");
    for (args, code) in [
        (&["--oauth", "nobody", "--oauth-client-id=a", "--oauth-client-secret=b"][..], "365"),
        (&["--oauth", "google", "--oauth-client-id", "a"], "384"),
        (&["--oauth", "google", "--oauth-client-secret", "a"], "383"),
        (&["--oauth", "google", "--oauth-scope", "a"], "390"),
        (&["--oidc-client-id", "a"], "385"),
        (&["--oidc", "https://id.example", "--oidc-client-secret", "a"], "386"),
        (&["--oidc", "https://id.example", "--oidc-client-id", "a"], "387"),
        (&["--verify-webhook", "nobody", "--verify-webhook-secret", "a"], "364"),
    ] {
        let lines = said(&home, &[&["http", "80"], args].concat()).await;
        assert_eq!(self::code(&lines), format!("ERR_NGROK_{code}"), "{args:?}: {lines:?}");
    }
}

#[tokio::test]
async fn a_file_with_a_bad_policy_is_loaded_and_checked() {
    let home = tempfile::tempdir().unwrap();
    let upstream = Upstream::counting("hello").await;
    let endpoints = format!(
        "- name: bad\n  upstream: {{url: 1}}\n  traffic_policy: {{on_http_request: [{{actions: []}}]}}\n\
         - name: good\n  url: http://\n  upstream: {{url: \"{}\"}}\n",
        upstream.http_url()
    );
    let mut agent = Agent::start(&home, &endpoints, &["start", "good"]).await;
    assert_eq!(here(&agent.url().await).get("/").await.text(), "hello");
    let lines = said(&home, &["config", "check", "--config", &agent.file()]).await;
    let text = lines.join("\n");
    assert!(text.contains("adit.yml:7:") && text.contains("ERR_NGROK_2206"), "{text}");
    let explained = said(&home, &["explain", "bad", "--config", &agent.file()]).await.join("\n");
    assert!(explained.contains("ERR_NGROK_9026"), "{explained}");
}

#[tokio::test]
async fn the_local_api_takes_and_shows_policies() {
    let home = tempfile::tempdir().unwrap();
    let upstream = Upstream::counting("hello").await;
    let mut agent = Agent::start(&home, "", &["start", "--none"]).await;
    agent.program.line("tunnel session started").await;
    let object = json!({ "on_http_request": [{ "actions": [{ "type": "deny" }] }] });
    let to = json!({ "url": upstream.http_url() });
    let made = json!({ "name": "a", "url": "http://", "upstream": to, "traffic_policy": object });
    let answer = agent.post("/api/endpoints", made).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let a = agent.url().await;
    assert_eq!(here(&a).get("/").await.status(), 403);
    for path in ["/api/endpoints/a", "/api/tunnels/a"] {
        let shown = agent.get(path).await["traffic_policy"].clone();
        assert_eq!(serde_json::from_str::<Value>(shown.as_str().unwrap()).unwrap(), object);
    }
    let put = json!({ "url": "http://", "upstream": to, "traffic_policy": POLICY });
    let answer = agent.ask(Method::PUT, "/api/endpoints/a", Some(put)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    holds(&a).await;

    let tunnel = json!({ "name": "b", "proto": "http", "addr": upstream.addr().to_string(),
        "schemes": ["http"], "policy": { "inbound": [{ "actions": [{ "type": "deny" }] }] } });
    assert_eq!(agent.post("/api/tunnels", tunnel).await.status, 201);
    assert_eq!(here(&agent.url().await).get("/").await.status(), 403);

    for policy in [json!({ "on_http_request": [{ "actions": [{ "type": "x" }] }] }), json!("a: [")]
    {
        let made = json!({ "name": "c", "upstream": to, "traffic_policy": policy });
        let answer = agent.post("/api/endpoints", made).await;
        assert_eq!((answer.status, &answer.json["error_code"]), (400, &json!(102)), "{answer:?}");
        let err = answer.json["details"]["err"].as_str().unwrap();
        assert!(!err.contains('\n') && !err.contains("definition:"), "{err}");
    }
    assert_eq!(agent.names().await, ["a", "b"]);
}

#[tokio::test]
async fn another_policy_takes_over_and_cuts_nothing() {
    let home = tempfile::tempdir().unwrap();
    let chat = Upstream::serve(service::websocket_echo()).await;
    let deny = "on_http_request:\n- actions:\n  - type: deny\n    config: {status_code: 451}\n";
    let file = written(&home, "policy.yml", "on_http_request: []\n");
    let endpoints = format!(
        "- name: chat\n  url: http://\n  upstream: {{url: \"{}\"}}\n  traffic_policy_file: {file}\n",
        chat.http_url()
    );
    let mut agent = Agent::start(&home, &endpoints, &["start", "--all", "--watch"]).await;
    let url = agent.url().await;
    let mut socket = here(&url).websocket("/").await;
    std::fs::write(&file, deny).unwrap();
    let visitor = here(&url);
    eventually("the new rules", async || (visitor.get("/").await.status() == 451).then_some(()))
        .await;
    socket.send(Message::text("still there?")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("still there?"));

    std::fs::write(&file, "on_http_request: [{actions: []}]\n").unwrap();
    agent.program.line("configuration reloaded").await;
    let refused = agent.program.line("configuration not reloaded").await;
    assert!(refused.contains("policy.yml:1:19") && refused.contains("ERR_NGROK_2206"), "{refused}");
    assert_eq!(here(&url).get("/").await.status(), 451);
    agent.program.send(Signal::Term).await;
    assert_eq!(agent.program.exit().await.0, Some(0));
}

#[tokio::test]
async fn only_what_is_signed_comes_through() {
    let home = tempfile::tempdir().unwrap();
    let upstream = Upstream::mirror().await;
    let addr = upstream.addr().to_string();
    let flags = ["--verify-webhook", "github", "--verify-webhook-secret", "it's ${a} secret"];
    let mut program = Program::start(&home, &[&["http", &addr], &flags[..]].concat());
    let visitor = here(&program.url().await);
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"it's ${a} secret");
    let sign = |body: &str| {
        let tag = hmac::sign(&key, body.as_bytes());
        let hex: String = tag.as_ref().iter().map(|octet| format!("{octet:02x}")).collect();
        format!("sha256={hex}")
    };
    let reply = visitor.post("/", "{\"a\":1}").await;
    assert_eq!((reply.status().as_u16(), reply.code()), (403, "ERR_NGROK_3204"));
    let forged = visitor.post("/", "{\"a\":2}").header("x-hub-signature-256", &sign("{\"a\":1}"));
    assert_eq!(forged.await.status(), 403);
    assert_eq!(upstream.hits(), 0);
    let signed = visitor.post("/", "{\"a\":1}").header("x-hub-signature-256", &sign("{\"a\":1}"));
    let reply = signed.await;
    assert_eq!(reply.status(), 200, "{}", reply.text());
    assert!(reply.text().ends_with("\n\n{\"a\":1}"), "{}", reply.text());
}
