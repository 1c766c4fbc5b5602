use adit_policy_sdk::prelude::*;

#[derive(Deserialize)]
struct Config {
    burst: u32,
    per_ms: u32,
}
struct KeyLimit(Config);

#[policy]
impl KeyLimit {
    fn configure(config: Config) -> Result<Self> {
        Ok(Self(config))
    }

    fn on_request(&mut self, conn: &Connection, req: &mut Request) -> Result<(), Reply> {
        let key = req.header("x-api-key").unwrap_or_else(|| conn.client_ip().to_string());
        let quota = Quota { burst: self.0.burst, per_ms: self.0.per_ms };
        let d = rate::take("per-key", &key, quota).map_err(|_| Reply::new(503))?;
        req.set_header("x-ratelimit-remaining", d.remaining.to_string());
        if d.allowed {
            return Ok(());
        }
        Err(Reply::new(429)
            .header("retry-after", d.retry_after_ms.div_ceil(1000))
            .text("slow down\n"))
    }
}
