//! What a start that is refused says to a program that reads the log.
#![allow(clippy::unwrap_used)]

mod home;

use std::fs;

use self::home::{adit, output};

const START: [&str; 4] = ["start", "--none", "--config=f.yml", "--log=stdout"];

/// The records of a start with this file, and the error block.
fn refused(file: &str, args: &[&str]) -> (String, String) {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("f.yml"), file).unwrap();
    let output = adit(&home, args).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr))
}

#[test]
fn what_is_wrong_with_a_file_is_the_last_record_too() {
    let (records, block) = refused("version: 3\nfoo: 1\nbar: 2\n", &START);
    assert_eq!(records.lines().count(), 1, "{records}");
    let told = r#"err="f.yml:2:1: unknown key \"foo\"\nf.yml:3:1: unknown key \"bar\"""#;
    let (_, record) = records.trim_end().split_once(" lvl=").unwrap();
    assert_eq!(record, format!("crit msg=\"command failed\" {told}"));
    let lines = "ERROR:  f.yml:2:1: unknown key \"foo\"\nERROR:  f.yml:3:1: unknown key \"bar\"\n";
    assert_eq!(block, lines);
}

#[test]
fn what_is_wrong_with_a_flag_is_a_record_of_the_asked_kind() {
    let args = ["http", "80", "--binding=nobody", "--log=stdout", "--log-format=json"];
    let records = String::from_utf8(output(&args).stdout).unwrap();
    assert!(records.starts_with('{') && records.ends_with("}\n"), "{records}");
    assert!(
        records.contains(r#""lvl":"crit","msg":"command failed","err":"--binding: "#),
        "{records}"
    );
    assert_eq!(records.lines().count(), 1, "{records}");
}

#[test]
fn a_log_that_nobody_asked_for_stays_empty() {
    let (records, block) = refused("version: 3\nfoo: 1\n", &START[..3]);
    assert_eq!(records, "");
    assert_eq!(block, "ERROR:  f.yml:2:1: unknown key \"foo\"\n");
}
