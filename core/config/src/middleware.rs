//! The classic options of a tunnel, and the handlers that they stand for.

mod policies;

use std::str::FromStr;

use serde_json::{Value as Json, json};

pub use self::policies::POLICY_KIND;
use crate::{
    addr,
    diagnostic::Diagnostic,
    file::{HeaderEdit, IpRestriction, OAuth, Oidc, UserAgentFilter, VerifyWebhook},
    handler::HandlerSpec,
    place::{At, Place},
    secret::Secret,
};

/// The classic options. Their values are checked by the handlers when the endpoint starts.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Middleware {
    /// Accepted `user:password` pairs; empty asks for none.
    pub basic_auth: Vec<At<Secret<String>>>,
    /// Share of failures, 0 to 1, at which requests are refused for a while.
    pub circuit_breaker: Option<At<f64>>,
    /// Whether responses are compressed, and where that was said.
    pub compression: Option<Place>,
    /// `rewrite`, `preserve`, or the value that the upstream sees.
    pub host_header: Option<At<String>>,
    /// Networks that may and may not connect.
    pub ip_restriction: Option<IpRestriction>,
    /// Visitors sign in with a provider.
    pub oauth: Option<OAuth>,
    /// Visitors sign in with an OpenID provider.
    pub oidc: Option<Oidc>,
    /// Changes to the header of requests.
    pub request_header: Option<HeaderEdit>,
    /// Changes to the header of responses.
    pub response_header: Option<HeaderEdit>,
    /// User agents that are let in and kept out.
    pub user_agent_filter: Option<UserAgentFilter>,
    /// Webhooks must be signed.
    pub verify_webhook: Option<VerifyWebhook>,
    /// Whether WebSocket messages become bytes of a TCP connection, and where that was said.
    pub websocket_tcp_converter: Option<Place>,
}

/// What the upstream sees as `Host`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostHeader {
    /// What the visitor sent.
    Preserve,
    /// The upstream's own name.
    Rewrite,
    /// This.
    Value(String),
}

/// Why a value cannot be a `Host`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a host header; write rewrite, preserve or host[:port]")]
pub struct HostHeaderError {
    text: String,
}

impl FromStr for HostHeader {
    type Err = HostHeaderError;

    fn from_str(text: &str) -> Result<Self, HostHeaderError> {
        match text {
            "preserve" => Ok(Self::Preserve),
            "rewrite" => Ok(Self::Rewrite),
            _ => match addr::split(text) {
                Ok(_) => Ok(Self::Value(text.to_owned())),
                Err(_) => Err(HostHeaderError { text: text.to_owned() }),
            },
        }
    }
}

type List = Option<At<Vec<At<String>>>>;

impl Middleware {
    /// The first thing that is missing in an option that asks for a sign-in, with its public code.
    /// `place`: that of the endpoint.
    pub fn incomplete(&self, place: &Place) -> Option<Diagnostic> {
        let oauth = self.oauth.as_ref().and_then(|o| policies::incomplete_oauth(o, place));
        oauth.or_else(|| self.oidc.as_ref().and_then(|o| policies::incomplete_oidc(o, place)))
    }

    /// Handlers that come before the user's own, in order.
    ///
    /// Fact: the order of the rules that the reference generates from these options. Compression
    /// stands before the header changes because responses pass the list backwards.
    pub fn before(&self) -> Vec<HandlerSpec> {
        let mut specs = Vec::new();
        if let Some(ip) = &self.ip_restriction {
            specs.extend(lists(
                "ip-restriction",
                [("allow", &ip.allow_cidrs), ("deny", &ip.deny_cidrs)],
            ));
        }
        if let Some(ua) = &self.user_agent_filter {
            specs.extend(lists("user-agent-filter", [("allow", &ua.allow), ("deny", &ua.deny)]));
        }
        specs.extend(self.verify_webhook.as_ref().map(policies::verify_webhook));
        if let Some(first) = self.basic_auth.first() {
            let all: Vec<Json> =
                self.basic_auth.iter().map(|c| c.value.expose().as_str().into()).collect();
            let places = self.basic_auth.iter().map(|c| &c.place).enumerate();
            let spec =
                HandlerSpec::new("basic-auth", json!({ "credentials": all }), first.place.clone());
            specs.push(spec.with_places(places.map(|(i, p)| (format!("credentials[{i}]"), p))));
        }
        specs.extend(self.oauth.as_ref().map(policies::oauth));
        specs.extend(self.oidc.as_ref().map(policies::oidc));
        if let Some(threshold) = &self.circuit_breaker {
            let options = json!({ "error_threshold": threshold.value });
            specs.push(HandlerSpec::new("circuit-breaker", options, threshold.place.clone()));
        }
        if let Some(place) = &self.compression {
            specs.push(HandlerSpec::new("compression", json!({}), place.clone()));
        }
        if let Some(host) = &self.host_header {
            let options = json!({ "value": host.value });
            specs.push(HandlerSpec::new("host-header", options, host.place.clone()));
        }
        for (kind, edit) in
            [("request-headers", &self.request_header), ("response-headers", &self.response_header)]
        {
            if let Some(edit) = edit {
                specs.extend(lists(kind, [("add", &edit.add), ("remove", &edit.remove)]));
            }
        }
        specs
    }

    /// Handlers that come after the user's own.
    pub(crate) fn after(&self) -> Option<HandlerSpec> {
        let place = self.websocket_tcp_converter.as_ref()?;
        Some(HandlerSpec::new("websocket-tcp-converter", json!({}), place.clone()))
    }
}

/// A handler whose options are two lists of strings; none if neither was written.
fn lists(kind: &str, named: [(&str, &List); 2]) -> Option<HandlerSpec> {
    let mut options = json!({});
    let mut places = Vec::new();
    let mut first = None;
    for (name, list) in named {
        let Some(list) = list else { continue };
        first.get_or_insert_with(|| list.place.clone());
        options[name] = list.value.iter().map(|v| Json::from(v.value.as_str())).collect();
        places.push((name.to_owned(), &list.place));
        let items = list.value.iter().enumerate();
        places.extend(items.map(|(i, v)| (format!("{name}[{i}]"), &v.place)));
    }
    Some(HandlerSpec::new(kind, options, first?).with_places(places))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_header_is_a_word_or_a_host() {
        assert_eq!("rewrite".parse(), Ok(HostHeader::Rewrite));
        assert_eq!("preserve".parse(), Ok(HostHeader::Preserve));
        assert_eq!("a.b:80".parse(), Ok(HostHeader::Value("a.b:80".to_owned())));
        for bad in ["", "a b", "a\r\nb", "http://a"] {
            assert_eq!(bad.parse::<HostHeader>(), Err(HostHeaderError { text: bad.to_owned() }));
        }
    }
}
