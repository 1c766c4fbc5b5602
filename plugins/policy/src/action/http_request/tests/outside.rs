//! Servers outside.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use adit_chain::BoxFuture;
use bytes::Bytes;
use http::{Request, Response};
use parking_lot::Mutex;
use serde_json::json;

use super::codes;
use crate::{
    action::inside_rig::{Endpoints, send},
    services::{Fetch, FetchError, Fetched, Reach, Services},
    testing::{Rig, Site, get, lines},
};

/// Servers outside, which answer in turn; one that has no answer left never answers.
#[derive(Debug, Default)]
struct Servers {
    answers: Mutex<VecDeque<Result<Response<Bytes>, FetchError>>>,
    asked: Mutex<Vec<(Request<Bytes>, Reach)>>,
}

impl Fetch for Servers {
    fn fetch<'a>(
        &'a self,
        _: Request<Bytes>,
        _: usize,
        _: Instant,
    ) -> BoxFuture<'a, Result<Response<Bytes>, FetchError>> {
        Box::pin(async { unreachable!("rules never ask without a filter of addresses") })
    }

    fn fetch_within<'a>(
        &'a self,
        request: Request<Bytes>,
        max_len: usize,
        _: Instant,
        reach: Reach,
    ) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        assert_eq!(max_len, 256 * 1024);
        self.asked.lock().push((request, reach));
        let answer = self.answers.lock().pop_front();
        Box::pin(async move {
            let Some(answer) = answer else { return std::future::pending().await };
            answer.map(|response| Fetched { response, address: Some([192, 0, 2, 9].into()) })
        })
    }
}

fn answer(status: u16, location: Option<&str>) -> Response<Bytes> {
    let mut response = Response::builder().status(status);
    if let Some(location) = location {
        response = response.header("location", location);
    }
    response.body("out".into()).unwrap()
}

fn rig(servers: &Arc<Servers>, reach: Reach, config: serde_json::Value) -> Rig {
    let fetch: Arc<dyn Fetch> = Arc::<Servers>::clone(servers);
    let site = Site::with(Services { fetch: Some(fetch), reach, ..Services::default() });
    let actions = json!([{"type": "http-request", "config": config}]);
    site.policy(&json!({"on_http_request": [{"actions": actions}]}))
}

#[tokio::test]
async fn other_servers_are_asked_only_where_the_operator_allows_it() {
    let servers = Arc::new(Servers::default());
    let config = json!({"url": "https://a.example/x?y=1#z", "on_error": "halt"});
    let closed = rig(&servers, Reach::default(), config.clone());
    assert_eq!(closed.request(get("/")).await.refused(), (500, Some(2300)));
    assert!(servers.asked.lock().is_empty());

    let open = rig(&servers, Reach::Public, config);
    servers.answers.lock().push_back(Ok(answer(200, None)));
    assert!(open.request(get("/")).await.is_forwarded());
    let (asked, reach) = servers.asked.lock().remove(0);
    assert_eq!((asked.uri().to_string(), reach), ("https://a.example/x?y=1".into(), Reach::Public));
    assert_eq!(lines(asked.headers(), "host"), ["a.example"]);
    let result = open.result("http_request");
    assert_eq!(codes(&result), (json!(200), json!("")));
    assert_eq!(result["res"]["resolved_ip"], "192.0.2.9");
    assert_eq!(result["attempts"][0]["resolved_ip"], "192.0.2.9");

    servers.answers.lock().push_back(Err(FetchError::Forbidden("a.example".into())));
    assert_eq!(open.request(get("/")).await.refused(), (500, Some(2300)));
    for (error, refused) in [
        (FetchError::TooLong, (502, Some(3601))),
        (FetchError::Broken("x".into()), (502, Some(3004))),
        (FetchError::Unreachable("x".into()), (502, Some(8012))),
    ] {
        servers.answers.lock().push_back(Err(error));
        assert_eq!(open.request(get("/")).await.refused(), refused);
    }
}

#[tokio::test(start_paused = true)]
async fn all_attempts_share_one_timeout() {
    let servers = Arc::new(Servers::default());
    let config = json!({
        "url": "https://a.example", "timeout": "2s", "retry_condition": "true",
        "on_error": "halt",
    });
    let open = rig(&servers, Reach::Any, config);
    servers.answers.lock().push_back(Ok(answer(503, None)));
    let began = tokio::time::Instant::now();
    assert_eq!(open.request(get("/")).await.refused(), (504, Some(3602)));
    assert_eq!(began.elapsed().as_secs(), 2);
    let result = open.result("http_request");
    assert_eq!(codes(&result), (json!(0), json!("ERR_NGROK_3602")));
    assert_eq!(result["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(servers.asked.lock().len(), 2);
}

#[tokio::test]
async fn a_server_outside_cannot_lead_a_request_inside() {
    let servers = Arc::new(Servers::default());
    let config = json!({"url": "https://a.example", "max_redirects": 3, "on_error": "halt"});
    let open = rig(&servers, Reach::Any, config);
    let inside = Endpoints::answering([]);
    servers.answers.lock().push_back(Ok(answer(302, Some("http://api.internal/"))));
    assert_eq!(send(&open, &inside, get("/")).await.refused(), (500, Some(2300)));
    assert!(inside.sent().is_empty());
}

#[tokio::test]
async fn what_is_no_url_of_a_server_is_not_asked() {
    let servers = Arc::new(Servers::default());
    for url in ["ftp://a.example", "https://u:p@a.example", "/a", "https://${''}"] {
        let open = rig(&servers, Reach::Any, json!({"url": url, "on_error": "halt"}));
        assert_eq!(open.request(get("/")).await.refused(), (500, Some(2300)), "{url}");
    }
    assert!(servers.asked.lock().is_empty());
}
