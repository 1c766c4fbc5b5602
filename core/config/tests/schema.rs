//! The schemas accept what the reader accepts, and what the documentation shows.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use adit_config::{
    Diagnostics,
    edge::{EdgeFile, LimitsFile, TokenFile},
    file::{Agent, Endpoint, File, Tunnel, Upstream},
    opaque::Opaque,
    schema,
};
use jsonschema::Validator;
use serde_json::Value;

/// Which file a text is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Of {
    Agent,
    Edge,
}

struct Both {
    agent: Validator,
    edge: Validator,
}

impl Both {
    fn new() -> Self {
        let compile = |schema: &Value| jsonschema::draft7::new(schema).unwrap();
        Self { agent: compile(&schema::agent()), edge: compile(&schema::edge()) }
    }

    /// What the schema says against a file.
    fn complaints(&self, of: Of, text: &str) -> Vec<String> {
        let json = Opaque::parse("f.yml", text.as_bytes()).unwrap().json;
        let validator = match of {
            Of::Agent => &self.agent,
            Of::Edge => &self.edge,
        };
        validator.iter_errors(&json).map(|e| format!("{}: {e}", e.instance_path())).collect()
    }
}

/// What the reader says against it.
fn problems(of: Of, text: &str) -> Diagnostics {
    match of {
        Of::Agent => File::parse("f.yml", text.as_bytes()).problems,
        Of::Edge => EdgeFile::parse("f.yml", text.as_bytes()).1,
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file below a directory, outside of what is built.
fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

/// Which file it is, by its keys; `None` for what is not a configuration at all.
fn kind(text: &str) -> Option<Of> {
    let json = Opaque::parse("f.yml", text.as_bytes()).unwrap().json;
    let has = |keys: &[&str]| keys.iter().any(|key| json.get(key).is_some());
    if has(&["cases", "hook"]) {
        None
    } else if has(&["version", "agent", "endpoints", "tunnels", "plugins"]) {
        Some(Of::Agent)
    } else if has(&["domain", "tokens", "tls_addr", "limits"]) {
        Some(Of::Edge)
    } else {
        None
    }
}

#[test]
fn every_example_file_is_valid() {
    let (both, mut found, mut n_checked) = (Both::new(), Vec::new(), 0);
    files(&root().join("examples"), &mut found);
    for path in found.iter().filter(|p| p.extension().is_some_and(|e| e == "yml" || e == "yaml")) {
        let text = fs::read_to_string(path).unwrap();
        let Some(of) = kind(&text) else { continue };
        n_checked += 1;
        assert_eq!(both.complaints(of, &text), [""; 0], "{}", path.display());
        assert!(problems(of, &text).is_empty(), "{}: {}", path.display(), problems(of, &text));
    }
    assert!(n_checked >= 3, "only {n_checked} files were found");
}

#[test]
fn every_snippet_of_the_documentation_is_valid() {
    let (both, mut found, mut n_checked) = (Both::new(), vec![root().join("README.md")], 0);
    files(&root().join("docs"), &mut found);
    files(&root().join("examples"), &mut found);
    for path in found.iter().filter(|p| p.extension().is_some_and(|e| e == "md")) {
        for (line, snippet) in snippets(&fs::read_to_string(path).unwrap()) {
            let Some(of) = kind(&snippet) else { continue };
            n_checked += 1;
            // An excerpt may leave out what stands in every file.
            let excerpt = of == Of::Agent && !snippet.contains("version:");
            let text = if excerpt { format!("version: \"3\"\n{snippet}") } else { snippet };
            let place = format!("{}:{line}", path.display());
            assert_eq!(both.complaints(of, &text), [""; 0], "{place}");
            assert!(problems(of, &text).is_empty(), "{place}: {}", problems(of, &text));
        }
    }
    assert!(n_checked >= 3, "only {n_checked} snippets were found");
}

/// The YAML in a Markdown text, each with the line where it starts.
fn snippets(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, usize, String)> = None;
    for (n, line) in text.lines().enumerate() {
        let margin = line.len() - line.trim_start().len();
        match &mut open {
            None if matches!(line.trim(), "```yaml" | "```yml") => {
                open = Some((n + 2, margin, String::new()));
            }
            None => {}
            Some(_) if line.trim() == "```" => {
                found.extend(open.take().map(|(line, _, text)| (line, text)));
            }
            Some((_, margin, snippet)) => {
                snippet.push_str(line.get(*margin..).unwrap_or_default());
                snippet.push('\n');
            }
        }
    }
    found
}

#[test]
fn what_is_wrong_in_a_file_is_wrong_to_the_schema() {
    let both = Both::new();
    for (text, at) in [
        ("agent: {}\n", ""),
        ("version: 4\n", "/version"),
        ("version: 3\nagent: {web_adr: 1}\n", "/agent"),
        ("version: 3\nauthtoken: x\n", ""),
        ("version: 3\nagent: {region: us}\n", "/agent"),
        ("version: 3\nagent: {log_level: loud}\n", "/agent/log_level"),
        ("version: 3\nagent: {heartbeat_interval: 10 s}\n", "/agent/heartbeat_interval"),
        ("version: 3\nagent: {console_ui: maybe}\n", "/agent/console_ui"),
        ("version: 3\nagent: {inspect_db_size: big}\n", "/agent/inspect_db_size"),
        ("version: 3\nendpoints: {}\n", "/endpoints"),
        ("version: 3\nendpoints: [{addr: 80}]\n", "/endpoints/0"),
        ("version: 3\nendpoints: [{upstream: 80}]\n", "/endpoints/0/upstream"),
        ("version: 3\nendpoints: [{handlers: [[]]}]\n", "/endpoints/0/handlers/0"),
        ("version: 3\ntunnels: {a: {bind_tls: true}}\n", "/tunnels/a"),
        ("version: 2\nconnect_url: a:1\n", ""),
        ("version: 2\nagent: {}\n", ""),
        ("version: 2\ntunnels: {a: {schemes: [ftp]}}\n", "/tunnels/a/schemes/0"),
        ("version: 1\ntunnels: {a: {bind_tls: maybe}}\n", "/tunnels/a/bind_tls"),
    ] {
        let complaints = both.complaints(Of::Agent, text);
        // A choice between shapes is refused where it stands.
        let there = complaints.iter().any(|c| c.starts_with(&format!("{at}: ")))
            || complaints.iter().any(|c| at.starts_with(c.split(": ").next().unwrap_or("?")));
        assert!(!complaints.is_empty() && there, "{text}: {complaints:?}");
        assert!(!problems(Of::Agent, text).is_empty(), "{text}");
    }
    for text in
        ["domian: a\n", "limits: {legs: many}\n", "tokens: {}\n", "reconnect_grace: 10\n- x"]
    {
        if Opaque::parse("f.yml", text.as_bytes()).is_ok() {
            assert_ne!(both.complaints(Of::Edge, text), [""; 0], "{text}");
        }
    }
}

#[test]
fn a_duration_has_one_shape_for_reader_and_schema() {
    let both = Both::new();
    let right = ["0", "10s", "500ms", "1m30s", "1.5h", "250us", "3µs", "7ns"];
    let wrong = ["10", "s", "10 s", "-1s", "1x", "1..2s", ".", "10S", "1h-1s", "[10s]", "\"\""];
    for (of, layout) in [
        (Of::Agent, "version: 3\nagent: {connect_timeout: VALUE}\n"),
        (Of::Agent, "version: 2\nheartbeat_interval: VALUE\n"),
        (Of::Edge, "domain: a.b\nreconnect_grace: VALUE\n"),
    ] {
        for (values, is_right) in [(&right[..], true), (&wrong[..], false)] {
            for value in values {
                let text = layout.replace("VALUE", value);
                assert_eq!(problems(of, &text).is_empty(), is_right, "{text}");
                assert_eq!(both.complaints(of, &text).is_empty(), is_right, "{text}");
            }
        }
    }
}

/// Values of every shape.
const VALUES: &[&str] = &[
    "",
    "~",
    "true",
    "\"yes\"",
    "Off",
    "0",
    "1",
    "-1",
    "70000",
    "1.5",
    "\"2\"",
    "x",
    "\"\"",
    "[]",
    "[x]",
    "[true]",
    "[1]",
    "[[]]",
    "{}",
    "{x: 1}",
    "10s",
    "1m30s",
    "500ms",
    "10",
    "64KiB",
    "8 mb",
    "http1",
    "stdout",
    "iftty",
    "a:1",
    "::1",
    "[127.0.0.1]",
    "[https]",
    "[public]",
    "both",
    "agent",
    "beta",
    "[{a: {}}]",
    "[{a: {}, on_error: pass}]",
    "[a]",
    "{url: 80}",
    "{allow: [x]}",
    "transparent",
    "on",
];

/// Reader and schema, asked the same for every key and every value: the reader never takes what the
/// schema refuses, and both know the same keys.
#[test]
fn reader_and_schema_agree_on_every_key_and_shape() {
    let both = Both::new();
    let places: [(Of, &[&str], &str); 10] = [
        (Of::Agent, Agent::KEYS, "version: 3\nagent:\n  KEY: VALUE\n"),
        (Of::Agent, Agent::KEYS, "version: 3\nKEY: VALUE\n"),
        (Of::Agent, Agent::KEYS, "version: 2\nKEY: VALUE\n"),
        (Of::Agent, Agent::KEYS, "version: 1\nKEY: VALUE\n"),
        (Of::Agent, Endpoint::KEYS, "version: 3\nendpoints:\n- KEY: VALUE\n"),
        (Of::Agent, Upstream::KEYS, "version: 3\nendpoints:\n- upstream:\n    KEY: VALUE\n"),
        (Of::Agent, Tunnel::KEYS, "version: 2\ntunnels:\n  a:\n    KEY: VALUE\n"),
        (Of::Agent, Tunnel::KEYS, "version: 1\ntunnels:\n  a:\n    KEY: VALUE\n"),
        (Of::Edge, EdgeFile::KEYS, "KEY: VALUE\n"),
        (Of::Edge, LimitsFile::KEYS, "limits:\n  KEY: VALUE\n"),
    ];
    let other = ["version", "agent", "endpoints", "tunnels", "plugins", "server_addr", "root_cas"];
    let oldest = ["http_proxy", "socks5_proxy", "update", "nonsense"];
    for (of, keys, layout) in &places {
        let text = |key: &str, value: &str| layout.replace("KEY", key).replace("VALUE", value);
        let all = [*keys, Tunnel::KEYS, TokenFile::KEYS, &other, &oldest].concat();
        for key in all {
            // What is written twice says nothing about either.
            if key == "version" && text("x", "x").starts_with("version") {
                continue;
            }
            let mut accepted = 0;
            for value in VALUES {
                let text = text(key, value);
                let (problems, complaints) = (problems(*of, &text), both.complaints(*of, &text));
                let unknown = problems.iter().any(|p| p.message.starts_with("unknown key"));
                assert!(!problems.is_empty() || complaints.is_empty(), "{text}: {complaints:?}");
                accepted += usize::from(complaints.is_empty());
                assert!(
                    !unknown || !complaints.is_empty() || value.contains("{"),
                    "{text}: {problems}"
                );
            }
            let known = VALUES.iter().any(|value| problems(*of, &text(key, value)).is_empty());
            assert_eq!(accepted > 0, known, "{}", text(key, "VALUE"));
        }
    }
}

#[test]
fn every_key_says_what_it_is_for() {
    fn walk(schema: &Value, path: &str) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for (key, property) in properties {
                let about = property.get("description").and_then(Value::as_str);
                assert!(
                    about.is_some_and(|a| a.len() > 3) || path.contains("/allOf"),
                    "{path}/{key}"
                );
            }
        }
        if let Some(map) = schema.as_object() {
            map.iter().for_each(|(key, value)| walk(value, &format!("{path}/{key}")));
        }
        if let Some(list) = schema.as_array() {
            list.iter().for_each(|value| walk(value, path));
        }
    }
    walk(&schema::agent(), "");
    walk(&schema::edge(), "");
}
