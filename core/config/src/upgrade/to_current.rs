//! From version 2 to version 3.

use super::layout;
use crate::{
    diagnostic::{Diagnostic, Diagnostics},
    edit::{Patch, Source, newline_of},
    file::CONNECT_PLACES,
    yaml::outline::{Entry, Layout, Outline},
};

/// Keys that stand at the top level in both versions.
const TOP: [&str; 3] = ["version", "tunnels", "plugins"];
/// How far the settings move to the right.
const INDENT: &str = "  ";

pub(super) fn upgrade(source: &Source<'_>, notes: &mut Vec<String>) -> Result<String, Diagnostics> {
    let Some(root) = source.root() else { return Ok(source.text.to_owned()) };
    refuse_labels(source, root)?;
    if let Some(entry) = root.entries().iter().find(|e| e.key == "agent" || e.key == "endpoints") {
        let message = format!("{}: has no place in version 2", entry.key);
        return Err(source.refuse(&message).hint("write version: \"3\", if it is meant").into());
    }
    if let Some(region) = root.find("region") {
        let region = region.value.text().unwrap_or_default();
        notes.push(format!("region: {region} was left out: version 3 has no regions"));
    }
    Ok(match layout(root) {
        Layout::Block => in_lines(source, root),
        Layout::Flow => in_braces(source, root),
    })
}

/// The edge that a tunnel with labels needs is none of version 3.
fn refuse_labels(source: &Source<'_>, root: &Outline) -> Result<(), Diagnostic> {
    let tunnels = root.find("tunnels").map_or(&[][..], |tunnels| tunnels.value.entries());
    let labelled = tunnels
        .iter()
        .filter(|t| t.value.find("labels").is_some_and(|labels| !labels.value.is_null()));
    let names: Vec<_> = labelled.map(|tunnel| format!("{:?}", tunnel.key)).collect();
    if names.is_empty() {
        return Ok(());
    }
    let message = format!("version 3 has no tunnels with labels: {}", names.join(", "));
    Err(source.refuse(&message).hint("give them a url, or keep version 2"))
}

/// The name of a setting in version 3.
fn renamed(key: &str) -> &str {
    CONNECT_PLACES.iter().find(|(old, _)| *old == key).map_or(key, |(_, new)| new)
}

/// An entry with the comments above it.
struct Part<'a> {
    entry: &'a Entry,
    start: usize,
    end: usize,
}

/// Cuts the text at its entries, so that each has the comments above it, and lays the parts out
/// anew: all settings stand where the first one stood.
fn in_lines(source: &Source<'_>, root: &Outline) -> String {
    let text = source.text;
    let newline = newline_of(text);
    let parts = parts(source, root);
    let Some(first) = parts.first() else { return text.to_owned() };
    let margin = " ".repeat(Patch::new(text).column(first.entry.key_span.start));
    let mut out = text.get(..first.start).unwrap_or_default().to_owned();
    let settings: String = parts.iter().filter(|p| !is_top(p)).map(|p| moved(text, p)).collect();
    let mut written = false;
    for part in &parts {
        if part.entry.key == "version" {
            let mut patch = Patch::new(text);
            patch.replace_value(part.entry, "\"3\"");
            out.push_str(&patch.apply_to(part.start..part.end));
        } else if is_top(part) {
            out.push_str(text.get(part.start..part.end).unwrap_or_default());
        } else if !written {
            written = true;
            // Nothing but comments is no map.
            let only_region = parts.iter().all(|p| is_top(p) || p.entry.key == "region");
            if !only_region {
                out.push_str(&format!("{margin}agent:{newline}"));
            }
            out.push_str(&settings);
        }
        if !out.ends_with('\n') {
            out.push_str(newline);
        }
    }
    out.push_str(text.get(parts.last().map_or(0, |p| p.end)..).unwrap_or_default());
    out
}

fn is_top(part: &Part<'_>) -> bool {
    TOP.contains(&part.entry.key.as_str())
}

fn parts<'a>(source: &Source<'_>, root: &'a Outline) -> Vec<Part<'a>> {
    let text = source.text;
    let mut parts: Vec<Part<'a>> = Vec::new();
    for entry in root.entries() {
        let from = parts.last().map_or(source.body(), |part| part.end);
        let key_line = text.get(..entry.key_span.start).and_then(|t| t.rfind('\n'));
        let key_line = key_line.map_or(0, |at| at + 1).max(from);
        let start = match parts.is_empty() {
            false => from,
            // What stands apart above the first entry is about the file.
            true => {
                let above = text.get(from..key_line).unwrap_or_default();
                let mut at = from;
                let mut start = from;
                for line in above.split_inclusive('\n') {
                    at += line.len();
                    if line.trim().is_empty() {
                        start = at;
                    }
                }
                start
            }
        };
        let behind = entry.value.span.end.max(entry.key_span.end);
        let end = match text.get(..behind).is_some_and(|t| t.ends_with('\n')) {
            true => behind,
            false => {
                let rest = text.get(behind..).unwrap_or_default();
                rest.find('\n').map_or(text.len(), |at| behind + at + 1)
            }
        };
        parts.push(Part { entry, start, end });
    }
    parts
}

/// A setting's lines, further to the right, under its new name.
fn moved(text: &str, part: &Part<'_>) -> String {
    let mut patch = Patch::new(text);
    let key = renamed(&part.entry.key);
    if key != part.entry.key {
        patch.replace(part.entry.key_span.clone(), key);
    }
    let lines = patch.apply_to(part.start..part.end);
    let n_above =
        text.get(part.start..part.entry.key_span.start).map_or(0, |t| t.matches('\n').count());
    let mut out = String::new();
    for (i, line) in lines.split_inclusive('\n').enumerate() {
        if line.trim().is_empty() {
            out.push_str(line);
        } else if part.entry.key == "region" && i >= n_above {
            let (line, end) = line.split_at(line.trim_end().len());
            let end = if end.is_empty() { newline_of(text) } else { end };
            out.push_str(&format!(
                "{INDENT}# {}, left out: version 3 has no regions{end}",
                line.trim_start()
            ));
        } else {
            out.push_str(INDENT);
            out.push_str(line);
        }
    }
    if !out.ends_with('\n') {
        out.push_str(newline_of(text));
    }
    out
}

/// The same for a file in braces; what stands between its entries is lost.
fn in_braces(source: &Source<'_>, root: &Outline) -> String {
    let value = |entry: &Entry| {
        let value = source.text.get(entry.value.span.clone()).unwrap_or_default();
        if value.is_empty() { "null".to_owned() } else { value.to_owned() }
    };
    let mut top = vec!["\"version\": \"3\"".to_owned()];
    let mut settings = Vec::new();
    for entry in root.entries() {
        let written = |key: &str| format!("\"{key}\": {}", value(entry));
        match entry.key.as_str() {
            "version" | "region" => {}
            key if TOP.contains(&key) => top.push(written(key)),
            key => settings.push(written(renamed(key))),
        }
    }
    if !settings.is_empty() {
        top.insert(1, format!("\"agent\": {{{}}}", settings.join(", ")));
    }
    let (before, behind) = (source.text.get(..root.span.start), source.text.get(root.span.end..));
    format!("{}{{{}}}{}", before.unwrap_or_default(), top.join(", "), behind.unwrap_or_default())
}
