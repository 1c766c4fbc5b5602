//! What a call changed, as people are told.

use std::fmt;

use adit_policy_rules::observe;
use http::{HeaderName, HeaderValue, Method};

/// Octets of a value that people are shown.
const MAX_SHOWN: usize = 100;

/// Lines of one name that people are shown.
const MAX_SHOWN_LINES: usize = 5;

/// One change that a call made, as far as it can be told to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// The authority of a request.
    Authority(String),
    /// The lines of one name, as they are now; none: it was removed.
    Header(HeaderName, Vec<HeaderValue>),
    /// Who the visitor is.
    Identity(String),
    /// The method.
    Method(Method),
    /// The status.
    Status(u16),
    /// Path and query.
    Target(String),
    /// A variable.
    Var(String, String),
}

impl fmt::Display for Edit {
    /// One line; values are shortened, and may be secrets: only for those who see the message too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |text: &str| observe::cut(text, MAX_SHOWN).escape_debug().to_string();
        match self {
            Self::Authority(value) => write!(f, "authority = {}", short(value)),
            Self::Header(name, values) if values.is_empty() => write!(f, "- {name}"),
            Self::Header(name, values) => {
                let mut gap = "";
                for value in values.iter().take(MAX_SHOWN_LINES) {
                    let value = String::from_utf8_lossy(value.as_bytes());
                    write!(f, "{gap}{name}: {}", short(&value))?;
                    gap = ", ";
                }
                Ok(())
            }
            Self::Identity(value) => write!(f, "identity = {}", short(value)),
            Self::Method(value) => write!(f, "method = {value}"),
            Self::Status(value) => write!(f, "status = {value}"),
            Self::Target(value) => write!(f, "target = {}", short(value)),
            Self::Var(name, value) => write!(f, "var {} = {}", short(name), short(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_one_short_line_whatever_the_policy_wrote() {
        let name = HeaderName::from_static("x-a");
        let value = HeaderValue::from_static;
        let text = |edit: Edit| edit.to_string();
        assert_eq!(text(Edit::Header(name.clone(), Vec::new())), "- x-a");
        let values = vec![value("1"), value("2")];
        assert_eq!(text(Edit::Header(name.clone(), values)), "x-a: 1, x-a: 2");
        assert_eq!(text(Edit::Header(name, vec![value("1"); 100])).matches("x-a").count(), 5);
        assert_eq!(text(Edit::Status(404)), "status = 404");
        assert_eq!(text(Edit::Var("a\nb".into(), "c\"d".into())), r#"var a\nb = c\"d"#);
        assert_eq!(text(Edit::Target("x".repeat(500))).len(), "target = ".len() + MAX_SHOWN);
    }
}
