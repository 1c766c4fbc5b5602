//! One run of the program.

use std::process::Stdio;

use adit_tests::soon;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdout, Command},
};

/// A run of the program. Dropping it kills it.
pub(crate) struct Program {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    err: ChildStderr,
}

/// What can be sent to it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Signal {
    Hup,
    Int,
    Term,
}

impl Program {
    /// Starts it in a home of its own.
    pub(crate) fn start(home: &TempDir, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adit-under-test"));
        // Its URLs are read from its log.
        let is_agent = args.iter().any(|arg| ["http", "tcp", "tls", "start"].contains(arg));
        let has_log = args.iter().any(|arg| *arg == "--log" || arg.starts_with("--log="));
        if is_agent && !has_log {
            command.arg("--log=stdout");
        }
        command.args(args).env_clear().env("HOME", home.path()).current_dir(home.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let err = child.stderr.take().unwrap();
        Self { child, out, err }
    }

    /// The public URL of its next endpoint.
    pub(crate) async fn url(&mut self) -> String {
        loop {
            let line = soon("a line of the program", self.out.next_line()).await.unwrap();
            let Some(line) = line else {
                let mut said = String::new();
                let _ = self.err.read_to_string(&mut said).await;
                panic!("the program has ended: {said}");
            };
            if line.contains("\"started tunnel\"") {
                return line.rsplit_once(" url=").unwrap().1.to_owned();
            }
        }
    }

    /// Its next line with these words; what comes before is passed over.
    pub(crate) async fn line(&mut self, words: &str) -> String {
        loop {
            let line = soon("a line of the program", self.out.next_line()).await.unwrap();
            let Some(line) = line else {
                let mut said = String::new();
                let _ = self.err.read_to_string(&mut said).await;
                panic!("the program has ended without {words:?}: {said}");
            };
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Sends it a signal.
    pub(crate) async fn send(&self, signal: Signal) {
        let signal = match signal {
            Signal::Hup => "-HUP",
            Signal::Int => "-INT",
            Signal::Term => "-TERM",
        };
        let pid = self.child.id().unwrap().to_string();
        let status = Command::new("kill").args([signal, &pid]).status().await;
        assert!(status.unwrap().success());
    }

    /// All that it prints, when it ends well.
    pub(crate) async fn output(self) -> String {
        let Self { mut child, out, err: _err } = self;
        let mut text = String::new();
        soon("the output", out.into_inner().read_to_string(&mut text)).await.unwrap();
        assert!(soon("the end", child.wait()).await.unwrap().success());
        text
    }

    /// Its exit code, once it ends, and what it said on standard error.
    pub(crate) async fn exit(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        soon("the end of errors", self.err.read_to_string(&mut said)).await.unwrap();
        let status = soon("the end", self.child.wait()).await.unwrap();
        (status.code(), said)
    }
}
