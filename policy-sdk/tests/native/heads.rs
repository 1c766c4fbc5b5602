use adit_policy_sdk::prelude::*;
use adit_policy_sdk::testing::*;

/// Runs whatever a test wants in `on_request` and `on_response`.
struct Probe;

thread_local! {
    static REQUEST: std::cell::Cell<fn(&mut Request)> = const { std::cell::Cell::new(|_| {}) };
    static RESPONSE: std::cell::Cell<fn(&Request, &mut Response)> =
        const { std::cell::Cell::new(|_, _| {}) };
}

#[policy]
impl Probe {
    fn configure(_: Json) -> Self {
        Self
    }

    fn on_request(&mut self, _: &Connection, req: &mut Request) {
        REQUEST.get()(req);
    }

    fn on_response(&mut self, req: &Request, resp: &mut Response) {
        RESPONSE.get()(req, resp);
    }
}

fn probe() -> Harness<Probe> {
    Harness::new(json!({})).unwrap()
}

#[test]
fn a_head_can_be_rewritten() {
    REQUEST.set(|req| {
        req.set_method("PUT");
        req.set_authority("other.example:8443");
        req.set_target("/b?c");
        req.remove_header("X-Old");
        req.append_header("x-many", "2");
        req.set_identity("ann").unwrap();
        req.set_var("plan", "gold").unwrap();
        assert_eq!(req.var("plan").as_deref(), Some("gold"));
    });
    let request = get("/a").header("x-old", "1").header("x-many", "1").header("x-same", "1");
    let exchange = probe().request(request);
    let edits = &exchange.edits;
    assert_eq!(edits.method.as_deref(), Some("PUT"));
    assert_eq!(edits.authority.as_deref(), Some("other.example:8443"));
    assert_eq!(edits.target.as_deref(), Some("/b?c"));
    assert_eq!(edits.removed, ["x-old"]);
    assert_eq!(edits.set["x-many"], ["1", "2"]);
    assert_eq!(edits.set.len(), 1);
    assert_eq!(edits.identity.as_deref(), Some("ann"));
    assert_eq!(edits.vars["plan"], "gold");
}

#[test]
fn a_head_can_be_read_in_many_ways() {
    REQUEST.set(|req| {
        assert_eq!(req.path(), "/a%20b");
        assert_eq!(req.query().as_deref(), Some("x=1+2&y=%26"));
        assert_eq!(req.query_value("y").as_deref(), Some("&"));
        assert_eq!(req.host(), "[::1]");
        assert_eq!(req.cookie("b").as_deref(), Some("2=3"));
        assert_eq!(req.cookie("c").as_deref(), Some("4"));
        assert_eq!(req.bearer_token().as_deref(), Some("abc"));
        assert_eq!(req.header_all("cookie").len(), 2);
        assert_eq!(req.header_bytes("x-raw").unwrap(), [0xff]);
        assert_eq!(req.header("x-raw").as_deref(), Some("\u{fffd}"));
        assert_eq!(req.attribute("tls.version").as_deref(), Some("1.3"));
        assert_eq!(req.identity().as_deref(), Some("bob"));
        assert_eq!(req.content_length(), None);
    });
    let request = get("/a%20b?x=1+2&y=%26")
        .authority("[::1]:80")
        .header("cookie", "a=1; b=2=3")
        .header("cookie", "c=4")
        .header("authorization", "bearer abc")
        .header("x-raw", [0xff])
        .attribute("tls.version", "1.3")
        .identity("bob");
    assert!(probe().request(request).edits.is_empty());
}

#[test]
fn what_the_agent_would_refuse_is_refused_with_its_words() {
    REQUEST.set(|req| {
        let text = |result: Result<()>| result.unwrap_err().to_string();
        assert_eq!(
            text(req.try_set_header("Transfer-Encoding", "chunked")),
            "header transfer-encoding is the agent's to set"
        );
        assert_eq!(
            text(req.try_append_header("x-a", "1\r\nx-b: 2")),
            "header value contains the octet 0x0d"
        );
        assert_eq!(
            text(req.try_set_target("http://elsewhere/")),
            "\"http://elsewhere/\" is neither a path nor \"*\""
        );
        assert_eq!(
            text(req.keep_bytes(&[0; 16 * 1024 + 1])),
            "kept state has 16385 octets, limit is 16384"
        );
    });
    probe().request(get("/"));
}

#[test]
fn a_request_that_has_left_cannot_be_changed() {
    REQUEST.set(|_| {});
    RESPONSE.set(|req, resp| {
        assert_eq!(req.set_var("a", "b").unwrap_err().kind(), ErrorKind::TooLate);
        assert_eq!(req.target(), "/a");
        req.keep("for later");
        assert_eq!(resp.origin(), "upstream");
        resp.set_status(203);
        assert!(resp.try_set_status(99).is_err());
    });
    let exchange = probe().request(get("/a"));
    assert_eq!(exchange.response_edits.status, Some(203));
    assert_eq!(exchange.response().status, 203);
}

#[test]
fn the_visitor_of_a_head_request_gets_no_body() {
    REQUEST.set(|_| {});
    let exchange = probe().request(head("/").answer(response(200).body("hello")));
    assert_eq!(exchange.response().body, b"");
    assert_eq!(exchange.response().header("content-length").as_deref(), Some("5"));
}
