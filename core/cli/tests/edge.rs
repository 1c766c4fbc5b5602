//! An edge as a process of its own: signals, and what it takes of the system.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Command, Stdio},
};

use tempfile::TempDir;

/// Killed when it is dropped.
struct Edge {
    child: Child,
    log: Lines<BufReader<ChildStdout>>,
    _home: TempDir,
}

impl Edge {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = format!(
            "domain: edge.test\ntls_addr: 127.0.0.1:0\nhttp_addr: false\nstate_dir: state\n\
             tokens: [{{id: me, hash: \"sha256:{}\"}}]\n",
            "0".repeat(64)
        );
        fs::write(home.path().join("edge.yml"), file).unwrap();
        // Less than the system allows.
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "ulimit -S -n 100; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_adit")]);
        command.args(["edge", "--config", "edge.yml", "--log", "stdout"]);
        command.env_clear().env("HOME", home.path()).current_dir(home.path());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut edge = Self { child, log, _home: home };
        edge.says("edge started");
        edge
    }

    /// Reads on until a record says so.
    fn says(&mut self, text: &str) {
        let found = self.log.by_ref().map(Result::unwrap).any(|record| record.contains(text));
        assert!(found, "it ended and never said {text:?}");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_hangup_ends_no_edge_and_a_stop_request_does() {
    for stop in ["-TERM", "-INT"] {
        let mut edge = Edge::start();
        for _ in 0..2 {
            edge.signal("-HUP");
            edge.says("the file is read at the start only");
        }
        edge.signal(stop);
        edge.says("edge stopped");
        assert_eq!(edge.child.wait().unwrap().code(), Some(0), "{stop}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_edge_takes_as_many_descriptors_as_it_is_allowed() {
    let edge = Edge::start();
    let limits = fs::read_to_string(format!("/proc/{}/limits", edge.child.id())).unwrap();
    let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let [.., soft, hard, _unit] = files.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("no limits: {files}");
    };
    assert_eq!(soft, hard);
    assert_ne!(soft, "100");
}
