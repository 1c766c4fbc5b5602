#![allow(clippy::unwrap_used)]

use super::*;
use crate::{Layers, file::File};

fn report(text: &str) -> String {
    let file = File::parse("f.yml", text.as_bytes());
    let problems = Layers { files: vec![file], ..Layers::default() }.resolve().unwrap_err();
    Report::new(&problems, [("f.yml", text.as_bytes())]).to_string()
}

#[test]
fn each_problem_stands_above_its_line() {
    let text = "version: 3\nagent:\n  web_adr: 4040\nendpoints:\n- name: a\n  upstrem: {url: 80}\n";
    assert_eq!(
        report(text),
        "f.yml:3:3: unknown key \"web_adr\"; did you mean \"web_addr\"?\n    \
         3 |   web_adr: 4040\n      |   ^\n\
         f.yml:6:3: unknown key \"upstrem\"; did you mean \"upstream\"?\n    \
         6 |   upstrem: {url: 80}\n      |   ^"
    );
}

#[test]
fn secrets_are_not_shown() {
    let text = "version: 3\nagent: {authtoken: 2abc, web_adr: 1}\ntunnels:\n  a: {proto: http, addr: \
                80, basic_auth: [\"ann:pw\"], x: 1}\n";
    let report = report(text);
    assert!(report.contains("{authtoken: ••••, web_adr: 1}"), "{report}");
    assert!(report.contains("basic_auth: [\"••••••\"], x: 1}"), "{report}");
    let broken = "version: 3\nagent:\n  authtoken: 2abc\n  basic_auth: [ann:pw\n";
    let file = File::parse("f.yml", broken.as_bytes());
    let report = Report::new(&file.problems, [("f.yml", broken.as_bytes())]).to_string();
    assert!(!report.contains("2abc") && !report.contains("pw"), "{report}");
}

#[test]
fn a_mistake_behind_the_end_points_there() {
    assert!(report("a: [").ends_with("\n    1 | a: [\n      |     ^"), "{}", report("a: ["));
}

#[test]
fn a_long_line_is_shown_around_the_place() {
    let text = format!(
        "version: 3\nagent: {{metadata: {}, oops: 1, log: {}}}\n",
        "x".repeat(300),
        "y".repeat(300)
    );
    let report = report(&text);
    let lines: Vec<_> = report.lines().collect();
    assert!(lines[1].chars().count() < 120 && lines[1].starts_with("    2 | …x"));
    let caret = lines[2].chars().position(|c| c == '^').unwrap();
    assert_eq!(lines[1].chars().skip(caret).take(4).collect::<String>(), "oops");
}
