//! How contents read: the same lines after `build` as in `inspect` and `check`.

use std::fmt::Write;

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
    if let Some(label) = &contents.label {
        let text = |key: &str| label[key].as_str().unwrap_or("?");
        let sdk = label["sdk"].as_str().map(|sdk| format!(", SDK {sdk}")).unwrap_or_default();
        let min = text("min-agent");
        row(&mut out, "policy", format!("{} {} (adit {min}+{sdk})", text("name"), text("version")));
        if let Some(description) = label["description"].as_str() {
            row(&mut out, "", description);
        }
    }
    row(&mut out, "size", size(contents.size));
    row(&mut out, "sha256", &contents.digest);
    row(&mut out, "abi", contents.abi.as_deref().unwrap_or("none: it has nothing of adit:policy"));
    let hooks: Vec<_> = contents.hooks().collect();
    row(&mut out, "hooks", if hooks.is_empty() { "none".to_owned() } else { hooks.join(", ") });
    let mut word = "imports";
    for (interface, functions) in &contents.imports {
        list(&mut out, word, interface, functions);
        word = "";
    }
    let mut word = "foreign";
    for (interface, functions) in &contents.foreign_imports {
        list(&mut out, word, &format!("imports {interface}"), functions);
        word = "";
    }
    for interface in &contents.foreign_exports {
        list(&mut out, word, &format!("exports {interface}"), &[]);
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

/// What to write into the configuration file for it.
pub(super) fn entry(contents: &Contents, name: &str, wasm: &str, grants: &[Grant]) -> String {
    let mut out = format!("plugins:\n  {name}:\n    wasm: {wasm}\n");
    let needed: Vec<_> = contents.needs_grants().collect();
    if needed.is_empty() {
        return out;
    }
    out.push_str("    grants:\n");
    for import in needed {
        let named = grants.iter().find(|grant| grant.import == import);
        let names = named.map(|grant| grant.names.join(", "));
        let _ = match names {
            Some(names) => writeln!(out, "      {import}: [{names}]"),
            None => writeln!(out, "      {import}: []        # the names that it uses"),
        };
    }
    out
}

/// Names that somebody has written down for an import.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) import: String,
    pub(super) names: Vec<String>,
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
