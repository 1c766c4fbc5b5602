//! A running agent reads its configuration again.

use adit_tests::{Upstream, eventually, service, soon};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;

use super::{Program, Signal, agent::Agent, here};

fn web(name: &str, upstream: &Upstream, more: &str) -> String {
    format!(
        "- name: {name}\n  url: http://{name}.localhost\n{more}  upstream: {{url: \"{}\"}}\n",
        upstream.http_url()
    )
}

fn tcp(name: &str, upstream: &Upstream) -> String {
    format!("- name: {name}\n  url: tcp://\n  upstream: {{url: \"{}\"}}\n", upstream.tcp_url())
}

async fn started(home: &TempDir, endpoints: &str, n: usize) -> (Agent, Vec<String>) {
    let mut agent = Agent::start(home, endpoints, &["start", "--all"]).await;
    let mut urls = Vec::new();
    for _ in 0..n {
        urls.push(agent.url().await);
    }
    (agent, urls)
}

#[tokio::test]
async fn what_did_not_change_is_not_touched_and_what_did_lets_its_connections_finish() {
    const SIZE: usize = 32 * 1024 * 1024;
    let home = tempfile::tempdir().unwrap();
    let chat = Upstream::serve(service::websocket_echo()).await;
    let (echo, large) = (Upstream::echo().await, Upstream::serve(service::sends(SIZE)).await);
    let (one, two) = (Upstream::counting("one").await, Upstream::counting("two").await);
    let endpoints = web("chat", &chat, "")
        + &tcp("echo", &echo)
        + &tcp("large", &large)
        + &web("page", &one, "");
    let (mut agent, urls) = started(&home, &endpoints, 4).await;
    let [chat_url, echo_url, large_url, page_url] = urls.try_into().unwrap();

    let mut socket = here(&chat_url).websocket("/").await;
    let mut kept = here(&echo_url).connect().await;
    kept.write_all(b"a").await.unwrap();
    soon("an echo", kept.read_exact(&mut [0])).await.unwrap();
    let mut download = here(&large_url).connect().await;
    soon("its first bytes", download.read_exact(&mut [0; 1024])).await.unwrap();
    assert_eq!(here(&page_url).get("/").await.text(), "one");
    let made = json!({ "name": "mine", "upstream": { "url": one.http_url() }, "url": "http://" });
    assert_eq!(agent.post("/api/endpoints", made).await.status, 201);
    agent.url().await;

    // Moved by a line, which makes no difference.
    let endpoints =
        format!("# \n{}", web("chat", &chat, "") + &web("page", &two, "") + &tcp("new", &echo));
    agent.write("", &endpoints);
    let report = agent.reload().await;
    assert_eq!(
        report,
        json!({
            "added": ["new"], "changed": ["page"], "removed": ["echo", "large"],
            "unchanged": ["chat"], "restart_needed": [], "skipped": [], "failed": []
        })
    );
    assert_eq!(agent.names().await, ["chat", "page", "mine", "new"]);
    let new_url = agent.url().await;
    let mut fresh = here(&new_url).connect().await;
    fresh.write_all(b"b").await.unwrap();
    soon("an echo", fresh.read_exact(&mut [0])).await.unwrap();
    assert_eq!(here(&page_url).get("/").await.text(), "two");

    socket.send(Message::text("still there?")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("still there?"));
    kept.write_all(b"c").await.unwrap();
    soon("an echo", kept.read_exact(&mut [0])).await.unwrap();
    let mut rest = Vec::new();
    soon("the rest", download.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest.len(), SIZE - 1024);
    let conns = |value: serde_json::Value| value["metrics"]["conns"].clone();
    let chat = conns(agent.get("/api/endpoints/chat").await);
    assert_eq!((&chat["count"], &chat["gauge"]), (&json!(1), &json!(1)), "{chat}");
    assert_eq!(conns(agent.get("/api/endpoints/page").await)["count"], 2);
}

#[tokio::test]
async fn a_file_with_mistakes_changes_nothing_and_all_of_them_are_told() {
    let home = tempfile::tempdir().unwrap();
    let page = Upstream::counting("page").await;
    let (mut agent, urls) = started(&home, &web("page", &page, ""), 1).await;
    let file = agent.file();
    for (text, says) in [
        (
            "version: 3\nagent: {web_adr: 1}\nendpoints:\n- name: a\n  upstream: {url: 70000}\n",
            vec!["adit.yml:2:9: unknown key \"web_adr\"", "adit.yml:5:19: upstream address"],
        ),
        // What shows only when it is planned.
        (
            "version: 3\nendpoints:\n- name: a\n  upstream: {url: 80}\n  handlers: [no-such]\n- name: b\n  \
             upstream: {url: \"file:///no/such/dir\"}\n",
            vec!["adit.yml:5:14: endpoint \"a\": handler \"no-such\"", "adit.yml:7:"],
        ),
        ("version: 3\nplugins: {p: {wasm: no-such.wasm}}\n", vec!["adit.yml:2:", "no-such.wasm"]),
        ("version: 3\nendpoints: [\n", vec!["adit.yml:3:1: not valid YAML"]),
    ] {
        agent.overwrite(text);
        let answer = agent.post("/api/config/reload", json!({})).await;
        let err = answer.json["details"]["err"].as_str().unwrap();
        assert_eq!(answer.status, 400, "{answer:?}");
        for words in says {
            assert!(err.contains(words), "{words}: {err}");
        }
        let record = agent.program.line("configuration not reloaded").await;
        assert!(record.contains("lvl=eror") && record.contains("adit.yml:"), "{record}");
        assert_eq!(agent.names().await, ["page"]);
        let args = ["config", "reload", "--config", &file, "--addr", &agent.web.to_string()];
        let (code, said) = Program::start(&home, &args).exit().await;
        assert_eq!(code, Some(1));
        assert!(said.starts_with("ERROR:  ") && said.contains("adit.yml:"), "{said}");
    }
    assert_eq!(here(&urls[0]).get("/").await.text(), "page");
}

#[tokio::test]
async fn signals_watching_and_the_command_all_reload() {
    let home = tempfile::tempdir().unwrap();
    let page = Upstream::counting("page").await;
    let mut agent = Agent::start(&home, "", &["start", "--none", "--watch"]).await;
    agent.program.line("tunnel session started").await;
    // Chosen was nothing, so that nothing is started; settings are compared.
    agent.write("  metadata: other\n", &web("a", &page, ""));
    agent.program.line("configuration reloaded").await;
    let needs = agent.program.line("need a restart").await;
    assert!(needs.contains("lvl=warn") && needs.ends_with("keys=metadata"), "{needs}");

    agent.program.send(Signal::Hup).await;
    agent.program.line("configuration reloaded").await;
    let web_addr = agent.web.to_string();
    let args = ["config", "reload", "--config", &agent.file(), "--addr", &web_addr];
    assert_eq!(
        Program::start(&home, &args).output().await,
        "Configuration reloaded\nUnchanged    0\nNot started  a (not chosen when the agent was \
         started)\nThese settings have changed and need a restart: metadata\n"
    );
    assert_eq!(agent.names().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_choice_of_names_stays() {
    let home = tempfile::tempdir().unwrap();
    let page = Upstream::counting("page").await;
    let file = web("a", &page, "") + &web("b", &page, "") + &web("c", &page, "");
    let mut agent = Agent::start(&home, &file, &["start", "a", "b"]).await;
    agent.url().await;
    agent.url().await;
    agent.write(
        "",
        &(web("a", &page, "  metadata: m\n") + &web("c", &page, "") + &web("d", &page, "")),
    );
    let report = agent.reload().await;
    let lists = ["changed", "removed", "skipped", "added"].map(|key| report[key].clone());
    assert_eq!(lists, [json!(["a"]), json!(["b"]), json!(["c", "d"]), json!([])], "{report}");
    assert_eq!(agent.names().await, ["a"]);
    // What is defined is taken, started or not.
    let taken = json!({ "name": "d", "proto": "http", "addr": 80 });
    assert_eq!(agent.post("/api/tunnels", taken).await.status, 400);
}

#[tokio::test]
async fn a_name_that_the_api_has_given_away_stays_with_it() {
    let home = tempfile::tempdir().unwrap();
    let page = Upstream::counting("page").await;
    let mut agent = Agent::start(&home, "", &["start", "--none"]).await;
    agent.program.line("tunnel session started").await;
    let made = json!({ "name": "a", "proto": "http", "addr": 80 });
    assert_eq!(agent.post("/api/tunnels", made).await.status, 201);
    agent.write("", &web("a", &page, ""));
    let answer = agent.post("/api/config/reload", json!({})).await;
    assert_eq!(answer.status, 400);
    let err = answer.json["details"]["err"].as_str().unwrap();
    assert!(err.contains("adit.yml:5:9: endpoint \"a\" was made by the local API"), "{err}");
    assert_eq!(agent.delete("/api/tunnels/a").await.status, 204);
    assert_eq!(agent.reload().await["skipped"], json!(["a"]));
}

#[tokio::test]
async fn a_storm_of_signals_costs_no_visitor_anything() {
    let home = tempfile::tempdir().unwrap();
    let page = Upstream::counting("page").await;
    let (agent, urls) = started(&home, &web("page", &page, ""), 1).await;
    let visitor = here(&urls[0]);
    let visits = async {
        for _ in 0..100 {
            assert_eq!(visitor.get("/").await.text(), "page");
        }
    };
    let storm = async {
        for n in 0..50 {
            let more = format!("  metadata: \"{}\"\n", n / 10);
            agent.write("", &(web("page", &page, "") + &web("other", &page, &more)));
            agent.program.send(Signal::Hup).await;
        }
    };
    tokio::join!(visits, storm);
    eventually("the last file counts", async || {
        let other = agent.get("/api/endpoints").await;
        let metadata = other["endpoints"][1]["metadata"].clone();
        (metadata == "4").then_some(())
    })
    .await;
    assert_eq!(agent.names().await, ["page", "other"]);
}
