use adit_policy_sdk::prelude::*;

#[derive(Deserialize)]
struct Config {
    percent: u64,
}

struct Canary(Config);

impl Canary {
    fn pick(&self) -> String {
        if random::below(100) < self.0.percent { "b".into() } else { "a".into() }
    }
}

#[policy]
impl Canary {
    fn configure(config: Config) -> Result<Self> {
        Ok(Self(config))
    }

    fn on_request(&mut self, _: &Connection, req: &mut Request) -> Verdict {
        let group = req.cookie("group").unwrap_or_else(|| self.pick());
        req.keep(&group);
        if group == "b" { Verdict::reroute("api-next") } else { Verdict::Next }
    }

    fn on_response(&mut self, req: &Request, resp: &mut Response) -> Verdict {
        if let Some(group) = req.kept::<String>() {
            resp.append_header("set-cookie", format!("group={group}; Path=/; Max-Age=86400"));
        }
        Verdict::Next
    }
}
