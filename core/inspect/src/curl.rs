//! A request as a command line of curl, for any POSIX shell.
//!
//! What strangers sent stands between single quotes, in which a shell sees nothing but the quote
//! itself; what cannot be written as text goes through `base64`.

use std::fmt::Write as _;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::Method;

use crate::{model::Entry, secrets::Secrets};

/// Headers that curl sets by itself, that concerned one connection, or that the edge sets anew.
const LEFT_OUT: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// The command that sends the request of an exchange to its endpoint's address. A body that was
/// cut is sent as far as it was kept, and a comment says so.
pub fn command(entry: &Entry, secrets: Secrets) -> String {
    let request = &entry.request;
    let body = &request.body.bytes;
    let text = std::str::from_utf8(body).ok().filter(|text| is_plain(text));
    let mut line = String::new();
    if request.body.is_truncated() {
        let (kept, total) = (body.len(), request.body.total);
        let _ = writeln!(line, "# Only {kept} of {total} bytes of the body were kept.");
    }
    if text.is_none() {
        let _ = write!(line, "printf %s {} | base64 -d | ", BASE64_STANDARD.encode(body));
    }
    line.push_str("curl");
    let url = format!("{}{}", entry.url, request.target);
    if url.contains(['[', ']', '{', '}']) {
        line.push_str(" --globoff");
    }
    if request.path().split('/').any(|part| matches!(part, "." | "..")) {
        line.push_str(" --path-as-is");
    }
    match (&request.method, body.is_empty()) {
        (&Method::GET, true) | (&Method::POST, false) => {}
        (&Method::HEAD, true) => line.push_str(" --head"),
        (method, _) => arguments(&mut line, &["-X", method.as_str()]),
    }
    arguments(&mut line, &[&url]);
    for (name, value) in request.headers.iter() {
        let is_host = name.eq_ignore_ascii_case("host") && !is_host_of(value, &entry.url);
        if is_host || !LEFT_OUT.iter().any(|other| name.eq_ignore_ascii_case(other)) {
            let value = secrets.show(name, value);
            let header =
                if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") };
            arguments(&mut line, &["-H", &header]);
        }
    }
    if request.headers.get("accept-encoding").is_some() {
        line.push_str(" --compressed");
    }
    if !body.is_empty() && request.headers.get("content-type").is_none() {
        // Or else curl says that it is a form.
        arguments(&mut line, &["-H", "Content-Type:"]);
    }
    match text {
        Some("") => {}
        Some(text) => arguments(&mut line, &["--data-raw", text]),
        None => line.push_str(" --data-binary @-"),
    }
    line
}

/// Whether a text can stand in a command line: no NUL, nothing that moves the cursor of whoever
/// pastes it.
fn is_plain(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control())
}

fn is_host_of(value: &[u8], url: &str) -> bool {
    let authority = url.split_once("://").map(|(_, authority)| authority);
    authority.is_some_and(|authority| authority.as_bytes().eq_ignore_ascii_case(value))
}

fn arguments(line: &mut String, arguments: &[&str]) {
    for argument in arguments {
        line.push(' ');
        let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(&b);
        if !argument.is_empty() && argument.bytes().all(is_safe) {
            line.push_str(argument);
        } else {
            let _ = write!(line, "'{}'", argument.replace('\'', r"'\''"));
        }
    }
}

#[cfg(test)]
#[path = "curl_tests.rs"]
mod tests;
