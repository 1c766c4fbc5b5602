use adit_policy_rules::limits;

use super::*;
use crate::bindings::adit::policy::types::ErrorKind;

fn head(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

fn lines(headers: &HeaderMap) -> Vec<String> {
    let line = |(name, value): (&HeaderName, &HeaderValue)| {
        format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))
    };
    headers.iter().map(line).collect()
}

fn arrived() -> HeaderMap {
    head(&[("host", "h"), ("a", "1"), ("b", "2"), ("b", "3"), ("c", "4"), ("d", "5")])
}

#[test]
fn setting_replaces_every_line_of_a_name_and_appending_adds_one() {
    let (mut headers, mut journal) = (arrived(), Journal::default());
    journal.set(&mut headers, "B", b"new".to_vec()).unwrap();
    journal.append(&mut headers, "b", b"more".to_vec()).unwrap();
    journal.append(&mut headers, "e", b"6".to_vec()).unwrap();
    journal.remove(&mut headers, "a").unwrap();
    journal.remove(&mut headers, "nothing").unwrap();
    let expected = ["host: h", "e: 6", "b: new", "b: more", "c: 4", "d: 5"];
    assert_eq!(lines(&headers), expected);
}

#[test]
fn undone_the_head_is_what_it_was_order_included() {
    let (mut headers, mut journal) = (arrived(), Journal::default());
    let step = |journal: &mut Journal, headers: &mut HeaderMap, n: usize| match n % 7 {
        0 => journal.set(headers, "b", b"x".to_vec()),
        1 => journal.remove(headers, "a"),
        2 => journal.append(headers, "c", b"y".to_vec()),
        3 => journal.set(headers, "new", b"z".to_vec()),
        4 => journal.remove(headers, "b"),
        5 => journal.append(headers, "a", b"again".to_vec()),
        _ => journal.remove(headers, "new"),
    };
    for n in 0..20 {
        step(&mut journal, &mut headers, n).unwrap();
        assert_eq!(lines(&journal.original(&headers)), lines(&arrived()), "after {n}");
    }
    journal.undo(&mut headers);
    assert_eq!(lines(&headers), lines(&arrived()));
}

#[test]
fn a_journal_does_not_grow_with_a_guests_zeal() {
    let (mut headers, mut journal) = (arrived(), Journal::default());
    for n in 0..10 * MAX_STEPS {
        journal.set(&mut headers, "a", n.to_string().into_bytes()).unwrap();
        journal.remove(&mut headers, "b").unwrap();
    }
    assert!(journal.steps.len() <= MAX_STEPS);
    assert_eq!(headers["a"], (10 * MAX_STEPS - 1).to_string());
    journal.undo(&mut headers);
    assert_eq!(lines(&headers), lines(&arrived()));
}

#[test]
fn names_and_values_that_could_break_a_head_are_refused_and_change_nothing() {
    let (mut headers, mut journal) = (arrived(), Journal::default());
    for (name, value) in [
        ("", "x"),
        ("a b", "x"),
        ("a:", "x"),
        ("a\r\nb", "x"),
        ("a", "x\r\nevil: 1"),
        ("a", "x\n"),
        ("a", "\0"),
        ("a", "\x7f"),
        ("connection", "close"),
        ("Content-Length", "3"),
        ("transfer-encoding", "chunked"),
        ("HOST", "evil"),
        ("keep-alive", "1"),
        ("proxy-connection", "close"),
        ("te", "trailers"),
        ("trailer", "x"),
        ("upgrade", "h2c"),
    ] {
        let set = journal.set(&mut headers, name, value.as_bytes().to_vec());
        assert_eq!(set.unwrap_err().kind, ErrorKind::Invalid, "{name:?}: {value:?}");
        let append = journal.append(&mut headers, name, value.as_bytes().to_vec());
        assert_eq!(append.unwrap_err().kind, ErrorKind::Invalid, "{name:?}: {value:?}");
    }
    for name in ["host", "Content-Length", "upgrade", "a b"] {
        let removed = journal.remove(&mut headers, name);
        assert_eq!(removed.unwrap_err().kind, ErrorKind::Invalid, "{name:?}");
    }
    assert_eq!(lines(&headers), lines(&arrived()));
    journal.set(&mut headers, "a", b"caf\xc3\xa9\tok".to_vec()).unwrap();
}

#[test]
fn a_head_has_so_many_lines_and_octets_after_edits_and_shrinking_is_always_fine() {
    let (mut headers, mut journal) = (arrived(), Journal::default());
    for n in headers.len()..limits::HEAD_LINES {
        journal.append(&mut headers, "x", n.to_string().into_bytes()).unwrap();
    }
    let more = journal.append(&mut headers, "x", b"1".to_vec()).unwrap_err();
    assert_eq!(more.kind, ErrorKind::Limit);
    assert_eq!(more.message, "head has 257 header lines, limit is 256");
    journal.set(&mut headers, "x", b"1".to_vec()).unwrap();
    let large = vec![b'x'; limits::HEADER_VALUE];
    for name in ["l1", "l2", "l3"] {
        journal.set(&mut headers, name, large.clone()).unwrap();
    }
    let more = journal.set(&mut headers, "l4", large.clone()).unwrap_err();
    assert_eq!(more.kind, ErrorKind::Limit);
    journal.remove(&mut headers, "l1").unwrap();
    journal.set(&mut headers, "l4", large).unwrap();
}

#[test]
fn a_head_that_arrived_too_large_can_still_be_made_smaller() {
    let mut headers = HeaderMap::new();
    for n in 0..limits::HEAD_LINES + 10 {
        headers.append("x", HeaderValue::from(n));
    }
    headers.insert("y", HeaderValue::from_static("long"));
    let mut journal = Journal::default();
    journal.set(&mut headers, "y", b"l".to_vec()).unwrap();
    assert!(journal.append(&mut headers, "z", b"1".to_vec()).is_err());
    journal.remove(&mut headers, "x").unwrap();
    journal.append(&mut headers, "z", b"1".to_vec()).unwrap();
}

#[test]
fn changes_name_what_is_different_and_nothing_else() {
    let (mut headers, mut journal) = (arrived(), Journal::default());
    journal.set(&mut headers, "a", b"1".to_vec()).unwrap();
    journal.set(&mut headers, "c", b"new".to_vec()).unwrap();
    journal.remove(&mut headers, "d").unwrap();
    let value = HeaderValue::from_static("new");
    let header = |name| HeaderName::from_static(name);
    let expected = [Edit::Header(header("c"), vec![value]), Edit::Header(header("d"), Vec::new())];
    assert_eq!(journal.changes(&headers), expected);
}

#[test]
fn reading_finds_any_case_and_every_line() {
    let headers = arrived();
    assert_eq!(first(&headers, "B").as_deref(), Some(b"2".as_slice()));
    assert_eq!(first(&headers, "nothing"), None);
    assert_eq!(first(&headers, "not a name"), None);
    assert_eq!(values(&headers, "b"), [b"2".to_vec(), b"3".to_vec()]);
    assert_eq!(fields(&headers).len(), 6);
    assert_eq!(fields(&headers)[3].name, "b");
}
