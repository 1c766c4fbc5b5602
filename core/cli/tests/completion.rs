//! Completion as a user has it: a real shell on a terminal, keys, and what the command line becomes.
//!
//! A shell that is not there is named and passed over, unless `ADIT_REQUIRE_SHELLS` is set;
//! `core/cli/tests/completion/install` installs them.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::{Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, sync_channel},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// Longest time for a shell to answer a key.
const DEADLINE: Duration = Duration::from_secs(30);

/// The prompt, as it is printed and as it is written in the shell's own file.
const PROMPT: &str = "READY>";

const CONFIG: &str = "version: 3\nendpoints:\n- name: website\n  upstream: {url: 80}\n- name: database\n  \
                      url: tcp://\n  upstream: {url: 5432}\n";

/// A shell on a terminal of its own.
struct Shell {
    child: Child,
    keys: Option<ChildStdin>,
    shown: Receiver<Vec<u8>>,
    text: String,
    _home: TempDir,
}

impl Shell {
    /// Starts a shell that has read `rc`; `None`, said aloud, if it is not there.
    fn start(shell: &str, rc: &str) -> Option<Self> {
        let there = |name: &str| {
            let asked = Command::new("sh").args(["-c", &format!("command -v {name}")]).output();
            asked.is_ok_and(|output| output.status.success())
        };
        for needed in [shell, "script"] {
            if !there(needed) {
                assert!(std::env::var_os("ADIT_REQUIRE_SHELLS").is_none(), "{needed} is missing");
                eprintln!(
                    "NOT TESTED: {needed} is missing; core/cli/tests/completion/install installs it"
                );
                return None;
            }
        }
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join(".config/adit")).unwrap();
        fs::write(home.path().join(".config/adit/adit.yml"), CONFIG).unwrap();
        fs::write(home.path().join("other.yml"), CONFIG.replace("website", "elsewhere")).unwrap();
        let rc_file = home.path().join(if shell == "zsh" { ".zshrc" } else { "rc" });
        let rc = rc.replace("ADIT", env!("CARGO_BIN_EXE_adit"));
        fs::write(&rc_file, rc).unwrap();
        let run = match shell {
            "bash" => format!("bash --noprofile --rcfile {} -i", rc_file.display()),
            "zsh" => "zsh -d -i".to_owned(),
            other => other.to_owned(),
        };
        let path = std::env::var_os("PATH").unwrap();
        let mut child = Command::new("script")
            .args(["-q", "-e", "-c", &run, "/dev/null"])
            .env_clear()
            .envs([("HOME", home.path().as_os_str()), ("PATH", &path), ("TERM", "dumb".as_ref())])
            .env("ZDOTDIR", home.path())
            .current_dir(home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = child.stdout.take().unwrap();
        let (send, shown) = sync_channel(64);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = output.read(&mut buffer) {
                if send.send(buffer[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        let keys = child.stdin.take();
        let mut shell = Self { child, keys, shown, text: String::new(), _home: home };
        shell.until(PROMPT);
        Some(shell)
    }

    fn press(&mut self, keys: &str) {
        let input = self.keys.as_mut().unwrap();
        input.write_all(keys.as_bytes()).unwrap();
        input.flush().unwrap();
    }

    /// What is shown until `wanted`, with it.
    fn until(&mut self, wanted: &str) -> String {
        let asked = Instant::now();
        loop {
            if let Some(at) = self.text.find(wanted) {
                let rest = self.text.split_off(at + wanted.len());
                return std::mem::replace(&mut self.text, rest);
            }
            let left = DEADLINE.saturating_sub(asked.elapsed());
            match self.shown.recv_timeout(left) {
                Ok(bytes) => self.text.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("waited for {wanted:?}, shown was {:?}", self.text),
            }
        }
    }

    /// The command line that came of the keys, once the shell has taken it.
    fn typed(&mut self, keys: &[&str]) -> String {
        for part in keys {
            self.press(part);
        }
        self.press("\r");
        self.until("RAN[");
        let line = self.until("]");
        self.until(PROMPT);
        line.trim_end_matches(']').trim_end().to_owned()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.keys.take();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Under the program's name stands a function that shows what it is given.
const BASH: &str = "PS1='READY> '\nbind 'set enable-bracketed-paste off'\nbind 'set bell-style none'\n\
                    eval \"$(ADIT completion bash)\"\nadit() { printf 'RAN[%s]\\n' \"$*\"; }\n";
const ZSH: &str = "PS1='READY> '\nunsetopt beep\nautoload -Uz compinit && compinit -u\n\
                   eval \"$(ADIT completion zsh)\"\nadit() { printf 'RAN[%s]\\n' \"$*\"; }\n";

fn completes_what_users_type(mut shell: Shell) {
    for (keys, line) in [
        ("adit confi\tche\t", "config check"),
        ("adit http 80 --comp\t", "http 80 --compression"),
        ("adit http 80 --terminate-at up\t", "http 80 --terminate-at upstream"),
        ("adit http 80 --log-format logf\t", "http 80 --log-format logfmt"),
        ("adit start web\t", "start website"),
        ("adit start website dat\t", "start website database"),
        ("adit --config other.yml start els\t", "--config other.yml start elsewhere"),
        ("adit completion pow\t", "completion powershell"),
    ] {
        assert_eq!(shell.typed(&[keys]), line);
    }
}

#[test]
fn bash_completes_commands_flags_words_and_endpoints() {
    if let Some(shell) = Shell::start("bash", BASH) {
        completes_what_users_type(shell);
    }
}

#[test]
fn zsh_completes_commands_flags_words_and_endpoints() {
    if let Some(shell) = Shell::start("zsh", ZSH) {
        completes_what_users_type(shell);
    }
}

/// What the program offers for a command line, as a shell's function asks for it.
fn offered(words: &[&str]) -> Vec<String> {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join(".config/adit")).unwrap();
    fs::write(home.path().join(".config/adit/adit.yml"), CONFIG).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_adit"))
        .arg("--")
        .args(words)
        .env_clear()
        .env("HOME", home.path())
        .env("ADIT_COMPLETE", "fish")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[test]
fn an_endpoint_is_offered_once() {
    assert_eq!(offered(&["adit", "start", "d"]), ["database"]);
    assert_eq!(offered(&["adit", "explain", "d"]), ["database"]);
    assert_eq!(offered(&["adit", "start", "website", "w"]), [""; 0]);
    assert_eq!(offered(&["adit", "start", "x"]), [""; 0]);
}

#[test]
fn what_was_captured_is_asked_for_in_known_words() {
    assert_eq!(offered(&["adit", "inspect", "e"]), ["export"]);
    assert_eq!(offered(&["adit", "inspect", "list", "--status", "4"]), ["4xx"]);
    assert_eq!(offered(&["adit", "inspect", "tail", "--endpoint", "web"]), ["website"]);
    assert_eq!(offered(&["adit", "inspect", "show", "l"]), ["last"]);
}

#[test]
fn deprecated_flags_are_not_offered_first() {
    let flags = offered(&["adit", "http", "80", "--"]);
    assert!(flags.contains(&"--url".to_owned()), "{flags:?}");
    assert!(!flags.contains(&"--hostname".to_owned()), "{flags:?}");
}

#[test]
fn every_shell_has_a_script() {
    for (shell, sign) in [
        ("bash", "complete -o nospace"),
        ("zsh", "#compdef adit"),
        ("fish", "complete --keep-order"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer"),
    ] {
        let output =
            Command::new(env!("CARGO_BIN_EXE_adit")).args(["completion", shell]).output().unwrap();
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && script.contains(sign), "{shell}: {script}");
        assert!(output.stderr.is_empty());
    }
}

#[test]
fn without_a_shell_it_is_that_of_the_environment() {
    let run = |shell: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
        command.arg("completion").env("SHELL", shell).output().unwrap()
    };
    assert!(String::from_utf8(run("/usr/bin/zsh").stdout).unwrap().starts_with("#compdef adit"));
    let refused = run("/bin/csh");
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(refused.stderr).unwrap(),
        "ERROR:  say which shell: bash, zsh, fish, powershell or elvish\n"
    );
}
