//! `host-header`: which `Host` the upstream sees.
//!
//! `preserve` leaves what the visitor sent. `rewrite` names the upstream's own host and keeps the
//! visitor's in `X-Forwarded-Host`. Anything else is the host to name. Where the host is replaced,
//! `Location` headers that point at it are mapped back to the public one.

use adit_chain::{BoxError, BoxHandler, BuildCx, BuildError, Exchange, Handler, Needs, OnRequest};
use http::{HeaderName, HeaderValue, Response};
use serde::Deserialize;

use crate::host::HostRewrite;

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    value: String,
}

pub(crate) fn build(options: Options, cx: &BuildCx) -> Result<BoxHandler, BuildError> {
    let at = |error: BuildError| error.at(["value"]);
    let host = match options.value.trim() {
        "preserve" => return Ok(BoxHandler::new(HostHeader::Preserve)),
        "rewrite" => cx.endpoint.upstream_host.as_deref().ok_or_else(|| {
            let upstream = &cx.endpoint.upstream;
            at(BuildError::new(format!("the upstream {upstream} has no host to rewrite to")))
        })?,
        host => {
            let rewrite = HostRewrite::new(host, &cx.endpoint).map_err(at)?;
            return Ok(BoxHandler::new(HostHeader::Replace(rewrite)));
        }
    };
    let rewrite = HostRewrite::new(host, &cx.endpoint).map_err(at)?;
    Ok(BoxHandler::new(HostHeader::Upstream(rewrite)))
}

#[derive(Debug)]
enum HostHeader {
    Preserve,
    /// A host of the user's choice.
    Replace(HostRewrite),
    /// The upstream's own host.
    Upstream(HostRewrite),
}

impl Handler for HostHeader {
    fn needs(&self) -> Needs {
        match self {
            Self::Preserve => Needs::empty(),
            Self::Replace(_) | Self::Upstream(_) => Needs::REQUEST_HEAD | Needs::RESPONSE_HEAD,
        }
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        let request = &mut exchange.request;
        let back = match self {
            Self::Preserve => return Ok(OnRequest::Next),
            Self::Replace(rewrite) => rewrite.apply(request),
            Self::Upstream(rewrite) => {
                let back = rewrite.apply(request);
                let original = HeaderValue::from_str(back.public())?;
                request.headers_mut().insert(X_FORWARDED_HOST, original);
                back
            }
        };
        Ok(OnRequest::NextThen(Box::new(move |mut response: Response<_>| {
            back.map(response.headers_mut());
            Ok(response)
        })))
    }
}

#[cfg(test)]
mod tests {
    use http::header::{HOST, LOCATION};
    use serde_json::json;

    use super::*;
    use crate::testing::{build, chain, pass, refused, request, response};

    #[tokio::test]
    async fn rewrite_names_the_upstream_and_keeps_the_original_beside_it() {
        let chain = chain("host-header", &json!({"value": "rewrite"}));
        let spoofed = [("host", "app.example"), ("x-forwarded-host", "evil.example")];
        let passed = pass(&chain, request(&spoofed)).await;
        let headers = passed.exchange.request.headers();
        assert_eq!(headers[HOST], "localhost:8080");
        assert_eq!(headers.get_all(X_FORWARDED_HOST).iter().collect::<Vec<_>>(), ["app.example"]);
    }

    #[tokio::test]
    async fn a_redirect_of_the_upstream_to_itself_leads_back_to_the_visitors_host() {
        let chain = chain("host-header", &json!({"value": "rewrite"}));
        let passed = pass(&chain, request(&[("host", "other.example")])).await;
        let redirect = response(&[("location", "http://localhost:8080/login")], "");
        let answer = passed.answered(redirect).await;
        assert_eq!(answer.headers()[LOCATION], "https://other.example/login");
    }

    #[tokio::test]
    async fn a_host_of_choice_replaces_the_visitors() {
        let chain = chain("host-header", &json!({"value": "intra.example:81"}));
        let passed = pass(&chain, request(&[("host", "app.example")])).await;
        assert_eq!(passed.exchange.request.headers()[HOST], "intra.example:81");
        let answer =
            passed.answered(response(&[("location", "http://intra.example:81/")], "")).await;
        assert_eq!(answer.headers()[LOCATION], "https://app.example/");
    }

    #[test]
    fn preserve_costs_nothing() {
        let handler = build("host-header", &json!({"value": "preserve"})).unwrap();
        assert_eq!(handler.needs(), Needs::empty());
    }

    #[test]
    fn a_bad_host_and_no_host_are_refused_with_their_place() {
        assert_eq!(refused("host-header", &json!({"value": "a b"})), ("value".into(), None));
        let message = build("host-header", &json!(null)).unwrap_err().message;
        assert_eq!(message, "missing field `value`");
    }
}
