#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn token(text: &str) -> String {
    set("f.yml", text.as_bytes(), Setting::Authtoken, "T").unwrap()
}

#[test]
fn a_file_that_says_nothing_becomes_one_of_the_current_version() {
    assert_eq!(token(""), "version: \"3\"\nagent:\n  authtoken: T\n");
    assert_eq!(token("{}"), "version: \"3\"\nagent:\n  authtoken: T\n");
    assert_eq!(token("# mine"), "# mine\nversion: \"3\"\nagent:\n  authtoken: T\n");
}

#[test]
fn a_file_with_only_a_version_keeps_its_layout() {
    assert_eq!(token("version: '3'"), "version: '3'\nagent:\n  authtoken: T\n");
    assert_eq!(token("version: '3'\r\n"), "version: '3'\r\nagent:\r\n  authtoken: T\r\n");
    assert_eq!(token("version: 2\n"), "version: 2\nauthtoken: T\n");
    assert_eq!(token("web_addr: false\n"), "authtoken: T\nweb_addr: false\n");
}

#[test]
fn comments_order_and_spelling_stay() {
    let before = "# mine\nversion: \"3\"   # the current one\n\n# settings\nagent:\n    \
        log: stdout # all\n    # old\n    authtoken: 'X' # secret\n\nendpoints:\n- name: a\n  \
        upstream: {url: 80}\n# end\n";
    assert_eq!(token(before), before.replace("'X'", "T"));
}

#[test]
fn a_missing_key_comes_behind_the_last_one() {
    let before = "version: 3\nagent:\n    log: stdout # all\n\n# my endpoints\nendpoints: []\n";
    let after = before.replace("# all\n", "# all\n    authtoken: T\n");
    assert_eq!(token(before), after);
    let before = "version: 3\nendpoints: []\nagent:\n  # none yet\n";
    assert_eq!(token(before), "version: 3\nendpoints: []\nagent:\n  authtoken: T\n  # none yet\n");
    assert_eq!(token("version: 3\nagent: ~ # x\n"), "version: 3\nagent: \n  authtoken: T # x\n");
}

#[test]
fn files_in_braces_stay_in_braces() {
    assert_eq!(
        token("{\"version\": \"3\", \"endpoints\": []}\n"),
        "{\"version\": \"3\", \"agent\": {\"authtoken\": T}, \"endpoints\": []}\n"
    );
    assert_eq!(token("version: 3\nagent: {log: stdout}\n"), {
        "version: 3\nagent: {log: stdout, \"authtoken\": T}\n"
    });
    assert_eq!(token("version: 3\nagent: {}\n"), "version: 3\nagent: {\"authtoken\": T}\n");
}

#[test]
fn a_block_of_text_is_replaced_with_its_lines() {
    let before = "version: 3\nagent:\n  authtoken: |\n    X\n  log: stdout\n";
    assert_eq!(token(before), "version: 3\nagent:\n  authtoken: T\n  log: stdout\n");
}

#[test]
fn the_edge_has_another_key_in_older_files() {
    let set = |text: &str| {
        set("f.yml", text.as_bytes(), Setting::ConnectUrl, "edge.example:443").unwrap()
    };
    assert_eq!(set("version: 2\n"), "version: 2\nserver_addr: edge.example:443\n");
    assert_eq!(set("version: 3\n"), "version: 3\nagent:\n  connect_url: edge.example:443\n");
}

#[test]
fn what_cannot_be_changed_safely_is_refused() {
    let refused = |text: &str| {
        let problems = set("f.yml", text.as_bytes(), Setting::Authtoken, "T").unwrap_err();
        problems.to_string()
    };
    assert_eq!(refused("- a\n"), "f.yml: the file is not a map of settings");
    assert_eq!(refused("version: 3\nagent: x\n"), "f.yml: agent: is not a map of settings");
    assert_eq!(
        refused("version: 3\nx: &a {authtoken: X}\nagent: *a\n"),
        "f.yml: agent: is not a map of settings"
    );
    // The token has a second use.
    assert_eq!(
        refused("version: 3\nagent:\n  authtoken: &t X\n  metadata: *t\n"),
        "f.yml: authtoken cannot be changed here without changing something else; change the file \
         with an editor"
    );
    assert!(refused("a: [").starts_with("f.yml:2:1: not valid YAML"));
}

proptest! {
    #[test]
    fn any_value_is_read_back(value in "\\PC{0,24}", before in prop::sample::select(vec![
        "", "version: 3\n", "version: 3\nagent: {log: x}\n", "version: 3\nagent:\n  authtoken: x\n",
    ])) {
        let text = set("f.yml", before.as_bytes(), Setting::Authtoken, &value).unwrap();
        let file = crate::file::File::parse("f.yml", text.as_bytes());
        let token = file.agent.authtoken.unwrap().value;
        prop_assert_eq!(token.expose(), &value);
    }
}
