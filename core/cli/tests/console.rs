//! The console as its user sees it: the binary in a pseudo-terminal.
#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "each of the tests that share it uses a part")]
mod pty;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use self::pty::Terminal;

fn adit(home: &TempDir, args: &[&str], size: (u16, u16)) -> Terminal {
    Terminal::start(Path::new(env!("CARGO_BIN_EXE_adit")), args, home.path(), size)
}

/// An agent that serves a directory, when its console shows that it does; and its public URL.
fn serving(home: &TempDir, more: &[&str], size: (u16, u16)) -> (Terminal, String) {
    fs::write(home.path().join("index.html"), "it works").unwrap();
    let dir = format!("file://{}", home.path().display());
    let args = [&["http", &dir, "--url", "http://console.localhost"], more].concat();
    let mut terminal = adit(home, &args, size);
    let url = terminal.until("a URL", |rows| {
        let rest = rows.iter().find_map(|row| row.strip_prefix("Forwarding"))?;
        rest.split_whitespace().find(|word| word.contains("://")).map(str::to_owned)
    });
    (terminal, url)
}

/// Status of one request to a URL under `.localhost`.
fn get(url: &str, path: &str) -> String {
    let authority = url.strip_prefix("http://").unwrap();
    let (_, port) = authority.rsplit_once(':').unwrap();
    let mut socket = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).unwrap();
    response.split(' ').nth(1).unwrap().to_owned()
}

/// The first row whose parts, between blanks, begin so after the time.
fn request<'a>(rows: &'a [String], parts: &[&str]) -> Option<&'a String> {
    rows.iter().find(|row| {
        let mut words = row.split_whitespace().skip(1);
        let first = words.next();
        let mut words = first.filter(|word| *word != "UTC").into_iter().chain(words);
        parts.iter().all(|part| words.next() == Some(*part))
    })
}

#[test]
fn it_shows_where_visitors_come_in_and_what_they_ask_for() {
    let home = tempfile::tempdir().unwrap();
    let (mut terminal, url) = serving(&home, &[], (80, 24));
    assert!(terminal.is_taken());
    assert_eq!(terminal.row("Session Status"), "online");
    let rows = terminal.rows();
    assert!(rows[0].starts_with("adit ") && rows[0].ends_with("(Ctrl+C to quit)"), "{rows:?}");
    assert!(terminal.row("Web Interface").starts_with("http://127.0.0.1:"));
    assert_eq!(terminal.row("Version"), env!("CARGO_PKG_VERSION"));

    assert_eq!(get(&url, "/"), "200");
    assert_eq!(get(&url, "/missing?a=b"), "404");
    terminal.until("both requests", |rows| {
        request(rows, &["GET", "/", "200", "OK"])?;
        request(rows, &["GET", "/missing?a=b", "404", "Not", "Found"]).cloned()
    });
    // The newest is on top.
    let rows = terminal.rows();
    let at = |parts: &[&str]| {
        let row = request(&rows, parts).unwrap();
        rows.iter().position(|r| r == row).unwrap()
    };
    assert!(at(&["GET", "/missing?a=b"]) < at(&["GET", "/", "200"]), "{rows:?}");
    terminal.until("the count of connections", |rows| {
        let names = rows.iter().position(|row| row.contains("ttl") && row.contains("p90"))?;
        rows[names + 1].split_whitespace().next()?.parse::<u64>().ok().filter(|n| *n >= 2)
    });

    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
}

#[test]
fn it_fits_whatever_size_the_terminal_gets() {
    let home = tempfile::tempdir().unwrap();
    let (mut terminal, url) = serving(&home, &[], (80, 24));
    assert_eq!(get(&url, "/"), "200");
    terminal.until("the request", |rows| request(rows, &["GET", "/", "200"]).cloned());
    for (cols, rows) in [(120, 40), (40, 12), (20, 4), (200, 50), (80, 24)] {
        terminal.resize(cols, rows);
        terminal.until("the last row", |shown| {
            let last = shown.get(usize::from(rows) - 1)?;
            let heading = rows < 6 || shown.iter().any(|row| row.starts_with("HTTP Requests"));
            (last.starts_with("? help") && heading).then_some(())
        });
    }
    terminal.until("the request", |rows| request(rows, &["GET", "/", "200"]).cloned());
    terminal.press("\x03");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
}

#[test]
fn requests_are_filtered_selected_and_explained() {
    let home = tempfile::tempdir().unwrap();
    let (mut terminal, url) = serving(&home, &["--basic-auth", "ann:long password"], (100, 30));
    assert_eq!(get(&url, "/one"), "401");
    assert_eq!(get(&url, "/two"), "401");
    terminal.until("both", |rows| {
        request(rows, &["GET", "/one", "401", "Unauthorized"])?;
        request(rows, &["GET", "/two", "401", "Unauthorized"]).cloned()
    });
    terminal.press("/one\r");
    terminal.until("only one", |rows| {
        request(rows, &["GET", "/two"]).is_none().then_some(())?;
        request(rows, &["GET", "/one"]).cloned()
    });
    terminal.text("1 of 2");
    terminal.press("\r");
    let decided = terminal.until("its decisions", |rows| {
        let rule = rows.iter().position(|row| row.starts_with("───"))?;
        rows.get(rule + 2).filter(|row| !row.is_empty()).cloned()
    });
    assert!(decided.starts_with("basic-auth") || decided.contains("basic"), "{decided}");
    terminal.press("\x1b");
    terminal.until("the list alone", |rows| {
        rows.iter().all(|row| !row.starts_with("───")).then_some(())
    });
    terminal.press("?");
    terminal.text("any key goes back");
    terminal.press(" u");
    terminal.text("▀");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
}

#[test]
fn signals_end_it_and_leave_the_terminal_as_it_was() {
    for signal in ["-TERM", "-INT"] {
        let home = tempfile::tempdir().unwrap();
        let (mut terminal, _) = serving(&home, &[], (80, 24));
        terminal.signal(signal);
        assert_eq!(terminal.end(), 0, "{signal}");
        terminal.assert_given_back();
    }
}

#[test]
fn what_went_wrong_is_said_on_the_terminal_that_was_given_back() {
    let home = tempfile::tempdir().unwrap();
    let twice = "version: 3\nendpoints:\n\
                 - {name: a, url: 'http://a.localhost', upstream: {url: 1}}\n\
                 - {name: b, url: 'http://a.localhost', upstream: {url: 2}}\n";
    fs::write(home.path().join("twice.yml"), twice).unwrap();
    let mut terminal = adit(&home, &["start", "--all", "--config", "twice.yml"], (120, 24));
    assert_eq!(terminal.end(), 1);
    terminal.assert_given_back();
    let rows = terminal.rows();
    assert!(rows.iter().any(|row| row.contains("failed to start endpoint \"b\"")), "{rows:?}");
}

#[test]
fn without_the_console_there_are_lines_or_records() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("off.yml"), "version: 3\nagent: {console_ui: false}\n").unwrap();
    let mut terminal = adit(&home, &["http", "1", "--config", "off.yml"], (200, 50));
    terminal.text("msg=\"started tunnel\"");
    assert!(!terminal.is_taken());
    terminal.press("\x03");
    assert_eq!(terminal.end(), 0);

    let mut terminal = adit(&home, &["http", "1", "--log", "stdout"], (200, 50));
    terminal.text("msg=\"started tunnel\"");
    assert!(!terminal.is_taken());
    terminal.press("\x03");
    assert_eq!(terminal.end(), 0);
    assert!(terminal.rows().iter().all(|row| !row.starts_with("Forwarding")));
}

#[test]
fn a_terminal_that_cannot_move_its_cursor_gets_lines_under_the_name_of_the_program() {
    let home = tempfile::tempdir().unwrap();
    let ngrok = home.path().join("ngrok");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_adit"), &ngrok).unwrap();
    let dumb = [("TERM", "dumb")];
    let mut terminal = Terminal::start_with(&ngrok, &["http", "1"], home.path(), (80, 24), &dumb);
    terminal.text("Forwarding  http://");
    assert!(!terminal.is_taken());
    assert!(terminal.rows()[0].starts_with("ngrok 3."), "{:?}", terminal.rows());
    terminal.press("\x03");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn records_on_a_terminal_have_colours_unless_nobody_wants_them() {
    let home = tempfile::tempdir().unwrap();
    for (value, is_coloured) in [("", true), ("1", false)] {
        let (program, env) = (Path::new(env!("CARGO_BIN_EXE_adit")), [("NO_COLOR", value)]);
        let args = ["http", "1", "--log", "stdout"];
        let mut terminal = Terminal::start_with(program, &args, home.path(), (200, 50), &env);
        terminal.text("msg=\"started tunnel\"");
        assert_eq!(terminal.has_colours(), is_coloured, "NO_COLOR={value}");
        terminal.press("\x03");
        assert_eq!(terminal.end(), 0);
    }
}

#[test]
fn a_log_in_a_file_and_the_console_go_together() {
    let home = tempfile::tempdir().unwrap();
    let (mut terminal, _) = serving(&home, &["--log", "adit.log"], (80, 24));
    assert!(terminal.is_taken());
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    let log = fs::read_to_string(home.path().join("adit.log")).unwrap();
    assert!(log.contains("msg=\"received stop request\""), "{log}");
}

#[test]
fn the_code_of_the_url_is_shown_when_it_is_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let dir = format!("file://{}", home.path().display());
    let mut terminal = adit(&home, &["http", &dir, "--qr"], (80, 40));
    terminal.text("▀");
    terminal.text(".localhost:");
    terminal.press(" ");
    terminal.row("Session Status");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    terminal.assert_given_back();
}

#[test]
fn without_a_terminal_the_code_stands_below_the_url() {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_adit"));
    // Short enough for a code of 25 modules, whatever the port is.
    command.args(["http", "1", "--qr", "--url", "http://code.localhost"]);
    command.env_clear().env("HOME", home.path());
    let mut child = command.current_dir(home.path()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.starts_with("Forwarding")).unwrap();
    // Two modules a row, within a quiet zone of four all around.
    let code: Vec<String> = lines.by_ref().take(17).collect();
    assert!(code[..2].iter().all(|row| row.trim().is_empty()), "{code:?}");
    assert!(code[2].starts_with("    █▀▀▀▀▀█ ") && code[2].ends_with(" █▀▀▀▀▀█    "), "{code:?}");
    assert!(code.iter().all(|row| row.chars().count() == 33), "{code:?}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_terminal_that_nobody_reads_stops_neither_traffic_nor_the_end() {
    let home = tempfile::tempdir().unwrap();
    let (mut terminal, url) = serving(&home, &[], (200, 50));
    // Frames for a second and more, each a whole one: what the terminal takes is used up.
    let began = Instant::now();
    let mut rows = 50;
    while began.elapsed() < Duration::from_millis(1500) {
        rows = if rows == 50 { 60 } else { 50 };
        terminal.resize(200, rows);
        assert_eq!(get(&url, "/"), "200");
    }
    let asked = Instant::now();
    assert_eq!(get(&url, "/"), "200");
    terminal.signal("-TERM");
    assert_eq!(terminal.end_unread(), 0);
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
}
