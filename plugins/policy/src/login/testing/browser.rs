//! A browser: cookies, and a way to and fro.

use std::collections::BTreeMap;

use adit_chain::Body;
use http::{HeaderMap, Response, header};

use super::Provider;
use crate::testing::{Passed, Rig, request};

/// A visitor's browser, with its cookies for the one endpoint that it knows.
#[derive(Clone, Default)]
pub(crate) struct Browser {
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Asks the endpoint for a path.
    pub(crate) async fn get(&mut self, rig: &Rig, path: &str) -> Passed {
        self.send(rig, "GET", path, &[]).await
    }

    /// Asks the endpoint.
    pub(crate) async fn send(
        &mut self,
        rig: &Rig,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Passed {
        let cookies: Vec<_> = self.cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = headers.to_vec();
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        rig.request(request(method, path, &headers, "")).await
    }

    /// Takes an answer's cookies.
    pub(crate) fn take(&mut self, headers: &HeaderMap) {
        for line in headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Asks for a path that nobody may see who is not logged in; where the browser is sent.
    pub(crate) async fn begin(&mut self, rig: &Rig, path: &str) -> String {
        let response = self.get(rig, path).await.response();
        self.take(response.headers());
        to(&response)
    }

    /// Goes to the provider, and says who the visitor is; the path that it is sent back to.
    pub(crate) async fn agree(&self, provider: &Provider, url: &str) -> String {
        let response = provider.visit(url).await;
        let back = response.headers()[header::LOCATION].to_str().unwrap();
        let back = url::Url::parse(back).unwrap();
        assert_eq!(back.host_str(), Some("app.example"));
        back[url::Position::BeforePath..].to_owned()
    }

    /// Logs in on the way to a path; where the browser is at last.
    pub(crate) async fn log_in(&mut self, rig: &Rig, provider: &Provider, path: &str) -> String {
        let url = self.begin(rig, path).await;
        let back = self.agree(provider, &url).await;
        let response = self.get(rig, &back).await.response();
        self.take(response.headers());
        to(&response)
    }
}

/// Where an answer sends the browser.
pub(crate) fn to(response: &Response<Body>) -> String {
    assert_eq!(response.status(), 302);
    response.headers()[header::LOCATION].to_str().unwrap().to_owned()
}
