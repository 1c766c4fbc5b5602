//! Another `Host` for the upstream, and `Location` headers that lead back to the public one.

use adit_chain::{Body, BuildError, Endpoint};
use http::{
    HeaderMap, HeaderValue, Request,
    header::{HOST, LOCATION},
    uri::{Authority, Parts, Uri},
};

/// Replaces the host of requests.
#[derive(Debug)]
pub struct HostRewrite {
    authority: Authority,
    value: HeaderValue,
    /// Scheme and authority of the public URL.
    public: (&'static str, String),
}

/// Maps `Location` headers of one response back to the host that its request named.
#[derive(Debug)]
pub struct BackToPublic {
    rewritten: Authority,
    scheme: &'static str,
    public: String,
}

impl HostRewrite {
    /// To that host, `name` or `name:port`, on requests to that endpoint.
    ///
    /// # Errors
    /// The text is not a host.
    pub fn new(host: &str, endpoint: &Endpoint) -> Result<Self, BuildError> {
        let bad = || BuildError::new(format!("{host:?} is not a host; write name or name:port"));
        let authority: Authority = host.trim().parse().map_err(|_| bad())?;
        if authority.as_str().contains('@') {
            return Err(bad());
        }
        let value = HeaderValue::from_str(authority.as_str()).map_err(|_| bad())?;
        let url = endpoint.url.split_once("://").map_or(endpoint.url.as_str(), |(_, rest)| rest);
        let public = url.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
        Ok(Self { authority, value, public: (endpoint.protocol.as_str(), public) })
    }

    /// As [`apply_to`](Self::apply_to), for a whole request.
    pub(crate) fn apply(&self, request: &mut Request<Body>) -> BackToPublic {
        let mut target = std::mem::take(request.uri_mut());
        let back = self.apply_to(&mut target, request.headers_mut());
        *request.uri_mut() = target;
        back
    }

    /// Names the new host in a request's target and headers. Returns the way back; what the visitor
    /// had asked for is in [`BackToPublic::public`].
    pub fn apply_to(&self, target: &mut Uri, headers: &mut HeaderMap) -> BackToPublic {
        let named = headers.get(HOST).and_then(|host| host.to_str().ok());
        let named = named.or_else(|| target.authority().map(Authority::as_str));
        let (scheme, public) = (self.public.0, named.unwrap_or(&self.public.1).to_owned());
        if let Some(uri) = self.in_target(target) {
            *target = uri;
        }
        headers.insert(HOST, self.value.clone());
        BackToPublic { rewritten: self.authority.clone(), scheme, public }
    }

    /// The target with the new host, if it names one at all (HTTP/2 does, and absolute form).
    fn in_target(&self, uri: &Uri) -> Option<Uri> {
        let _named = uri.authority()?;
        let mut parts: Parts = uri.clone().into_parts();
        parts.authority = Some(self.authority.clone());
        Uri::from_parts(parts).ok()
    }
}

impl BackToPublic {
    /// The host that the request named, or the endpoint's if it named none.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The way back where the host had been replaced before: to what was asked for first.
    #[must_use]
    pub fn instead_of(self, earlier: Self) -> Self {
        Self { public: earlier.public, ..self }
    }

    /// Maps each `Location` back.
    pub fn map(&self, headers: &mut HeaderMap) {
        for location in headers.get_all_mut_of(&LOCATION) {
            let Some(mapped) = location.to_str().ok().and_then(|text| self.mapped(text)) else {
                continue;
            };
            if let Ok(mapped) = HeaderValue::try_from(mapped) {
                *location = mapped;
            }
        }
    }

    /// The location as seen from outside; `None` if it leads elsewhere.
    fn mapped(&self, location: &str) -> Option<String> {
        let (scheme, rest) = location.split_once("//")?;
        let default_port = match scheme.to_ascii_lowercase().as_str() {
            "" => None,
            "http:" => Some(":80"),
            "https:" => Some(":443"),
            _ => return None,
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let bare = |text: &str| {
            let text = text.to_ascii_lowercase();
            default_port.and_then(|port| text.strip_suffix(port)).unwrap_or(&text).to_owned()
        };
        if bare(authority) != bare(self.rewritten.as_str()) || authority == self.public {
            return None;
        }
        let scheme = if scheme.is_empty() { String::new() } else { format!("{}:", self.scheme) };
        Some(format!("{scheme}//{}{rest}", self.public))
    }
}

/// All lines of one name, to change in place.
trait GetAllMut {
    fn get_all_mut_of<'a>(
        &'a mut self,
        name: &'a http::HeaderName,
    ) -> impl Iterator<Item = &'a mut HeaderValue>;
}

impl GetAllMut for HeaderMap {
    fn get_all_mut_of<'a>(
        &'a mut self,
        name: &'a http::HeaderName,
    ) -> impl Iterator<Item = &'a mut HeaderValue> {
        self.iter_mut().filter(move |(other, _)| *other == name).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use adit_chain::conformance::endpoint;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::request;

    fn back() -> BackToPublic {
        let rewrite = HostRewrite::new("localhost:8080", &endpoint()).unwrap();
        rewrite.apply(&mut request(&[("host", "app.example")]))
    }

    #[test]
    fn a_location_at_the_rewritten_host_leads_back_to_the_public_one() {
        let mapped = |location| back().mapped(location);
        assert_eq!(mapped("http://localhost:8080/a?b#c").unwrap(), "https://app.example/a?b#c");
        assert_eq!(mapped("HTTP://LocalHost:8080").unwrap(), "https://app.example");
        assert_eq!(mapped("//localhost:8080/a").unwrap(), "//app.example/a");
    }

    #[test]
    fn a_location_elsewhere_stays() {
        for location in [
            "/a//localhost:8080/",
            "http://localhost:8081/",
            "http://localhost/",
            "http://user@localhost:8080/",
            "http://other.example/",
            "ftp://localhost:8080/",
            "",
        ] {
            assert_eq!(back().mapped(location), None, "{location}");
        }
    }

    #[test]
    fn a_default_port_may_be_written_or_left_out() {
        let rewrite = HostRewrite::new("localhost", &endpoint()).unwrap();
        let back = rewrite.apply(&mut request(&[("host", "app.example")]));
        assert_eq!(back.mapped("http://localhost:80/").unwrap(), "https://app.example/");
        assert_eq!(back.mapped("https://localhost:443/").unwrap(), "https://app.example/");
        assert_eq!(back.mapped("http://localhost:443/"), None);
    }

    #[test]
    fn a_request_without_a_host_leads_back_to_the_endpoint() {
        let rewrite = HostRewrite::new("localhost", &endpoint()).unwrap();
        assert_eq!(rewrite.apply(&mut request(&[])).public(), "app.example");
    }

    #[test]
    fn the_authority_of_the_target_is_replaced_with_the_host() {
        let rewrite = HostRewrite::new("localhost:8080", &endpoint()).unwrap();
        let mut request = request(&[]);
        *request.uri_mut() = "https://app.example/a?b".parse().unwrap();
        assert_eq!(rewrite.apply(&mut request).public(), "app.example");
        assert_eq!(request.uri(), "https://localhost:8080/a?b");
        assert_eq!(request.headers()[HOST], "localhost:8080");
    }

    #[test]
    fn what_is_not_a_host_is_refused() {
        for host in ["", "a b", "a/b", "user@a", "a:b:c"] {
            assert!(HostRewrite::new(host, &endpoint()).is_err(), "{host}");
        }
    }

    proptest! {
        #[test]
        fn no_location_makes_the_mapping_panic(location in ".{0,60}|(http:|)//localhost:8080.{0,20}") {
            let _ = back().mapped(&location);
        }
    }
}
