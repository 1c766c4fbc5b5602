use super::*;

fn normal(target: &str, host: &str) -> String {
    let request = http::Request::get(target).header(HOST, host).body(()).unwrap();
    Url::of(&request.into_parts().0, &adit_chain::conformance::conn()).to_string()
}

#[test]
fn one_place_has_one_spelling() {
    let table = [
        ("/", "A.Test", "a.test/"),
        ("/", "a.test:443", "a.test/"),
        ("/", "a.test:", "a.test/"),
        ("/", "a.test:80", "a.test:80/"),
        ("/", "[2001:DB8::1]:8443", "[2001:db8::1]:8443/"),
        ("/", "[2001:db8::1]", "[2001:db8::1]/"),
        ("/a/./b", "a", "a/a/b"),
        ("/a/../b", "a", "a/b"),
        ("/../../b", "a", "a/b"),
        ("/a/b/..", "a", "a/a/"),
        ("/a/b/.", "a", "a/a/b/"),
        ("/a/b/../", "a", "a/a/"),
        ("/a//b", "a", "a/a//b"),
        ("/...", "a", "a/..."),
        ("/.hidden", "a", "a/.hidden"),
        ("/%2e%2E/x", "a", "a/x"),
        ("/a/%2e%2e%2fx", "a", "a/a/..%2Fx"),
        ("/%41%7e%2d", "a", "a/A~-"),
        ("/%c3%a4%3a", "a", "a/%C3%A4%3A"),
        ("/%2", "a", "a/%252"),
        ("/100%", "a", "a/100%25"),
        ("/%zz%41", "a", "a/%25zzA"),
        ("/%+1", "a", "a/%25+1"),
        ("/%2%35", "a", "a/%2525"),
        ("/A?B=%7e&c=%2f", "a", "a/A?B=~&c=%2F"),
        ("/?", "a", "a/?"),
        ("/a?x/../y", "a", "a/a?x/../y"),
    ];
    for (target, host, expected) in table {
        assert_eq!(normal(target, host), format!("https://{expected}"), "{target} at {host}");
    }
}

#[test]
fn a_target_may_say_what_no_header_does() {
    let request = http::Request::get("http://u:p@B.test:81/x").body(()).unwrap().into_parts().0;
    let url = Url::of(&request, &adit_chain::conformance::conn());
    assert_eq!(url.to_string(), "https://u:p@b.test:81/x");
    assert_eq!(url.user_password, "u:p");
    assert_eq!(normal("http://b.test/x", "a.test"), "https://a.test/x");
}

#[test]
fn a_normal_path_stays_as_it_is() {
    for target in ["/", "/a/b", "/a%2Fb", "/..%2Fx", "/a.b/c"] {
        let once = normal(target, "a");
        let path = once.strip_prefix("https://a").unwrap();
        assert_eq!(path, target);
    }
}

proptest::proptest! {
    #[test]
    fn normal_urls_are_normal(target in "/[a-c./%0-9A-F?]{0,24}") {
        let once = normal(&target, "a");
        let again = normal(once.strip_prefix("https://a").unwrap(), "a");
        proptest::prop_assert_eq!(again, once);
    }
}
