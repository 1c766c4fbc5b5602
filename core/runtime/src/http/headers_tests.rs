use super::*;

fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    map
}

fn stripped(pairs: &[(&'static str, &'static str)]) -> (Switch, HeaderMap) {
    let mut headers = map(pairs);
    let has = Has::of(&headers);
    (strip(&mut headers, has), headers)
}

#[test]
fn headers_of_one_hop_go_and_others_stay() {
    let (switch, headers) = stripped(&[
        ("host", "a"),
        ("connection", "keep-alive, X-Secret"),
        ("x-secret", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "close"),
        ("te", "gzip, trailers"),
        ("trailer", "grpc-status"),
        ("upgrade", "foo"),
        ("transfer-encoding", "chunked"),
        ("content-length", "4"),
        ("accept", "*/*"),
    ]);
    assert_eq!(switch, Switch::No);
    let left =
        map(&[("host", "a"), ("te", "trailers"), ("trailer", "grpc-status"), ("accept", "*/*")]);
    assert_eq!(headers, left);
}

#[test]
fn a_sender_cannot_nominate_what_others_rely_on() {
    let (_, headers) = stripped(&[
        ("host", "a"),
        ("connection", "host, x-forwarded-for, authorization, content-length"),
        ("authorization", "Basic x"),
        ("x-forwarded-for", "1.2.3.4"),
    ]);
    let left = map(&[("host", "a"), ("authorization", "Basic x"), ("x-forwarded-for", "1.2.3.4")]);
    assert_eq!(headers, left);
}

#[test]
fn an_upgrade_is_kept_but_not_one_to_http2() {
    let (switch, headers) =
        stripped(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")]);
    assert_eq!(switch, Switch::Wanted);
    assert_eq!(headers, map(&[("connection", "upgrade"), ("upgrade", "websocket")]));
    let (switch, headers) = stripped(&[
        ("connection", "Upgrade, HTTP2-Settings"),
        ("upgrade", "h2c"),
        ("http2-settings", "AAA"),
    ]);
    assert_eq!(switch, Switch::No);
    assert!(headers.is_empty(), "{headers:?}");
}

#[test]
fn cookies_are_joined() {
    let mut headers = map(&[("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")]);
    join_cookies(&mut headers);
    assert_eq!(headers, map(&[("cookie", "a=1; b=2; c=3")]));
}

#[test]
fn an_error_code_is_kept_only_with_the_secret() {
    for (said, origin, kept) in [
        (Some("s"), Some("s"), true),
        (Some("x"), Some("s"), false),
        (Some("s"), None, false),
        (None, Some("s"), false),
    ] {
        let mut headers = map(&[("ngrok-error-code", "ERR_NGROK_8012")]);
        if let Some(said) = said {
            headers.insert(ORIGIN, HeaderValue::from_static(said));
        }
        let has = Has::of(&headers);
        strip_marks(&mut headers, has, origin);
        assert_eq!(headers.contains_key(ERROR_CODE), kept, "{said:?} {origin:?}");
        assert!(!headers.contains_key(ORIGIN));
    }
}

#[test]
fn names_that_pass_for_ours_are_found_and_others_are_not() {
    let looks = |name: &'static str| is_lookalike(&HeaderName::from_static(name));
    for name in [
        "x_forwarded_for",
        "x-forwarded_proto",
        "x_forwarded-host",
        "x-forwarded-port",
        "x_forwarded_port",
    ] {
        assert!(looks(name), "{name}");
    }
    for name in ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-prefix", "x-forward", "x-y"] {
        assert!(!looks(name), "{name}");
    }
}

#[test]
fn who_came_cannot_be_said_in_another_spelling() {
    let conn = adit_chain::conformance::conn();
    let mut headers = map(&[("x_forwarded_for", "6.6.6.6"), ("x-forwarded-port", "1")]);
    let has = Has::of(&headers);
    WhoCame::new(&conn).announce(&mut headers, has, None);
    let ours = map(&[("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https")]);
    assert_eq!(headers, ours);
}
