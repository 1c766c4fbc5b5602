//! The way of traffic policies to servers outside: identity providers, keys, and whom rules ask.
//!
//! Certificates are verified against those that the system trusts, or else against the list that
//! comes with this program. Redirects are not followed, and connections are kept for the next
//! request.

use std::{
    sync::{Arc, LazyLock},
    time::Instant,
};

use adit_agent::{CallError, Caller, Roots};
use adit_chain::BoxFuture;
use adit_policy::{Fetch, FetchError, Fetched, Reach, Services};
use bytes::Bytes;
use http::{Request, Response, Uri};
use tokio::sync::OnceCell;
use tracing::warn;

/// What traffic policies reach the world by: one for the process, so that visitors stay logged in
/// when a configuration is read again.
static SERVICES: LazyLock<Services> = LazyLock::new(|| {
    let fetch = Some(Arc::new(Outside::default()) as Arc<dyn Fetch>);
    Services { fetch, ..Services::default() }
});

/// What traffic policies reach the world by.
pub(crate) fn services() -> Services {
    SERVICES.clone()
}

/// The same for an edge, whose policies come from whoever may bind there: providers and keys are
/// asked for at addresses of the Internet only, unless the operator lets policies ask any.
pub(crate) fn services_of_edge(reach: Reach) -> Services {
    let services = services();
    let bounds = if reach == Reach::Any { Reach::Any } else { Reach::Public };
    let fetch = services.fetch.map(|fetch| Arc::new(Bounded { fetch, bounds }) as Arc<dyn Fetch>);
    Services { fetch, reach, ..services }
}

/// Servers outside, within bounds.
#[derive(Debug)]
struct Bounded {
    fetch: Arc<dyn Fetch>,
    bounds: Reach,
}

impl Fetch for Bounded {
    fn fetch<'a>(
        &'a self,
        request: Request<Bytes>,
        max_len: usize,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Response<Bytes>, FetchError>> {
        let asked = self.fetch.fetch_within(request, max_len, deadline, self.bounds);
        Box::pin(async { asked.await.map(|fetched| fetched.response) })
    }

    fn fetch_within<'a>(
        &'a self,
        request: Request<Bytes>,
        max_len: usize,
        deadline: Instant,
        reach: Reach,
    ) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        self.fetch.fetch_within(request, max_len, deadline, reach)
    }
}

/// Servers outside. Nothing is read or opened before the first request.
#[derive(Debug, Default)]
struct Outside(OnceCell<Caller>);

impl Outside {
    async fn caller(&self) -> Result<&Caller, FetchError> {
        self.0
            .get_or_try_init(|| async {
                let roots = tokio::task::spawn_blocking(|| {
                    Roots::Host.load().or_else(|error| {
                        warn!(obj = "policy", %error, "using the built-in certificate authorities");
                        Roots::Trusted.load()
                    })
                });
                let roots = roots.await.map_err(|error| unreachable(&error.to_string()))?;
                Ok(Caller::new(roots.map_err(|error| unreachable(&error.to_string()))?))
            })
            .await
    }

    async fn ask(
        &self,
        request: Request<Bytes>,
        max_len: usize,
        deadline: Instant,
    ) -> Result<Response<Bytes>, FetchError> {
        let (service, request) = split(request)?;
        let caller = self.caller().await?;
        caller.call(&service, request, max_len, deadline.into()).await.map_err(told)
    }

    async fn ask_within(
        &self,
        request: Request<Bytes>,
        max_len: usize,
        deadline: Instant,
        reach: Reach,
    ) -> Result<Fetched, FetchError> {
        let (service, request) = split(request)?;
        let (caller, allows) = (self.caller().await?, |ip| reach.allows(ip));
        let answer = caller.call_where(&service, request, max_len, deadline.into(), allows).await;
        let (response, address) = answer.map_err(told)?;
        Ok(Fetched { response, address })
    }
}

fn told(error: CallError) -> FetchError {
    match error {
        CallError::Forbidden { host } => FetchError::Forbidden(host),
        CallError::Timeout => FetchError::Timeout,
        CallError::TooLong { .. } => FetchError::TooLong,
        CallError::Unreachable { reason } => FetchError::Unreachable(reason),
        other => FetchError::Broken(other.to_string()),
    }
}

impl Fetch for Outside {
    fn fetch<'a>(
        &'a self,
        request: Request<Bytes>,
        max_len: usize,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Response<Bytes>, FetchError>> {
        Box::pin(self.ask(request, max_len, deadline))
    }

    fn fetch_within<'a>(
        &'a self,
        request: Request<Bytes>,
        max_len: usize,
        deadline: Instant,
        reach: Reach,
    ) -> BoxFuture<'a, Result<Fetched, FetchError>> {
        Box::pin(self.ask_within(request, max_len, deadline, reach))
    }
}

/// A request with an absolute target, as a server and a request to it.
fn split(mut request: Request<Bytes>) -> Result<(String, Request<Bytes>), FetchError> {
    let target = request.uri();
    let (Some(scheme), Some(authority)) = (target.scheme_str(), target.authority()) else {
        return Err(unreachable("the address is not a whole URL"));
    };
    let service = format!("{scheme}://{authority}");
    let path = target.path_and_query().cloned();
    *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
    Ok((service, request))
}

fn unreachable(reason: &str) -> FetchError {
    FetchError::Unreachable(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    /// Answers one connection with a text; its address, and what it was asked.
    async fn answering(answer: &'static str) -> (String, tokio::sync::oneshot::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, asked) = tokio::sync::oneshot::channel();
        let serve = async move {
            let (mut io, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 4096];
            let len = io.read(&mut head).await.unwrap();
            tell.send(String::from_utf8(head[..len].to_vec()).unwrap()).unwrap();
            io.write_all(answer.as_bytes()).await.unwrap();
            // Until the other side has seen enough.
            let _ = io.read(&mut head).await;
        };
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        drop(tokio::spawn(serve));
        (format!("http://{address}"), asked)
    }

    async fn get(
        url: &str,
        max_len: usize,
        within: Duration,
    ) -> Result<Response<Bytes>, FetchError> {
        let request = Request::get(url).body(Bytes::new()).unwrap();
        Outside::default().fetch(request, max_len, Instant::now() + within).await
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_like_others() {
        let text = "HTTP/1.1 302 Found\r\nlocation: /b\r\ncontent-length: 2\r\n\r\nhi";
        let (url, asked) = answering(text).await;
        let answer = get(&format!("{url}/a?b=c"), 2, SOON).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (302, &b"hi"[..]));
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains(&format!("host: {}\r\n", &url[7..])), "{asked}");
    }

    #[tokio::test]
    async fn at_an_edge_only_the_operator_opens_its_own_network() {
        let get = |reach: Reach, url: &str| {
            let fetch = services_of_edge(reach).fetch.unwrap();
            let request = Request::get(url).body(Bytes::new()).unwrap();
            async move { fetch.fetch(request, 9, Instant::now() + SOON).await }
        };
        let (url, _asked) = answering("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes").await;
        for reach in [Reach::Inside, Reach::Public] {
            let error = get(reach, &url).await.unwrap_err();
            assert!(matches!(error, FetchError::Forbidden(_)), "{error}");
        }
        assert_eq!(get(Reach::Any, &url).await.unwrap().body().as_ref(), b"yes");
    }

    #[tokio::test]
    async fn answers_are_bounded_in_length_and_time() {
        let (url, _asked) = answering("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes").await;
        assert_eq!(get(&url, 2, SOON).await.unwrap_err(), FetchError::TooLong);
        let (url, _asked) = answering("").await;
        let late = get(&url, 2, Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(late, FetchError::Timeout);
        let (url, _asked) = answering("nonsense\r\n\r\n").await;
        assert!(matches!(get(&url, 2, SOON).await, Err(FetchError::Broken(_))));
    }

    #[tokio::test]
    async fn requests_of_rules_go_where_the_operator_lets_them() {
        let (url, _asked) = answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await;
        let within = |reach| {
            let request = Request::get(&url).body(Bytes::new()).unwrap();
            async move {
                Outside::default().fetch_within(request, 9, Instant::now() + SOON, reach).await
            }
        };
        for reach in [Reach::Inside, Reach::Public] {
            assert!(matches!(within(reach).await, Err(FetchError::Forbidden(_))), "{reach:?}");
        }
        let fetched = within(Reach::Any).await.unwrap();
        assert_eq!(fetched.response.body().as_ref(), b"hi");
        assert_eq!(fetched.address, Some([127, 0, 0, 1].into()));
    }

    #[tokio::test]
    async fn only_whole_urls_of_http_servers_are_asked() {
        for url in ["/a", "ftp://a.example/"] {
            let error = get(url, 2, SOON).await.unwrap_err();
            assert!(matches!(error, FetchError::Unreachable(_)), "{url}: {error}");
        }
    }
}
