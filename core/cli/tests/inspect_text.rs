//! What `adit inspect` prints of answers that are known to the letter: a server plays the agent.
#![allow(clippy::unwrap_used)]

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

/// Plays the agent: answers each path with what is given for it. Its address.
fn play(answers: Vec<(&'static str, String)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            answer(socket.unwrap(), &answers);
        }
    });
    addr
}

/// One answer a connection, as HTTP/1.0 does it.
fn answer(mut socket: TcpStream, answers: &[(&str, String)]) {
    let lines = BufReader::new(&socket).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let path = head[0].split(' ').nth(1).unwrap();
    let known = answers.iter().find(|(known, _)| *known == path);
    let (status, body) = match known {
        Some((_, body)) => ("200 OK", body.clone()),
        None => ("404 Not Found", json!({ "msg": "request not found", "path": path }).to_string()),
    };
    let _ = write!(socket, "HTTP/1.1 {status}\r\nconnection: close\r\n\r\n{body}");
}

fn inspect(addr: &str, args: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
    command.args(["inspect", "--addr", addr]).args(args).stdin(Stdio::null());
    command.env_clear().env("HOME", home.path()).env("TZ", "UTC").output().unwrap()
}

/// What it prints; it says nothing else.
fn told(addr: &str, args: &[&str]) -> String {
    let Output { status, stdout, stderr } = inspect(addr, args);
    assert_eq!((status.code(), String::from_utf8(stderr).unwrap().as_str()), (Some(0), ""));
    String::from_utf8(stdout).unwrap()
}

fn row(id: &str, path: &str, more: &Value) -> Value {
    let mut row = json!({
        "id": id, "endpoint": "web", "method": "GET", "host": "x.example", "path": path,
        "proto": "HTTP/1.1", "status": 200, "start": "2026-09-10T05:55:46.123Z",
        "duration_ns": 12_345_678, "request_size": 0, "response_size": 1234, "content_type": null,
        "remote_addr": "203.0.113.9", "kind": "http", "n_messages": 0, "state": "done",
        "error": null, "decided_by": null, "replay_of": null, "imported": false,
    });
    merge(&mut row, more);
    row
}

fn merge(value: &mut Value, more: &Value) {
    for (key, more) in more.as_object().unwrap() {
        value[key] = more.clone();
    }
}

fn side(start_line: &str, more: &Value, body: &Value) -> Value {
    let mut side = json!({
        "start_line": start_line, "headers": [], "trailers": [], "size": 0, "kept": 0,
        "truncated": false,
    });
    merge(&mut side, more);
    side["body"] = json!({
        "kind": "empty", "media_type": null, "encodings": [], "decoded_size": 0,
        "decode_error": null, "text": null, "text_truncated": false, "pretty": false,
        "error": null, "fields": [], "image": null,
    });
    merge(&mut side["body"], body);
    side
}

#[test]
fn a_list_says_what_became_of_each() {
    let rows = json!({ "more": false, "exchanges": [
        row("0004", "/\u{1b}[31m?q=\u{202e}", &json!({
            "status": 403, "decided_by": "ip\nrules", "response_size": 5_400_000,
            "state": "failed", "error": "refused",
        })),
        row("0003", "/live", &json!({ "status": null, "state": "open", "duration_ns": null })),
        row("0002", "/", &json!({ "status": null, "state": "failed", "error": "visitor gone" })),
        row("0001", "/a", &json!({ "status": 599, "duration_ns": 61_000_000_000_u64 })),
    ]});
    let addr = play(vec![("/api/exchanges?limit=50", rows.to_string())]);
    let expected = "\
0004  05:55:46.123  GET     403 Forbidden     12.3ms    5.4MB  /\\x1b[31m?q=\\u{202e}  by ip\\nrules
0003  05:55:46.123  GET     open                   -    1.2kB  /live
0002  05:55:46.123  GET     visitor gone      12.3ms    1.2kB  /
0001  05:55:46.123  GET     599                61.0s    1.2kB  /a
";
    assert_eq!(told(&addr, &["list"]), expected);
}

#[test]
fn an_exchange_is_told_with_times_decisions_forms_mistakes_and_trailers() {
    let mut shown = row("0001", "/form?a=b", &json!({ "status": 400 }));
    let secret = json!([
        { "name": "Host", "value": "x.example", "sensitive": false },
        { "name": "Cookie", "value": "id=1", "sensitive": true },
    ]);
    shown["request"] = side(
        "POST /form?a=b HTTP/1.1",
        &json!({ "headers": secret, "size": 999 }),
        &json!({
            "kind": "multipart",
            "fields": [
                { "name": "note", "value": "two\nlines\u{1b}", "file_name": null, "content_type": null, "size": 10 },
                { "name": "file", "value": null, "file_name": "a\u{1b}.png", "content_type": "image/png", "size": 5000 },
            ],
        }),
    );
    let trailers = json!([{ "name": "grpc-status", "value": "0", "sensitive": false }]);
    let body = json!({
        "kind": "json", "media_type": "application/json", "text": "{\"a\":\u{7}1", "decode_error": null,
        "error": { "message": "expected `,` or `}`", "line": 1, "column": 6, "offset": 5 },
    });
    let cut = json!({ "trailers": trailers, "size": 90_000, "kept": 60_000, "truncated": true });
    shown["response"] = side("HTTP/1.1 400 Bad Request", &cut, &body);
    shown["timing"] = json!({
        "edge_ns": 4_200_000, "handlers_ns": 1_000_000, "connect_ns": null, "first_byte_ns": 2_000_000,
        "to_head_ns": 3_000_000, "total_ns": 12_345_678,
        "decisions": [{ "link": "key-limit", "side": "request", "verdict": "next-then",
            "note": "key 7\nhas had 3", "duration_ns": 42_000 }],
    });
    let addr = play(vec![("/api/exchanges/0001", shown.to_string())]);
    let expected = "\
0001  2026-09-10 05:55:46.123 UTC  from 203.0.113.9  at web
total 12.3ms, edge 4.20ms, handlers 1.00ms, first byte 2.00ms, body 9.35ms
key-limit            request   next-then     42µs  key 7; has had 3

POST /form?a=b HTTP/1.1
Host: x.example
Cookie: ***

note = two
lines\\x1b
file = (a\\x1b.png, 5.0kB)

HTTP/1.1 400 Bad Request

{\"a\":\\x071
(this json has a mistake at 1:6: expected `,` or `}`)
(60.0kB of 90.0kB were kept)

grpc-status: 0

";
    assert_eq!(told(&addr, &["show", "0001"]), expected);
    let request = told(&addr, &["show", "0001", "--request", "--include-secrets"]);
    assert!(
        request.contains("Cookie: id=1\n") && !request.contains("400 Bad Request"),
        "{request}"
    );
    let refused = inspect(&addr, &["show", "0002"]);
    assert_eq!(String::from_utf8(refused.stderr).unwrap(), "ERROR:  request not found\n");
    assert_eq!(refused.status.code(), Some(1));
}

#[test]
fn messages_are_told_behind_the_response() {
    let kind = json!({ "kind": "websocket", "n_messages": 3, "status": 101 });
    let mut shown = row("0001", "/socket", &kind);
    shown["request"] = side("GET /socket HTTP/1.1", &json!({}), &json!({}));
    shown["response"] = side("HTTP/1.1 101 Switching Protocols", &json!({}), &json!({}));
    shown["timing"] = json!({ "edge_ns": null, "handlers_ns": null, "connect_ns": null, "first_byte_ns": null,
        "to_head_ns": null, "total_ns": null, "decisions": [] });
    let message = |from, kind, size, text: Value| {
        json!({ "n": 1, "from": from, "kind": kind, "at_ns": 1, "code": null, "size": size,
            "truncated": false, "compressed": false, "text": text, "base64": null })
    };
    let messages = json!({ "more": true, "total": 3, "first": 1, "messages": [
        message("client", "text", 5, json!("hi\u{1b}\n!")),
        message("server", "binary", 70_000, Value::Null),
    ]});
    let addr = play(vec![
        ("/api/exchanges/0001", shown.to_string()),
        ("/api/exchanges/0001/messages?limit=1000", messages.to_string()),
    ]);
    let text = told(&addr, &["show", "0001", "--response"]);
    let expected = "\
HTTP/1.1 101 Switching Protocols

client  text          5B  hi\\x1b\\n!
server  binary    70000B
and 1 more messages
";
    assert_eq!(text, expected);
}

#[test]
fn events_become_lines_once_each_and_what_is_lost_is_said() {
    let event = |kind: &str, data: &Value| format!("event: {kind}\ndata: {data}\n\n");
    let open = json!({ "state": "open", "status": null, "duration_ns": null });
    let events = [
        ":\n\n".to_owned(),
        event("hello", &json!({ "version": "0.1.0", "newest": null, "count": 0 })),
        event("exchange", &row("0001", "/a", &open)),
        event("exchange", &row("0001", "/a", &json!({}))),
        event("lost", &json!({ "n": 12 })),
        event("exchange", &row("0001", "/a", &json!({}))),
        event("exchange", &row("0002", "/b\u{9b}", &json!({ "state": "open", "status": 101 }))),
    ];
    let addr = play(vec![("/api/events", events.concat())]);
    let Output { status, stdout, stderr } = inspect(&addr, &["tail"]);
    let expected = "\
0001  05:55:46.123  GET     200 OK            12.3ms    1.2kB  /a
0002  05:55:46.123  GET     101 Switching Protocols  12.3ms    1.2kB  /b\\x9b
";
    assert_eq!(String::from_utf8(stdout).unwrap(), expected);
    let lost = "ERROR:  12 changes came too fast and are missing here\n";
    assert_eq!((status.code(), String::from_utf8(stderr).unwrap().as_str()), (Some(0), lost));
    let json = told(&play(vec![("/api/events", events[6].clone())]), &["tail", "--json"]);
    assert!(json.contains(r#""path":"/b\u009b""#) && json.lines().count() == 1, "{json}");
    let none = told(&play(vec![("/api/events", events[6].clone())]), &["tail", "--path", "/x"]);
    assert_eq!(none, "");
}
