//! How contents read: the same lines after `build` as in `inspect` and `check`.

use std::fmt::Write;

use serde_json::Value;

use super::contents::Contents;

/// Column at which values start.
const INDENT: usize = 10;
/// Longest line.
const WIDTH: usize = 96;

/// One line: a word, and what it is.
pub(super) fn row(out: &mut String, word: &str, value: impl std::fmt::Display) {
    let _ = writeln!(out, "{word:<INDENT$}{value}");
}

/// A size as people say it.
pub(super) fn size(bytes: usize) -> String {
    const KIB: usize = 1024;
    match bytes {
        0..KIB => format!("{bytes} B"),
        KIB..10_240_000 => format!("{} KiB", bytes.div_ceil(KIB)),
        _ => format!("{:.1} MiB", bytes as f64 / (KIB * KIB) as f64),
    }
}

/// What a component is.
pub(super) fn contents(contents: &Contents) -> String {
    let mut out = String::new();
    if let Some(label) = contents.label() {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
        let mut line = format!("{} {}", text(&label.name), text(&label.version));
        if let Some(sdk) = &label.sdk {
            let _ = write!(line, ", with SDK {sdk}");
        }
        if let Some(least) = &label.min_agent {
            let _ = write!(line, ", for adit {least} and newer");
        }
        row(&mut out, "policy", line);
        if let Some(description) = &label.description {
            row(&mut out, "", description);
        }
    }
    row(&mut out, "size", size(contents.size()));
    row(&mut out, "sha256", contents.digest());
    row(&mut out, "abi", contents.abi().unwrap_or("none: it has nothing of adit:policy"));
    let hooks = contents.hooks();
    row(&mut out, "hooks", if hooks.is_empty() { "none".to_owned() } else { hooks.join(", ") });
    let mut word = "imports";
    for (interface, functions) in contents.imports().filter(|(_, functions)| !functions.is_empty())
    {
        list(&mut out, word, interface, functions);
        word = "";
    }
    let mut word = "foreign";
    for interface in contents.foreign() {
        row(&mut out, word, interface);
        word = "";
    }
    if let Some(problem) = contents.not_a_policy() {
        row(&mut out, "problem", format!("no policy: {problem}"));
    }
    out
}

/// `imports   http: request.header, …`, continued under the first name.
fn list(out: &mut String, word: &str, name: &str, items: &[String]) {
    let mut line = format!("{word:<INDENT$}{name}");
    let mut between = ": ";
    for item in items {
        if line.len() + between.len() + item.len() > WIDTH {
            let _ = writeln!(out, "{line},");
            line = " ".repeat(INDENT + 2);
            between = "";
        }
        line.push_str(between);
        line.push_str(item);
        between = ", ";
    }
    let _ = writeln!(out, "{line}");
}

/// What to write into the configuration file for it. `grants` are those that somebody has written
/// down for it already.
pub(super) fn entry(contents: &Contents, name: &str, wasm: &str, grants: &Value) -> String {
    let mut out = format!("plugins:\n  {name}:\n    wasm: {wasm}\n");
    let mut lines = String::new();
    for import in contents.needs_grants() {
        let _ = match names(&grants[import]) {
            Some(names) => writeln!(lines, "      {import}: [{names}]"),
            None => writeln!(lines, "      {import}: []        # the names that it uses"),
        };
    }
    if let Some(names) = names(&grants["reroute"]) {
        let _ = writeln!(lines, "      reroute: [{names}]");
    }
    if !lines.is_empty() {
        let _ = write!(out, "    grants:\n{lines}");
    }
    out
}

/// `a, b` of a list or a map.
fn names(value: &Value) -> Option<String> {
    let names: Vec<&str> = match value {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        Value::Object(map) => map.keys().map(String::as_str).collect(),
        _ => return None,
    };
    Some(names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up_to_what_a_reader_needs() {
        assert_eq!(size(12), "12 B");
        assert_eq!(size(1024), "1 KiB");
        assert_eq!(size(112_641), "111 KiB");
        assert_eq!(size(16 * 1024 * 1024), "16.0 MiB");
    }

    #[test]
    fn long_lists_continue_under_their_name() {
        let mut out = String::new();
        let items: Vec<_> = (0..12).map(|n| format!("request.function-{n}")).collect();
        list(&mut out, "imports", "http", &items);
        assert!(out.starts_with("imports   http: request.function-0, "), "{out}");
        assert!(out.lines().all(|line| line.len() <= WIDTH), "{out}");
        assert!(out.lines().nth(1).unwrap().starts_with("            request.function-"), "{out}");
    }
}
