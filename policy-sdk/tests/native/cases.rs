use adit_policy_sdk::cases::check_json;
use adit_policy_sdk::prelude::*;

/// Adds what a case can look at.
struct Busy;

#[policy]
impl Busy {
    fn configure(_: Json) -> Self {
        Self
    }

    fn on_data(&mut self, _: &Connection, _: Direction, chunk: &[u8], _: bool) -> ChunkVerdict {
        if chunk == [0x16, 0x03] { ChunkVerdict::Detach } else { ChunkVerdict::abort("no TLS") }
    }

    fn on_request(&mut self, _: &Connection, req: &mut Request) -> Result<Verdict> {
        metrics::add("hits", 1, &[("method", &req.method())]);
        log::info!(user = "ann"; "seen {}", req.target());
        if req.path() == "/ask" {
            let answer = outbound::get("decider", "/").send()?;
            return Ok(Verdict::respond(answer.into_reply()));
        }
        req.set_identity(&secrets::get("name")?)?;
        Ok(Verdict::Next)
    }

    fn on_response(&mut self, _: &Request, resp: &mut Response) {
        resp.remove_header("server");
    }
}

fn file() -> Json {
    json!({
        "secrets": { "name": "ann" },
        "outbound": { "decider": [{ "status": 403, "json": { "why": "no" } }] },
        "cases": [
            { "name": "requests", "steps": [
                { "request": { "method": "POST", "target": "/a", "json": { "b": 1 } },
                  "response": { "headers": { "server": "x" }, "body": "hello" },
                  "expect": { "verdict": "next", "identity": "ann", "untouched": ["server"],
                      "log": ["seen /a user=ann"], "metrics": { "hits{method=POST}": 1 },
                      "response": { "status": 200, "removed": ["server"], "body": "hello" } } },
                { "request": { "target": "/ask" },
                  "expect": { "verdict": "respond",
                      "reply": { "status": 403, "json": { "why": "no" } } } },
                { "request": { "target": "/ask" },
                  "expect": { "reply": { "status": 503 } } }
            ] },
            { "name": "connections", "steps": [
                { "connection": { "chunks": [{ "hex": "16 03" }, "more"] },
                  "expect": { "admission": "accept", "chunks": ["detach"],
                      "to_upstream": "\u{16}\u{3}more" } },
                { "connection": { "chunks": ["GET /"] },
                  "expect": { "chunks": ["abort"], "abort": "TLS" } }
            ] }
        ]
    })
}

#[test]
fn a_file_can_look_at_everything() {
    check_json::<Busy>(&file());
}

fn complaint(change: impl FnOnce(&mut Json)) -> String {
    let mut file = file();
    change(&mut file);
    let panic = std::panic::catch_unwind(|| check_json::<Busy>(&file)).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

#[test]
fn what_differs_is_said_with_its_step() {
    let text = complaint(|file| file["cases"][0]["steps"][1]["expect"]["verdict"] = json!("next"));
    assert_eq!(
        text,
        "not as expected:\nFAIL requests\n       step 2: verdict: expected Next, there was \
         Respond\nok   connections\n"
    );
}

#[test]
fn a_name_that_is_not_granted_is_denied() {
    let text = complaint(|file| file["grants"] = json!({ "outbound": { "decider": {} } }));
    assert!(text.contains("step 1: verdict: expected Next, there was Respond"), "{text}");
}

#[test]
fn a_file_that_is_none_says_where() {
    let text = complaint(|file| file["cases"][0]["steps"][0]["expect"]["verdikt"] = json!(1));
    assert!(text.starts_with("cases: cases[0].steps[0].expect.verdikt: unknown field"), "{text}");
}
