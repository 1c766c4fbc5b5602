//! Policies in WebAssembly, as users put them on the path of their visitors.

mod guest;

use std::path::{Path, PathBuf};

use adit_tests::{Upstream, Visitor};
use tempfile::TempDir;

use self::guest::{connection_policy, request_policy};
use crate::program::{Program, Signal, here};

/// A home with a policy in it.
fn home_with(policies: &[(&str, Vec<u8>)]) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    for (name, bytes) in policies {
        put(&home.path().join(name), bytes);
    }
    home
}

/// Puts a file in its place in one step, as `policy build` does.
fn put(path: &Path, bytes: &[u8]) {
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, bytes).unwrap();
    std::fs::rename(fresh, path).unwrap();
}

/// The configuration of one endpoint, with these plugins and handlers.
fn file(home: &TempDir, upstream: &str, plugins: &str, handlers: &str) -> PathBuf {
    let path = home.path().join("adit.yml");
    let text = format!(
        "version: 3\nplugins:\n{plugins}endpoints:\n- name: a\n  upstream: {{url: \"{upstream}\"}}\n  \
         handlers:\n{handlers}"
    );
    std::fs::write(&path, text).unwrap();
    path
}

async fn start(home: &TempDir, file: &Path, more: &[&str]) -> (Program, Visitor) {
    let args = ["start", "a", "--config", file.to_str().unwrap()];
    let mut program = Program::start(home, &[&args, more].concat());
    let visitor = here(&program.url().await);
    (program, visitor)
}

async fn end(program: Program) {
    program.send(Signal::Term).await;
    assert_eq!(program.exit().await.0, Some(0));
}

#[tokio::test]
async fn a_policy_of_the_file_stands_where_the_list_says() {
    let upstream = Upstream::mirror().await;
    let home = home_with(&[("mark.wasm", request_policy("one"))]);
    let handlers = "  - mark: {n: 1}\n  - request-headers: {add: [\"x-after: yes\"]}\n  \
                    - again: {n: 2}\n    on_error: pass\n";
    let plugins = "  mark: {wasm: mark.wasm}\n  again: {wasm: ./mark.wasm}\n  \
                   unused: {wasm: mark.wasm, limits: {memory: 1MiB}}\n";
    let file = file(&home, &upstream.http_url(), plugins, handlers);
    let (program, visitor) = start(&home, &file, &[]).await;
    let text = visitor.get("/").await.text();
    assert!(text.contains("\nx-policy: one\n") && text.contains("\nx-after: yes\n"), "{text}");
    assert!(text.contains("\nx-config: {\"n\":2}\n"), "the second has the last word: {text}");
    assert_eq!(visitor.get("/deny").await.status(), 403);
    assert_eq!(visitor.get("/deny").await.text(), "denied");
    // The first trap is refused, and the instance thrown away.
    assert_eq!(visitor.get("/trap").await.status(), 500);
    assert_eq!(visitor.get("/").await.status(), 200);
    end(program).await;
}

#[tokio::test]
async fn a_policy_that_breaks_is_passed_over_where_the_link_says_so() {
    let upstream = Upstream::mirror().await;
    let home = home_with(&[("mark.wasm", request_policy("one"))]);
    let plugins = "  mark: {wasm: mark.wasm}\n";
    let handlers = "  - mark: {n: 1}\n    on_error: pass\n";
    let file = file(&home, &upstream.http_url(), plugins, handlers);
    let (program, visitor) = start(&home, &file, &[]).await;
    let reply = visitor.get("/trap").await;
    assert_eq!(reply.status(), 200);
    assert!(!reply.text().contains("x-policy"), "half of its work is none: {}", reply.text());
    // It may send exchanges nowhere, and that is its fault.
    assert_eq!(visitor.get("/reroute").await.status(), 200);
    end(program).await;
}

#[tokio::test]
async fn an_exchange_may_go_to_another_endpoint_where_that_is_granted() {
    let (upstream, other) = (Upstream::counting("a").await, Upstream::mirror().await);
    let home = home_with(&[("mark.wasm", request_policy("one"))]);
    let plugins = "  mark: {wasm: mark.wasm, grants: {reroute: [b]}}\n";
    let path = file(&home, &upstream.http_url(), plugins, "  - mark: {n: 1}\n");
    let text = std::fs::read_to_string(&path).unwrap();
    let url = other.http_url();
    let second = format!(
        "- name: b\n  upstream: {{url: \"{url}\"}}\n  handlers:\n  - request-headers: {{add: [\"x-b: yes\"]}}\n"
    );
    std::fs::write(&path, text + &second).unwrap();
    let args = ["start", "a", "b", "--config", path.to_str().unwrap()];
    let mut program = Program::start(&home, &args);
    let visitor = here(&program.url().await);
    program.url().await;
    assert_eq!(visitor.get("/").await.text(), "a");
    let text = visitor.get("/reroute").await.text();
    assert!(text.contains("\nx-policy: one\n") && text.contains("\nx-b: yes\n"), "{text}");
    assert_eq!(upstream.hits(), 1);
    end(program).await;
}

#[tokio::test]
async fn a_policy_of_the_command_line_needs_no_file() {
    let upstream = Upstream::mirror().await;
    let home = home_with(&[("mark.wasm", request_policy("flag"))]);
    std::fs::write(home.path().join("c.json"), "{\"n\": 7}").unwrap();
    let addr = upstream.addr().to_string();
    let args = ["http", &addr, "--policy", "mark.wasm=c.json", "--request-header-add", "x-a: b"];
    let mut program = Program::start(&home, &args);
    let visitor = here(&program.url().await);
    let text = visitor.get("/").await.text();
    assert!(text.contains("\nx-policy: flag\n") && text.contains("\nx-a: b\n"), "{text}");
    assert!(text.contains("\nx-config: {\"n\":7}\n"), "{text}");
    end(program).await;
}

#[tokio::test]
async fn a_connection_policy_decides_before_a_byte_is_read() {
    let upstream = Upstream::echo().await;
    let home = home_with(&[("guard.wasm", connection_policy())]);
    let addr = upstream.addr().to_string();
    for (config, answer) in [("{\"a\":1}", "hello"), ("{\"refuse\":true}", "")] {
        std::fs::write(home.path().join("c.json"), config).unwrap();
        let mut program = Program::start(&home, &["tcp", &addr, "--policy", "guard.wasm=c.json"]);
        let visitor = here(&program.url().await);
        // Who is refused may be so before the handshake's last word is heard.
        match visitor.try_tcp().await {
            Err(error) => {
                let reset = std::io::ErrorKind::ConnectionReset;
                assert_eq!((error.kind(), ""), (reset, answer), "{config}");
            }
            Ok(mut socket) => {
                let _ = tokio::io::AsyncWriteExt::write_all(&mut socket, b"hello").await;
                let _ = tokio::io::AsyncWriteExt::shutdown(&mut socket).await;
                let said = adit_tests::visitor::until_the_end(&mut socket).await;
                assert_eq!(said, answer, "{config}");
            }
        }
        end(program).await;
    }
    assert_eq!(upstream.hits(), 1);
}

#[tokio::test]
async fn a_policy_whose_file_changes_is_taken_up_and_a_bad_one_is_not() {
    let upstream = Upstream::mirror().await;
    let home = home_with(&[("mark.wasm", request_policy("one"))]);
    let plugins = "  mark: {wasm: mark.wasm}\n";
    let path = file(&home, &upstream.http_url(), plugins, "  - mark: {n: 1}\n");
    let (mut program, visitor) = start(&home, &path, &["--watch"]).await;
    let mut kept = visitor.http1().await;
    let mut marked = async |mark: &str| {
        let text = visitor.get("/").on(&mut kept).await.text();
        text.contains(&format!("\nx-policy: {mark}\n"))
    };
    assert!(marked("one").await);
    let file = home.path().join("mark.wasm");
    put(&file, b"(this is no component)");
    program.line("policy not reloaded").await;
    assert!(marked("one").await, "the one of before goes on");
    let began = std::time::Instant::now();
    put(&file, &request_policy("two"));
    program.line("policy reloaded").await;
    assert!(began.elapsed().as_millis() < 1000, "{:?}", began.elapsed());
    assert!(marked("two").await, "on the connection that was open all along");
    end(program).await;
}

#[tokio::test]
async fn mistakes_about_policies_stand_where_they_were_made() {
    let home = home_with(&[
        ("mark.wasm", request_policy("one")),
        ("junk.wasm", b"\0asm\x01\0\0\0".to_vec()),
    ]);
    let mark = "  mark: {wasm: mark.wasm}\n";
    for (plugins, handlers, said) in [
        (
            mark,
            "  - mark\n",
            "adit.yml:8:5: endpoint \"a\": handler \"mark\": mark: expected a text",
        ),
        (mark, "  - mask: {n: 1}\n", "adit.yml:8:11: endpoint \"a\": handler \"mask\": no handler"),
        ("  mark: {wasm: junk.wasm}\n", "", "adit.yml:3:16: plugin \"mark\": "),
        ("  mark: {wasm: none.wasm}\n", "", "could not read "),
        ("  compression: {wasm: mark.wasm}\n", "", "adit.yml:3:3: plugin \"compression\": "),
        ("  mark: {wasm: mark.wasm, limits: {cpu: 1}}\n", "", "adit.yml:3:41: plugin \"mark\": "),
    ] {
        let handlers = if handlers.is_empty() { "  - compression\n" } else { handlers };
        let path = file(&home, "http://localhost:1", plugins, handlers);
        let program = Program::start(&home, &["start", "a", "--config", path.to_str().unwrap()]);
        let (code, text) = program.exit().await;
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains(said), "{text} does not say {said}");
    }
}

#[tokio::test]
async fn plugins_that_are_new_or_other_ones_are_loaded_when_the_file_is_read_again() {
    let upstream = Upstream::mirror().await;
    let home =
        home_with(&[("one.wasm", request_policy("one")), ("two.wasm", request_policy("two"))]);
    let written = |plugins: &str, handlers: &str| {
        let upstream = upstream.http_url();
        file(&home, &upstream, plugins, handlers)
    };
    let path = written("  kept: {wasm: one.wasm}\n", "  - kept: {n: 1}\n");
    let (mut program, visitor) = start(&home, &path, &[]).await;
    let mut kept = visitor.http1().await;
    let mut marks = async || {
        let text = visitor.get("/").on(&mut kept).await.text();
        let marks = text.lines().filter_map(|line| line.strip_prefix("x-policy: "));
        marks.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(marks().await, ["one"]);

    let two = "  kept: {wasm: one.wasm}\n  added: {wasm: two.wasm}\n";
    written(two, "  - added: {n: 1}\n");
    program.send(Signal::Hup).await;
    program.line("configuration reloaded").await;
    assert_eq!(marks().await, ["two"], "on the connection that was open all along");

    // The list of handlers is the same; what one of them is, is not.
    written(&two.replace("two.wasm", "one.wasm"), "  - added: {n: 1}\n");
    program.send(Signal::Hup).await;
    program.line("configuration reloaded").await;
    assert_eq!(marks().await, ["one"]);

    written(&two.replace("two.wasm", "none.wasm"), "  - added: {n: 1}\n");
    program.send(Signal::Hup).await;
    program.line("configuration not reloaded").await;
    assert_eq!(marks().await, ["one"], "nothing has changed");
    end(program).await;
}
