//! Shows a share of the visitors another endpoint, and always the same share.
//!
//! Each visitor gets a number once, in a cookie. Whoever's number is below the share goes to the new
//! version: raising the share moves some more visitors over and none back, and 0 ends it at once.

use adit_policy_sdk::prelude::*;

/// What stands behind the policy's name in a `handlers:` list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// The endpoint of the new version.
    to: String,
    /// How many visitors of a hundred; fractions are fine.
    percent: f64,
    /// Name of the cookie.
    #[serde(default = "default_cookie")]
    cookie: String,
    /// How long a visitor keeps the number.
    #[serde(default = "default_days")]
    days: u32,
}

fn default_cookie() -> String {
    "canary".to_owned()
}

fn default_days() -> u32 {
    30
}

/// Numbers that visitors get: a hundredth of a percent each.
const NUMBERS: u64 = 10_000;

struct Canary {
    config: Config,
    share: u64,
}

#[policy]
impl Canary {
    fn configure(config: Config) -> Result<Self> {
        if !(0.0..=100.0).contains(&config.percent) {
            bail!("percent must be from 0 to 100");
        }
        let share = (config.percent * NUMBERS as f64 / 100.0).round() as u64;
        Ok(Self { config, share })
    }

    fn on_request(&mut self, _: &Connection, req: &mut Request) -> Result<Verdict> {
        let number = self.number_of(req).unwrap_or_else(|| {
            let number = random::below(NUMBERS);
            req.keep(&number);
            number
        });
        let is_new = number < self.share;
        // For whoever writes records: which version this visitor saw.
        req.set_var("canary", if is_new { "new" } else { "old" })?;
        Ok(if is_new { Verdict::reroute(&*self.config.to) } else { Verdict::Next })
    }

    fn on_response(&mut self, req: &Request, resp: &mut Response) {
        // Which version answers depends on the cookie: a cache must not mix them.
        resp.append_header("vary", "cookie");
        // Only who has no number yet gets one.
        let Some(number) = req.kept::<u64>() else { return };
        let Config { cookie, days, .. } = &self.config;
        let seconds = u64::from(*days) * 86_400;
        let secure = if req.scheme() == "https" { "; Secure" } else { "" };
        resp.append_header(
            "set-cookie",
            format!("{cookie}={number}; Path=/; Max-Age={seconds}; SameSite=Lax; HttpOnly{secure}"),
        );
    }
}

impl Canary {
    fn number_of(&self, req: &Request) -> Option<u64> {
        req.cookie(&self.config.cookie)?.parse().ok().filter(|number| *number < NUMBERS)
    }
}

#[cfg(test)]
mod tests {
    use adit_policy_sdk::testing::*;

    use super::*;

    fn harness(percent: f64) -> Harness<Canary> {
        // Each hook on an instance of its own: nothing may be carried in the policy itself.
        Harness::setup()
            .fresh_instances()
            .start(json!({ "to": "next", "percent": percent }))
            .unwrap()
    }

    #[test]
    fn a_new_visitor_gets_a_number_and_keeps_the_side() {
        let mut t = harness(50.0);
        let first = t.request(get("/"));
        let cookie = first.response().header("set-cookie").unwrap();
        assert!(cookie.ends_with("; Path=/; Max-Age=2592000; SameSite=Lax; HttpOnly; Secure"));
        let (pair, _) = cookie.split_once(';').unwrap();
        for _ in 0..5 {
            let again = t.request(get("/").header("cookie", pair));
            assert_eq!(again.verdict, first.verdict);
            assert_eq!(again.response().header("set-cookie"), None);
        }
    }

    #[test]
    fn the_share_is_about_right() {
        let mut t = harness(20.0);
        let rerouted =
            (0..1000).filter(|_| t.request(get("/")).verdict == Verdict::reroute("next"));
        let rerouted = rerouted.count();
        assert!((150..250).contains(&rerouted), "{rerouted}");
    }

    #[test]
    fn raising_the_share_moves_nobody_back() {
        let side = |percent, number: u64| {
            harness(percent).request(get("/").header("cookie", format!("canary={number}"))).verdict
        };
        assert_eq!(side(10.0, 999), Verdict::reroute("next"));
        assert_eq!(side(10.0, 1000), Verdict::Next);
        assert_eq!(side(50.0, 999), Verdict::reroute("next"));
        assert_eq!(side(0.0, 0), Verdict::Next);
        assert_eq!(side(100.0, 9_999), Verdict::reroute("next"));
    }

    #[test]
    fn a_number_that_cannot_be_is_drawn_again() {
        let mut t = harness(100.0);
        for cookie in ["canary=10000", "canary=-1", "canary=x", "canary="] {
            let exchange = t.request(get("/").header("cookie", cookie));
            assert!(exchange.response().header("set-cookie").is_some(), "{cookie}");
        }
    }

    #[test]
    fn a_share_has_a_hundred_percent_at_most() {
        let error = Harness::<Canary>::new(json!({ "to": "next", "percent": 101 })).err();
        assert_eq!(error.unwrap(), "percent must be from 0 to 100");
    }

    #[test]
    fn the_cases_hold() {
        adit_policy_sdk::cases::check::<Canary>(include_str!("../cases.yml"));
    }
}
