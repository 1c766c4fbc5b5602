//! What a panic leaves behind, seen from outside: these tests start themselves in a terminal.
#![allow(clippy::unwrap_used)]

#[path = "../../tests/pty/mod.rs"]
#[allow(dead_code, reason = "each of the tests that share it uses a part")]
mod pty;

use std::{env, time::Duration};

use self::pty::Terminal;
use super::*;

/// The test that does what the others look at, and the variable that says what.
const INSIDE: &str = "console::tests::inside_a_terminal";
const WHAT: &str = "ADIT_TEST_PANICS";

/// A source that knows nothing and breaks when it is asked to.
struct Breaks(&'static str);

impl Source for Breaks {
    async fn changed(&mut self) {
        std::future::pending().await
    }

    fn update(&mut self, _: &mut State) -> bool {
        assert!(self.0 != "console", "broken while drawing");
        false
    }
}

/// Waits until the test outside has pressed the key that quits.
fn until_quit(quits: &mut mpsc::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(quits.recv()), Some(()));
}

#[test]
#[ignore = "is started in a terminal by the others"]
fn inside_a_terminal() {
    let Ok(what) = env::var(WHAT) else { return };
    let (quit, mut quits) = mpsc::channel(2);
    let ends = Ends { quit, ending: CancellationToken::new() };
    let about = About { name: "adit", ..About::default() };
    let state = State { about, ..State::default() };
    let what: &'static str = what.leak();
    let console = Console::start(state, ConsoleColor::Black, Breaks(what), ends).unwrap();
    match what {
        "main" => {
            until_quit(&mut quits);
            panic!("broken in the end");
        }
        "task" => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            let tasks = adit_net::tasks::Tasks::new();
            let broken = async {
                tasks.spawn(async { panic!("broken in a task") }).await.unwrap_err();
            };
            let _guard = runtime.enter();
            runtime.block_on(broken);
            until_quit(&mut quits);
        }
        _ => {
            // The console's thread is gone; the program goes on without it.
            console.ended.recv_timeout(Duration::from_secs(20)).unwrap_err();
        }
    }
    drop(console);
    println!("went on");
}

fn start(what: &'static str) -> Terminal {
    let home = tempfile::tempdir().unwrap();
    let args = [INSIDE, "--exact", "--ignored", "--nocapture", "--test-threads=1"];
    let program = env::current_exe().unwrap();
    Terminal::start_with(&program, &args, home.path(), (100, 30), &[(WHAT, what)])
}

#[test]
fn a_panic_of_the_program_is_told_on_the_terminal_it_came_from() {
    let mut terminal = start("main");
    terminal.text("Session Status");
    assert!(terminal.is_taken());
    terminal.press("q");
    assert_ne!(terminal.end(), 0);
    terminal.assert_given_back();
    terminal.text("broken in the end");
}

#[test]
fn a_panic_of_a_task_is_told_in_the_console() {
    let mut terminal = start("task");
    terminal.text("a task has failed");
    terminal.text("broken in a task");
    assert!(terminal.is_taken());
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
    terminal.text("went on");
}

#[test]
fn a_panic_of_the_console_costs_the_console_only() {
    let mut terminal = start("console");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
    terminal.text("broken while drawing");
    terminal.text("went on");
}
