//! Every hook and every interface of the agent.
use adit_policy_sdk::prelude::*;

struct Everything;

#[policy]
impl Everything {
    fn configure(config: Json) -> Self {
        log::trace!("configured with {config}");
        Self
    }

    fn on_connection(&self, conn: &Connection) -> Result<Admission> {
        conn.set_var("seen", &conn.id().to_string())?;
        Ok(Admission::Accept)
    }

    fn on_data(
        &mut self,
        conn: &Connection,
        way: Direction,
        chunk: &[u8],
        last: bool,
    ) -> ChunkVerdict {
        log::debug!(way = format!("{way:?}"), last = last; "{} of {}", chunk.len(), conn.id());
        ChunkVerdict::Detach
    }

    fn on_close(&mut self, conn: &Connection, end: &Outcome) {
        metrics::add("closed", 1, &[("protocol", &conn.protocol())]);
        metrics::observe("seconds", end.duration().as_secs_f64(), &[]);
    }

    fn on_request(&mut self, _: &Connection, req: &mut Request) -> Result<()> {
        let token = req.bearer_token().unwrap_or_default();
        let key = secrets::get_bytes("key")?;
        if !crypto::verify("hs256", &key, token.as_bytes(), &crypto::sha256(b"x"))? {
            bail!("no");
        }
        rate::take("calls", &token, Quota { burst: 1, per_ms: 1 })?;
        kv::set("seen", &token, &clock::unix_seconds(), Duration::from_secs(1))?;
        let answer = outbound::get("decider", "/").header("x-token", &token).send()?;
        req.set_header("x-decided", answer.status);
        req.set_header("x-nonce", random::number());
        req.await_body(1024);
        Ok(())
    }

    fn on_request_body(&mut self, _: &mut Request, body: &[u8], complete: bool) -> BodyVerdict {
        if complete { BodyVerdict::replace(body) } else { BodyVerdict::Next }
    }

    fn on_request_chunk(&mut self, _: &Request, _: Vec<u8>, _: bool) {}

    fn on_response(&mut self, _: &Request, resp: &mut Response) {
        resp.set_header("x-policy", agent::policy_name());
        resp.watch_body();
    }

    fn on_response_body(&mut self, _: &Request, _: &mut Response, _: &[u8], _: bool) {}

    fn on_response_chunk(
        &mut self,
        _: &Request,
        _: &Response,
        mut chunk: Vec<u8>,
        _: bool,
    ) -> ChunkVerdict {
        chunk.make_ascii_uppercase();
        ChunkVerdict::Replace(chunk)
    }

    fn on_finish(&mut self, _: &Connection, req: &Request, end: &Outcome) {
        log::info!(status = end.status().unwrap_or(0); "{} {}", req.method(), req.target());
    }
}
