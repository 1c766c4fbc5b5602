use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;
use crate::model::{Body, Headers, Request, fixture};

fn entry(method: &str, target: &str, headers: &[(&str, &str)], body: Body) -> Entry {
    let plain = fixture::entry();
    let request = Request {
        method: method.parse().unwrap(),
        target: target.into(),
        headers: Headers::collect(headers.iter().map(|(n, v)| (*n, v.as_bytes()))),
        body,
        ..plain.request
    };
    Entry { request, ..plain }
}

fn of(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> String {
    let body = Body::whole(body.to_owned());
    command(&entry(method, target, headers, body), Secrets::Mask)
}

#[test]
fn a_plain_request_is_a_plain_command() {
    let headers = [("host", "app.example"), ("accept", "*/*"), ("connection", "close")];
    let expected = "curl 'https://app.example/a?b=1&c' -H 'Accept: */*'";
    assert_eq!(of("GET", "/a?b=1&c", &headers, ""), expected);
    assert_eq!(of("HEAD", "/", &[], ""), "curl --head https://app.example/");
    assert_eq!(of("DELETE", "/", &[], ""), "curl -X DELETE https://app.example/");
}

#[test]
fn bodies_encodings_and_odd_urls_have_their_options() {
    let json = [("content-type", "application/json"), ("content-length", "9")];
    let expected = "curl https://app.example/ -H 'Content-Type: application/json' \
                    --data-raw '{\"a\":'\\''b'\\''}'";
    assert_eq!(of("POST", "/", &json, "{\"a\":'b'}"), expected);
    let expected = "curl -X PUT https://app.example/ -H Content-Type: --data-raw @x";
    assert_eq!(of("PUT", "/", &[], "@x"), expected);
    let expected = "curl https://app.example/ -H 'Accept-Encoding: gzip' --compressed";
    assert_eq!(of("GET", "/", &[("accept-encoding", "gzip")], ""), expected);
    let expected = "curl --globoff --path-as-is 'https://app.example/../[1]'";
    assert_eq!(of("GET", "/../[1]", &[], ""), expected);
    let expected = "curl https://app.example/ -H 'Host: other' -H 'X-Empty;'";
    assert_eq!(of("GET", "/", &[("host", "other"), ("x-empty", "")], ""), expected);
}

#[test]
fn octets_go_through_base64_and_a_cut_body_says_so() {
    let cut = Body { bytes: b"a\0".to_vec().into(), total: 9 };
    let got = command(&entry("POST", "/", &[], cut), Secrets::Mask);
    let expected = "# Only 2 of 9 bytes of the body were kept.\n\
                    printf %s YQA= | base64 -d | curl https://app.example/ -H Content-Type: \
                    --data-binary @-";
    assert_eq!(got, expected);
}

#[test]
fn secrets_are_masked_unless_asked_for() {
    let entry = entry("GET", "/", &[("authorization", "Bearer x")], Body::default());
    assert!(command(&entry, Secrets::Mask).contains("'Authorization: ***'"));
    assert!(command(&entry, Secrets::Include).contains("'Authorization: Bearer x'"));
}

/// What curl would be called with, by a real shell.
fn by_shell(line: &str) -> Vec<String> {
    let script = format!("curl() {{ printf '%s\\0' \"$@\"; }}\n{line}\n");
    let output = Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator('\0').map(str::to_owned).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_shell_sees_what_was_sent_and_nothing_else(
        target in "/[!-~ä]{0,30}", value in "[ -~]{1,30}", body in "[ -~\n\t\"'`$!;&|<>\\\\ä]{1,60}",
    ) {
        let line = of("POST", &target, &[("x-any", &value)], &body);
        let arguments = by_shell(&line);
        prop_assert!(arguments.contains(&format!("https://app.example{target}")), "{}", line);
        let header = format!("X-Any: {value}");
        prop_assert!(arguments.contains(&header), "{}", line);
        prop_assert_eq!(&arguments[arguments.len() - 2..], ["--data-raw", &body]);
    }
}
