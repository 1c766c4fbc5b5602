//! The binary as users run it: what it prints, where, and how it ends.
#![allow(clippy::unwrap_used)]

mod home;

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use self::home::{adit, output};

/// Longest time that any single thing may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// What a refused command line says on standard error; it says nothing else.
fn refused(args: &[&str]) -> String {
    let output = output(args);
    assert_eq!(output.status.code(), Some(1), "{args:?}");
    assert_eq!(output.stdout, b"", "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A running agent, ended when it is dropped.
struct Agent {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    _home: TempDir,
}

impl Agent {
    fn start(home: TempDir, args: &[&str]) -> Self {
        let mut command = adit(&home, args);
        let mut child = command.arg("--log=stdout").stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, _home: home }
    }

    /// The next endpoint's URL, and where it leads.
    fn forwarding(&mut self) -> (String, String) {
        let mut lines = self.lines.by_ref().map(Result::unwrap);
        let line = lines.find(|line| line.contains("\"started tunnel\"")).expect("the record");
        let (rest, url) = line.rsplit_once(" url=").expect("the url is last");
        let (_, addr) = rest.rsplit_once(" addr=").expect("the address is before it");
        (url.to_owned(), addr.to_owned())
    }

    fn end(mut self, signal: &str) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let asked = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(asked.elapsed() < DEADLINE, "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request to a URL under `.localhost`: status line, and body.
fn get(url: &str) -> (String, String) {
    let authority = url.strip_prefix("http://").unwrap();
    let (_, port) = authority.rsplit_once(':').unwrap();
    let mut socket = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let head = format!("GET / HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

#[test]
fn the_main_job_needs_nothing_but_the_binary() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("index.html"), "it works").unwrap();
    let dir = format!("file://{}", home.path().display());
    let mut agent = Agent::start(home, &["http", &dir]);
    let (url, upstream) = agent.forwarding();
    assert_eq!(upstream, dir);
    let host = url.strip_prefix("http://").unwrap().split(':').next().unwrap();
    let (words, domain) = host.split_once('.').unwrap();
    assert_eq!((words.split('-').count(), domain), (2, "localhost"));
    assert_eq!(get(&url), ("HTTP/1.1 200 OK".to_owned(), "it works".to_owned()));
    assert_eq!(agent.end("-TERM"), Some(0));
}

#[test]
fn the_main_job_needs_no_home_that_can_be_written() {
    let home = tempfile::tempdir().unwrap();
    let mut command = adit(&home, &["http", "1", "--url=https://", "--log=stdout"]);
    let mut child = command.env("HOME", "/dev/null").stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut agent = Agent { child, lines, _home: home };
    let mut lines = agent.lines.by_ref().map(Result::unwrap);
    let warning =
        lines.find(|line| line.contains("the authority of this edge")).expect("a warning");
    assert!(warning.contains("lvl=warn") && warning.contains("/dev/null/.local"), "{warning}");
    assert!(agent.forwarding().0.starts_with("https://"));
    assert_eq!(agent.end("-TERM"), Some(0));
}

#[test]
fn a_name_that_leads_elsewhere_is_told_where_the_edge_is_embedded() {
    for (host, is_told) in [("app.example.com", true), ("app.localhost", false)] {
        let home = tempfile::tempdir().unwrap();
        let mut agent = Agent::start(home, &["http", "1", "--url", host]);
        let mut records = agent.lines.by_ref().map(Result::unwrap);
        let until = |record: &String| !record.contains("\"started tunnel\"");
        let records: Vec<_> = records.by_ref().take_while(until).collect();
        let told =
            |r: &&String| r.contains("lvl=warn") && r.contains("this host does not lead here");
        let warning = records.iter().find(told);
        assert_eq!(warning.is_some_and(|record| record.contains(host)), is_told, "{records:?}");
    }
}

#[test]
fn update_ends_well_and_says_who_updates() {
    let output = output(&["update"]);
    assert!(output.status.success());
    assert_eq!(output.stderr, b"");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.starts_with("adit version ") && said.contains("does not replace itself"),
        "{said}"
    );
}

#[test]
fn a_refusal_that_nobody_reads_still_ends_with_1() {
    let home = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = adit(&home, &["http", "80", "--nonsense"]).stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn an_interrupt_ends_it_with_0_and_frees_its_ports() {
    let home = tempfile::tempdir().unwrap();
    let mut agent = Agent::start(home, &["tcp", "1"]);
    let (url, _) = agent.forwarding();
    let port: u16 = url.rsplit_once(':').unwrap().1.parse().unwrap();
    assert_eq!(agent.end("-INT"), Some(0));
    TcpListener::bind(("127.0.0.1", port)).unwrap();
}

#[test]
fn a_deprecated_flag_is_told_in_the_log_and_nowhere_else() {
    let home = tempfile::tempdir().unwrap();
    let mut command = adit(&home, &["start", "--none", "--region", "us", "--log=stdout"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first = lines.map(Result::unwrap).next().unwrap();
    child.kill().unwrap();
    assert_eq!(String::from_utf8_lossy(&child.wait_with_output().unwrap().stderr), "");
    let told = "lvl=info msg=\"command usage\" msg=\"Flag --region has been deprecated, ngrok \
                automatically chooses the region with lowest latency\"";
    assert!(first.ends_with(told), "{first}");
}

#[test]
fn with_a_log_on_standard_output_nothing_else_stands_there() {
    let home = tempfile::tempdir().unwrap();
    // What a script passes from a variable that is not set is not said.
    let mut agent = Agent::start(home, &["http", "1", "--log-format=logfmt", "--name="]);
    let mut records = Vec::new();
    let url = loop {
        let line = agent.lines.next().unwrap().unwrap();
        assert!(
            line.starts_with("t=20") && line.contains(" lvl=") && line.contains(" msg="),
            "{line}"
        );
        records.push(line.clone());
        if line.contains("msg=\"started tunnel\"") {
            break line.rsplit_once(" url=").expect("url is last").1.to_owned();
        }
    };
    let position = |msg: &str| records.iter().position(|r| r.contains(&format!("msg=\"{msg}\"")));
    assert!(position("client session established") < position("tunnel session started"));
    assert!(position("tunnel session started").is_some());
    assert!(records.last().is_some_and(|r| r.contains(" name=command_line ")), "{records:?}");
    let (status, body) = get(&url);
    assert_eq!(status, "HTTP/1.1 502 Bad Gateway");
    assert!(body.contains("ERR_NGROK_8012") && body.contains("localhost:1"), "{body}");
}

#[test]
fn a_public_code_stands_on_a_line_of_its_own() {
    for (args, code) in [
        (&["--url=https://a..b"][..], 9034),
        (&["--url=https://a.example:8443"], 9035),
        (&["--url=ftp://a.example"], 9036),
        (&["--url=https://a.example/path"], 9037),
        (&["--url=https://a.example/"], 9038),
        (&["--binding=internal"], 9028),
        (&["--binding=internal", "--url=https://a.example"], 9029),
        (&["--domain=a.example", "--subdomain=b"], 9021),
        (&["--domain=a.example", "--hostname=b.example"], 9021),
        (&["--basic-auth=:a long password"], 359),
        (&["--basic-auth=ann:short"], 360),
        (&["--circuit-breaker=20"], 361),
        (&["--cidr-allow=nonsense"], 362),
        (&["--cidr-deny=192.0.2.1/32"], 393),
        (&["--request-header-add=nonsense"], 370),
        (&["--response-header-add=nonsense"], 371),
        (&["--request-header-add=a b:c"], 372),
        (&["--response-header-add=a b:c"], 373),
        (&["--request-header-add=a:\u{1}"], 374),
        (&["--request-header-add=A:b", "--request-header-add=a:c"], 375),
    ] {
        let text = refused(&[&["http", "80"], args].concat());
        let lines: Vec<_> = text.lines().collect();
        let link = format!("ERROR:  https://ngrok.com/docs/errors/err_ngrok_{code}");
        let code = format!("ERROR:  ERR_NGROK_{code}");
        assert_eq!(lines[1..], ["ERROR:", &code, &link], "{text}");
        assert!(lines[0].starts_with("ERROR:  --"), "{text}");
    }
}

#[test]
fn on_a_pipe_without_a_log_it_says_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut command = adit(&home, &["http", "1", "--config", "adit.yml"]);
    let web = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fs::write(home.path().join("adit.yml"), format!("version: 3\nagent: {{web_addr: '{web}'}}\n"))
        .unwrap();
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let listed = || {
        let mut socket = TcpStream::connect(web).ok()?;
        let request =
            format!("GET /api/tunnels HTTP/1.1\r\nhost: {web}\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).ok()?;
        answer.contains("\"name\":\"command_line\"").then_some(())
    };
    let began = Instant::now();
    while listed().is_none() {
        assert!(began.elapsed() < DEADLINE, "it does not come up");
        std::thread::sleep(Duration::from_millis(10));
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = (output.status.code(), output.stdout, output.stderr);
    assert_eq!(said, (Some(0), Vec::new(), Vec::new()));
}

#[test]
fn endpoints_of_a_file_start_by_name() {
    let home = tempfile::tempdir().unwrap();
    let file = "version: 3\nendpoints:\n- {name: a, upstream: {url: 1}}\n- {name: b, upstream: {url: 2}}\n";
    fs::write(home.path().join("adit.yml"), file).unwrap();
    let mut agent = Agent::start(home, &["start", "b", "--config", "adit.yml"]);
    assert_eq!(agent.forwarding().1, "http://localhost:2");
    assert_eq!(agent.end("-TERM"), Some(0));
}

#[test]
fn help_fits_80_columns_and_begins_with_what_it_is_for() {
    for args in [&["--help"][..], &["http", "--help"], &["edge", "--help"], &[]] {
        let output = output(args);
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.lines().find(|line| line.chars().count() > 80), None);
        assert_eq!(output.stderr, b"");
    }
}

#[test]
fn the_version_is_one_line() {
    let output = output(&["version"]);
    assert_eq!(output.stdout, format!("adit version {}\n", env!("CARGO_PKG_VERSION")).as_bytes());
}

#[test]
fn a_wrong_command_line_gets_one_line_and_starts_nothing() {
    let cases: &[(&[&str], &str)] = &[
        (&["htp"], "ERROR:  unknown command htp; did you mean http?\n"),
        (
            &["http", "80", "--domian", "x"],
            "ERROR:  unknown flag or argument --domian; did you mean --domain?\n",
        ),
        (
            &["http", "80", "--oidc", "x"],
            "ERROR:  --oidc: endpoint \"command_line\": oidc has no client_id; add it \
             (--oidc-client-id)\nERROR:\nERROR:  ERR_NGROK_386\n\
             ERROR:  https://ngrok.com/docs/errors/err_ngrok_386\n",
        ),
        (
            &["http", "70000"],
            "ERROR:  upstream: upstream address \"70000\": \"70000\" is not a port; write a number from 1 to 65535\n",
        ),
        (
            &["tunnel", "80", "--label=a=b", "--crt=c.pem", "--key=k.pem"],
            "ERROR:  --crt: crt has no meaning for a labelled tunnel; remove it\n\
             ERROR:  --key: key has no meaning for a labelled tunnel; remove it\n",
        ),
        (&["start"], "ERROR:  name the endpoints to start, or use --all or --none\n"),
        (
            &["tls", "443", "--crt", "none.pem", "--key", "none.pem", "--terminate-at", "agent"],
            "ERROR:  --crt: could not read a PEM file: none.pem: No such file or directory (os error 2)\n",
        ),
        (
            &["edge", "--domain", "a.example", "--cert", "x"],
            "ERROR:  --cert and --key need each other: 1 and 0 were given\n",
        ),
        (
            &["edge", "--domain", "a.example"],
            "ERROR:  no tokens: no agent could connect; make one with `adit edge token`\n",
        ),
    ];
    for (args, expected) in cases {
        assert_eq!(refused(args), *expected);
    }
}

#[test]
fn tls_that_ends_at_an_agent_without_a_certificate_names_the_keys_that_give_one() {
    let home = tempfile::tempdir().unwrap();
    let args =
        ["tls", "443", "--url=tls://a.test", "--terminate-at=agent", "--connect-url=localhost:1"];
    let output = adit(&home, &[&args[..], &["--authtoken=t"]].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("its TLS ends at the agent, which has no certificate; give crt and key"),
        "{told}"
    );
}

#[test]
fn help_can_be_asked_for_help() {
    for (twice, once) in [
        (&["help", "--help"][..], &["help"][..]),
        (&["help", "-h"], &["help"]),
        (&["help", "config", "check", "--help"], &["help", "config", "check"]),
    ] {
        let (twice, once) = (output(twice), output(once));
        assert_eq!(twice.status.code(), Some(0));
        assert_eq!(twice.stdout, once.stdout);
    }
}

#[test]
fn a_plan_for_programs_stands_alone_on_standard_output() {
    let home = tempfile::tempdir().unwrap();
    let file = "version: 3\nagent: {log: stdout}\nendpoints: [{name: web, upstream: {url: 80}}]\n";
    fs::write(home.path().join("a.yml"), file).unwrap();
    let output = adit(&home, &["explain", "--json", "--config=a.yml"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with('{'), "{text}");
}

#[test]
fn endpoints_that_a_later_file_replaces_are_told_in_the_log() {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, rest: &str| {
        fs::write(home.path().join(name), format!("version: 3\n{rest}")).unwrap();
    };
    write("a.yml", "endpoints: [{name: a, upstream: {url: 80}}]\n");
    write("b.yml", "agent: {metadata: m}\n");
    write("c.yml", "endpoints: [{name: c, upstream: {url: 80}}]\n");
    let args = ["explain", "--config=a.yml,b.yml,c.yml", "--log=log.txt"];
    let output = adit(&home, &args).output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("\nc  (c.yml:2:20)\n"));
    let log = fs::read_to_string(home.path().join("log.txt")).unwrap();
    let warnings: Vec<_> = log.lines().filter(|line| line.contains("lvl=warn")).collect();
    let told =
        "msg=\"endpoints are replaced by those of a later file\" obj=config place=a.yml:2:12";
    assert!(matches!(warnings.as_slice(), [line] if line.ends_with(told)), "{log}");
}
