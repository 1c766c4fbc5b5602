//! The order of things at the start, and addresses that are taken.

use std::time::{Duration, Instant};

use adit_tests::{Upstream, soon};
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    OwnEdge, Program, Signal,
    agent::{Agent, value},
    here,
};

#[tokio::test]
async fn the_web_service_answers_before_the_session_is_there_and_endpoints_come_last() {
    let home = tempfile::tempdir().unwrap();
    let upstream = Upstream::counting("hello").await;
    let endpoints = format!("- name: web\n  upstream: {{url: \"{}\"}}\n", upstream.http_url());
    let mut agent = Agent::start(&home, &endpoints, &["start", "--all"]).await;
    assert_eq!(agent.get("/api/tunnels").await["uri"], "/api/tunnels");
    let session = agent.program.line("obj=tunnels.session").await;
    assert!(
        session.ends_with("msg=\"client session established\" obj=tunnels.session"),
        "{session}"
    );
    let tunnel = agent.program.line("obj=tunnels.session").await;
    assert!(tunnel.ends_with("msg=\"tunnel session started\" obj=tunnels.session"), "{tunnel}");
    let started = agent.program.line("started tunnel").await;
    let url = value(&started, "url");
    let rest = format!(
        "lvl=info msg=\"started tunnel\" obj=tunnels name=web addr={} url={url}",
        upstream.http_url()
    );
    assert!(started.ends_with(&rest), "{started}");
    assert_eq!(agent.get("/api/status").await["status"], "online");
    assert_eq!(here(&url).get("/").await.text(), "hello");
    let join = agent.program.line("join connections").await;
    assert_eq!(value(&join, "obj"), "join");
    assert_eq!(value(&join, "l"), upstream.addr().to_string());
    assert!(value(&join, "r").starts_with("127.0.0.1:"), "{join}");

    let began = Instant::now();
    agent.program.send(Signal::Term).await;
    let stop = agent.program.line("received stop request").await;
    assert!(stop.contains("obj=app stopReq=terminate"), "{stop}");
    let closing = agent.program.line("session closing").await;
    assert!(closing.contains("lvl=info") && closing.ends_with("err=nil"), "{closing}");
    assert_eq!(agent.program.exit().await, (Some(0), String::new()));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_configured_web_address_that_is_taken_ends_the_program_with_the_words_clients_know() {
    let home = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = taken.local_addr().unwrap();
    let text = format!("version: 3\nagent: {{web_addr: \"localhost:{}\"}}\n", addr.port());
    std::fs::write(home.path().join("adit.yml"), text).unwrap();
    let args = ["start", "--none", "--config", "adit.yml", "--log", "stdout"];
    let mut program = Program::start(&home, &args);
    let last = program.line("command failed").await;
    let words = format!("listen tcp {addr}: bind: address already in use");
    assert!(last.ends_with(&format!("lvl=crit msg=\"command failed\" err=\"{words}\"")), "{last}");
    let (code, said) = program.exit().await;
    assert_eq!((code, said), (Some(1), format!("ERROR:  {words}\n")));
}

#[tokio::test]
async fn a_default_web_address_that_is_taken_leads_to_the_next_one() {
    let home = tempfile::tempdir().unwrap();
    // Ours, or somebody else's: taken either way.
    let _taken = TcpListener::bind("127.0.0.1:4040").await;
    std::fs::write(home.path().join("adit.yml"), "version: 3\n").unwrap();
    let args = ["start", "--none", "--config", "adit.yml", "--log", "stdout"];
    let mut program = Program::start(&home, &args);
    let warning = program.line("can't bind default web address").await;
    assert!(warning.contains("lvl=warn") && !warning.contains("already in use"), "{warning}");
    let record = program.line("starting web service").await;
    assert!(record.ends_with(" allow_hosts=[]"), "{record}");
    let url = format!("http://{}", value(&record, "addr"));
    assert_ne!(url, "http://127.0.0.1:4040");
    assert_eq!(here(&url).get("/api/tunnels").await.status(), 200);
    program.send(Signal::Term).await;
    assert_eq!(program.exit().await, (Some(0), String::new()));
}

#[tokio::test]
async fn no_web_service_where_none_is_wanted() {
    let home = tempfile::tempdir().unwrap();
    let text = "version: 3\nagent: {web_addr: \"false\"}\n";
    std::fs::write(home.path().join("adit.yml"), text).unwrap();
    let args = ["start", "--none", "--config", "adit.yml", "--log", "stdout"];
    let mut program = Program::start(&home, &args);
    let first = program.line("obj=").await;
    assert!(first.contains("client session established"), "{first}");
    program.send(Signal::Int).await;
    assert_eq!(program.exit().await, (Some(0), String::new()));
}

#[tokio::test]
async fn a_request_waits_for_the_session_for_a_while_and_leaves_the_name_free() {
    let home = tempfile::tempdir().unwrap();
    // Accepts, and never speaks.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let edge = silent.local_addr().unwrap().to_string();
    let args = ["start", "--none", "--connect-url", &edge, "--authtoken", "t"];
    let agent = Agent::start(&home, "", &args).await;
    assert_eq!(agent.get("/api/status").await["status"], "connecting");
    let definition = json!({ "name": "a", "proto": "http", "addr": 5000 });
    for _ in 0..2 {
        let began = Instant::now();
        let answer = agent.post("/api/tunnels", definition.clone()).await;
        let took = began.elapsed();
        assert!(took > Duration::from_secs(2) && took < Duration::from_secs(4), "{took:?}");
        assert_eq!((answer.status, &answer.json["error_code"]), (503, &json!(104)));
        assert_eq!(
            answer.json["details"]["err"],
            "a successful ngrok tunnel session has not yet been established"
        );
    }
    assert_eq!(agent.names().await, Vec::<String>::new());
    let began = Instant::now();
    agent.program.send(Signal::Term).await;
    assert_eq!(soon("the end", agent.program.exit()).await, (Some(0), String::new()));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test]
async fn an_endpoint_that_is_refused_ends_the_program_with_its_code() {
    let home = tempfile::tempdir().unwrap();
    let endpoints = "- name: a\n  url: http://same.localhost\n  upstream: {url: 1}\n\
                     - name: b\n  url: http://same.localhost\n  upstream: {url: 2}\n";
    let mut agent = Agent::start(&home, endpoints, &["start", "--all"]).await;
    let last = agent.program.line("terminating with error").await;
    assert!(last.contains("lvl=eror") && last.contains("obj=app err="), "{last}");
    let last = agent.program.line("command failed").await;
    assert!(last.contains("lvl=crit") && last.contains("ERR_NGROK_334"), "{last}");
    let (code, said) = agent.program.exit().await;
    assert_eq!(code, Some(1));
    assert!(said.starts_with("ERROR:  failed to start endpoint \"b\""), "{said}");
    assert!(said.contains("\nERROR:  ERR_NGROK_334\n"), "{said}");
}

#[tokio::test]
async fn an_endpoint_without_an_answer_is_told_and_asked_for_again() {
    // The agent's heartbeat is all that fits.
    let edge = OwnEdge::start_with("limits: {agent_streams: 1}\n").await;
    let mut program = edge.agent(&["http", "1", "--log", "stdout"], &edge.token);
    for _ in 0..2 {
        let told = program.line("tunnel not started yet").await;
        assert!(
            told.contains("lvl=warn") && told.contains("obj=tunnels name=command_line"),
            "{told}"
        );
        assert!(told.contains("the edge did not answer: "), "{told}");
    }
}

#[tokio::test]
async fn a_lost_session_is_told_and_requests_are_asked_to_come_again() {
    let edge = OwnEdge::start().await;
    let text = "version: 3\nagent: {web_addr: \"127.0.0.1:0\"}\n";
    let file = edge.home.path().join("agent.yml");
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    let mut program = edge.agent(&["start", "--none", "--config", &file], &edge.token);
    let web = value(&program.line("starting web service").await, "addr");
    program.line("tunnel session started").await;
    drop(edge);
    let lost = program.line("session closed, starting reconnect loop").await;
    assert!(lost.contains("lvl=eror") && lost.contains("obj=tunnels.session err="), "{lost}");
    let failed = program.line("failed to reconnect session").await;
    assert!(failed.contains("lvl=eror") && failed.contains("err="), "{failed}");

    let api = here(&format!("http://{web}"));
    let status: serde_json::Value =
        serde_json::from_str(&api.get("/api/status").await.text()).unwrap();
    assert_eq!(
        (&status["status"], &status["session"]["legs"]),
        (&json!("reconnecting"), &json!([]))
    );
    let tunnel = json!({ "name": "a", "proto": "http", "addr": 80 }).to_string();
    let asked = api.post("/api/tunnels", tunnel).header("content-type", "application/json");
    let answer = asked.await;
    assert_eq!(answer.status(), 502);
    let error: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!(error["error_code"], 104);
    assert_eq!(error["details"]["err"], "tunnel session not ready yet");
    let overview = api.get("/api/overview").await.text();
    let overview: serde_json::Value = serde_json::from_str(&overview).unwrap();
    let history = overview["session"]["history"].as_array().unwrap();
    let what: Vec<_> = history.iter().map(|event| event["what"].as_str().unwrap()).collect();
    assert_eq!(what[..3], ["connected", "disconnected", "retry"]);
    program.send(Signal::Term).await;
    assert_eq!(program.exit().await, (Some(0), String::new()));
}
