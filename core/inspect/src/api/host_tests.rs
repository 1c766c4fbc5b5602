#![allow(clippy::unwrap_used)]

use http::HeaderValue;

use super::{super::rig::Fake, *};

fn admit(rule: &HostRule, host: &str) -> Admission {
    let fake = Fake::new();
    fake.has("web", "https://app.tunnel.test", "http://localhost:4040");
    let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_str(host).unwrap())]);
    rule.admit(&Uri::from_static("/"), &headers, Version::HTTP_11, &*fake)
}

fn rule(listener: &str, allow: &[&str]) -> HostRule {
    let allow: Vec<String> = allow.iter().map(ToString::to_string).collect();
    HostRule::new(listener.parse().unwrap(), &allow)
}

fn refused(host: &str) -> Admission {
    Admission::Refused(host.to_owned())
}

#[test]
fn on_loopback_only_local_names_are_answered() {
    for listener in ["127.0.0.1:4040", "[::1]:4040", "127.3.2.1:4040"] {
        let rule = rule(listener, &[]);
        for host in [
            "localhost",
            "LocalHost:4040",
            "localhost.",
            "127.0.0.1",
            "127.9.9.9:80",
            "[::1]",
            "[::1]:4040",
            "[::ffff:127.0.0.1]",
        ] {
            assert_eq!(admit(&rule, host), Admission::Full, "{host} at {listener}");
        }
        for host in [
            "evil.example",
            "evil.example:4040",
            "localhost.evil.example",
            "10.0.0.1",
            "a.localhost",
            "0.0.0.0",
            "127.0.0.1.nip.io",
        ] {
            assert_eq!(admit(&rule, host), refused(host), "{host} at {listener}");
        }
    }
}

#[test]
fn on_any_other_address_everything_is_answered_unless_a_list_is_given() {
    let open = rule("0.0.0.0:4040", &[]);
    assert_eq!(admit(&open, "ngrok:4040"), Admission::Full);
    assert_eq!(admit(&open, "my_service:4040"), Admission::Full);
    assert_eq!(admit(&open, "evil.example"), Admission::Full);
    let listed = rule("0.0.0.0:4040", &["ngrok"]);
    assert_eq!(admit(&listed, "ngrok:4040"), Admission::Full);
    assert_eq!(admit(&listed, "localhost"), Admission::Full);
    assert_eq!(admit(&listed, "evil.example"), refused("evil.example"));
}

#[test]
fn entries_are_addresses_networks_names_and_suffixes() {
    let rule =
        rule("127.0.0.1:4040", &["10.1.2.3", "192.0.2.0/24", "Box.lan", ".corp.test", "fd00::1"]);
    for host in
        ["10.1.2.3:1", "192.0.2.200", "box.LAN:4040", "a.corp.test", "a.b.corp.test", "[fd00::1]"]
    {
        assert_eq!(admit(&rule, host), Admission::Full, "{host}");
    }
    for host in ["10.1.2.4", "192.0.3.1", "a.box.lan", "corp.test", "evilcorp.test", "[fd00::2]"] {
        assert_eq!(admit(&rule, host), refused(host), "{host}");
    }
}

#[test]
fn under_the_name_of_an_endpoint_it_can_be_looked_at() {
    for listed in [rule("127.0.0.1:4040", &[]), rule("127.0.0.1:4040", &["box"])] {
        assert_eq!(admit(&listed, "app.tunnel.test"), Admission::ReadOnly);
        assert_eq!(admit(&listed, "APP.tunnel.test:443"), Admission::ReadOnly);
        assert_eq!(admit(&listed, "other.tunnel.test"), refused("other.tunnel.test"));
    }
}

#[test]
fn what_is_no_host_is_refused() {
    let rule = rule("0.0.0.0:4040", &[]);
    for host in ["", "a b", "user@localhost", "localhost/x", "[::1", "localhost:x", ":80", "."] {
        assert!(matches!(admit(&rule, host), Admission::Refused(_)), "{host:?}");
    }
    let fake = Fake::new();
    let none = HeaderMap::new();
    let uri = Uri::from_static("/");
    assert_eq!(rule.admit(&uri, &none, Version::HTTP_11, &*fake), refused(""));
    assert_eq!(rule.admit(&uri, &none, Version::HTTP_10, &*fake), Admission::Full);
    let local = HeaderValue::from_static("localhost");
    let two = HeaderMap::from_iter([(HOST, local.clone())]);
    let mut two = two;
    two.append(HOST, local);
    assert_eq!(rule.admit(&uri, &two, Version::HTTP_11, &*fake), refused(""));
}

#[test]
fn an_absolute_target_goes_before_the_header() {
    let rule = rule("127.0.0.1:4040", &[]);
    let fake = Fake::new();
    let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("localhost"))]);
    let evil = Uri::from_static("http://evil.example/api/status");
    assert_eq!(rule.admit(&evil, &headers, Version::HTTP_11, &*fake), refused("evil.example"));
}

proptest::proptest! {
    #[test]
    fn no_header_is_too_odd(host: Vec<u8>) {
        let Ok(value) = HeaderValue::from_bytes(&host) else { return Ok(()) };
        let headers = HeaderMap::from_iter([(HOST, value)]);
        let rule = rule("127.0.0.1:4040", &[".corp.test"]);
        let admission = rule.admit(&Uri::from_static("/"), &headers, Version::HTTP_11, &*Fake::new());
        if let Admission::Refused(shown) = admission {
            proptest::prop_assert!(shown.is_ascii() && shown.len() <= 256);
        }
    }
}
