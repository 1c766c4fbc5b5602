use adit_chain::Origin;
use http::{StatusCode, Version};

use super::*;
use crate::model::{Response, fixture};

fn entry(status: Option<u16>, headers: &[(&str, &str)], body: impl Into<bytes::Bytes>) -> Entry {
    let headers = Headers::collect(headers.iter().map(|(n, v)| (*n, v.as_bytes())));
    let body = Body::whole(body);
    let response = status.map(|status| Response {
        status: StatusCode::from_u16(status).unwrap(),
        version: Version::HTTP_11,
        origin: Origin::Upstream,
        headers,
        body,
        trailers: None,
    });
    Entry { response, ..fixture::entry() }
}

fn response(left: &Entry, right: &Entry) -> SideDiff {
    diff(left, right).response.unwrap()
}

fn brief(headers: &[HeaderDiff]) -> Vec<(&str, Option<&str>, Option<&str>, Change)> {
    let brief = |h: &HeaderDiff| h.change;
    headers.iter().map(|h| (&*h.name, h.left.as_deref(), h.right.as_deref(), brief(h))).collect()
}

#[test]
fn headers_are_compared_by_name() {
    let left = entry(Some(200), &[("a", "1"), ("x", "1"), ("b", "1"), ("x", "2")], "");
    let right = entry(Some(404), &[("b", "2"), ("X", "1"), ("c", "3"), ("a", "1")], "");
    let got = response(&left, &right);
    assert_eq!((&*got.left, &*got.right), ("HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found"));
    let expected = [
        ("A", Some("1"), Some("1"), Change::Same),
        ("X", Some("1"), Some("1"), Change::Same),
        ("X", Some("2"), None, Change::Removed),
        ("B", Some("1"), Some("2"), Change::Changed),
        ("C", None, Some("3"), Change::Added),
    ];
    assert_eq!(brief(&got.headers), expected);
    assert_eq!(got.body, BodyDiff::Same);
}

#[test]
fn json_is_compared_line_by_line() {
    let json = [("content-type", "application/json")];
    let left = entry(Some(200), &json, r#"{"a":1,"b":[true],"c":null}"#);
    let right = entry(Some(200), &json, r#"{"a":1,"b":[false],"c":null}"#);
    let BodyDiff::Text { is_pretty: true, hunks } = response(&left, &right).body else { panic!() };
    let marked = |line: &Line| {
        let mark = match line.change {
            Change::Added => '+',
            Change::Removed => '-',
            _ => ' ',
        };
        format!("{mark}{}", line.text)
    };
    let lines: Vec<_> = hunks.iter().flatten().map(marked).collect();
    let expected = [
        " {",
        "   \"a\": 1,",
        "   \"b\": [",
        "-    true",
        "+    false",
        "   ],",
        "   \"c\": null",
        " }",
    ];
    assert_eq!(lines, expected);
    let changed = &hunks[0][3];
    assert_eq!((changed.left, changed.right), (Some(4), None));
}

#[test]
fn what_cannot_be_compared_is_said() {
    let octets = |bytes: &'static [u8]| entry(Some(200), &[], bytes);
    assert_eq!(response(&octets(b"\0a"), &octets(b"\0b")).body, BodyDiff::Binary);
    assert_eq!(response(&octets(b"\0a"), &octets(b"\0a")).body, BodyDiff::Same);
    let long = |c: &str| entry(Some(200), &[], format!("{c}\n").repeat(MAX_LINES / 2 + 1));
    assert_eq!(response(&long("a"), &long("b")).body, BodyDiff::TooLarge);
}

#[test]
fn a_side_that_is_not_there_is_empty() {
    let some = entry(Some(200), &[("a", "1")], "text");
    let none = entry(None, &[], "");
    assert_eq!(diff(&none, &none).response, None);
    let got = response(&none, &some);
    assert_eq!((&*got.left, &*got.right), ("", "HTTP/1.1 200 OK"));
    assert_eq!(brief(&got.headers), [("A", None, Some("1"), Change::Added)]);
    let BodyDiff::Text { hunks, .. } = got.body else { panic!() };
    let line = Line { change: Change::Added, left: None, right: Some(1), text: "text".into() };
    assert_eq!(hunks, [[line]]);
}

#[test]
fn many_differences_end_in_time() {
    let lines = |seed: usize| {
        let body: String = (0..9_000).map(|i| format!("{}\n", (i * seed) % 997)).collect();
        entry(Some(200), &[], body)
    };
    let began = std::time::Instant::now();
    assert!(matches!(response(&lines(31), &lines(37)).body, BodyDiff::Text { .. }));
    assert!(began.elapsed() < Duration::from_secs(10));
}
