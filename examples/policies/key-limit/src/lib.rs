//! Limits how often one API key, or one address without a key, may call.

use adit_policy_sdk::prelude::*;

/// What stands behind the policy's name in a `handlers:` list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Calls that may come at once.
    burst: u32,
    /// The time in which that many come back.
    per_ms: u32,
    /// Where callers put their key.
    #[serde(default = "default_header")]
    header: String,
}

fn default_header() -> String {
    "x-api-key".to_owned()
}

/// Nobody's key is longer; what is longer does not become a bucket of its own.
const MAX_KEY: usize = 128;

struct KeyLimit(Config);

#[policy]
impl KeyLimit {
    fn configure(config: Config) -> Result<Self> {
        if config.burst == 0 || config.per_ms == 0 {
            bail!("burst and per_ms must be at least 1");
        }
        Ok(Self(config))
    }

    fn on_request(&mut self, conn: &Connection, req: &mut Request) -> Result<(), Reply> {
        let Config { burst, per_ms, ref header } = self.0;
        // The first word keeps a visitor from using up somebody's address as a key.
        let bucket = match req.header(header).filter(|key| key.len() <= MAX_KEY) {
            Some(key) => format!("key {key}"),
            None => format!("address {}", conn.client_ip()),
        };
        let d = rate::take("per-key", &bucket, Quota { burst, per_ms })?;
        req.set_header("x-ratelimit-remaining", d.remaining);
        if d.allowed {
            return Ok(());
        }
        let wait = d.retry_after_ms.div_ceil(1000);
        Err(Reply::new(429).header("retry-after", wait).text("slow down\n"))
    }
}

#[cfg(test)]
mod tests {
    use adit_policy_sdk::testing::*;

    use super::*;

    fn harness() -> Harness<KeyLimit> {
        Harness::new(json!({ "burst": 2, "per_ms": 1000 })).unwrap()
    }

    #[test]
    fn the_third_call_at_once_is_refused() {
        let mut t = harness();
        let call = || get("/").header("x-api-key", "ann");
        assert_eq!(t.request(call()).edits.header("x-ratelimit-remaining"), Some("1"));
        assert_eq!(t.request(call()).edits.header("x-ratelimit-remaining"), Some("0"));
        let refused = t.request(call());
        assert_eq!(refused.reply().status, 429);
        assert_eq!(refused.reply().header_text("retry-after").as_deref(), Some("1"));
        t.advance(Duration::from_millis(500));
        assert_eq!(t.request(call()).verdict, Verdict::Next);
        assert_eq!(t.request(call()).reply().status, 429);
    }

    #[test]
    fn callers_without_a_key_are_told_apart_by_their_address() {
        let mut t = harness();
        for _ in 0..2 {
            assert_eq!(t.request(get("/").from("203.0.113.9")).verdict, Verdict::Next);
        }
        assert_eq!(t.request(get("/").from("203.0.113.9")).reply().status, 429);
        assert_eq!(t.request(get("/").from("203.0.113.10")).verdict, Verdict::Next);
    }

    #[test]
    fn a_key_that_looks_like_an_address_is_not_that_address() {
        let mut t = harness();
        for _ in 0..3 {
            t.request(get("/").header("x-api-key", "203.0.113.9"));
        }
        assert_eq!(t.request(get("/").from("203.0.113.9")).verdict, Verdict::Next);
    }

    #[test]
    fn endless_keys_count_for_the_address() {
        let mut t = harness();
        for n in 0..2 {
            t.request(get("/").header("x-api-key", format!("{n}{}", "x".repeat(MAX_KEY))));
        }
        assert_eq!(t.request(get("/")).reply().status, 429);
    }

    #[test]
    fn a_quota_of_nothing_is_a_mistake() {
        let error = Harness::<KeyLimit>::new(json!({ "burst": 0, "per_ms": 1000 })).err();
        assert_eq!(error.unwrap(), "burst and per_ms must be at least 1");
    }

    #[test]
    fn the_cases_hold() {
        adit_policy_sdk::cases::check::<KeyLimit>(include_str!("../cases.yml"));
    }
}
