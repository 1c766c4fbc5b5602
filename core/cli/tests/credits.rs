//! `adit credits` names every package that the program is made of, with its licence.
//!
//! After a change of the dependencies: `cargo test -p adit --test credits -- --ignored`
#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The system that the list is made for.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

struct Package {
    name: String,
    version: String,
    licence: String,
    authors: Vec<String>,
    dir: PathBuf,
}

/// Every package of somebody else that is part of the program.
fn packages() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // What only other systems need is not downloaded here.
    let args = ["metadata", "--format-version=1", "--offline", "--filter-platform", PLATFORM];
    let output = Command::new(cargo).args(args).current_dir(here()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let nodes: BTreeMap<String, Value> = list(&metadata["resolve"]["nodes"])
        .into_iter()
        .map(|node| (node["id"].as_str().unwrap().to_owned(), node))
        .collect();
    let all = list(&metadata["packages"]);
    let id = |package: &Value| package["id"].as_str().unwrap().to_owned();
    let mut open: Vec<String> = all.iter().filter(|p| p["name"] == "adit").map(id).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id.clone()) {
            continue;
        }
        for dep in list(&nodes[&id]["deps"]) {
            // What is only for building or testing is not in the program.
            if list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].is_null()) {
                open.push(dep["pkg"].as_str().unwrap().to_owned());
            }
        }
    }
    let mut packages: Vec<_> = all
        .iter()
        .filter(|p| seen.contains(&id(p)) && !p["source"].is_null())
        .map(|p| Package {
            name: p["name"].as_str().unwrap().to_owned(),
            version: p["version"].as_str().unwrap().to_owned(),
            licence: p["license"].as_str().unwrap_or("see its licence file").to_owned(),
            authors: list(&p["authors"]).iter().filter_map(author).collect(),
            dir: Path::new(p["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned(),
        })
        .collect();
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    packages
}

/// A name without its address.
fn author(author: &Value) -> Option<String> {
    let name = author.as_str()?.split('<').next().unwrap_or_default().trim();
    (!name.is_empty()).then(|| name.to_owned())
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn committed() -> PathBuf {
    here().join("src/credits/credits.txt")
}

#[test]
fn every_package_is_credited() {
    let text = fs::read_to_string(committed()).unwrap();
    let missing: Vec<_> = packages()
        .into_iter()
        .map(|package| package.name)
        .filter(|name| !text.contains(&format!("\n{name} ")))
        .collect();
    assert_eq!(missing, [""; 0], "run: cargo test -p adit --test credits -- --ignored");
}

#[test]
fn the_command_prints_the_text() {
    let output = Command::new(env!("CARGO_BIN_EXE_adit")).arg("credits").output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stderr, b"");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed.trim_end(), fs::read_to_string(committed()).unwrap().trim_end());
    assert!(printed.starts_with("adit\n") && printed.contains("\nPermission is hereby granted"));
}

#[test]
#[ignore = "writes the text anew, after a change of the dependencies"]
fn write_the_text() {
    let packages = packages();
    let mut text = String::from(
        "adit\n\
         Made by its contributors. Licence: MIT OR Apache-2.0.\n\n\
         It contains these packages; the texts of their licences follow, each once.\n\n",
    );
    for Package { name, version, licence, authors, .. } in &packages {
        let by =
            if authors.is_empty() { String::new() } else { format!(", {}", authors.join(", ")) };
        let _ = writeln!(text, "{name} {version} ({licence}){by}");
    }
    // A text that many packages share stands once, with the holders of each.
    let mut texts: BTreeMap<String, Shared> = BTreeMap::new();
    for package in &packages {
        for licence in licences(&package.dir) {
            let (body, holders) = split(&licence);
            let same: String = body.chars().filter(|c| c.is_alphanumeric()).collect();
            let shared = texts.entry(same.to_lowercase()).or_default();
            shared.users.insert(package.name.clone());
            shared.holders.extend(holders);
            shared.body = body;
        }
    }
    let mut texts: Vec<_> = texts.into_values().collect();
    texts.sort_by(|a, b| (b.users.len(), &a.users).cmp(&(a.users.len(), &b.users)));
    for Shared { users, holders, body } in texts {
        let line = "-".repeat(79);
        let join = |set: BTreeSet<String>, by: &str| set.into_iter().collect::<Vec<_>>().join(by);
        let (users, holders) = (join(users, ", "), join(holders, "\n"));
        let _ = write!(text, "\n{line}\n{users}\n\n{holders}\n\n{}\n", body.trim());
    }
    fs::write(committed(), text).unwrap();
}

/// A licence, and whose it is.
#[derive(Default)]
struct Shared {
    users: BTreeSet<String>,
    holders: BTreeSet<String>,
    body: String,
}

/// A licence without the lines that say whose it is.
fn split(text: &str) -> (String, Vec<String>) {
    // Its appendix only says how to use it.
    let text = match (text.find("Apache License"), text.find("END OF TERMS AND CONDITIONS")) {
        (Some(start), Some(end)) if start < end => &text[start..end],
        _ => text,
    };
    let is_holder = |line: &&str| {
        let line = line.trim().to_lowercase();
        line.starts_with("copyright") && line.contains(|c: char| c.is_ascii_digit() || c == '(')
    };
    let holders = text.lines().filter(is_holder).map(|line| line.trim().to_owned()).collect();
    let body: Vec<_> = text.lines().filter(|line| !is_holder(line)).collect();
    (body.join("\n"), holders)
}

/// The licence texts that a package brings.
fn licences(dir: &Path) -> Vec<String> {
    const NAMES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT"];
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().to_uppercase();
            path.is_file() && NAMES.iter().any(|wanted| name.starts_with(wanted))
        })
        .collect();
    paths.sort();
    let texts = paths.iter().filter_map(|path| fs::read_to_string(path).ok());
    texts.map(|text| text.replace("\r\n", "\n")).filter(|text| text.len() > 40).collect()
}
