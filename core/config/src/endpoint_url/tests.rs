#![allow(clippy::unwrap_used)]

use super::*;

fn shown(text: &str, kind: Kind) -> String {
    EndpointUrl::parse(text, Some(kind), None)
        .map_or_else(|e| e.code().to_string(), |url| url.to_string())
}

#[test]
fn urls_become_what_the_table_says() {
    for (text, kind, expected) in [
        ("", Kind::Http, "https://"),
        ("", Kind::Tcp, "tcp://"),
        ("", Kind::Tls, "tls://"),
        ("http://", Kind::Http, "http://"),
        ("example.org", Kind::Http, "https://example.org"),
        ("Example.org", Kind::Tls, "tls://example.org"),
        ("https://example.org:443", Kind::Http, "https://example.org"),
        ("http://example.org:80", Kind::Http, "http://example.org"),
        ("tcp://1.tcp.example:12345", Kind::Tcp, "tcp://1.tcp.example:12345"),
        ("https://*.example.com", Kind::Http, "https://*.example.com"),
        ("https://name.internal:8080", Kind::Http, "https://name.internal:8080"),
        ("tcp://name.internal", Kind::Tcp, "tcp://name.internal"),
        ("http://app.localhost:4080", Kind::Http, "http://app.localhost:4080"),
    ] {
        assert_eq!(shown(text, kind), expected, "{text:?}");
    }
}

#[test]
fn refused_urls_have_their_public_code() {
    for (text, kind, code) in [
        ("https://exa mple.org", Kind::Http, "9034"),
        ("https://a..b", Kind::Http, "9034"),
        ("https://:443", Kind::Http, "9034"),
        ("tcp://host", Kind::Tcp, "9034"),
        ("https://a.b.c.d.e.internal", Kind::Http, "9034"),
        ("https://example.org:8443", Kind::Http, "9035"),
        ("http://example.org:443", Kind::Http, "9035"),
        ("tls://example.org:80", Kind::Tls, "9035"),
        ("ftp://example.org", Kind::Http, "9036"),
        ("tcp://example.org:1", Kind::Http, "9036"),
        ("https://ann@example.org", Kind::Http, "9037"),
        ("https://example.org?q", Kind::Http, "9037"),
        ("https://example.org/path", Kind::Http, "9037"),
        ("https://example.org/", Kind::Http, "9038"),
    ] {
        assert_eq!(shown(text, kind), code, "{text:?}");
    }
}

#[test]
fn internal_endpoints_need_an_internal_host() {
    let code = |text| EndpointUrl::parse(text, None, Some(Binding::Internal)).unwrap_err().code();
    assert_eq!(code("https://"), 9028);
    assert_eq!(code("https://example.org"), 9029);
    let url = EndpointUrl::parse("https://a.internal", None, None).unwrap();
    assert_eq!(url.inferred_binding(), Binding::Internal);
    let service = EndpointUrl::parse("http://svc.ns:8080", None, Some(Binding::Kubernetes));
    assert_eq!(service.unwrap().to_string(), "http://svc.ns:8080");
}
