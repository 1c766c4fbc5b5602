//! Traffic policies that are at a URL: fetched once, when whoever names them starts or is read
//! again.

use std::time::Duration;

use adit_agent::{Caller, Roots};
use adit_config::{Diagnostic, Diagnostics, Endpoint, MAX_FILE_LEN, endpoint::TrafficPolicy};
use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use tokio::time::Instant;
use url::Url;

/// How long a document may take to come, redirects included.
///
/// Reason: whoever starts an endpoint waits for it, and clients of the local API for four seconds.
const LIMIT: Duration = Duration::from_secs(3);

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 5;

/// Puts the document in the place of the URL where an endpoint's policy is, if it is at one.
///
/// # Errors
/// It did not come, or is none; with the place of the key or flag, or the line of the document.
pub(crate) async fn fetch(endpoint: &mut Endpoint) -> Result<(), Diagnostics> {
    let Some(TrafficPolicy::Url(at)) = &endpoint.traffic_policy else { return Ok(()) };
    let document = get(&at.value).await.map_err(|error| {
        let name = &endpoint.name;
        let text = format!("endpoint {name:?}: no traffic policy from {}: {error:#}", at.value);
        Diagnostics::from(Diagnostic::new(at.place.clone(), text))
    })?;
    let shown = at.value.split(['?', '#']).next().unwrap_or_default();
    endpoint.traffic_policy = Some(TrafficPolicy::fetched(shown, &document)?);
    Ok(())
}

async fn get(text: &str) -> Result<Bytes> {
    let mut url = Url::parse(text).context("it is not a URL")?;
    let deadline = Instant::now() + LIMIT;
    let roots = || Roots::Host.load().or_else(|_| Roots::Trusted.load());
    let roots = tokio::task::spawn_blocking(roots).await?;
    let caller = Caller::new(roots.context("no certificate authorities")?);
    for _ in 0..=MAX_REDIRECTS {
        let answer = ask(&caller, &url, deadline).await?;
        if answer.status() == StatusCode::OK {
            return Ok(answer.into_body());
        }
        let next = target(&url, &answer)?;
        ensure!(
            url.scheme() == "http" || next.scheme() == "https",
            "it leads to {next}, which is not safe as https is"
        );
        url = next;
    }
    bail!("it leads from place to place more than {MAX_REDIRECTS} times")
}

async fn ask(caller: &Caller, url: &Url, deadline: Instant) -> Result<Response<Bytes>> {
    ensure!(matches!(url.scheme(), "http" | "https"), "it is neither http:// nor https://");
    ensure!(url.username().is_empty() && url.password().is_none(), "it has a user in it");
    let service = &url[..url::Position::BeforePath];
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let request = Request::get(target)
        .header(header::ACCEPT, "application/yaml, application/json, text/plain, */*;q=0.1")
        .body(Bytes::new())?;
    let most = usize::try_from(MAX_FILE_LEN)?;
    Ok(caller.call(service, request, most, deadline).await?)
}

/// Where an answer that is no document leads.
fn target(url: &Url, answer: &Response<Bytes>) -> Result<Url> {
    let status = answer.status();
    let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    match location.filter(|_| status.is_redirection()) {
        Some(location) => url.join(location).context("it leads to what is not a URL"),
        None => bail!("the answer is {status}"),
    }
}

#[cfg(test)]
mod tests {
    use adit_config::{Layers, file::File};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// Answers each connection with the next of these texts; its port.
    async fn answering(answers: Vec<String>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serve = async move {
            for answer in answers {
                let (mut io, _) = listener.accept().await.unwrap();
                let mut head = [0; 4096];
                let _ = io.read(&mut head).await.unwrap();
                io.write_all(answer.as_bytes()).await.unwrap();
            }
        };
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        drop(tokio::spawn(serve));
        port
    }

    fn answer(status: &str, head: &str, body: &str) -> String {
        let len = body.len();
        format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {len}\r\n{head}\r\n{body}"
        )
    }

    fn endpoint(url: &str) -> Endpoint {
        let text = format!(
            "version: 3\nendpoints:\n- name: a\n  upstream: {{url: 80}}\n  traffic_policy_url: {url}\n"
        );
        let files = vec![File::parse("adit.yml", text.as_bytes())];
        Layers { files, ..Layers::default() }.resolve().unwrap().endpoints.remove(0)
    }

    #[tokio::test]
    async fn a_document_takes_the_place_of_its_url() {
        let moved = answer("302 Found", "location: /b.yml\r\n", "");
        let found = answer("200 OK", "", "on_http_request: []\n");
        let port = answering(vec![moved, found]).await;
        let mut endpoint = endpoint(&format!("http://127.0.0.1:{port}/a.yml?token=x"));
        fetch(&mut endpoint).await.unwrap();
        let document = endpoint.traffic_policy.unwrap().document().unwrap();
        assert_eq!(document.json, serde_json::json!({ "on_http_request": [] }));
        let place = document.places.find("on_http_request").to_string();
        assert_eq!(place, format!("http://127.0.0.1:{port}/a.yml:1:18"));
    }

    #[tokio::test]
    async fn what_does_not_come_is_told_with_its_place() {
        let port = answering(vec![
            answer("404 Not Found", "", "on_http_request: []"),
            answer("200 OK", "", "a: ["),
        ])
        .await;
        let url = format!("http://127.0.0.1:{port}/p");
        let text = fetch(&mut endpoint(&url)).await.unwrap_err().to_string();
        let words = "the answer is 404 Not Found";
        assert_eq!(
            text,
            format!("adit.yml:5:23: endpoint \"a\": no traffic policy from {url}: {words}")
        );
        let text = fetch(&mut endpoint(&url)).await.unwrap_err().to_string();
        assert!(text.starts_with(&format!("{url}:2:1: ")), "{text}");
        for (url, says) in [
            ("ftp://a.test/p", "neither http:// nor https://"),
            ("http://u:p@a.test/p", "a user in it"),
            ("policy.yml", "not a URL"),
        ] {
            let text = fetch(&mut endpoint(url)).await.unwrap_err().to_string();
            assert!(text.contains(says), "{text}");
        }
    }
}
