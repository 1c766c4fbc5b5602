use adit_policy_sdk::prelude::*;
use adit_policy_sdk::testing::*;

/// Turns bodies to capitals, in the way that it is configured for.
#[derive(Deserialize)]
struct Capitals {
    limit: Option<u32>,
}

#[policy]
impl Capitals {
    fn configure(config: Self) -> Self {
        config
    }

    fn on_request(&mut self, _: &Connection, req: &mut Request) {
        match self.limit {
            Some(limit) => req.await_body(limit),
            None => req.watch_body(),
        }
    }

    fn on_request_body(
        &mut self,
        req: &mut Request,
        body: &[u8],
        complete: bool,
    ) -> Result<BodyVerdict, Reply> {
        if !complete {
            return Err(Reply::new(413));
        }
        req.set_header("x-seen", body.len());
        Ok(BodyVerdict::replace(body.to_ascii_uppercase()))
    }

    fn on_request_chunk(&mut self, req: &Request, chunk: &[u8], last: bool) -> ChunkVerdict {
        assert!(req.kept::<u8>().is_none());
        match chunk {
            b"stop" => ChunkVerdict::abort("stopped"),
            b"enough" => ChunkVerdict::Detach,
            b"" => ChunkVerdict::Pass,
            chunk if last => ChunkVerdict::replace([chunk, b"."].concat()),
            chunk => ChunkVerdict::replace(chunk.to_ascii_uppercase()),
        }
    }

    fn on_response(&mut self, _: &Request, resp: &mut Response) {
        match self.limit {
            Some(limit) => resp.await_body(limit),
            None => resp.watch_body(),
        }
    }

    fn on_response_body(
        &mut self,
        _: &Request,
        resp: &mut Response,
        body: Vec<u8>,
        complete: bool,
    ) -> BodyVerdict {
        resp.set_header("x-complete", complete);
        if complete { BodyVerdict::replace(body.to_ascii_uppercase()) } else { BodyVerdict::Next }
    }

    fn on_response_chunk(&mut self, _: &Request, _: &Response, chunk: Vec<u8>, _: bool) {
        log::info!(octets = chunk.len(); "piece");
    }
}

#[test]
fn an_awaited_body_can_be_replaced_and_its_length_follows() {
    let mut t = Harness::<Capitals>::new(json!({ "limit": 10 })).unwrap();
    let exchange = t.request(post("/").body("hello").answer(response(200).chunks(["a", "b"])));
    let request = exchange.request.as_ref().unwrap();
    assert_eq!(request.body, b"HELLO");
    assert_eq!(exchange.edits.header("x-seen"), Some("5"));
    assert_eq!(exchange.edits.body.as_deref(), Some(&b"HELLO"[..]));
    assert_eq!(exchange.response().text(), "AB");
    assert_eq!(exchange.response().header("x-complete").as_deref(), Some("true"));
}

#[test]
fn a_longer_body_is_not_refused_but_not_complete() {
    let mut t = Harness::<Capitals>::new(json!({ "limit": 4 })).unwrap();
    assert_eq!(t.request(post("/").body("hello")).reply().status, 413);
    let exchange = t.request(get("/").answer(response(200).body("hello")));
    assert_eq!(exchange.response().text(), "hello");
    assert_eq!(exchange.response().header("x-complete").as_deref(), Some("false"));
}

#[test]
fn an_exchange_without_body_gets_an_empty_one() {
    let mut t = Harness::<Capitals>::new(json!({ "limit": 4 })).unwrap();
    let exchange = t.request(get("/"));
    assert_eq!(exchange.edits.header("x-seen"), Some("0"));
}

#[test]
fn a_watched_body_passes_in_pieces() {
    let mut t = Harness::<Capitals>::new(json!({})).unwrap();
    let exchange = t.request(post("/").chunks(["a", "b", "c"]));
    assert_eq!(exchange.request.unwrap().body, b"ABc.");
    assert_eq!(exchange.request_chunks.len(), 3);
    assert_eq!(exchange.logs[0].message, "piece");
    assert_eq!(exchange.logs[0].extra, [("octets".to_owned(), "0".to_owned())]);
}

#[test]
fn a_policy_that_detaches_sees_no_more() {
    let mut t = Harness::<Capitals>::new(json!({})).unwrap();
    let exchange = t.request(post("/").chunks(["a", "enough", "c"]));
    assert_eq!(exchange.request.unwrap().body, b"Aenoughc");
    assert_eq!(exchange.request_chunks.last(), Some(&ChunkVerdict::Detach));
}

#[test]
fn a_cut_exchange_has_no_response() {
    let mut t = Harness::<Capitals>::new(json!({})).unwrap();
    let exchange = t.request(post("/").chunks(["a", "stop", "c"]));
    assert_eq!(exchange.cut.as_deref(), Some("stopped"));
    assert_eq!(exchange.response, None);
}
