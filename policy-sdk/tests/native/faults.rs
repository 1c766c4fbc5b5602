use adit_policy_sdk::prelude::*;
use adit_policy_sdk::testing::*;

/// Does what the target says, most of it wrong.
#[derive(Deserialize)]
struct Wrong {
    #[serde(default)]
    calls: u32,
}

#[policy]
impl Wrong {
    fn configure(config: Self) -> Result<Self> {
        Ok(config)
    }

    fn on_request(&mut self, _: &Connection, req: &mut Request) -> Result<Verdict> {
        self.calls += 1;
        req.set_header("x-calls", self.calls);
        match req.path().as_str() {
            "/panic" => panic!("as {}", "asked"),
            "/header" => req.set_header("x", "a\nb"),
            "/status" => return Ok(Verdict::respond(Reply::new(700))),
            "/framing" => {
                return Ok(Verdict::respond(Reply::new(200).header("content-length", 3)));
            }
            "/twice" => {
                req.await_body(1);
                req.watch_body();
            }
            "/part" => req.await_body(1),
            "/denied" => return Err(secrets::get("none").unwrap_err()),
            _ => {}
        }
        Ok(Verdict::Next)
    }

    fn on_request_body(&mut self, _: &mut Request, _: &[u8], _: bool) -> BodyVerdict {
        BodyVerdict::replace("x")
    }

    fn on_response(&mut self, req: &Request, _: &mut Response) -> Verdict {
        if req.path() == "/late" { Verdict::reroute("other") } else { Verdict::Next }
    }
}

fn fault(request: Message) -> String {
    let mut t = Harness::<Wrong>::new(json!({})).unwrap();
    t.try_request(request).unwrap_err().to_string()
}

#[test]
fn a_panic_is_a_fault_and_costs_the_instance() {
    let mut t = Harness::<Wrong>::new(json!({})).unwrap();
    assert_eq!(t.request(get("/")).edits.header("x-calls"), Some("1"));
    assert_eq!(t.request(get("/")).edits.header("x-calls"), Some("2"));
    let fault = t.try_request(get("/panic")).unwrap_err();
    assert_eq!(fault.to_string(), "OnRequest panicked: as asked");
    assert_eq!(t.request(get("/")).edits.header("x-calls"), Some("1"));
}

#[test]
#[should_panic(expected = "as asked")]
fn a_panic_of_the_policy_fails_the_test_as_it_is() {
    Harness::<Wrong>::new(json!({})).unwrap().request(get("/panic"));
}

#[test]
fn a_refused_edit_says_why() {
    let text = "OnRequest panicked: x: header value contains the octet 0x0a";
    assert_eq!(fault(get("/header")), text);
    let text = "OnRequest panicked: watch_body: the body was asked for already";
    assert_eq!(fault(post("/twice")), text);
    let text = "OnRequest panicked: await_body: a message that switches protocols has no body";
    assert_eq!(fault(get("/part").header("upgrade", "websocket")), text);
}

#[test]
fn answers_without_sense_are_faults() {
    let text = "answer of OnRequest: status 700 is not between 200 and 599";
    assert_eq!(fault(get("/status")), text);
    let text = "answer of OnRequest: header content-length is the agent's to set";
    assert_eq!(fault(get("/framing")), text);
    let text = "answer of OnRequestBody: a body that was not seen whole cannot be replaced";
    assert_eq!(fault(post("/part").body("hello")), text);
    let text = "answer of OnResponse: on_response cannot reroute: the request has been answered";
    assert_eq!(fault(get("/late")), text);
}

#[test]
fn an_error_of_the_agent_becomes_a_reply() {
    let mut t = Harness::<Wrong>::new(json!({})).unwrap();
    assert_eq!(t.request(get("/denied")).reply().status, 500);
}
