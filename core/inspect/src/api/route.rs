//! Which paths there are, and what may be done with each.

use http::Method;
use percent_encoding::percent_decode_str;

/// A path, with what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Captured,
    CapturedOne { id: String },
    Curl { id: String },
    Diff,
    Endpoint { name: String },
    Endpoints,
    Events,
    Exchange { id: String },
    Exchanges,
    Har,
    Home,
    Icon,
    Index,
    Messages { id: String },
    Metrics,
    OpenApi,
    Overview,
    Page,
    Payload { id: String, side: Side },
    Reload,
    Replay { id: String },
    Static { path: String },
    Status,
    Tunnel { name: String },
    Tunnels,
}

/// A half of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Response,
}

impl Route {
    /// What a path leads to. Names are decoded, so that one may have a slash.
    pub(super) fn of(path: &str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let path = path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path);
        if let Some(file) = path.strip_prefix("static/") {
            return Some(Self::Static { path: file.to_owned() });
        }
        let segments: Vec<&str> = path.split('/').collect();
        let text = |segment: &str| decoded(segment);
        Some(match segments.as_slice() {
            [""] => Self::Home,
            ["inspect"] | ["inspect", "http"] | ["status"] => Self::Page,
            ["favicon.ico"] => Self::Icon,
            ["metrics"] => Self::Metrics,
            ["api"] => Self::Index,
            ["api", "tunnels"] => Self::Tunnels,
            ["api", "tunnels", name] => Self::Tunnel { name: text(name)? },
            ["api", "endpoints"] => Self::Endpoints,
            ["api", "endpoints", name] => Self::Endpoint { name: text(name)? },
            ["api", "requests", "http"] => Self::Captured,
            ["api", "requests", "http", id] => Self::CapturedOne { id: text(id)? },
            ["api", "status"] => Self::Status,
            ["api", "exchanges"] => Self::Exchanges,
            ["api", "exchanges", id] => Self::Exchange { id: text(id)? },
            ["api", "exchanges", id, "request", "body"] => {
                Self::Payload { id: text(id)?, side: Side::Request }
            }
            ["api", "exchanges", id, "response", "body"] => {
                Self::Payload { id: text(id)?, side: Side::Response }
            }
            ["api", "exchanges", id, "messages"] => Self::Messages { id: text(id)? },
            ["api", "exchanges", id, "curl"] => Self::Curl { id: text(id)? },
            ["api", "exchanges", id, "replay"] => Self::Replay { id: text(id)? },
            ["api", "diff"] => Self::Diff,
            ["api", "har"] => Self::Har,
            ["api", "events"] => Self::Events,
            ["api", "overview"] => Self::Overview,
            ["api", "config", "reload"] => Self::Reload,
            ["api", "openapi.json"] => Self::OpenApi,
            _ => return None,
        })
    }

    /// The methods that it takes; `HEAD` is `GET` without a body.
    pub(super) const fn methods(&self) -> &'static [Method] {
        match self {
            Self::Captured => &[Method::GET, Method::HEAD, Method::POST, Method::DELETE],
            Self::Tunnels | Self::Endpoints | Self::Har => {
                &[Method::GET, Method::HEAD, Method::POST]
            }
            Self::Tunnel { .. } | Self::Exchanges => &[Method::GET, Method::HEAD, Method::DELETE],
            Self::Endpoint { .. } => &[Method::GET, Method::HEAD, Method::PUT, Method::DELETE],
            Self::Reload | Self::Replay { .. } => &[Method::POST],
            _ => &[Method::GET, Method::HEAD],
        }
    }

    /// As they stand in `Allow`.
    pub(super) fn allowed(&self) -> String {
        let methods: Vec<&str> = self.methods().iter().map(Method::as_str).collect();
        methods.join(", ")
    }
}

/// A segment as it was meant. What is no text names nothing.
fn decoded(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    (!text.is_empty()).then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tunnel(name: &str) -> Option<Route> {
        Some(Route::Tunnel { name: name.to_owned() })
    }

    #[test]
    fn names_are_decoded() {
        assert_eq!(Route::of("/api/tunnels/x%20%28http%29"), tunnel("x (http)"));
        assert_eq!(Route::of("/api/tunnels/x%20(http)"), tunnel("x (http)"));
        assert_eq!(Route::of("/api/tunnels/a%2Fb"), tunnel("a/b"));
        assert_eq!(Route::of("/api/tunnels/%C3%A4"), tunnel("ä"));
        assert_eq!(Route::of("/api/tunnels/%ff"), None);
    }

    #[test]
    fn a_slash_at_the_end_changes_nothing() {
        for (path, route) in [
            ("/", Route::Home),
            ("/api/", Route::Index),
            ("/api/tunnels/", Route::Tunnels),
            ("/api/requests/http/", Route::Captured),
            ("/status/", Route::Page),
        ] {
            assert_eq!(Route::of(path), Some(route), "{path}");
        }
        assert_eq!(Route::of("/api/tunnels//"), None);
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for path in ["", "*", "/apix", "//", "/api/requests", "/api/exchanges/1/body", "/static"] {
            assert_eq!(Route::of(path), None, "{path}");
        }
    }

    #[test]
    fn methods_read_as_in_a_header() {
        assert_eq!(Route::Tunnels.allowed(), "GET, HEAD, POST");
        assert_eq!(Route::Status.allowed(), "GET, HEAD");
        assert_eq!(Route::Reload.allowed(), "POST");
    }

    proptest::proptest! {
        #[test]
        fn any_name_is_found_again(name in "\\PC{1,40}", path: String) {
            let encoded = percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC);
            proptest::prop_assert_eq!(Route::of(&format!("/api/tunnels/{encoded}")), tunnel(&name));
            let _ = (Route::of(&path), Route::of(&format!("/api/{path}")));
        }
    }
}
