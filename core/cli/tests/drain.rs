//! How long an agent stays for its visitors once it is asked to end.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{BufRead, BufReader, Lines, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// Longest time that any single thing may take.
const DEADLINE: Duration = Duration::from_secs(60);

/// More than the agent stays if nobody says so.
const LONGER: Duration = Duration::from_millis(1500);

/// An agent that may stay for a day, ended when it is dropped.
struct Agent {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    _home: TempDir,
}

impl Agent {
    fn start(upstream: u16) -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = "version: 3\nagent: {drain_timeout: 24h, web_addr: \"127.0.0.1:0\"}\n";
        fs::write(home.path().join("adit.yml"), file).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
        command.args(["http", &upstream.to_string(), "--config=adit.yml", "--log=stdout"]);
        command.env_clear().env("HOME", home.path()).current_dir(home.path());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, _home: home }
    }

    fn record(&mut self, msg: &str) -> String {
        let mut lines = self.lines.by_ref().map(Result::unwrap);
        lines.find(|line| line.contains(msg)).expect("the record")
    }

    /// A visitor who has asked, and has the head of the answer.
    fn visitor(&mut self) -> BufReader<TcpStream> {
        let line = self.record("\"started tunnel\"");
        let (_, authority) = line.rsplit_once(" url=http://").unwrap();
        let (_, port) = authority.rsplit_once(':').unwrap();
        let mut socket = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        socket
            .write_all(format!("GET / HTTP/1.1\r\nhost: {authority}\r\n\r\n").as_bytes())
            .unwrap();
        let mut socket = BufReader::new(socket);
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            assert_ne!(socket.read_line(&mut line).unwrap(), 0);
        }
        socket
    }

    fn terminate(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    fn ended(&mut self) -> Option<i32> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(began.elapsed() < DEADLINE, "it does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A service whose answer begins at once, and ends when it is told to.
fn service() -> (u16, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (go, goes) = mpsc::channel();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut head = [0; 4096];
        assert_ne!(socket.read(&mut head).unwrap(), 0);
        socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nbegin").unwrap();
        let _ = goes.recv();
        let _ = socket.write_all(b"..end");
        // Whose turn it is to hang up is not ours to say.
        let _ = socket.read(&mut head);
    });
    (port, go)
}

#[test]
fn an_answer_that_takes_long_ends_as_it_should_and_the_agent_behind_it() {
    let (port, go) = service();
    let mut agent = Agent::start(port);
    let mut visitor = agent.visitor();
    agent.terminate();
    agent.record("received stop request");
    thread::sleep(LONGER);
    go.send(()).unwrap();
    let mut body = [0; 10];
    visitor.read_exact(&mut body).unwrap();
    assert_eq!(&body, b"begin..end");
    // The visitor's connection is still open, and holds up nobody.
    assert_eq!(agent.ended(), Some(0));
}

#[test]
fn a_second_signal_waits_for_nobody() {
    let (port, _go) = service();
    let mut agent = Agent::start(port);
    let mut visitor = agent.visitor();
    agent.terminate();
    agent.record("received stop request");
    agent.terminate();
    assert_eq!(agent.ended(), Some(0));
    let mut body = Vec::new();
    // Cut, so that what there is of it does not look whole.
    let _ = visitor.read_to_end(&mut body);
    assert_eq!(body, b"begin");
}
