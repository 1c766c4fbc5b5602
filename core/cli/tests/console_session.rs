//! What the console shows of a session with an edge of one's own: losses, refusals, many endpoints.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "each of the tests that share it uses a part")]
mod pty;

use std::{
    fmt::Write as _,
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use self::pty::Terminal;

const ADIT: &str = env!("CARGO_BIN_EXE_adit");

/// An edge as a process of its own; killed when it is dropped.
struct Edge {
    child: Child,
    home: TempDir,
    addr: String,
    token: String,
}

fn adit(home: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(ADIT);
    command.args(args).env_clear().env("HOME", home.path()).current_dir(home.path());
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

impl Edge {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let made = |args: &[&str]| {
            let output = adit(&home, args).stdout(Stdio::piped()).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        let token = made(&["edge", "token", "--id", "me"]);
        let value = |key: &str| {
            let line = token.lines().find_map(|line| line.trim().strip_prefix(key));
            line.unwrap().trim().to_owned()
        };
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let file = format!(
            "domain: tunnel.test\ntls_addr: {addr}\nhttp_addr: \"false\"\nstate_dir: state\n\
             tokens:\n- {{id: me, hash: \"{}\"}}\n",
            value("hash:")
        );
        fs::write(home.path().join("edge.yml"), file).unwrap();
        fs::write(home.path().join("root.pem"), made(&["edge", "ca", "--state-dir", "state"]))
            .unwrap();
        let token = value("token:");
        let child = Self::run(&home, &addr);
        Self { child, home, addr, token }
    }

    /// Runs it, until it listens.
    fn run(home: &TempDir, addr: &str) -> Child {
        let child = adit(home, &["edge", "--config", "edge.yml"]).spawn().unwrap();
        let began = Instant::now();
        while TcpStream::connect(addr).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "it does not listen");
        }
        child
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// An agent in a terminal.
    fn agent(&self, args: &[&str], token: &str, size: (u16, u16)) -> Terminal {
        let session =
            ["--connect-url", &self.addr, "--connect-cas", "root.pem", "--authtoken", token];
        Terminal::start(Path::new(ADIT), &[args, &session].concat(), self.home.path(), size)
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_session_that_is_lost_says_why_and_comes_back() {
    let mut edge = Edge::start();
    let mut terminal = edge.agent(&["http", "1"], &edge.token, (120, 24));
    terminal.until("online", |rows| {
        rows.iter()
            .any(|row| row.starts_with("Session Status") && row.ends_with("online"))
            .then_some(())
    });
    let forwarding = terminal.until("a URL", |rows| {
        rows.iter().find(|row| row.starts_with("Forwarding") && row.contains("https://")).cloned()
    });
    edge.kill();
    terminal.until("why it is lost", |rows| {
        let row = rows.iter().find(|row| row.starts_with("Session Status"))?;
        row.contains("reconnecting (could not reach").then_some(())
    });
    edge.child = Edge::run(&edge.home, &edge.addr);
    terminal.until("the same URL, online", |rows| {
        let is_online = |row: &String| row.starts_with("Session Status") && row.ends_with("online");
        (rows.iter().any(is_online) && rows.contains(&forwarding)).then_some(())
    });
    terminal.press("\x03");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
}

#[test]
fn a_refusal_ends_the_console_before_it_is_told() {
    let edge = Edge::start();
    let mut terminal = edge.agent(&["http", "1"], "not-the-token", (160, 24));
    assert_eq!(terminal.end(), 1);
    terminal.assert_given_back();
    let rows = terminal.rows();
    assert!(rows.iter().any(|row| row.starts_with("ERROR:  ")), "{rows:?}");
    assert!(rows.iter().any(|row| row.contains("authentication failed")), "{rows:?}");
}

#[test]
fn many_endpoints_are_counted_and_scrolled() {
    let edge = Edge::start();
    let mut file = "version: 3\nendpoints:\n".to_owned();
    for n in 0..30 {
        let _ = writeln!(
            file,
            "- {{name: e{n:02}, url: 'https://e{n:02}.tunnel.test', upstream: {{url: {}}}}}",
            1000 + n
        );
    }
    fs::write(edge.home.path().join("adit.yml"), file).unwrap();
    let args = ["start", "--all", "--config", "adit.yml"];
    let mut terminal = edge.agent(&args, &edge.token, (80, 24));
    let shown = |first: &'static str, counted: &'static str| {
        move |rows: &[String]| {
            let at = rows.iter().position(|row| row.starts_with("Forwarding"))?;
            let is_so = rows[at].contains(first) && rows[at + 1].starts_with(counted);
            is_so.then_some(())
        }
    };
    terminal.until("the first ones", shown("//e00.", "1-6 of 30"));
    terminal.press("\tjj");
    terminal.until("two further", shown("//e02.", "3-8 of 30"));
    terminal.press("G");
    terminal.until("the last ones", shown("//e24.", "25-30 of 30"));
    terminal.resize(40, 12);
    terminal.until("fewer", |rows| {
        rows.iter().any(|row| row.contains(" of 30") || row.contains("/30")).then_some(())
    });
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
}
