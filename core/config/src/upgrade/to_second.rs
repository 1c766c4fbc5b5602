//! From version 1, or none, to version 2.

use super::layout;
use crate::{
    diagnostic::Diagnostic,
    edit::{Patch, Source, list, newline_of},
    yaml::outline::{Entry, Kind, Layout, Outline},
};

/// Keys of the agent's settings: (version 1, version 2).
const AGENT: [(&str, &str); 3] =
    [("http_proxy", "proxy_url"), ("socks5_proxy", "proxy_url"), ("update", "update_check")];

/// What stood for `region` where it was not written.
const REGION: &str = "us";

pub(super) fn upgrade(source: &Source<'_>) -> Result<String, Diagnostic> {
    let newline = newline_of(source.text);
    let header = format!("version: \"2\"{newline}");
    let region = format!("region: {REGION}{newline}");
    let Some(root) = source.root() else {
        // Nothing, or only comments.
        let comments = if source.outline.as_ref().is_some_and(|o| !o.is_null()) {
            String::new()
        } else {
            source.with_line_end()
        };
        return Ok(comments + &header + &region);
    };
    let mut patch = Patch::new(source.text);
    let has_region = root.find("region").is_some();
    match (root.find("version"), layout(root)) {
        (Some(version), _) => {
            patch.replace_value(version, "\"2\"");
            if !has_region {
                patch.insert(root, Some(version), "region", REGION);
            }
        }
        (None, Layout::Flow) => {
            patch.insert(root, None, "version", "\"2\"");
            if !has_region {
                patch.insert(root, None, "region", REGION);
            }
        }
        (None, Layout::Block) => {
            let at = source.body();
            let text = if has_region { header } else { header + &region };
            // All keys of a map stand in one column.
            let column = root.entries().first().map_or(0, |e| patch.column(e.key_span.start));
            patch.replace(at..at, indented(&text, column));
        }
    }
    for (old, new) in AGENT {
        if let Some(entry) = root.find(old) {
            patch.replace(entry.key_span.clone(), new);
        }
    }
    for tunnel in root.find("tunnels").map_or(&[][..], |tunnels| tunnels.value.entries()) {
        change_tunnel(tunnel, &mut patch);
    }
    Ok(patch.apply())
}

fn indented(lines: &str, column: usize) -> String {
    lines.split_inclusive('\n').map(|line| " ".repeat(column) + line).collect()
}

fn change_tunnel(tunnel: &Entry, patch: &mut Patch<'_>) {
    let tunnel = &tunnel.value;
    let is_http = tunnel.find("proto").and_then(|p| p.value.text()) == Some("http");
    match tunnel.find("bind_tls").filter(|entry| !entry.value.is_null()) {
        Some(entry) => {
            let schemes: &[&str] = match entry.value.text() {
                Some("true") => &["https"],
                Some("false") => &["http"],
                Some("both") => &["http", "https"],
                // Not a value that it can have: what reads the file says so.
                _ => return,
            };
            patch.replace(entry.key_span.clone(), "schemes");
            patch.replace_value(entry, &list(schemes.iter().copied()));
        }
        // A tunnel had both unless it said otherwise, and has only https since.
        None if is_http && tunnel.find("schemes").is_none() && tunnel.find("url").is_none() => {
            patch.insert(tunnel, last(tunnel), "schemes", "[http, https]");
        }
        None => {}
    }
    if let Some(entry) = tunnel.find("auth")
        && let Some(pair) = entry.value.text()
        && tunnel.find("basic_auth").is_none()
    {
        patch.replace(entry.key_span.clone(), "basic_auth");
        patch.replace_value(entry, &list([pair]));
    }
    if let Some(entry) = tunnel.find("client_cas") {
        patch.replace(entry.key_span.clone(), "mutual_tls_cas");
    }
}

fn last(map: &Outline) -> Option<&Entry> {
    match &map.kind {
        Kind::Map(entries, _) => entries.last(),
        _ => None,
    }
}
