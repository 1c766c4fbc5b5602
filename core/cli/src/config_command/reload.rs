//! `adit config reload`: has the running agent read its configuration again.

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{args::GlobalArgs, inspect, output::line};

pub(super) fn run(global: &GlobalArgs, addr: Option<&str>) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start the program's thread")?;
    let nothing = json!({});
    let asking = inspect::ask(global, addr, "/api/config/reload", &nothing);
    let report = runtime.block_on(asking)?;
    for text in told(&report) {
        line(text);
    }
    Ok(match names(&report, "failed").is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// What a person wants to know of it.
fn told(report: &Value) -> Vec<String> {
    let mut lines = vec!["Configuration reloaded".to_owned()];
    for (key, word) in [("added", "Added"), ("changed", "Changed"), ("removed", "Removed")] {
        let names = names(report, key);
        if !names.is_empty() {
            lines.push(format!("{word:<13}{}", names.join(", ")));
        }
    }
    lines.push(format!("{:<13}{}", "Unchanged", names(report, "unchanged").len()));
    let skipped = names(report, "skipped");
    if !skipped.is_empty() {
        let names = skipped.join(", ");
        lines.push(format!("{:<13}{names} (not chosen when the agent was started)", "Not started"));
    }
    let keys = names(report, "restart_needed");
    if !keys.is_empty() {
        lines.push(format!("These settings have changed and need a restart: {}", keys.join(", ")));
    }
    lines.extend(names(report, "failed").iter().map(|text| format!("{:<13}{text}", "Failed")));
    lines
}

fn names<'a>(report: &'a Value, key: &str) -> Vec<&'a str> {
    report[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_told_in_a_few_lines() {
        let report = json!({
            "added": ["a", "b"], "changed": [], "removed": ["c"], "unchanged": ["d", "e"],
            "restart_needed": ["authtoken", "web_addr"], "skipped": ["f"], "failed": ["g: taken"]
        });
        assert_eq!(
            told(&report).join("\n"),
            "Configuration reloaded\n\
             Added        a, b\n\
             Removed      c\n\
             Unchanged    2\n\
             Not started  f (not chosen when the agent was started)\n\
             These settings have changed and need a restart: authtoken, web_addr\n\
             Failed       g: taken"
        );
        assert_eq!(told(&json!({})).join("\n"), "Configuration reloaded\nUnchanged    0");
    }
}
