//! What a credential may bind.

use std::fmt;

/// Most rules of one list.
pub const MAX_RULES: usize = 100;

/// Rules of a credential. An empty list allows everything; any other list allows what one of its
/// rules allows, and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acl(Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// `*` or `bind:*`.
    Anything,
    /// `bind:name` or `bind:name:port`.
    Host { pattern: String, port: Option<u16> },
    /// `bind:key=value`; `None` stands for `*`.
    Label { key: Option<String>, value: Option<String> },
}

/// A rule that does not parse, or too many rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AclError {
    /// The rule is not one.
    #[error("ACL rule {rule:?} is not \"*\", \"bind:NAME[:PORT]\" or \"bind:KEY=VALUE\"")]
    Rule {
        /// As written.
        rule: String,
    },
    /// More rules than [`MAX_RULES`].
    #[error("more than {MAX_RULES} ACL rules")]
    TooMany,
}

impl Acl {
    /// Allows everything.
    pub const fn everything() -> Self {
        Self(Vec::new())
    }

    /// Reads a list of rules.
    ///
    /// # Errors
    /// The first rule that does not parse.
    pub fn parse<R: AsRef<str>>(rules: impl IntoIterator<Item = R>) -> Result<Self, AclError> {
        let rules: Vec<Rule> =
            rules.into_iter().map(|rule| parse_rule(rule.as_ref())).collect::<Result<_, _>>()?;
        if rules.len() > MAX_RULES { Err(AclError::TooMany) } else { Ok(Self(rules)) }
    }

    /// Whether this host (perhaps a wildcard) may be bound; `port` is that of the public address.
    pub fn allows_host(&self, host: &str, port: u16) -> bool {
        self.allows_any() || self.names_host(host, port)
    }

    /// Whether a rule names this host, beyond allowing everything.
    pub fn names_host(&self, host: &str, port: u16) -> bool {
        self.0.iter().any(|rule| match rule {
            Rule::Host { pattern, port: only } => {
                only.is_none_or(|only| only == port) && matches(pattern, host)
            }
            _ => false,
        })
    }

    /// Whether every name, address and label is allowed.
    pub fn allows_any(&self) -> bool {
        self.0.is_empty() || self.0.contains(&Rule::Anything)
    }

    /// Whether a tunnel may have this label.
    pub fn allows_label(&self, key: &str, value: &str) -> bool {
        let is = |wanted: &Option<String>, text: &str| wanted.as_deref().is_none_or(|w| w == text);
        self.allows_any()
            || self.0.iter().any(|rule| match rule {
                Rule::Label { key: k, value: v } => is(k, key) && is(v, value),
                _ => false,
            })
    }
}

impl fmt::Display for Acl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rules", self.0.len())
    }
}

/// A wildcard pattern takes every name with something in front of the dot, and itself.
fn matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => host == pattern,
    }
}

fn parse_rule(text: &str) -> Result<Rule, AclError> {
    let bad = || AclError::Rule { rule: text.to_owned() };
    if text == "*" {
        return Ok(Rule::Anything);
    }
    let target = text.strip_prefix("bind:").ok_or_else(bad)?;
    if target == "*" {
        return Ok(Rule::Anything);
    }
    if let Some((key, value)) = target.split_once('=') {
        let part = |part: &str| match part {
            "*" => Ok(None),
            _ if part.is_empty() => Err(bad()),
            _ if part.contains(|c: char| "=*,".contains(c) || c.is_whitespace()) => Err(bad()),
            _ => Ok(Some(part.to_owned())),
        };
        return Ok(Rule::Label { key: part(key)?, value: part(value)? });
    }
    let (name, port) = match target.split_once(':') {
        None => (target, None),
        Some((name, port)) => {
            let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(bad)?;
            (name, Some(port))
        }
    };
    // `*.com` is a rule, though not a name that could be bound.
    let checked = name.strip_prefix("*.").map_or_else(|| name.to_owned(), |n| format!("x.{n}"));
    let host = crate::host::HostName::parse(&checked).map_err(|_| bad())?;
    let pattern = match name.starts_with("*.") {
        true => format!("*{}", &host.as_str()[1..]),
        false => host.as_str().to_owned(),
    };
    Ok(Rule::Host { pattern, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acl(rules: &[&str]) -> Acl {
        Acl::parse(rules).unwrap()
    }

    #[test]
    fn an_empty_list_allows_everything_and_a_list_only_what_it_says() {
        assert!(Acl::everything().allows_host("a.example", 443));
        assert!(acl(&["*"]).allows_label("a", "b"));
        assert!(acl(&["bind:*"]).allows_any());
        let only = acl(&["bind:foo.example.com"]);
        assert!(only.allows_host("foo.example.com", 1));
        assert!(!only.allows_host("bar.example.com", 1));
        assert!(!only.allows_label("app", "web"));
    }

    #[test]
    fn wildcards_take_any_depth_and_themselves_but_not_the_bare_domain() {
        let rules = acl(&["bind:*.example.com"]);
        for host in ["a.example.com", "a.b.example.com", "*.example.com", "*.a.example.com"] {
            assert!(rules.allows_host(host, 443), "{host}");
        }
        assert!(!rules.allows_host("example.com", 443));
        assert!(!rules.allows_host("notexample.com", 443));
        assert!(!acl(&["bind:x.a.example.com"]).allows_host("*.a.example.com", 443));
    }

    #[test]
    fn an_address_rule_holds_on_its_port_only() {
        let rules = acl(&["bind:1.tcp.edge.example:20002", "bind:*.example.com:443"]);
        assert!(rules.allows_host("1.tcp.edge.example", 20_002));
        assert!(!rules.allows_host("1.tcp.edge.example", 20_003));
        assert!(rules.allows_host("a.example.com", 443));
        assert!(!rules.allows_host("a.example.com", 80));
    }

    #[test]
    fn labels_match_by_key_and_value_with_stars() {
        let allows = |rule: &str| acl(&[rule]).allows_label("app", "web");
        assert!(allows("bind:app=web") && allows("bind:app=*") && allows("bind:*=web"));
        assert!(allows("bind:*=*") && !allows("bind:app=Web") && !allows("bind:App=*"));
    }

    #[test]
    fn rules_that_do_not_parse_are_named() {
        for rule in [
            "",
            "bind:",
            "bind:localhost",
            "bind:a b.example",
            "bind:*x.example",
            "bind:a=",
            "bind:a=b=c",
            "bind:a=b*",
            "bind:a.example:0",
            "bind:a.example:70000",
            "Bind:*",
        ] {
            let error = Acl::parse([rule]).unwrap_err();
            assert_eq!(error, AclError::Rule { rule: rule.to_owned() });
        }
        assert_eq!(Acl::parse(vec!["*"; 101]), Err(AclError::TooMany));
    }
}
