//! Host names of public addresses.

use std::fmt;

use adit_proto::{ErrorCode, ErrorText};

/// Longest name, in bytes. Fact: RFC 1035, without the root's dot.
const MAX_NAME: usize = 253;
/// Longest label, in bytes. Fact: RFC 1035.
const MAX_LABEL: usize = 63;

/// A DNS name in lower-case ASCII (IDNA applied), possibly with `*` as its whole first label.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(String);

impl HostName {
    /// Reads a name that an agent or an operator wrote.
    ///
    /// # Errors
    /// The text to answer with.
    pub fn parse(text: &str) -> Result<Self, ErrorText> {
        let (star, rest) = match text.strip_prefix("*.") {
            Some(rest) => ("*.", rest),
            None => ("", text),
        };
        let refuse = |why: &str| {
            let message = format!("The host name {text:?} {why}.");
            Err(ErrorText::new(ErrorCode::HOST_SYNTAX, message))
        };
        if rest.contains('*') {
            return refuse("may have a wildcard only as its whole first label");
        }
        let ascii = match url::Host::parse(rest) {
            Ok(url::Host::Domain(name)) => name,
            Ok(_) => return refuse("is an IP address"),
            Err(_) => return refuse("is not a valid DNS name"),
        };
        if star.len() + ascii.len() > MAX_NAME {
            return refuse("is longer than 253 characters");
        }
        let n_labels = ascii.split('.').count();
        if !ascii.split('.').all(is_label) {
            return refuse(
                "must be labels of 1 to 63 letters, digits and hyphens, separated by dots",
            );
        }
        if n_labels < 2 {
            return refuse("must have at least two labels");
        }
        Ok(Self(format!("{star}{ascii}")))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    (1..=MAX_LABEL).contains(&bytes.len())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
        && bytes.first() != Some(&b'-')
        && bytes.last() != Some(&b'-')
}

/// The host of an authority (`Host` header, SNI): without port and root dot, lower case.
pub(crate) fn of_authority(authority: &str) -> String {
    adit_runtime::host_of(authority).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, ErrorCode> {
        HostName::parse(text).map(|h| h.0).map_err(|e| e.code().unwrap())
    }

    #[test]
    fn names_are_lowered_and_encoded() {
        assert_eq!(parse("App.Example.com").unwrap(), "app.example.com");
        assert_eq!(parse("bücher.example").unwrap(), "xn--bcher-kva.example");
        assert_eq!(parse("*.app.example").unwrap(), "*.app.example");
    }

    #[test]
    fn what_is_no_name_has_the_code_for_it() {
        let long = format!("{}.example", "a".repeat(64));
        for bad in [
            "",
            "app",
            "a b.example",
            "*",
            "a.*.example",
            "x*.example",
            "192.0.2.1",
            "[::1]",
            "-a.example",
            "a-.example",
            "a..example",
            "a_b.example",
            "a.example/x",
            long.as_str(),
        ] {
            assert_eq!(parse(bad), Err(ErrorCode::HOST_SYNTAX), "{bad}");
        }
    }

    #[test]
    fn an_authority_is_reduced_to_its_host() {
        assert_eq!(of_authority("App.Example.com:8080"), "app.example.com");
        assert_eq!(of_authority("app.example.com."), "app.example.com");
        assert_eq!(of_authority("[::1]:80"), "[::1]");
    }
}
