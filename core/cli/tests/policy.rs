//! `adit policy` as users run it, with the real binary and a real compiler.
#![cfg(feature = "wasm")]
#![allow(clippy::unwrap_used)]

use std::{
    env, fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Longest time that anything may take; most of it is cargo's.
const DEADLINE: Duration = Duration::from_secs(240);
const CONFIG: &str = r#"{"burst": 1, "per_ms": 60000}"#;

/// The binary, with nothing in its environment but what a compiler needs.
fn adit(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
    command.arg("policy").args(args).current_dir(dir).stdin(Stdio::null()).env_clear();
    for name in ["PATH", "HOME", "CARGO", "CARGO_HOME", "RUSTUP_HOME", "RUSTC", "RUSTUP_TOOLCHAIN"]
    {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
    // Crates that all policies share are compiled once for all tests, and kept between runs.
    command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("policies"));
    command
}

/// What it prints when it goes well.
fn ok(dir: &Path, args: &[&str]) -> String {
    let Output { status, stdout, stderr } = adit(dir, args).output().unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{args:?}: {stdout}\n{stderr}");
    stdout
}

/// What it says when it refuses, without what cargo says.
fn refused(dir: &Path, args: &[&str]) -> String {
    let output = adit(dir, args).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let own = stderr.lines().filter_map(|line| line.strip_prefix("ERROR:"));
    own.map(|line| line.trim_start()).collect::<Vec<_>>().join("\n")
}

/// A policy that was made and built once for all tests.
fn key_limit() -> &'static Path {
    static MADE: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, dir) = MADE.get_or_init(|| {
        let home = tempfile::tempdir().unwrap();
        ok(home.path(), &["new", "key-limit"]);
        let dir = home.path().join("key-limit");
        let printed = ok(&dir, &["build"]);
        assert!(dir.join("key-limit.wasm").is_file(), "{printed}");
        (home, dir)
    });
    dir
}

fn wat(dir: &Path, name: &str, text: &str) {
    fs::write(dir.join(name), wat::parse_str(text).unwrap()).unwrap();
}

#[test]
fn the_first_minutes_with_a_policy() {
    let dir = key_limit();
    let printed = ok(dir, &["test"]);
    assert!(printed.contains("2 cases against"), "{printed}");
    assert!(printed.contains("ok    the third call within a second is refused"), "{printed}");

    let built = ok(dir, &["build"]);
    assert!(built.contains("hooks     request-hook\n"), "{built}");
    assert!(built.contains("          rate: take\n"), "{built}");
    assert!(built.contains("\n      rate: [per-key]\n"), "{built}");

    let checked = ok(dir, &["check"]);
    assert!(checked.contains("config    accepted ("), "{checked}");

    let run =
        ok(dir, &["run", "key-limit.wasm", "--config", CONFIG, "--times", "2", "--json", "/"]);
    let verdicts: Vec<Value> =
        run.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(verdicts[0]["verdict"], "next");
    let edit = json!({ "header": "x-ratelimit-remaining", "before": [], "after": ["0"] });
    assert_eq!(verdicts[0]["edits"], json!([edit]));
    assert_eq!(verdicts[1]["verdict"], "respond");
    assert_eq!(verdicts[1]["reply"]["status"], 429);
    assert_eq!(verdicts[1]["reply"]["body"], "slow down\n");

    let bench: Value =
        serde_json::from_str(&ok(dir, &["bench", "key-limit.wasm", "--json"])).unwrap();
    let us = |key: &str| bench[key].as_f64().unwrap();
    assert!(us("reused_us") > 0.0 && us("fresh_us") > us("reused_us"), "{bench}");
    assert!(us("load_us") < us("compile_us"), "{bench}");
}

#[test]
fn a_component_says_what_it_is() {
    let dir = key_limit();
    let text = ok(dir, &["inspect", "key-limit.wasm", "--json"]);
    let inspected: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(inspected["hooks"], json!(["request-hook"]));
    assert_eq!(inspected["grants"], json!(["rate"]));
    assert_eq!(inspected["abi"], "0.1.0");
    assert_eq!(inspected["label"]["name"], "key-limit");
    assert_eq!(inspected["label"]["sdk"], env!("CARGO_PKG_VERSION"));
    assert_eq!(inspected["problem"], Value::Null);
}

#[test]
fn a_case_that_fails_says_what_was_expected_and_what_came() {
    let home = tempfile::tempdir().unwrap();
    ok(home.path(), &["new", "strict"]);
    let dir = home.path().join("strict");
    let cases = fs::read_to_string(dir.join("cases.yml")).unwrap();
    fs::write(dir.join("cases.yml"), cases.replace("status: 429", "status: 403")).unwrap();
    let output = adit(&dir, &["test", "--no-native"]).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success());
    assert!(stdout.contains("FAIL  the third call within a second is refused"), "{stdout}");
    assert!(stdout.contains("step 3: reply: status: expected 403, there was 429"), "{stdout}");
    assert!(stdout.contains("ok    callers without a key"), "{stdout}");
    let only = ok(&dir, &["test", "--no-native", "--only", "callers without"]);
    assert!(only.contains("1 cases against"), "{only}");
}

#[test]
fn files_that_are_no_policies_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    wat(dir, "core.wasm", "(module)");
    wat(
        dir,
        "wasi.wasm",
        r#"(component (import "wasi:cli/environment@0.2.0"
            (instance (export "get-arguments" (func (result (list string)))))))"#,
    );
    fs::write(dir.join("garbage.wasm"), "hello").unwrap();
    let core = refused(dir, &["check", "core.wasm"]);
    assert!(core.contains("core module; run `adit policy build`"), "{core}");
    let wasi = refused(dir, &["check", "wasi.wasm"]);
    assert!(wasi.contains("wasi:cli/environment@0.2.0"), "{wasi}");
    assert!(wasi.contains("no files, sockets or environment"), "{wasi}");
    let shown = ok(dir, &["inspect", "wasi.wasm"]);
    assert!(shown.contains("foreign   wasi:cli/environment@0.2.0"), "{shown}");
    let garbage = refused(dir, &["inspect", "garbage.wasm"]);
    assert!(garbage.contains("garbage.wasm: this is not a WebAssembly component"), "{garbage}");
    let missing = refused(dir, &["run", "nothing.wasm", "/"]);
    assert!(missing.contains("nothing.wasm"), "{missing}");
}

#[test]
fn missing_grants_and_bad_configuration_are_named() {
    let dir = key_limit();
    let wasm = ["check", "key-limit.wasm"];
    let none = refused(dir, &[&wasm[..], &["--grants", "{}"]].concat());
    assert!(none.contains("not granted: rate"), "{none}");
    let field =
        refused(dir, &[&wasm[..], &["--config", r#"{"burst": "x", "per_ms": 1}"#]].concat());
    assert!(field.contains("burst: "), "{field}");
    assert!(field.contains("(--config)"), "{field}");
    let json = refused(dir, &[&wasm[..], &["--config", "{"]].concat());
    assert!(json.contains("--config: not valid JSON"), "{json}");
}

#[test]
fn every_plugin_of_a_file_is_checked() {
    let dir = key_limit();
    let file = fs::read_to_string(dir.join("adit.yml")).unwrap();
    let checked = ok(dir, &["check", "--config-file", "adit.yml"]);
    assert_eq!(checked, "ok    key-limit: request-hook; used by web\n");
    fs::write(dir.join("bad.yml"), file.replace("burst: 20", "burst: many")).unwrap();
    let bad = refused(dir, &["check", "--config-file", "bad.yml"]);
    assert!(bad.contains("bad.yml:") && bad.contains("burst"), "{bad}");
}

#[test]
fn what_cannot_be_made_or_built_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert!(refused(dir, &["new", "Key Limit"]).contains("for example key-limit"));
    fs::create_dir(dir.join("here")).unwrap();
    assert!(refused(dir, &["new", "here"]).starts_with("here exists already"));
    assert!(refused(dir, &["build"]).contains("adit policy new NAME"));
    ok(dir, &["new", "a"]);
    let compiler = dir.join("rustc");
    fs::write(&compiler, "#!/bin/sh\necho /nonexistent\n").unwrap();
    assert!(Command::new("chmod").arg("+x").arg(&compiler).status().unwrap().success());
    // Cargo asks the compiler many things: only what comes before it is tried here.
    let cargo = format!("{}/cargo", env::var("CARGO_HOME").unwrap_or_default());
    let cargo = env::var("CARGO").unwrap_or(cargo);
    let output = adit(&dir.join("a"), &["build"])
        .env("RUSTC", &compiler)
        .env("CARGO", cargo)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("rustup target add wasm32-unknown-unknown"), "{stderr}");
}

/// A running endpoint, ended when it is dropped.
struct Serving {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Serving {
    fn start(dir: &Path, args: &[&str]) -> Self {
        let mut command = adit(dir, args);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The rest of the next line that begins so.
    fn line(&mut self, prefix: &str) -> String {
        let found = self.lines.by_ref().map(Result::unwrap).find(|line| line.starts_with(prefix));
        found.expect("the line before the end")[prefix.len()..].trim().to_owned()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A service that answers every connection's first request.
fn service() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let _ = socket.read(&mut [0; 4096]);
            let _ = socket.write_all(
                b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
            );
        }
    });
    port
}

/// One request to a URL under `.localhost`: all of the answer.
fn get(url: &str) -> String {
    let authority = url.strip_prefix("http://").unwrap();
    let (_, port) = authority.rsplit_once(':').unwrap();
    let mut socket = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let head = format!("GET /a HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).unwrap();
    response
}

#[test]
fn a_change_of_the_sources_is_served_without_a_restart() {
    let home = tempfile::tempdir().unwrap();
    ok(home.path(), &["new", "served"]);
    let dir = home.path().join("served");
    let upstream = service().to_string();
    let args = ["run", "--config", CONFIG, "--", &upstream];
    let mut serving = Serving::start(&dir, &args);
    let forwarding = serving.line("Forwarding");
    let url = forwarding.split_once(" -> ").unwrap().0.to_owned();
    assert!(get(&url).ends_with("hello"));
    assert!(serving.line("GET /a").starts_with("next "));
    assert!(get(&url).ends_with("slow down\n"));
    assert!(serving.line("GET /a").starts_with("respond 429 "));

    let source = fs::read_to_string(dir.join("src/lib.rs")).unwrap();
    fs::write(dir.join("src/lib.rs"), source.replace("slow down", "not so fast")).unwrap();
    assert!(serving.line("Rebuilt").starts_with("served in "));
    let changed = Instant::now();
    while !get(&url).ends_with("not so fast\n") {
        assert!(changed.elapsed() < DEADLINE, "the new component is not taken");
        std::thread::sleep(Duration::from_millis(20));
    }
}
