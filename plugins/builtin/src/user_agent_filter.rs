//! `user-agent-filter`: lets requests through by their `User-Agent`.
//!
//! A denied one is refused. Then, if there is an allow list, it must match. Patterns are RE2, not
//! anchored, and run in linear time. A request without the header has the empty user agent; of
//! several lines, none may be denied and all must be allowed.

use adit_chain::{
    BoxError, BoxHandler, BuildCx, BuildError, Exchange, Handler, Needs, OnRequest, Refusal,
    code::USER_AGENT_REFUSED,
};
use http::{HeaderMap, StatusCode, header::USER_AGENT};
use regex::bytes::{RegexSet, RegexSetBuilder};
use serde::Deserialize;

/// Memory of one list once compiled, and of the automaton that grows while it runs.
const MAX_COMPILED: usize = 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    deny: Vec<String>,
}

pub(crate) fn build(options: Options, _: &BuildCx) -> Result<BoxHandler, BuildError> {
    let allow = patterns("allow", &options.allow)?;
    let deny = patterns("deny", &options.deny)?;
    Ok(BoxHandler::new(UserAgentFilter { allow, deny }))
}

fn patterns(list: &str, texts: &[String]) -> Result<RegexSet, BuildError> {
    let compile = |texts: &[String]| {
        RegexSetBuilder::new(texts).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build()
    };
    // One by one, only to tell which is bad.
    for (i, text) in texts.iter().enumerate() {
        let told = |error: regex::Error| {
            BuildError::new(in_one_line(text, &error)).at([list.to_owned(), i.to_string()])
        };
        compile(std::slice::from_ref(text)).map_err(told)?;
    }
    compile(texts).map_err(|error| BuildError::new(error.to_string()).at([list]))
}

/// The library draws the pattern with a mark under the mistake; the last line says what it is.
fn in_one_line(pattern: &str, error: &regex::Error) -> String {
    let text = error.to_string();
    let why = text.lines().last().unwrap_or_default();
    format!("{pattern:?} is not a pattern: {}", why.strip_prefix("error: ").unwrap_or(why))
}

#[derive(Debug)]
struct UserAgentFilter {
    allow: RegexSet,
    deny: RegexSet,
}

impl UserAgentFilter {
    fn lets_through(&self, headers: &HeaderMap) -> bool {
        let passes = |agent: &[u8]| {
            !self.deny.is_match(agent) && (self.allow.is_empty() || self.allow.is_match(agent))
        };
        let mut lines = headers.get_all(USER_AGENT).iter().peekable();
        if lines.peek().is_none() { passes(b"") } else { lines.all(|line| passes(line.as_bytes())) }
    }
}

impl Handler for UserAgentFilter {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        if self.lets_through(exchange.request.headers()) {
            return Ok(OnRequest::Next);
        }
        let message = "your user agent is not allowed";
        let refusal = Refusal::new(StatusCode::FORBIDDEN, message).with_code(USER_AGENT_REFUSED);
        Ok(OnRequest::Abort(refusal))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{chain, pass, refused, request};

    async fn lets_through(options: Value, agents: &[&str]) -> bool {
        let headers: Vec<_> = agents.iter().map(|agent| ("user-agent", *agent)).collect();
        pass(&chain("user-agent-filter", &options), request(&headers)).await.forwarded()
    }

    #[tokio::test]
    async fn denial_wins_over_the_allow_list() {
        let options = json!({"allow": ["curl"], "deny": ["curl/7"]});
        assert!(!lets_through(options.clone(), &["curl/7.1"]).await);
        assert!(lets_through(options, &["curl/8.1"]).await);
    }

    #[tokio::test]
    async fn an_allow_list_must_match_and_an_empty_one_matches_all() {
        assert!(!lets_through(json!({"allow": ["^curl/"]}), &["my curl/8"]).await);
        assert!(lets_through(json!({"deny": ["bot"]}), &["curl/8"]).await);
    }

    #[tokio::test]
    async fn a_missing_user_agent_is_the_empty_one() {
        assert!(!lets_through(json!({"deny": ["^$"]}), &[]).await);
        assert!(!lets_through(json!({"allow": ["."]}), &[]).await);
    }

    #[tokio::test]
    async fn a_second_line_cannot_hide_the_first() {
        assert!(!lets_through(json!({"deny": ["bot"]}), &["curl/8", "bot"]).await);
        assert!(!lets_through(json!({"allow": ["curl"]}), &["bot", "curl/8"]).await);
    }

    #[tokio::test]
    async fn the_refusal_is_a_403_with_its_code() {
        let chain = chain("user-agent-filter", &json!({"deny": ["."]}));
        let refusal = pass(&chain, request(&[("user-agent", "curl/8")])).await.refusal();
        assert_eq!(
            (refusal.status, refusal.code),
            (StatusCode::FORBIDDEN, Some(USER_AGENT_REFUSED))
        );
    }

    #[test]
    fn a_bad_or_huge_pattern_is_refused_with_its_place() {
        let refused = |options| refused("user-agent-filter", &options);
        assert_eq!(refused(json!({"deny": ["a", "("]})), ("deny.1".into(), None));
        assert_eq!(refused(json!({"allow": ["(a{999}){999}"]})), ("allow.0".into(), None));
        assert_eq!(refused(json!({"allow": ["a(?=b)"]})), ("allow.0".into(), None));
    }

    #[test]
    fn a_bad_pattern_is_told_in_one_line() {
        let error = patterns("deny", &["(".to_owned()]).unwrap_err();
        assert!(error.to_string().contains("\"(\" is not a pattern: unclosed group"), "{error}");
        assert_eq!(error.to_string().lines().count(), 1);
    }
}
