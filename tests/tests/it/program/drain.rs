//! How long the program stays for its visitors once it is asked to end.

use std::time::Duration;

use adit_tests::{soon, visitor::until_the_end};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::{Program, Signal, here};

/// More than the program stays if nobody says so.
const LONGER: Duration = Duration::from_millis(1500);

/// A program that may stay for a day, and both ends of an exchange that is half done.
struct Halfway {
    program: Program,
    visitor: TcpStream,
    service: TcpStream,
    _home: TempDir,
}

impl Halfway {
    async fn begin() -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = "version: 3\nagent: {drain_timeout: 24h, web_addr: \"127.0.0.1:0\"}\n";
        std::fs::write(home.path().join("adit.yml"), file).unwrap();
        let services = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = services.local_addr().unwrap().to_string();
        let mut program = Program::start(&home, &["http", &addr, "--config=adit.yml"]);
        let at = here(&program.url().await);
        let mut visitor = at.tcp().await;
        let request = format!("GET / HTTP/1.1\r\nhost: {}\r\n\r\n", at.authority());
        visitor.write_all(request.as_bytes()).await.unwrap();
        let (mut service, _) = soon("a request", services.accept()).await.unwrap();
        assert_ne!(soon("its head", service.read(&mut [0; 4096])).await.unwrap(), 0);
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nbegin";
        service.write_all(half).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nbegin") {
            assert_ne!(soon("an answer", visitor.read_buf(&mut answer)).await.unwrap(), 0);
        }
        Self { program, visitor, service, _home: home }
    }

    async fn terminate(&mut self) {
        self.program.send(Signal::Term).await;
        soon("the signal", self.program.line("received stop request")).await;
    }
}

#[tokio::test]
async fn an_answer_that_takes_long_ends_as_it_should_and_the_program_behind_it() {
    let mut halfway = Halfway::begin().await;
    halfway.terminate().await;
    // Time itself is what this is about.
    tokio::time::sleep(LONGER).await;
    halfway.service.write_all(b"..end").await.unwrap();
    let mut rest = [0; 5];
    soon("the rest", halfway.visitor.read_exact(&mut rest)).await.unwrap();
    assert_eq!(&rest, b"..end");
    // The visitor's connection is still open, and holds up nobody.
    assert_eq!(halfway.program.exit().await, (Some(0), String::new()));
}

#[tokio::test]
async fn a_second_signal_waits_for_nobody() {
    let mut halfway = Halfway::begin().await;
    halfway.terminate().await;
    halfway.program.send(Signal::Term).await;
    assert_eq!(halfway.program.exit().await, (Some(0), String::new()));
    // Cut, so that what there is of it does not look whole.
    assert_eq!(until_the_end(&mut halfway.visitor).await, "");
}
