use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use adit_chain::{Id, Origin};
use bytes::Bytes;
use http::{Method, StatusCode, Version};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    capture::Store,
    model::{Body, Entry, Headers, Kind, Message, Party, Request, Response, Source, State, Timing},
    secrets::Secrets,
};

fn headers(pairs: &[(&str, &str)]) -> Headers {
    Headers::collect(pairs.iter().map(|(n, v)| (*n, v.as_bytes())))
}

fn entry(request_body: Bytes, response: Option<(&[(&str, &str)], Bytes)>) -> Entry {
    let ms = Duration::from_millis;
    Entry {
        id: Id::next(),
        source: Source::Visitor,
        endpoint: "web".into(),
        url: "https://app.example".into(),
        client: Some("192.0.2.7:4711".parse().unwrap()),
        started: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
        request: Request {
            method: Method::POST,
            target: "/a?b=1&c=%20d".into(),
            version: Version::HTTP_11,
            headers: headers(&[
                ("host", "app.example"),
                ("cookie", "s=1; t=2"),
                ("authorization", "Basic x"),
            ]),
            body: Body::whole(request_body),
            trailers: None,
        },
        response: response.map(|(pairs, body)| Response {
            status: StatusCode::CREATED,
            version: Version::HTTP_2,
            origin: Origin::Handler,
            headers: headers(pairs),
            body: Body::whole(body),
            trailers: Some(headers(&[("x-sum", "9")])),
        }),
        decisions: Arc::default(),
        timing: Timing {
            edge: Some(ms(40)),
            handlers: Some(ms(1)),
            connect: Some(ms(2)),
            first_byte: Some(ms(3)),
            to_head: Some(ms(6)),
            total: Some(ms(10)),
        },
        state: State::Done,
        messages: None,
    }
}

fn archive(entries: Vec<Entry>, secrets: Secrets) -> String {
    pieces(entries.into_iter().map(Arc::new).collect(), secrets).collect()
}

fn written(entry: Entry, secrets: Secrets) -> Value {
    let archive: Value = serde_json::from_str(&archive(vec![entry], secrets)).unwrap();
    archive["log"]["entries"][0].clone()
}

#[test]
fn an_archive_has_the_fields_that_are_required() {
    let answer: &[(&str, &str)] = &[("content-type", "text/plain"), ("set-cookie", "n=v; Path=/")];
    let entry = entry("hi".into(), Some((answer, "hello".into())));
    let archive = archive(vec![entry.clone(), entry.clone()], Secrets::Include);
    let archive: Value = serde_json::from_str(&archive).unwrap();
    assert_eq!(archive["log"]["version"], "1.2");
    assert_eq!(archive["log"]["creator"]["name"], "adit");
    assert_eq!(archive["log"]["entries"].as_array().unwrap().len(), 2);
    let written = &archive["log"]["entries"][0];
    assert_eq!(written["startedDateTime"], "2023-11-14T22:13:20.123000Z");
    assert_eq!(written["time"], 10.0);
    assert_eq!(
        written["timings"],
        json!({ "blocked": 1.0, "dns": -1, "connect": 2.0, "ssl": -1, "send": 0, "wait": 3.0, "receive": 4.0 })
    );
    let request = &written["request"];
    assert_eq!(request["url"], "https://app.example/a?b=1&c=%20d");
    assert_eq!(
        request["cookies"],
        json!([{"name": "s", "value": "1"}, {"name": "t", "value": "2"}])
    );
    assert_eq!(
        request["queryString"],
        json!([{"name": "b", "value": "1"}, {"name": "c", "value": " d"}])
    );
    assert_eq!(request["postData"]["text"], "hi");
    let response = &written["response"];
    assert_eq!((&response["status"], &response["statusText"]), (&json!(201), &json!("Created")));
    assert_eq!(response["cookies"], json!([{"name": "n", "value": "v"}]));
    let content = json!({ "size": 5, "mimeType": "text/plain", "text": "hello" });
    assert_eq!(response["content"], content);
    let empty: Value =
        serde_json::from_str(&pieces(Vec::new(), Secrets::Mask).collect::<String>()).unwrap();
    assert_eq!(empty["log"]["entries"], json!([]));
}

#[test]
fn secrets_are_masked_unless_asked_for() {
    let answer: &[(&str, &str)] = &[("set-cookie", "n=secret")];
    let exchange = entry(Bytes::new(), Some((answer, Bytes::new())));
    let masked = written(exchange.clone(), Secrets::Mask).to_string();
    for secret in ["s=1", "Basic x", "secret", "\"value\":\"2\""] {
        assert!(!masked.contains(secret), "{secret} in {masked}");
    }
    assert!(masked.contains("***"));
    assert!(written(exchange, Secrets::Include).to_string().contains("n=secret"));
}

#[test]
fn what_we_wrote_comes_back_as_it_was() {
    // Gzip of "hello\n".
    let gzip =
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\0\x20\x30\x3a\x36\x06\0\0\0";
    let answer: &[(&str, &str)] = &[("content-encoding", "gzip"), ("content-type", "text/plain")];
    let before = entry(Bytes::from_static(b"\0\xff"), Some((answer, Bytes::from_static(gzip))));
    let har = archive(vec![before.clone()], Secrets::Include);
    let value: Value = serde_json::from_str(&har).unwrap();
    assert_eq!(value["log"]["entries"][0]["response"]["content"]["text"], "hello\n");
    let Imported { entries, skipped, .. } = import(har.as_bytes()).unwrap();
    assert_eq!((entries.len(), skipped), (1, 0));
    let after = &entries[0];
    assert_eq!(after.source, Source::Import);
    assert!(after.id > before.id);
    let facts = |e: &Entry| (e.endpoint.clone(), e.url.clone(), e.client, e.started, e.timing);
    assert_eq!(facts(after), facts(&before));
    let (a, b) = (&after.request, &before.request);
    assert_eq!((&a.method, &a.target, a.version), (&b.method, &b.target, b.version));
    assert_eq!((&a.headers, &a.body), (&b.headers, &b.body));
    let (a, b) = (after.response.as_ref().unwrap(), before.response.as_ref().unwrap());
    assert_eq!((a.status, a.version, a.origin), (b.status, b.version, b.origin));
    assert_eq!((&a.headers, &a.body, &a.trailers), (&b.headers, &b.body, &b.trailers));
}

#[test]
fn what_was_not_answered_comes_back_without_an_answer() {
    let mut before = entry(Bytes::new(), None);
    before.state = State::Failed(adit_chain::failure::RESET);
    let har = archive(vec![before], Secrets::Mask);
    let entries = import(har.as_bytes()).unwrap().entries;
    assert!(entries[0].response.is_none());
    assert_eq!(entries[0].state, State::Failed(adit_chain::failure::RESET));
}

#[test]
fn archives_of_browsers_are_read() {
    let har = json!({ "log": { "version": "1.2", "creator": {}, "pages": [], "entries": [
        {
            "startedDateTime": "2024-05-01T12:00:00.250+02:00", "time": 12.5,
            "request": { "method": "GET", "url": "https://shop.example:444/x?y#z",
                "httpVersion": "http/2.0",
                "headers": [{"name": ":authority", "value": "shop.example"}, {"name": "accept", "value": "*/*"}] },
            "response": { "status": 200, "httpVersion": "h3", "bodySize": 7,
                "headers": [{"name": "content-encoding", "value": "br"}, {"name": "content-type", "value": "text/html"}],
                "content": { "size": 9, "text": "PGh0bWw+", "encoding": "base64", "mimeType": "text/html" } },
            "timings": { "blocked": -1, "wait": 10, "receive": 2.5 }
        },
        { "request": { "method": "GET", "url": "not an address" }, "response": { "status": 200 } },
        { "request": {} },
        7
    ]}});
    let Imported { entries, skipped, .. } = import(har.to_string().as_bytes()).unwrap();
    assert_eq!((entries.len(), skipped), (1, 3));
    let entry = &entries[0];
    assert_eq!((&*entry.endpoint, &*entry.url), ("shop.example:444", "https://shop.example:444"));
    assert_eq!(&*entry.request.target, "/x?y");
    assert_eq!(entry.request.headers.as_wire(), "Accept: */*\r\n");
    assert_eq!((entry.request.version, entry.client), (Version::HTTP_2, None));
    let response = entry.response.as_ref().unwrap();
    // The body stands there without its encoding.
    assert_eq!(response.headers.as_wire(), "Content-Type: text/html\r\n");
    assert_eq!(response.body, Body::whole("<html>"));
    assert_eq!(entry.timing.total, Some(Duration::from_micros(12_500)));
    assert_eq!(entry.timing.to_head, Some(Duration::from_millis(10)));
}

#[test]
fn messages_come_back_as_they_were() {
    let store = Store::new(1024 * 1024);
    let message = |seq, from, kind, excerpt: &'static [u8]| Message {
        seq,
        from,
        kind,
        at: Duration::from_millis(seq),
        is_compressed: false,
        len: excerpt.len() as u64,
        excerpt: Bytes::from_static(excerpt),
    };
    let mut said = vec![
        message(1, Party::Visitor, Kind::Text, "h\u{e9}llo".as_bytes()),
        message(2, Party::Upstream, Kind::Binary, b"\0\xff"),
        message(3, Party::Upstream, Kind::Grpc, b"\x08\x01"),
        message(4, Party::Visitor, Kind::Ping, b""),
        message(5, Party::Upstream, Kind::Invalid, b"?"),
        message(6, Party::Visitor, Kind::Close { code: Some(1001) }, b"\x03\xe9bye"),
    ];
    said[1].is_compressed = true;
    said[0].len = 9_000;
    let before = entry(Bytes::new(), None);
    let id = before.id;
    assert!(store.add_with(before, said.clone()));
    let har: String = pieces(vec![store.get(id).unwrap()], Secrets::Mask).collect();
    let mut after = import(har.as_bytes()).unwrap();
    assert_eq!((after.entries.len(), after.messages.len()), (1, 1));
    let mut messages = after.messages.remove(&after.entries[0].id).unwrap();
    for (message, seq) in messages.iter_mut().zip(1..) {
        message.seq = seq;
        // An archive has seconds since 1970, in floating point.
        message.at = Duration::from_millis((message.at.as_micros() as u64 + 500) / 1000);
    }
    assert_eq!(messages, said);
}

#[test]
fn messages_that_make_no_sense_are_left_out() {
    let one = |from: &str, opcode: u8, data: &str| json!({ "type": from, "time": 1.0, "opcode": opcode, "data": data });
    let said = [
        one("send", 1, "kept"),
        one("receive", 2, "not base64!"),
        one("other", 1, "x"),
        one("send", 7, "x"),
    ];
    let har = json!({ "log": { "entries": [{
        "request": { "method": "GET", "url": "wss://chat.example/x" },
        "response": { "status": 101 },
        "_webSocketMessages": said,
    }]}});
    let imported = import(har.to_string().as_bytes()).unwrap();
    let messages = imported.messages.values().next().unwrap();
    assert_eq!(messages.len(), 1);
    assert_eq!((messages[0].kind, &*messages[0].excerpt), (Kind::Text, &b"kept"[..]));
}

#[test]
fn whatever_the_order_the_oldest_comes_first() {
    let mut entries =
        vec![entry("1".into(), None), entry("2".into(), None), entry("3".into(), None)];
    for (i, entry) in entries.iter_mut().enumerate() {
        entry.started += Duration::from_secs(i as u64);
    }
    entries.reverse();
    let imported = import(archive(entries, Secrets::Mask).as_bytes()).unwrap().entries;
    let bodies: Vec<_> = imported.iter().map(|entry| entry.request.body.bytes.clone()).collect();
    assert_eq!(bodies, ["1", "2", "3"]);
    assert!(imported.windows(2).all(|pair| pair[0].id < pair[1].id));
}

#[test]
fn what_is_no_archive_is_an_error() {
    for wrong in ["", "{}", "[]", "{\"log\":{}}", "{\"log\":{\"entries\":7}}", "\u{0}"] {
        assert_eq!(import(wrong.as_bytes()).unwrap_err().to_string(), "this is no HTTP archive");
    }
}

proptest! {
    #[test]
    fn any_body_comes_back(sent: Vec<u8>, got: Vec<u8>, encoding in "|gzip|br|identity") {
        let answer: &[(&str, &str)] = &[("content-encoding", &encoding)];
        let before = entry(sent.into(), Some((answer, got.into())));
        let har = archive(vec![before.clone()], Secrets::Include);
        let after = import(har.as_bytes()).unwrap().entries.remove(0);
        prop_assert_eq!(after.request.body, before.request.body);
        let response = after.response.unwrap();
        prop_assert_eq!(response.body, before.response.unwrap().body);
    }
}
