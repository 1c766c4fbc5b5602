//! What a person does around an edge: its file, tokens for its agents, its root, and why it does not run.
#![allow(clippy::unwrap_used)]

mod home;

use std::{fs, net::TcpListener};

use self::home::{adit, output};

#[test]
fn a_token_is_shown_once_with_the_hash_that_the_edge_keeps() {
    let made = String::from_utf8(output(&["edge", "token", "--id", "ann"]).stdout).unwrap();
    let token = made.lines().next().unwrap().strip_prefix("token: ").unwrap();
    assert_eq!(token.len(), 40);
    assert!(made.contains("  - id: ann\n    hash: sha256:"));
    assert_eq!(made.matches(token).count(), 1);
    let again = String::from_utf8(output(&["edge", "token"]).stdout).unwrap();
    assert!(!again.contains(token));
}

#[test]
fn the_id_of_a_token_is_one_that_the_file_can_hold() {
    for (id, written) in [("a-1.b_c", "a-1.b_c"), ("a b: c", "\"a b: c\""), ("No", "\"No\"")] {
        let made = String::from_utf8(output(&["edge", "token", "--id", id]).stdout).unwrap();
        assert!(made.contains(&format!("  - id: {written}\n    hash: ")), "{made}");
    }
    let nameless = output(&["edge", "token", "--id", ""]);
    assert_eq!((nameless.status.code(), nameless.stdout), (Some(1), Vec::new()));
}

#[test]
fn a_port_that_is_taken_is_told_with_what_to_change() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = socket.local_addr().unwrap();
    let home = tempfile::tempdir().unwrap();
    let hash = "0".repeat(64);
    let refused = |key: &str, other: &str| {
        let file = format!(
            "domain: edge.test\nstate_dir: state\n{key}: {taken}\n{other}\n\
             tokens: [{{id: a, hash: 'sha256:{hash}'}}]\n"
        );
        fs::write(home.path().join("edge.yml"), file).unwrap();
        let refused = adit(&home, &["edge", "--config", "edge.yml"]).output().unwrap();
        assert_eq!(refused.status.code(), Some(1));
        String::from_utf8(refused.stderr).unwrap()
    };
    let told = |key| {
        format!(
            "ERROR:  listen tcp {taken}: bind: address already in use; another program has the port; \
             {key} names another\n"
        )
    };
    assert_eq!(refused("tls_addr", "http_addr: false"), told("tls_addr (--tls-addr)"));
    assert_eq!(refused("http_addr", "tls_addr: 127.0.0.1:0"), told("http_addr (--http-addr)"));
}

#[test]
fn the_root_of_an_edge_is_made_once_and_kept_private() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let ca = || adit(&home, &["edge", "ca", "--state-dir", "state"]).output().unwrap().stdout;
    let root = ca();
    assert!(root.starts_with(b"-----BEGIN CERTIFICATE-----"));
    assert_eq!(ca(), root);
    let key = fs::metadata(home.path().join("state/ca.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_root_is_that_of_the_edge_in_the_file() {
    let home = tempfile::tempdir().unwrap();
    let pair = "domain: edge.test\ncertificates: [{cert: c.pem, key: k.pem}]\n";
    fs::write(home.path().join("pair.yml"), pair).unwrap();
    fs::write(home.path().join("own.yml"), "domain: edge.test\nstate_dir: state\n").unwrap();
    let ca = |args: &[&str]| adit(&home, &[&["edge", "ca"], args].concat()).output().unwrap();
    let root = ca(&["--state-dir", "state"]).stdout;
    assert_eq!(ca(&["--config", "own.yml"]).stdout, root);
    assert_ne!(ca(&["--config", "own.yml", "--state-dir", "other"]).stdout, root);
    let before = adit(&home, &["edge", "--config=own.yml", "ca"]).output().unwrap();
    assert_eq!(before.stdout, root);
    let misplaced = adit(&home, &["edge", "--state-dir", "state", "ca"]).output().unwrap();
    assert_eq!((misplaced.status.code(), misplaced.stdout), (Some(1), Vec::new()));
    let refused = ca(&["--config", "pair.yml"]);
    assert_eq!((refused.status.code(), refused.stdout), (Some(1), Vec::new()));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains("pair.yml:2:23: the edge shows certificates of its file"), "{told}");
}

#[test]
fn why_an_edge_does_not_start_is_in_its_log() {
    let home = tempfile::tempdir().unwrap();
    let args = ["edge", "--domain", "edge.test", "--log", "edge.log"];
    assert_eq!(adit(&home, &args).output().unwrap().status.code(), Some(1));
    let log = fs::read_to_string(home.path().join("edge.log")).unwrap();
    assert!(
        log.ends_with("make one with `adit edge token`\"\n") && log.lines().count() == 1,
        "{log}"
    );
}

#[test]
fn the_file_of_an_edge_is_checked_as_one() {
    let home = tempfile::tempdir().unwrap();
    let check = |text: &str| {
        fs::write(home.path().join("edge.yml"), text).unwrap();
        adit(&home, &["config", "check", "--config", "edge.yml"]).output().unwrap()
    };
    let refused = check("domain: tunnel.test\ntls_adr: 1\nlimits: {visitors: many}\n");
    assert_eq!((refused.status.code(), refused.stdout), (Some(1), Vec::new()));
    assert_eq!(
        String::from_utf8(refused.stderr).unwrap(),
        "ERROR:  edge.yml:2:1: unknown key \"tls_adr\"; did you mean \"tls_addr\"?\n\
         ERROR:      2 | tls_adr: 1\n\
         ERROR:        | ^\n\
         ERROR:  edge.yml:3:20: \"many\" is not a whole number\n\
         ERROR:      3 | limits: {visitors: many}\n\
         ERROR:        |                    ^\n"
    );
    let hash = "0".repeat(64);
    let rules = check(&format!(
        "domain: tunnel.test\ntokens:\n  - {{id: a, hash: 'sha256:{hash}',\n     acl: ['*', 'bind:tcp']}}\n"
    ));
    let told = String::from_utf8(rules.stderr).unwrap();
    assert!(told.starts_with("ERROR:  edge.yml:4:17: ACL rule \"bind:tcp\" is not "), "{told}");
    assert_eq!(rules.status.code(), Some(1));
    let valid = check("domain: tunnel.test\nstate_dir: state\n");
    assert_eq!(valid.stdout, b"Valid configuration file at edge.yml\n");
    assert_eq!((valid.status.code(), valid.stderr), (Some(0), Vec::new()));
}
