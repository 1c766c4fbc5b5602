//! Which headers are secrets, and what is shown in their place.

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Names of headers whose values let somebody in.
const SENSITIVE: &[&str] = &[
    "api-key",
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
    "x-access-token",
    "x-amz-security-token",
    "x-api-key",
    "x-api-token",
    "x-auth-token",
    "x-authorization",
    "x-csrf-token",
    "x-forwarded-access-token",
    "x-gitlab-token",
    "x-goog-api-key",
    "x-session-token",
    "x-vault-token",
    "x-xsrf-token",
];

/// What happens to secrets in what leaves the agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// They stay.
    Include,
    /// Something else stands in their place.
    #[default]
    Mask,
}

impl Secrets {
    /// The value of a header as it may be shown. Bytes that are no text are replaced.
    pub fn show(self, name: &str, value: &[u8]) -> String {
        if self == Self::Mask && is_sensitive(name) {
            return MASK.to_owned();
        }
        String::from_utf8_lossy(value).into_owned()
    }
}

/// Whether the value of a header lets somebody in.
pub fn is_sensitive(name: &str) -> bool {
    SENSITIVE.iter().any(|sensitive| name.eq_ignore_ascii_case(sensitive))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_unless_asked_for() {
        assert_eq!(Secrets::Mask.show("Cookie", b"a=1"), "***");
        assert_eq!(Secrets::Include.show("Cookie", b"a=1"), "a=1");
        assert_eq!(Secrets::Mask.show("Accept", b"\xff"), "\u{fffd}");
        assert!(is_sensitive("PROXY-Authorization") && !is_sensitive("authorized"));
    }
}
