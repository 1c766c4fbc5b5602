//! Asks a service of yours who may do what, and remembers the answer for a while.
//!
//! The service gets what it needs to decide and nothing else. It answers 2xx for yes, perhaps with
//! who it is and headers for the upstream; 401 or 403 for no, which the visitor sees as it is.

mod answer;

use adit_policy_sdk::prelude::*;

use answer::{Remembered, Yes};

/// What stands behind the policy's name in a `handlers:` list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Where to ask, at the upstream `decider`.
    #[serde(default = "default_path")]
    path: String,
    /// Headers of the request that decide: they are sent along.
    headers: Vec<String>,
    /// Headers of the answer that the upstream gets, and nobody else can set.
    #[serde(default)]
    forward: Vec<String>,
    /// Seconds for which a yes is remembered; 0 for not at all.
    #[serde(default = "default_remember")]
    remember: u64,
    /// How long to wait for an answer, in milliseconds.
    #[serde(default = "default_timeout")]
    timeout_ms: u64,
}

fn default_path() -> String {
    "/decide".to_owned()
}

fn default_remember() -> u64 {
    30
}

fn default_timeout() -> u64 {
    300
}

/// The upstream that decides, as the configuration grants it.
const DECIDER: &str = "decider";
/// The bucket of answers that are remembered, and of failures.
const BUCKET: &str = "answers";
/// After so many failures …
const FAILURES: i64 = 5;
/// … within this time, nobody is asked until it is over: a service that is down does not come back
/// faster if every request waits for it.
const REST: Duration = Duration::from_secs(5);

struct Ask(Config);

#[policy]
impl Ask {
    fn configure(config: Config) -> Result<Self> {
        if !config.path.starts_with('/') {
            bail!("path: must start with /");
        }
        Ok(Self(config))
    }

    fn on_request(&mut self, conn: &Connection, req: &mut Request) -> Result<(), Reply> {
        let question = self.question(conn, req);
        let yes = self.decide(&question)?;
        // Nobody but the service may say these.
        for name in &self.0.forward {
            req.remove_header(name);
        }
        for (name, value) in &yes.headers {
            req.try_set_header(name, value)?;
        }
        if let Some(identity) = &yes.identity {
            req.set_identity(identity)?;
        }
        Ok(())
    }
}

impl Ask {
    /// What is sent. Everything that decides is in it, so it is also what answers are remembered by.
    fn question(&self, conn: &Connection, req: &Request) -> Json {
        let headers = self.0.headers.iter().map(|name| (name.clone(), req.header_all(name).into()));
        json!({
            "endpoint": conn.endpoint(),
            "client": conn.client_ip(),
            "method": req.method(),
            "host": req.host(),
            "path": req.path(),
            "identity": req.identity(),
            "headers": headers.collect::<serde_json::Map<String, Json>>(),
        })
    }

    fn decide(&self, question: &Json) -> Result<Yes, Reply> {
        // Keys are short, and nobody's token is to lie around as one.
        let digest = crypto::sha256(question.to_string().as_bytes());
        let key: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
        match kv::get(BUCKET, &key)? {
            Some(Remembered::Yes(yes)) => return Ok(yes),
            Some(Remembered::No(no)) => return Err(no.into()),
            None => {}
        }
        let remembered = self.ask(question)?;
        let time = match &remembered {
            Remembered::Yes(_) => self.0.remember,
            // Who was let in a moment ago does not want to hear no for long.
            Remembered::No(_) => self.0.remember.min(2),
        };
        if time > 0 {
            kv::set(BUCKET, &key, &remembered, Duration::from_secs(time))?;
        }
        match remembered {
            Remembered::Yes(yes) => Ok(yes),
            Remembered::No(no) => Err(no.into()),
        }
    }

    fn ask(&self, question: &Json) -> Result<Remembered, Reply> {
        if kv::increment(BUCKET, "failures", 0, REST)? >= FAILURES {
            return Err(unavailable());
        }
        let call = outbound::post(DECIDER, &self.0.path).json(question);
        let answer = match call.timeout(Duration::from_millis(self.0.timeout_ms)).send() {
            Ok(answer) if answer.status < 500 => answer,
            failed => {
                let why = match failed {
                    Ok(answer) => format!("it answered {}", answer.status),
                    Err(error) => error.to_string(),
                };
                log::warn!("nobody decides: {why}");
                kv::increment(BUCKET, "failures", 1, REST)?;
                return Err(unavailable());
            }
        };
        kv::delete(BUCKET, "failures")?;
        Remembered::of(answer, &self.0.forward).ok_or_else(|| {
            log::warn!("the answer is neither yes nor no");
            unavailable()
        })
    }
}

/// Who cannot ask does not let in.
fn unavailable() -> Reply {
    Reply::new(503).header("retry-after", 5).text("nobody can decide now\n")
}

#[cfg(test)]
mod tests;
