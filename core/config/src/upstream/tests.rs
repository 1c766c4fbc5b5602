#![allow(clippy::unwrap_used)]

use super::*;

/// Written, then what it becomes for `http`, `tcp`, `tls`; empty where it is refused.
const FORMS: &[(&str, [&str; 3])] = &[
    ("8080", ["http://localhost:8080", "localhost:8080", "localhost:8080"]),
    ("443", ["https://localhost:443", "localhost:443", "tls://localhost:443"]),
    ("web:3000", ["http://web:3000", "web:3000", "web:3000"]),
    ("192.168.1.2:80", ["http://192.168.1.2:80", "192.168.1.2:80", "192.168.1.2:80"]),
    ("web:443", ["https://web:443", "web:443", "web:443"]),
    ("web", ["http://web:80", "", ""]),
    ("http://web", ["http://web:80", "", ""]),
    ("https://web", ["https://web:443", "", ""]),
    ("http://web:8080/", ["http://web:8080", "", ""]),
    ("HTTPS://Web:8443", ["https://web:8443", "", ""]),
    ("tcp://db:5432", ["", "tcp://db:5432", "tcp://db:5432"]),
    ("tls://db:5432", ["", "", "tls://db:5432"]),
    ("tcp://db", ["", "", ""]),
    ("[::1]:80", ["http://[::1]:80", "[::1]:80", "[::1]:80"]),
    ("https://[2001:db8::1]:8443", ["https://[2001:db8::1]:8443", "", ""]),
    ("file:///srv/www", ["file:///srv/www", "", ""]),
    ("file:///", ["file:///", "", ""]),
    (r"file://C:\dir", [r"file://C:\dir", "", ""]),
    ("unix:/run/app.sock", ["unix:/run/app.sock"; 3]),
    ("unix:///run/app.sock", ["unix:/run/app.sock"; 3]),
    ("https://", [""; 3]),
    ("", [""; 3]),
    ("0", [""; 3]),
    ("70000", [""; 3]),
    ("web:0", [""; 3]),
    ("web:70000", [""; 3]),
    ("web:80/path", [""; 3]),
    ("http://web/path", [""; 3]),
    ("http://web?q", [""; 3]),
    ("http://ann@web", [""; 3]),
    ("ftp://web", [""; 3]),
    ("file://dir", [""; 3]),
    ("::1", [""; 3]),
    ("unix:", [""; 3]),
    ("a b", [""; 3]),
    ("http://*.web", [""; 3]),
];

#[test]
fn every_form_becomes_what_the_table_says() {
    for (text, expected) in FORMS {
        for (kind, expected) in [Kind::Http, Kind::Tcp, Kind::Tls].into_iter().zip(expected) {
            let shown = UpstreamAddr::parse(text, kind).map_or(String::new(), |a| a.to_string());
            assert_eq!(shown, *expected, "{text:?} for {kind}");
        }
    }
}

#[test]
fn the_normal_form_is_read_as_itself() {
    for (text, _) in FORMS {
        for kind in [Kind::Http, Kind::Tcp, Kind::Tls] {
            if let Ok(addr) = UpstreamAddr::parse(text, kind) {
                assert_eq!(UpstreamAddr::parse(&addr.to_string(), kind), Ok(addr));
            }
        }
    }
}

#[test]
fn an_endpoint_may_name_a_scheme_alone() {
    let parse = |text| UpstreamAddr::parse_endpoint(text, Kind::Http).unwrap().to_string();
    assert_eq!(parse("https://"), "https://localhost:443");
    assert_eq!(parse("http://"), "http://localhost:80");
}

#[test]
fn errors_say_what_is_possible() {
    let error = |text: &str, kind| UpstreamAddr::parse(text, kind).unwrap_err().to_string();
    assert_eq!(
        error("ftp://web", Kind::Http),
        "upstream address \"ftp://web\": ftp:// is not possible for a http endpoint; \
         use a port, host:port, http://, https://, file:// or unix:"
    );
    assert_eq!(
        error("web", Kind::Tcp),
        "upstream address \"web\": \"web\" has no port; write host:port"
    );
    assert_eq!(
        error("70000", Kind::Http),
        "upstream address \"70000\": \"70000\" is not a port; write a number from 1 to 65535"
    );
    assert_eq!(
        error("http://web/x", Kind::Http),
        "upstream address \"http://web/x\" has a path; write only scheme, host and port"
    );
    for path in ["/srv/www", ".", "./app.sock", "~/www", "file:/srv/www"] {
        assert_eq!(
            error(path, Kind::Http),
            format!(
                "upstream address {path:?} is a path; write file:///srv/www for a directory, \
                 unix:/run/app.sock for a socket"
            )
        );
    }
    assert_eq!(
        error("file://www", Kind::Http),
        "upstream address \"file://www\": the directory must be absolute, as in file:///srv/www"
    );
}

#[test]
fn a_missing_directory_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let addr = UpstreamAddr::Files { dir: dir.path().to_owned() };
    assert_eq!(addr.check_dir(), Ok(()));
    let missing = UpstreamAddr::Files { dir: dir.path().join("missing") };
    assert!(matches!(missing.check_dir(), Err(UpstreamError::Dir { .. })));
    assert_eq!(UpstreamAddr::parse("80", Kind::Http).unwrap().check_dir(), Ok(()));
}
