//! The program as people run it: processes, flags, signals, exit codes.

pub(crate) mod agent;
mod api;
mod cut;
mod drain;
mod process;
mod reload;
mod start;

use std::net::{IpAddr, SocketAddr};

use adit_net::tls::client;
use adit_tests::{Upstream, Visitor, eventually, identity, service, soon};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

pub(crate) use self::process::{Program, Signal};

/// Visits a URL of an edge on loopback.
fn visitor(url: &str, ip: IpAddr, root: Option<&str>) -> Visitor {
    let roots = root.map_or_else(rustls::RootCertStore::empty, identity::roots);
    Visitor::new(url, (ip, 0).into(), client::verified(roots, &[]))
}

pub(crate) fn here(url: &str) -> Visitor {
    visitor(url, [127, 0, 0, 1].into(), None)
}

#[tokio::test]
async fn one_command_puts_a_directory_on_a_url() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("note.txt"), "read me").unwrap();
    let dir = format!("file://{}", home.path().display());
    let mut program = Program::start(&home, &["http", &dir]);
    let url = program.url().await;
    assert!(url.starts_with("http://") && url.contains(".localhost:"), "{url}");
    assert!(here(&url).get("/").await.text().contains("note.txt"));
    assert_eq!(here(&url).get("/note.txt").await.text(), "read me");
    program.send(Signal::Term).await;
    assert_eq!(program.exit().await, (Some(0), String::new()));
}

#[tokio::test]
async fn the_flags_of_http_do_what_they_say() {
    let home = tempfile::tempdir().unwrap();
    let upstream = Upstream::mirror().await;
    let addr = upstream.addr().to_string();
    let mut program = Program::start(
        &home,
        &[
            "http",
            &addr,
            "--basic-auth",
            "ann:long password",
            "--basic-auth",
            "bob:other password",
            "--cidr-allow",
            "127.0.0.0/8,::1/128",
            "--cidr-deny",
            "127.0.0.2",
            "--host-header",
            "rewrite",
            "--request-header-add",
            "x-in: yes",
            "--request-header-remove",
            "x-out",
            "--response-header-add",
            "x-back: yes",
            "--response-header-remove",
            "x-mirror",
            "--compression",
            "--circuit-breaker",
            "0.9",
            "--ua-filter-deny",
            "^bad",
        ],
    );
    let url = program.url().await;
    assert_eq!(here(&url).get("/").await.status(), 401);
    let reply = here(&url).get("/").basic("bob", "other password").header("x-out", "1").await;
    let text = reply.text();
    assert_eq!(reply.status(), 200, "{text}");
    assert!(
        text.contains(&format!("\nhost: {addr}\n")) && text.contains("\nx-in: yes\n"),
        "{text}"
    );
    assert!(!text.contains("x-out"), "{text}");
    assert_eq!((reply.header("x-back"), reply.header("x-mirror")), ("yes", ""));
    let bad = here(&url).get("/").basic("ann", "long password").header("user-agent", "bad/1").await;
    assert_eq!(bad.status(), 403);
    program.send(Signal::Int).await;
    assert_eq!(program.exit().await.0, Some(0));
}

#[tokio::test]
async fn tcp_and_several_endpoints_from_a_file() {
    let home = tempfile::tempdir().unwrap();
    let (web, echo) = (Upstream::counting("hello").await, Upstream::echo().await);
    let mut program = Program::start(&home, &["tcp", &echo.addr().to_string()]);
    let url = program.url().await;
    let mut socket = here(&url).connect().await;
    socket.write_all(b"?").await.unwrap();
    soon("an echo", socket.read_exact(&mut [0])).await.unwrap();
    drop((socket, program));

    let file = format!(
        "version: 3\nendpoints:\n- name: web\n  upstream: {{url: \"http://{}\"}}\n- name: echo\n  \
         url: tcp://\n  upstream: {{url: \"tcp://{}\"}}\n- name: other\n  upstream: {{url: 1}}\n",
        web.addr(),
        echo.addr()
    );
    let path = home.path().join("adit.yml");
    std::fs::write(&path, file).unwrap();
    let config = path.display().to_string();
    let mut program = Program::start(&home, &["start", "web", "echo", "--config", &config]);
    assert_eq!(here(&program.url().await).get("/").await.text(), "hello");
    assert!(program.url().await.starts_with("tcp://"));
    program.send(Signal::Term).await;
    assert_eq!(program.exit().await.0, Some(0));
}

/// An edge as a process of its own, and what agents need to reach it.
struct OwnEdge {
    home: TempDir,
    tls: SocketAddr,
    token: String,
    root: String,
    _program: Program,
}

impl OwnEdge {
    async fn start() -> Self {
        Self::start_with("").await
    }

    /// With more lines in its file.
    async fn start_with(more: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let made = Program::start(&home, &["edge", "token", "--id", "me"]).output().await;
        let value = |key: &str| {
            let line = made.lines().find_map(|line| line.trim().strip_prefix(key));
            line.unwrap().trim().to_owned()
        };
        let (token, hash) = (value("token:"), value("hash:"));
        let tls = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let state = home.path().join("state").display().to_string();
        let file = format!(
            "domain: tunnel.test\ntls_addr: {tls}\nhttp_addr: \"false\"\nstate_dir: {state}\n\
             tokens:\n- {{id: me, hash: \"{hash}\"}}\n{more}"
        );
        let path = home.path().join("edge.yml");
        std::fs::write(&path, file).unwrap();
        let config = path.display().to_string();
        let program = Program::start(&home, &["edge", "--config", &config]);
        eventually("the edge listens", async || TcpStream::connect(tls).await.ok()).await;
        let root = Program::start(&home, &["edge", "ca", "--state-dir", &state]).output().await;
        std::fs::write(home.path().join("root.pem"), &root).unwrap();
        Self { home, tls, token, root, _program: program }
    }

    /// An agent with these arguments and this token.
    fn agent(&self, args: &[&str], token: &str) -> Program {
        let (tls, root) = (self.tls.to_string(), self.home.path().join("root.pem"));
        let root = root.display().to_string();
        let session = ["--connect-url", &tls, "--connect-cas", &root, "--authtoken", token];
        Program::start(&self.home, &[args, &session].concat())
    }

    fn visitor(&self, url: &str) -> Visitor {
        visitor(url, self.tls.ip(), Some(&self.root))
    }
}

#[tokio::test]
async fn an_edge_of_ones_own_and_an_agent_that_it_knows() {
    let upstream = Upstream::counting("hello").await;
    let edge = OwnEdge::start().await;
    let addr = upstream.addr().to_string();
    let http = ["http", &addr, "--url", "https://app.tunnel.test"];
    let mut agent = edge.agent(&http, &edge.token);
    let url = agent.url().await;
    assert_eq!(url, format!("https://app.tunnel.test:{}", edge.tls.port()));
    assert_eq!(edge.visitor(&url).get("/").await.text(), "hello");

    let (code, said) = edge.agent(&http, &edge.token).exit().await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("\nERROR:  ERR_NGROK_334\n"), "{said}");
    let (code, said) = edge.agent(&http, "wrong").exit().await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("\nERROR:  ERR_NGROK_107\n"), "{said}");
    assert_eq!(edge.visitor(&url).get("/").await.text(), "hello");

    agent.send(Signal::Term).await;
    assert_eq!(agent.exit().await, (Some(0), String::new()));
    assert_eq!(edge.visitor(&url).get("/").await.code(), "ERR_NGROK_3200");
}

#[tokio::test]
async fn a_signal_lets_requests_finish_and_a_second_one_does_not() {
    let home = tempfile::tempdir().unwrap();
    let upstream = Upstream::http(|_| async {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        http::Response::new(service::body("finished"))
    })
    .await;
    let mut program = Program::start(&home, &["http", &upstream.addr().to_string()]);
    let visitor = here(&program.url().await);
    let visit = async { visitor.get("/").await };
    let stop = async {
        eventually("the service is asked", async || (upstream.hits() == 1).then_some(())).await;
        program.send(Signal::Term).await;
    };
    let (reply, ()) = tokio::join!(visit, stop);
    assert_eq!(reply.text(), "finished");
    assert_eq!(program.exit().await.0, Some(0));

    let deaf = Upstream::serve(service::never_answers()).await;
    let mut program = Program::start(&home, &["tcp", &deaf.addr().to_string()]);
    let _held = here(&program.url().await).connect().await;
    eventually("the service is asked", async || (deaf.hits() == 1).then_some(())).await;
    let start = tokio::time::Instant::now();
    program.send(Signal::Term).await;
    program.send(Signal::Term).await;
    assert_eq!(program.exit().await.0, Some(0));
    assert!(start.elapsed() < std::time::Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn mistakes_are_one_line_and_exit_code_1() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("bad.yml");
    std::fs::write(
        &file,
        "version: 3\nendpoints:\n- name: a\n  upstream: {url: 80}\n  no_such: 1\n",
    )
    .unwrap();
    let bad = file.display().to_string();
    for (args, names) in [
        (&["http", "8080", "--no-such-flag"][..], "--no-such-flag"),
        (&["http", "70000"], "70000"),
        (&["http", "file:///no/such/dir"], "/no/such/dir"),
        (&["tls", "443", "--crt", "/no/such.pem", "--key", "/no/such.key"], "/no/such.pem"),
        (&["http", "80", "--url", "https://a.example/path"], "path"),
        (&["http", "80", "--cidr-allow", "10.0.0.0/99"], "10.0.0.0/99"),
        (&["http", "80", "--basic-auth", "no-colon"], "--basic-auth"),
        (&["start", "--all", "--config", &bad], "bad.yml:5"),
        (&["start", "--all", "--config", "/no/such.yml"], "/no/such.yml"),
        (&["frobnicate"], "frobnicate"),
    ] {
        let (code, said) = Program::start(&home, args).exit().await;
        assert_eq!(code, Some(1), "{args:?}: {said}");
        assert!(said.contains(names), "{args:?}: {said}");
        // A code stands on a line of its own, behind an empty one, with its link below.
        let is_text = |line: &&str| {
            let of_code = ["ERROR:  ERR_NGROK_", "ERROR:  https://"];
            *line != "ERROR:" && !of_code.iter().any(|start| line.starts_with(start))
        };
        assert_eq!(said.lines().filter(is_text).count(), 1, "{args:?}: {said}");
    }
}
