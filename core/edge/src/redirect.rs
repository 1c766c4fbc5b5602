//! Sends visitors who came without TLS to the same place with it.

use std::sync::Arc;

use adit_chain::{
    Body, BoxError, BoxFuture, Chain, Conn, Endpoint, Exchange, Handler, Link, Needs, OnRequest,
    Protocol, Side,
};
use adit_runtime::{Leg, PassthroughTls, Route, RouteOptions, Upstream, UpstreamError};
use http::{HeaderValue, Response, StatusCode, header};

use crate::host;

/// Answers every request with where it should have gone.
#[derive(Debug)]
struct ToHttps {
    /// Public TLS port.
    port: u16,
}

impl Handler for ToHttps {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        let request = &exchange.request;
        let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let authority = request.uri().authority().map(http::uri::Authority::as_str);
        let host = host::of_authority(named.or(authority).unwrap_or_default());
        let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let location = match self.port {
            443 => format!("https://{host}{path}"),
            port => format!("https://{host}:{port}{path}"),
        };
        // 308 and not 301: the method and the body stay what they are.
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
        response.headers_mut().insert(header::LOCATION, HeaderValue::from_str(&location)?);
        Ok(OnRequest::Respond(response))
    }
}

/// Behind a chain that answers everything.
#[derive(Debug)]
struct Nobody;

impl Upstream for Nobody {
    fn connect<'a>(
        &'a self,
        conn: &'a Conn,
        _: PassthroughTls,
    ) -> BoxFuture<'a, Result<Leg, UpstreamError>> {
        let url = conn.endpoint.url.clone();
        Box::pin(std::future::ready(Err(UpstreamError::Offline { url })))
    }
}

/// The route for all names that are served with TLS only.
pub(crate) fn route(port: u16) -> Arc<Route> {
    let endpoint = Arc::new(Endpoint {
        name: "to-https".to_owned(),
        url: "http://".to_owned(),
        protocol: Protocol::Http,
        upstream: String::new(),
        upstream_host: None,
    });
    let chain = Chain::new(vec![Link::new("to-https", ToHttps { port })]);
    Arc::new(Route::new(endpoint, chain, Arc::new(Nobody), RouteOptions::new(Side::Edge)))
}

#[cfg(test)]
mod tests {
    use adit_chain::conformance;
    use http::Request;

    use super::*;

    async fn location(port: u16, host: &str, target: &str) -> String {
        let request =
            Request::builder().uri(target).header(header::HOST, host).body(Body::Empty).unwrap();
        let mut exchange = conformance::exchange(request);
        let answered = (ToHttps { port }).on_request(&mut exchange).await.unwrap();
        match answered {
            OnRequest::Respond(response) => {
                assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
                response.headers()[header::LOCATION].to_str().unwrap().to_owned()
            }
            _ => panic!("no answer"),
        }
    }

    #[tokio::test]
    async fn visitors_are_sent_to_the_same_place_with_tls() {
        assert_eq!(location(443, "a.example:80", "/x?y=1").await, "https://a.example/x?y=1");
        assert_eq!(location(8443, "A.example", "/").await, "https://a.example:8443/");
    }
}
