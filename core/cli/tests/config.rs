//! `adit config` as scripts and wrappers call it: what is printed where, and what is in the files.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::Read,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The program, in a home of its own, under a name.
fn command(home: &TempDir, name: &str, args: &[&str]) -> Command {
    let program = home.path().join(".bin").join(name);
    if !program.exists() {
        fs::create_dir_all(home.path().join(".bin")).unwrap();
        symlink(env!("CARGO_BIN_EXE_adit"), &program).unwrap();
    }
    let mut command = Command::new(program);
    command.args(args).env_clear().env("HOME", home.path()).current_dir(home.path());
    command.env("PATH", std::env::var_os("PATH").unwrap()).stdin(Stdio::null());
    command
}

fn run(home: &TempDir, args: &[&str]) -> Output {
    command(home, "adit", args).output().unwrap()
}

/// What a command that succeeds prints; it says nothing on standard error.
fn said(home: &TempDir, args: &[&str]) -> String {
    let output = run(home, args);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    assert_eq!(output.status.code(), Some(0), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a command that fails says on standard error; it prints nothing else.
fn refused(home: &TempDir, args: &[&str]) -> String {
    let output = run(home, args);
    assert_eq!(output.status.code(), Some(1), "{args:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn read(home: &TempDir, path: &str) -> String {
    fs::read_to_string(home.path().join(path)).unwrap()
}

fn write(home: &TempDir, path: &str, text: &str) {
    fs::write(home.path().join(path), text).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_token_is_saved_into_a_file_that_is_missing_empty_or_has_only_a_version() {
    for (before, after) in [
        (None, "version: \"3\"\nagent:\n  authtoken: some-auth-token\n"),
        (Some(""), "version: \"3\"\nagent:\n  authtoken: some-auth-token\n"),
        (Some("version: '3'"), "version: '3'\nagent:\n  authtoken: some-auth-token\n"),
        (Some("version: 2\n"), "version: 2\nauthtoken: some-auth-token\n"),
    ] {
        for config in [&["--config", "a/b/f.yml"][..], &["--config=a/b/f.yml"]] {
            for verb in [&["config", "add-authtoken"][..], &["authtoken"]] {
                let home = home();
                if let Some(before) = before {
                    fs::create_dir_all(home.path().join("a/b")).unwrap();
                    write(&home, "a/b/f.yml", before);
                }
                let args = [verb, &["some-auth-token", "--log", "stdout"], config].concat();
                let line = "Authtoken saved to configuration file: a/b/f.yml\n";
                assert_eq!(said(&home, &args), line);
                assert_eq!(read(&home, "a/b/f.yml"), after);
            }
        }
    }
}

#[test]
fn a_new_file_and_its_directories_are_private() {
    let home = home();
    let path = home.path().join(".config/adit/adit.yml");
    let line = format!("Authtoken saved to configuration file: {}\n", path.display());
    assert_eq!(said(&home, &["config", "add-authtoken", "T"]), line);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    // One that others could read holds a secret now.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    said(&home, &["config", "add-api-key", "K"]);
    assert_eq!(mode(&path), 0o600);
    assert_eq!(read(&home, ".config/adit/adit.yml"), {
        "version: \"3\"\nagent:\n  authtoken: T\n  api_key: K\n"
    });
}

#[test]
fn a_link_to_a_file_stays_a_link() {
    let home = home();
    write(&home, "real.yml", "version: 3\n");
    symlink("real.yml", home.path().join("link.yml")).unwrap();
    said(&home, &["config", "add-authtoken", "T", "--config", "link.yml"]);
    assert!(fs::symlink_metadata(home.path().join("link.yml")).unwrap().is_symlink());
    assert_eq!(read(&home, "real.yml"), "version: 3\nagent:\n  authtoken: T\n");
    let names: Vec<_> =
        fs::read_dir(home.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "nothing else is left: {names:?}");
}

#[test]
fn the_edge_s_address_goes_by_both_names_and_must_be_one() {
    let home = home();
    for verb in ["add-connect-url", "add-server-addr"] {
        let line = "Connect URL saved to configuration file: f.yml\n";
        let said = said(&home, &["config", verb, "edge.example:443", "--config", "f.yml"]);
        assert_eq!(said, line);
        assert_eq!(
            read(&home, "f.yml"),
            "version: \"3\"\nagent:\n  connect_url: edge.example:443\n"
        );
    }
    assert_eq!(
        refused(&home, &["config", "add-connect-url", "edge.example", "--config", "f.yml"]),
        "ERROR:  the edge's address: \"edge.example\" has no port; write host:port\n"
    );
}

/// Wrappers kill the program at the first byte that it prints.
#[test]
fn whoever_kills_it_at_its_first_byte_finds_the_whole_file() {
    for (args, whole) in [
        (&["authtoken", "T", "--config=f.yml"][..], "version: '3'\nagent:\n  authtoken: T\n"),
        (&["config", "add-authtoken", "T", "--config=f.yml"], {
            "version: '3'\nagent:\n  authtoken: T\n"
        }),
    ] {
        let home = home();
        write(&home, "f.yml", "version: '3'\n");
        let mut child = command(&home, "adit", args).stdout(Stdio::piped()).spawn().unwrap();
        child.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(read(&home, "f.yml"), whole);
    }
}

#[test]
fn a_valid_file_is_called_so_on_standard_output_alone() {
    let home = home();
    write(&home, "a.yml", "version: 3\n");
    write(&home, "b.yml", "version: 2\nauthtoken: T\n");
    assert_eq!(
        said(&home, &["config", "check", "--config", "a.yml,b.yml"]),
        "Valid configuration file at a.yml\nValid configuration file at b.yml\n"
    );
    assert_eq!(
        said(&home, &["--config", "a.yml", "config", "check", "--config=b.yml"]),
        "Valid configuration file at a.yml\nValid configuration file at b.yml\n"
    );
    let missing = refused(&home, &["config", "check"]);
    assert!(missing.starts_with("ERROR:  there is no configuration file at /"), "{missing}");
    said(&home, &["authtoken", "T"]);
    let path = home.path().join(".config/adit/adit.yml");
    let line = format!("Valid configuration file at {}\n", path.display());
    assert_eq!(said(&home, &["config", "check"]), line);
}

#[test]
fn every_mistake_is_shown_with_its_line_and_no_secret() {
    let home = home();
    let text = "version: 3\nagent:\n  authtoken: 2secret\n  web_adr: 1\n  log_level: loud\nendpoints:\n\
                - name: a\n  upstrem: {url: 80}\n";
    write(&home, "f.yml", text);
    assert_eq!(
        refused(&home, &["config", "check", "--config", "f.yml", "--config", "none.yml"]),
        "\
ERROR:  none.yml: there is no such file
ERROR:  f.yml:4:3: unknown key \"web_adr\"; did you mean \"web_addr\"?
ERROR:      4 |   web_adr: 1
ERROR:        |   ^
ERROR:  f.yml:5:14: \"loud\" is not one of debug, info, warn, error, crit
ERROR:      5 |   log_level: loud
ERROR:        |              ^
ERROR:  f.yml:8:3: unknown key \"upstrem\"; did you mean \"upstream\"?
ERROR:      8 |   upstrem: {url: 80}
ERROR:        |   ^
"
    );
}

#[test]
fn a_misspelt_handler_is_a_mistake_too() {
    let home = home();
    let file = |kind: &str| {
        format!(
            "version: 3\nplugins:\n  key-limit: {{wasm: k.wasm}}\nendpoints:\n- name: a\n  upstream: \
             {{url: 80}}\n  handlers: [compression, {kind}]\n"
        )
    };
    for kind in ["basic-auth", "key-limit"] {
        write(&home, "f.yml", &file(kind));
        said(&home, &["config", "check", "--config", "f.yml"]);
    }
    write(&home, "f.yml", &file("key-limti"));
    assert_eq!(
        refused(&home, &["config", "check", "--config", "f.yml"]),
        "\
ERROR:  f.yml:7:27: no handler \"key-limti\"; did you mean \"key-limit\"?
ERROR:      7 |   handlers: [compression, key-limti]
ERROR:        |                           ^
"
    );
}

/// A thousand endpoints are nothing to wait for; without optimisation it takes some ten times as long.
#[cfg(not(debug_assertions))]
#[test]
fn a_thousand_endpoints_are_checked_at_once() {
    let home = home();
    let mut text = "version: 3\nendpoints:\n".to_owned();
    for i in 0..1000 {
        text.push_str(&format!(
            "- name: service-{i}\n  url: https://service-{i}.tunnel.example.com\n  upstream:\n    \
             url: http://10.0.0.1:8080\n  handlers:\n  - basic-auth: {{credentials: [\"a:passw0rd\"]}}\n  \
             - compression\n"
        ));
    }
    write(&home, "f.yml", &text);
    let mut took: Vec<_> = (0..9)
        .map(|_| {
            let begun = std::time::Instant::now();
            said(&home, &["config", "check", "--config", "f.yml"]);
            begun.elapsed()
        })
        .collect();
    took.sort();
    assert!(took[4] <= std::time::Duration::from_millis(100), "{took:?}");
}

#[test]
fn a_file_without_a_version_is_upgraded_with_a_backup() {
    let home = home();
    write(&home, "ngrok.yml", "# mine\nauthtoken: T # here\n");
    let after = "version: \"2\"\nregion: us\n# mine\nauthtoken: T # here\n";
    assert_eq!(said(&home, &["config", "upgrade", "--config=ngrok.yml"]), after);
    assert_eq!(read(&home, "ngrok.yml"), after);
    assert_eq!(read(&home, "ngrok.yml.v1.bak"), "# mine\nauthtoken: T # here\n");

    let third = said(&home, &["config", "upgrade", "--dry-run", "--config=ngrok.yml"]);
    assert_eq!(read(&home, "ngrok.yml"), after);
    assert!(!home.path().join("ngrok.yml.v2.bak").exists());
    assert_eq!(said(&home, &["config", "upgrade", "3", "--config=ngrok.yml"]), third);
    assert_eq!(read(&home, "ngrok.yml"), third);
    assert_eq!(read(&home, "ngrok.yml.v2.bak"), after);

    assert_eq!(
        said(&home, &["config", "upgrade", "--config=ngrok.yml"]),
        "ngrok.yml already has version 3\n"
    );
    assert_eq!(
        refused(&home, &["config", "upgrade", "2", "--config=ngrok.yml"]),
        "ERROR:  ngrok.yml: the file has version 3; it cannot go back to 2\n"
    );
}

#[test]
fn a_file_moves_to_the_default_place() {
    let home = home();
    write(&home, "old.yml", "version: 2\nauthtoken: T\n");
    let text = "version: \"3\"\nagent:\n  authtoken: T\n";
    assert_eq!(said(&home, &["config", "upgrade", "--relocate", "--config", "old.yml"]), text);
    assert_eq!(read(&home, ".config/adit/adit.yml"), text);
    assert!(!home.path().join("old.yml").exists());
    assert!(home.path().join("old.yml.v2.bak").exists());
    write(&home, "old.yml", "version: 2\n");
    let refused = refused(&home, &["config", "upgrade", "--relocate", "--config", "old.yml"]);
    assert!(refused.starts_with("ERROR:  --relocate: there is already a file at"), "{refused}");
    assert_eq!(read(&home, "old.yml"), "version: 2\n");
}

#[test]
fn what_has_nothing_to_act_on_is_told_and_the_file_is_valid() {
    let home = home();
    write(
        &home,
        "f.yml",
        "version: 2\ntunnels: {a: {proto: http, addr: 1, upstream_tls_verify: true}}\n",
    );
    assert_eq!(
        said(&home, &["config", "check", "--config", "f.yml"]),
        "Valid configuration file at f.yml\n\
         Warning: f.yml:2:58: upstream_tls_verify has nothing to act on: http://localhost:1 is reached \
         without TLS; write https://localhost:1, or leave it out\n"
    );
}

#[test]
fn an_editor_gets_a_new_file_and_its_mistakes_are_told() {
    let home = home();
    let edit = |editor: &str| {
        let mut command = command(&home, "adit", &["config", "edit", "--config", "f.yml"]);
        command.env("EDITOR", editor).output().unwrap()
    };
    let output = edit("true --wait");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"Valid configuration file at f.yml\n");
    assert!(read(&home, "f.yml").starts_with("version: \"3\"\n"));

    let output = edit("sh -c 'echo oops: 1 >> \"$0\"'");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("unknown key \"oops\""), "{text}");
    // A file with mistakes can be opened again.
    assert_eq!(edit("sh -c 'echo version: 3 > \"$0\"'").status.code(), Some(0));
    assert_eq!(edit("sh -c 'exit 7'").status.code(), Some(7));
}

#[test]
fn started_as_ngrok_it_is_the_drop_in() {
    let home = home();
    let said = |args: &[&str]| {
        let output = command(&home, "ngrok", args).output().unwrap();
        assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
        String::from_utf8(output.stdout).unwrap()
    };
    for args in [&["version"][..], &["--version"], &["-v"]] {
        let line = said(args);
        let version = line.strip_prefix("ngrok version 3.").unwrap().trim_end();
        assert_eq!(version.split('.').filter_map(|n| n.parse::<u32>().ok()).count(), 2, "{line}");
    }
    let path = home.path().join(".config/ngrok/ngrok.yml");
    let line = format!("Authtoken saved to configuration file: {}\n", path.display());
    assert_eq!(said(&["authtoken", "T"]), line);
    // Under its own name, the program uses that file as long as it has none of its own.
    let line = format!("API key saved to configuration file: {}\n", path.display());
    let output = command(&home, "adit", &["config", "add-api-key", "K"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), line);
}

#[test]
fn the_schema_is_printed() {
    let home = home();
    for (args, key) in
        [(&["config", "schema"][..], "allOf"), (&["config", "schema", "edge"], "properties")]
    {
        let schema: serde_json::Value = serde_json::from_str(&said(&home, args)).unwrap();
        assert!(schema.get(key).is_some());
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    }
}

#[test]
fn commands_that_change_a_file_name_one_and_take_a_value() {
    let home = home();
    assert_eq!(
        refused(&home, &["config", "add-authtoken", "T", "--config", "a", "--config", "b"]),
        "ERROR:  --config: name one file to change; 2 were given\n"
    );
    assert!(refused(&home, &["config", "add-authtoken"]).starts_with("ERROR:  "));
    assert!(refused(&home, &["authtoken"]).starts_with("ERROR:  "));
    assert!(
        refused(&home, &["config", "check", "--log-format", "xml"]).starts_with("ERROR:  --log")
    );
    write(&home, "f.yml", "agent: [\n");
    assert!(
        refused(&home, &["authtoken", "T", "--config", "f.yml"]).starts_with("ERROR:  f.yml:2:1")
    );
    assert_eq!(read(&home, "f.yml"), "agent: [\n");
}

#[test]
fn under_the_other_name_advice_names_that_one() {
    let home = home();
    write(&home, "old.yml", "authtoken: x\n");
    for args in
        [&["config", "check", "--config", "old.yml"][..], &["start", "--all", "--config=old.yml"]]
    {
        let output = command(&home, "ngrok", args).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("`ngrok config upgrade`") && !text.contains("adit"), "{text}");
        assert!(refused(&home, args).contains("`adit config upgrade`"));
    }
    let output = command(&home, "ngrok", &["http", "80", "--nonsense"]).output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().ends_with("see ngrok http --help\n"));
}
