//! Where the visitor is: the endpoint's own address as the browser has it, and the paths on it that
//! belong to logins.

use http::HeaderMap;
use url::{Host, Url};

use crate::scope::Scope;

/// Starts a login.
pub(crate) const LOGIN: &str = "/ngrok/login";
/// Ends a session.
pub(crate) const LOGOUT: &str = "/ngrok/logout";
/// Where the provider sends the visitor back to, unless the configuration says otherwise.
pub(crate) const CALLBACK: &str = "/ngrok/callback";

/// Characters of a path that a visitor is sent back to.
///
/// Reason: it travels to the provider and back inside of a parameter, and servers refuse addresses
/// of more than a few KiB.
const MAX_RETURN: usize = 1024;

/// The address at which the visitor's browser sees the endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Whether the browser speaks TLS.
    pub(crate) is_https: bool,
    /// `host[:port]`, lower case.
    authority: String,
}

impl Place {
    /// Of a request. The endpoint's own address, unless that stands for many names or is one that
    /// no browser can reach: then what the browser asked for.
    pub(crate) fn of(scope: &Scope) -> Option<Self> {
        let endpoint = &scope.conn.endpoint;
        let asked = scope.request.as_ref()?;
        let url = Url::parse(&endpoint.url).ok();
        let named = url.as_ref().and_then(authority);
        if let (Some(url), Some(named)) = (&url, named)
            && !is_internal(url)
        {
            return Some(Self { is_https: url.scheme() == "https", authority: named });
        }
        let is_https =
            match url.as_ref().filter(|url| is_internal(url)).and(forwarded(&asked.head.headers)) {
                Some(scheme) => scheme == "https",
                None => endpoint.protocol == adit_chain::Protocol::Https,
            };
        let host = asked.original.host.as_ref()?.to_str().ok()?;
        let asked = Url::parse(&format!("http://{host}/")).ok()?;
        if asked.path() != "/" || !asked.username().is_empty() || asked.query().is_some() {
            return None;
        }
        let port = asked.port().map(|port| format!(":{port}")).unwrap_or_default();
        Some(Self { is_https, authority: format!("{}{port}", asked.host_str()?) })
    }

    /// The URL of a path here.
    pub(crate) fn url(&self, path: &str) -> String {
        let scheme = if self.is_https { "https" } else { "http" };
        format!("{scheme}://{}{path}", self.authority)
    }

    /// Whether cookies for this domain reach here.
    pub(crate) fn is_within(&self, domain: &str) -> bool {
        let Ok(url) = Url::parse(&self.url("/")) else { return false };
        match url.host() {
            Some(Host::Domain(host)) => is_within(host, domain),
            _ => false,
        }
    }
}

/// Whether a name is a domain or below it.
pub(crate) fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// `host[:port]`, unless the URL names no single host.
fn authority(url: &Url) -> Option<String> {
    let host = url.host_str().filter(|host| !host.is_empty() && !host.contains('*'))?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{host}{port}"))
}

fn is_internal(url: &Url) -> bool {
    url.host_str().is_some_and(|host| host.ends_with(".internal"))
}

/// The scheme that the last server before us saw.
fn forwarded(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get_all("x-forwarded-proto").iter().next_back()?.to_str().ok()?;
    Some(value.rsplit(',').next()?.trim())
}

/// A path that a visitor can be sent to without leaving the endpoint, or none.
pub(crate) fn safe_path(path: &str) -> Option<&str> {
    // Browsers take `//host` and `/\host` for another server, and skip tabs and line breaks.
    let rest = path.strip_prefix('/')?;
    let is_plain =
        path.len() <= MAX_RETURN && path.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
    let is_ours = |own: &str| {
        path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('?'))
    };
    let is_loop = [LOGIN, LOGOUT, CALLBACK].into_iter().any(is_ours);
    (is_plain && !is_loop && !rest.starts_with(['/', '\\'])).then_some(path)
}

/// One parameter of a query, decoded.
pub(crate) fn param(query: Option<&str>, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query?.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_that_leave_the_endpoint_are_not_safe() {
        for path in [
            "https://evil.example/",
            "//evil.example/",
            "/\\evil.example/",
            "\\\\evil.example",
            "/\t/evil.example",
            "javascript:alert(1)",
            "evil",
            "",
            "/a\r\nset-cookie: x",
            "/ngrok/callback?code=1",
            "/ngrok/login",
        ] {
            assert_eq!(safe_path(path), None, "{path:?}");
        }
        for path in ["/", "/a?b=//c#d", "/ngrok/loginx", "/a//b"] {
            assert_eq!(safe_path(path), Some(path));
        }
        assert_eq!(safe_path(&format!("/{}", "a".repeat(MAX_RETURN))), None);
    }

    proptest! {
        #[test]
        fn no_path_that_is_safe_leaves_the_endpoint(path in "[/\\\\a:.@?#\t \\PC]{0,12}") {
            let endpoint = Url::parse("https://app.example:8443/deep/path?q").unwrap();
            if let Some(safe) = safe_path(&path) {
                let target = endpoint.join(safe).unwrap();
                prop_assert_eq!(target.origin(), endpoint.origin());
                prop_assert!(target.username().is_empty());
            }
        }
    }

    #[test]
    fn a_domain_holds_itself_and_what_is_below_it() {
        assert!(is_within("app.example.com", "example.com"));
        assert!(is_within("example.com", "example.com"));
        assert!(!is_within("badexample.com", "example.com"));
        assert!(!is_within("example.com", "app.example.com"));
    }
}
