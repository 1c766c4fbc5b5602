//! A client of the agent's local API.

use std::{io, time::Duration};

use adit_config::addr::HostPort;
use adit_net::tasks::Tasks;
use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use tokio::{net::TcpStream, time::timeout};

use crate::printable;

/// Longest time to connect.
///
/// Reason: the agent is on this machine or near.
const CONNECT: Duration = Duration::from_secs(5);

/// Longest time until an answer begins.
///
/// Reason: a replay answers when its upstream has, which may take as long as visitors would wait.
const ANSWER: Duration = Duration::from_secs(120);

/// Longest answer that is kept in memory.
///
/// Reason: a thousand rows, or both bodies of an exchange as text, are well below.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// What stands for itself in a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The local API of an agent.
pub(super) struct Api {
    addr: HostPort,
    /// Drive the connections.
    tasks: Tasks,
}

impl Api {
    pub(super) fn new(addr: HostPort) -> Self {
        Self { addr, tasks: Tasks::new() }
    }

    /// What is at a path.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = self.ask(Method::GET, path, None).await?;
        self.parse(&whole(answer).await?)
    }

    /// The bytes at a path.
    pub(super) async fn bytes(&self, path: &str) -> Result<Bytes> {
        whole(self.ask(Method::GET, path, None).await?).await
    }

    /// An answer whose body is read as it comes.
    pub(super) async fn stream(&self, path: &str) -> Result<Incoming> {
        Ok(self.ask(Method::GET, path, None).await?.into_body())
    }

    /// Sends JSON; the answer.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        value: &serde_json::Value,
    ) -> Result<T> {
        let answer = self.ask(Method::POST, path, Some(value.to_string())).await?;
        self.parse(&whole(answer).await?)
    }

    /// Deletes what is at a path.
    pub(super) async fn delete(&self, path: &str) -> Result<()> {
        whole(self.ask(Method::DELETE, path, None).await?).await?;
        Ok(())
    }

    fn parse<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T> {
        serde_json::from_slice(body).with_context(|| self.stranger())
    }

    /// The answer to a request, if it is a good one.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<Response<Incoming>> {
        // Whatever the name is that led here: this is no browser that was led astray.
        let host = format!("localhost:{}", self.addr.port);
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, host);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(Bytes::from(body.unwrap_or_default())))?;
        let nobody =
            || format!("no agent answers at {}; is one running? --addr says where", self.addr);
        let socket = self.connect().await.with_context(nobody)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
        self.tasks.spawn(async move { drop(connection.await) });
        let answer = timeout(ANSWER, sender.send_request(request)).await;
        let answer = answer.context("the agent does not answer")?;
        let answer = answer.with_context(|| self.stranger())?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        bail!("{}", refusal(status, &whole(answer).await?))
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let connecting = TcpStream::connect((self.addr.host.as_str(), self.addr.port));
        timeout(CONNECT, connecting).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    fn stranger(&self) -> String {
        format!("what answers at {} is not an agent of adit, or another version", self.addr)
    }
}

/// All of an answer.
async fn whole(answer: Response<Incoming>) -> Result<Bytes> {
    let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
    let body = body.map_err(|error| anyhow!(error).context("the agent's answer broke off"))?;
    Ok(body.to_bytes())
}

/// What the agent says when it does not do what it was asked.
fn refusal(status: StatusCode, body: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let (msg, err) = (text(&value["msg"]), text(&value["details"]["err"]));
    let said = match (msg, err) {
        (Some(msg), Some(err)) => format!("{msg}: {err}"),
        (Some(msg), None) => msg,
        _ => match std::str::from_utf8(body) {
            Ok(text) if !text.trim().is_empty() && text.len() < 500 => text.trim().to_owned(),
            _ => format!("the agent answered {status}"),
        },
    };
    printable::lines(&said).into_owned()
}

/// A path with a query.
pub(super) fn with_query(path: &str, query: &[(&str, String)]) -> String {
    let mut path = path.to_owned();
    for (nth, (name, value)) in query.iter().enumerate() {
        path.push(if nth == 0 { '?' } else { '&' });
        path.push_str(name);
        path.push('=');
        path.extend(utf8_percent_encode(value, PLAIN));
    }
    path
}

/// The path of an exchange; `last` is the newest one.
pub(super) async fn exchange(api: &Api, id: &str) -> Result<String> {
    #[derive(serde::Deserialize)]
    struct Page {
        exchanges: Vec<Row>,
    }
    #[derive(serde::Deserialize)]
    struct Row {
        id: String,
    }
    if id != "last" {
        return Ok(format!("/api/exchanges/{}", utf8_percent_encode(id, PLAIN)));
    }
    let page: Page = api.get("/api/exchanges?limit=1").await?;
    let newest = page.exchanges.first().context("nothing was captured yet")?;
    Ok(format!("/api/exchanges/{}", utf8_percent_encode(&newest.id, PLAIN)))
}
