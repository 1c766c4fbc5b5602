//! Policies that misbehave, each beside a neighbour that must not notice.

use std::{path::PathBuf, sync::OnceLock};

use adit_tests::{Upstream, eventually, guest};

use crate::program::{Program, Signal, here};

/// The component that misbehaves as it is told.
fn hostile() -> &'static PathBuf {
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    FILE.get_or_init(|| {
        let adit = env!("CARGO_BIN_EXE_adit-under-test");
        guest::built(adit, "tests/guests/hostile", env!("CARGO_TARGET_TMPDIR"))
    })
}

/// An agent whose endpoints have one deed each, in the order given, and a neighbour behind them.
struct Quarter {
    home: tempfile::TempDir,
    upstream: Upstream,
    program: Program,
    urls: Vec<String>,
}

impl Quarter {
    async fn with(deeds: &[(&str, &str)]) -> Self {
        let (home, upstream) = (tempfile::tempdir().unwrap(), Upstream::mirror().await);
        let url = upstream.http_url();
        let mut file = format!(
            "version: 3\nplugins:\n  hostile:\n    wasm: {}\n    limits: {{memory: 4MiB}}\n\
             endpoints:\n",
            hostile().display()
        );
        for (n, (deed, hook)) in deeds.iter().enumerate() {
            file += &format!(
                "- name: e{n}\n  upstream: {{url: \"{url}\"}}\n  handlers:\n  - hostile: {{deed: \
                 {deed}, hook: {hook}}}\n"
            );
        }
        file += &format!("- name: neighbour\n  upstream: {{url: \"{url}\"}}\n");
        let path = home.path().join("adit.yml");
        std::fs::write(&path, file).unwrap();
        let log = home.path().join("log").display().to_string();
        let config = path.display().to_string();
        let args = ["start", "--all", "--config", &config, "--log", &log];
        let program = Program::start(&home, &args);
        let urls = eventually("all endpoints are started", async || {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            let started = log.lines().filter(|line| line.contains("\"started tunnel\""));
            let urls: Vec<_> = started.filter_map(|line| line.rsplit_once(" url=")).collect();
            let urls: Vec<_> = urls.into_iter().map(|(_, url)| url.to_owned()).collect();
            (urls.len() > deeds.len()).then_some(urls)
        })
        .await;
        Self { home, upstream, program, urls }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.home.path().join("log")).unwrap()
    }

    async fn neighbour_is_well(&self) {
        let reply = here(self.urls.last().unwrap()).get("/").await;
        assert_eq!(reply.status(), 200, "{}", reply.text());
    }

    async fn end(self) {
        self.program.send(Signal::Term).await;
        assert_eq!(self.program.exit().await.0, Some(0));
    }
}

#[tokio::test]
async fn a_fault_costs_its_own_exchange_and_says_what_it_was() {
    let deeds = [
        ("spin", "CPU time"),
        ("hoard", "limits.memory"),
        ("recurse", "stack"),
        ("storm", "CPU time"),
        ("panic", "told to"),
        ("half-done", "half-way"),
    ];
    let told: Vec<_> = deeds.iter().map(|(deed, _)| (*deed, "on_request")).collect();
    let quarter = Quarter::with(&told).await;
    for (n, (deed, why)) in deeds.iter().enumerate() {
        let reply = here(&quarter.urls[n]).get("/").await;
        assert_eq!(reply.status(), 500, "{deed}: {}", reply.text());
        assert!(!reply.text().contains(why), "{deed}: visitors are told nothing of it");
        quarter.neighbour_is_well().await;
        assert_eq!(quarter.upstream.hits(), n + 1, "{deed} reached the service");
    }
    let log = quarter.log();
    for (deed, why) in deeds {
        assert!(log.contains(why), "the log does not say {why:?} for {deed}:\n{log}");
    }
    quarter.end().await;
}

#[tokio::test]
async fn answers_that_would_break_the_wire_never_reach_it() {
    let deeds =
        ["long-header", "split", "bad-name", "bad-status", "long-body", "octets", "framing"];
    let told: Vec<_> = deeds.iter().map(|deed| (*deed, "on_request")).collect();
    let quarter = Quarter::with(&told).await;
    for (n, deed) in deeds.iter().enumerate() {
        let reply = here(&quarter.urls[n]).get("/").await;
        assert_eq!(reply.header("x-injected"), "", "{deed}");
        match *deed {
            // Octets that are no text are a value all the same.
            "octets" => assert_eq!(reply.status(), 200, "{}", reply.text()),
            "framing" => assert_eq!(reply.text(), "4 refused"),
            _ => assert_eq!(reply.status(), 500, "{deed}: {}", reply.text()),
        }
        quarter.neighbour_is_well().await;
    }
    quarter.end().await;
}

#[tokio::test]
async fn a_panic_in_any_hook_costs_what_it_can_still_cost() {
    let hooks = [
        ("on_request", Some(500)),
        ("on_request_body", Some(500)),
        ("on_response", Some(500)),
        ("on_response_body", Some(500)),
        // If the head has left, the exchange can only be cut.
        ("on_response_chunk", None),
        // It is over: nothing is left to be cost.
        ("on_finish", Some(200)),
        ("on_close", Some(200)),
    ];
    let told: Vec<_> = hooks.iter().map(|(hook, _)| ("panic", *hook)).collect();
    let quarter = Quarter::with(&told).await;
    for (n, (hook, status)) in hooks.iter().enumerate() {
        let reply = here(&quarter.urls[n]).post("/", "a body").try_send().await;
        match (status, reply) {
            (Some(status), Ok(reply)) => {
                assert_eq!(reply.status(), *status, "{hook}: {}", reply.text());
            }
            (None, Err(_)) => {}
            (None, Ok(reply)) => {
                // Cut before its head was flushed: the edge says that nothing came.
                assert!(!reply.is_whole() || reply.status() == 502, "{hook}: {}", reply.text());
            }
            (Some(status), Err(error)) => panic!("{hook}: {error} instead of {status}"),
        }
        quarter.neighbour_is_well().await;
    }
    quarter.end().await;
}

#[tokio::test]
async fn a_policy_that_panics_when_configured_stops_the_start_and_says_why() {
    let home = tempfile::tempdir().unwrap();
    let file = format!(
        "version: 3\nplugins:\n  hostile: {{wasm: {}}}\nendpoints:\n- name: a\n  upstream: {{url: \
         1}}\n  handlers:\n  - hostile: {{deed: panic, hook: configure}}\n",
        hostile().display()
    );
    std::fs::write(home.path().join("adit.yml"), file).unwrap();
    let program = Program::start(&home, &["start", "a", "--config", "adit.yml"]);
    let (code, text) = program.exit().await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("adit.yml:8") && text.contains("told to"), "{text}");
}

#[tokio::test]
async fn ten_thousand_records_of_a_policy_are_a_hundred_in_the_log() {
    let quarter = Quarter::with(&[("chatter", "on_request")]).await;
    for _ in 0..3 {
        here(&quarter.urls[0]).get("/").await;
    }
    let log = quarter.log();
    let records = log.lines().filter(|line| line.contains("xxxxxxxxxx")).count();
    assert!((1..=400).contains(&records), "{records} records");
    quarter.neighbour_is_well().await;
    quarter.end().await;
}
