//! `adit inspect` against a running agent.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, ChildStdout, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// Longest time that any single thing may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// The binary in a home of its own.
fn adit(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
    command.args(args).env_clear().env("HOME", home).env("TZ", "UTC").stdin(Stdio::null());
    command.current_dir(home);
    command
}

/// A running agent before a service that answers with what strangers like to send.
struct Agent {
    child: Child,
    home: TempDir,
    addr: String,
    url: String,
}

/// What the service answers with: escape sequences, as text.
const HOSTILE: &str = "one\x1b[2J\x1b]0;title\x07\ntwo\u{202e}\n";

impl Agent {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let args = ["http", &serve(), "--log", "stdout", "--log-format", "json"];
        let mut child = adit(home.path(), &args).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut value = |msg: &str, key: &str| loop {
            let line = lines.next().expect("the record before the end");
            let record: Value = serde_json::from_str(&line).unwrap();
            if record["msg"] == msg {
                return record[key].as_str().unwrap().to_owned();
            }
        };
        let addr = value("starting web service", "addr");
        let url = value("started tunnel", "url");
        Self { child, home, addr, url }
    }

    /// Sends a request; the status.
    fn ask(&self, head: &str, body: &str) -> String {
        let authority = self.url.strip_prefix("http://").unwrap();
        let (_, port) = authority.rsplit_once(':').unwrap();
        let mut socket = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let length = body.len();
        let request = format!(
            "{head}\r\nhost: {authority}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut response = Vec::new();
        socket.read_to_end(&mut response).unwrap();
        String::from_utf8_lossy(&response).split(' ').nth(1).unwrap().to_owned()
    }

    fn inspect(&self, args: &[&str]) -> Output {
        let args = [&["inspect", "--addr", &self.addr], args].concat();
        adit(self.home.path(), &args).output().unwrap()
    }

    /// What it prints when it does what it was asked.
    fn told(&self, args: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.inspect(args);
        let stderr = String::from_utf8(stderr).unwrap();
        assert_eq!((status.code(), stderr.as_str()), (Some(0), ""), "{args:?}");
        String::from_utf8(stdout).unwrap()
    }

    /// What it says when it does not.
    fn refused(&self, args: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.inspect(args);
        assert_eq!((status.code(), stdout.as_slice()), (Some(1), &b""[..]), "{args:?}");
        String::from_utf8(stderr).unwrap()
    }

    /// The rows of the list when there are so many and all are over.
    fn rows(&self, n: usize, args: &[&str]) -> Vec<Value> {
        let began = Instant::now();
        loop {
            let text = self.told(&[&["list", "--json"], args].concat());
            let rows: Vec<Value> =
                text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            if rows.len() == n && rows.iter().all(|row| row["state"] != "open") {
                return rows;
            }
            assert!(began.elapsed() < DEADLINE, "{n} rows of {text}");
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A service; its address. `/json` is JSON, `/echo` the request's body, everything else hostile.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = BufReader::new(socket.unwrap());
            std::thread::spawn(move || while answer(&mut socket).is_some() {});
        }
    });
    addr
}

fn answer(socket: &mut BufReader<TcpStream>) -> Option<()> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        socket.read_line(&mut line).ok().filter(|n| *n > 0)?;
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_lowercase());
    }
    let length =
        lines.iter().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    socket.read_exact(&mut body).ok()?;
    let path = lines.first()?.split(' ').nth(1)?.to_owned();
    let (media, body) = match path.as_str() {
        "/json" => ("application/json", br#"{"b":[1,2],"a":"x"}"#.to_vec()),
        "/echo" => ("text/plain", [lines.join("\n").as_bytes(), b"\n\n", &body].concat()),
        _ => ("text/plain", HOSTILE.as_bytes().to_vec()),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {media}\r\nset-cookie: id=secret\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    socket.get_mut().write_all(&[head.as_bytes(), &body].concat()).ok()
}

#[test]
fn what_was_captured_is_listed_newest_first_and_filtered() {
    let agent = Agent::start();
    assert_eq!(agent.told(&["list"]), "");
    assert_eq!(agent.ask("GET /json?a=b HTTP/1.1", ""), "200");
    assert_eq!(agent.ask("POST /echo HTTP/1.1\r\nx-mark: Seven", "hello"), "200");
    let rows = agent.rows(2, &[]);
    assert_eq!((&rows[0]["path"], &rows[1]["path"]), (&"/echo".into(), &"/json?a=b".into()));
    let ids: Vec<_> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();

    let text = agent.told(&["list"]);
    assert!(!text.contains('\x1b'), "no colours in a pipe: {text:?}");
    let words: Vec<Vec<&str>> = text.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!((words[0][0], &words[0][2..5]), (ids[0], &["POST", "200", "OK"][..]));
    assert_eq!(words[1].last(), Some(&"/json?a=b"));

    for filter in [
        &["--path", "echo"][..],
        &["--method", "post"],
        &["--status", "2xx", "--header", "x-mark:seven"],
        &["--search", "hello"],
        &["--endpoint", "command_line", "--limit", "1"],
    ] {
        let rows = agent.rows(1, filter);
        assert_eq!(rows[0]["id"], ids[0], "{filter:?}");
    }
    for filter in [&["--status", "4xx"][..], &["--min-ms", "60000"], &["--size", "1000000-"]] {
        agent.rows(0, filter);
    }
    assert_eq!(agent.told(&["clear"]), "cleared\n");
    agent.rows(0, &[]);
}

#[test]
fn an_exchange_is_shown_without_secrets_and_without_commands_for_the_terminal() {
    let agent = Agent::start();
    agent.ask("GET /x HTTP/1.1\r\nauthorization: Bearer token\r\nx-a: b", "");
    agent.rows(1, &[]);
    let text = agent.told(&["show", "last"]);
    assert!(text.contains("GET /x HTTP/1.1\n") && text.contains("HTTP/1.1 200"), "{text}");
    assert!(!text.contains("Bearer") && !text.contains("id=secret"), "{text}");
    assert!(text.contains("\\x1b[2J") && text.contains("two\\u{202e}"), "{text}");
    assert!(!text.contains('\x1b') && !text.contains('\u{202e}'), "{text:?}");
    let text = agent.told(&["show", "last", "--include-secrets", "--request"]);
    assert!(text.contains("Bearer token") && !text.contains("two"), "{text}");

    // A pipe that asks for it gets the very bytes.
    let raw = agent.told(&["show", "last", "--response", "--raw"]);
    assert!(raw.starts_with("HTTP/1.1 200 OK\r\n"), "{raw:?}");
    assert!(raw.ends_with(&format!("\r\n\r\n{HOSTILE}")), "{raw:?}");
    let json: Value = serde_json::from_str(&agent.told(&["show", "last", "--json"])).unwrap();
    assert_eq!(json["request"]["start_line"], "GET /x HTTP/1.1");
    assert!(!json.to_string().contains("Bearer"), "{json}");
}

#[test]
fn json_is_easy_to_read() {
    let agent = Agent::start();
    agent.ask("GET /json HTTP/1.1", "");
    agent.rows(1, &[]);
    let text = agent.told(&["show", "last", "--response"]);
    assert!(text.contains("{\n  \"b\": ["), "{text}");
}

#[test]
fn a_request_is_sent_again_as_it_was_or_changed() {
    let agent = Agent::start();
    agent.ask("POST /echo?a=1 HTTP/1.1\r\nx-a: 1\r\nx-b: 2", "hello");
    agent.ask("POST /echo HTTP/1.1\r\nx-a: 1\r\nx-b: 2", "hello");
    let first = agent.rows(2, &[])[0]["id"].as_str().unwrap().to_owned();
    let told = agent.told(&["replay", &first]);
    let id = told.split_whitespace().next().unwrap().to_owned();
    assert!(told.contains("  200 OK  "), "{told}");
    let shown = agent.told(&["show", &id, "--response", "--raw"]);
    assert!(shown.contains("x-a: 1\nx-b: 2") && shown.ends_with("\n\nhello"), "{shown}");

    fs::write(agent.home.path().join("body"), "other words").unwrap();
    let changes = ["--method", "PUT", "--header", "x-a: 7", "--header", "x-b:"];
    let file = ["--body-file", "body"];
    let told = agent.told(&[&["replay", &first][..], &changes, &file].concat());
    let id = told.split_whitespace().next().unwrap().to_owned();
    let shown = agent.told(&["show", &id, "--response", "--raw"]);
    assert!(shown.contains("put /echo http/1.1") && shown.contains("x-a: 7"), "{shown}");
    assert!(!shown.contains("x-b") && shown.ends_with("\n\nother words"), "{shown}");
    let row: Value = serde_json::from_str(&agent.told(&["show", &id, "--json"])).unwrap();
    assert_eq!(row["replay_of"], first.as_str());
    assert!(
        agent.refused(&["replay", "0123456789abcdef"]).starts_with("ERROR:  request not found")
    );
}

#[test]
fn exchanges_are_exported_without_secrets_unless_they_are_asked_for() {
    let agent = Agent::start();
    agent.ask("GET /x HTTP/1.1\r\nauthorization: Bearer token", "");
    agent.ask("GET /json HTTP/1.1", "");
    agent.rows(2, &[]);
    assert_eq!(agent.told(&["export", "--har", "all.har"]), "");
    let text = fs::read_to_string(agent.home.path().join("all.har")).unwrap();
    let har: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(har["log"]["version"], "1.2");
    assert_eq!(har["log"]["entries"].as_array().unwrap().len(), 2);
    assert!(!text.contains("Bearer") && !text.contains("id=secret"), "{text}");
    let text = agent.told(&["export", "--har", "-", "--path", "/x", "--include-secrets"]);
    let har: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(har["log"]["entries"].as_array().unwrap().len(), 1);
    assert!(text.contains("Bearer token"), "{text}");
}

/// `adit inspect tail`, line by line.
struct Tail {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

#[test]
fn exchanges_are_told_as_they_come_until_an_interrupt() {
    let agent = Agent::start();
    let args = ["inspect", "tail", "--json", "--path", "/x", "--addr", &agent.addr];
    let mut child = adit(agent.home.path(), &args).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut tail = Tail { child, lines };
    // Nothing says when it listens: one of many requests is the first that it sees.
    let (asks, first) = std::thread::scope(|scope| {
        let first = scope.spawn(|| tail.lines.next().unwrap().unwrap());
        let began = Instant::now();
        let mut asks = 0;
        while !first.is_finished() {
            assert!(began.elapsed() < DEADLINE, "it tells nothing");
            agent.ask("GET /json HTTP/1.1", "");
            agent.ask(&format!("GET /x?{asks} HTTP/1.1"), "");
            asks += 1;
        }
        (asks, first.join().unwrap())
    });
    let first: Value = serde_json::from_str(&first).unwrap();
    assert!(first["path"].as_str().unwrap().starts_with("/x?"), "{first}");
    assert!(asks > 0 && first["state"] == "done");
    let pid = tail.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(tail.child.wait().unwrap().code(), Some(0));
}

#[test]
fn where_nobody_answers_it_says_so() {
    let home = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let said = |output: Output| {
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &b""[..]));
        String::from_utf8(output.stderr).unwrap()
    };
    let nobody = format!(
        "ERROR:  no agent answers at {free}; is one running? --addr says where: Connection refused \
         (os error 111)\n"
    );
    let output = adit(home.path(), &["inspect", "list", "--addr", &free]).output().unwrap();
    assert_eq!(said(output), nobody);
    // The configuration knows, too.
    let config = format!("version: 3\nagent: {{web_addr: \"{free}\"}}\n");
    fs::write(home.path().join("a.yml"), config).unwrap();
    let output = adit(home.path(), &["inspect", "list", "--config", "a.yml"]).output().unwrap();
    assert_eq!(said(output), nobody);
    fs::write(home.path().join("a.yml"), "version: 3\nagent: {web_addr: false}\n").unwrap();
    let output = adit(home.path(), &["inspect", "list", "--config", "a.yml"]).output().unwrap();
    assert_eq!(
        said(output),
        "ERROR:  the configuration says web_addr: false, so there is no local API\n"
    );
}

#[test]
fn who_answers_otherwise_is_no_agent() {
    let home = tempfile::tempdir().unwrap();
    let stranger = serve();
    let output = adit(home.path(), &["inspect", "list", "--addr", &stranger]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with(&format!("ERROR:  what answers at {stranger} is not an agent")),
        "{said}"
    );
}
