//! Questions to providers: one request, one answer, with a deadline and a limit.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{
    Method, Request, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::Value as Json;

use crate::services::Fetch;

/// How long a provider has for one answer.
///
/// Reason: the visitor waits for it; providers answer within a second, and a browser's patience
/// ends long after this.
const WITHIN: Duration = Duration::from_secs(10);

/// Octets of one answer.
///
/// Reason: the largest answers are key sets of a hundred RSA keys with their certificates.
const MAX_ANSWER: usize = 512 * 1024;

/// Why a provider's answer cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AskError {
    /// There is no answer.
    Down(String),
    /// It answered, but not what was asked for.
    Garbage(String),
    /// It refused, with a status and, if it told, an error code and what is behind it.
    Refused {
        /// Of the answer.
        status: StatusCode,
        /// `error` of the answer.
        error: String,
        /// `error_description` of the answer.
        description: String,
    },
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down(reason) => write!(f, "no answer: {reason}"),
            Self::Garbage(reason) => write!(f, "the answer cannot be used: {reason}"),
            Self::Refused { status, error, description } => {
                write!(f, "refused with {status}")?;
                if !error.is_empty() {
                    write!(f, ", {error}")?;
                }
                if !description.is_empty() {
                    write!(f, " ({description})")?;
                }
                Ok(())
            }
        }
    }
}

/// Gets a JSON document.
pub(crate) async fn get(
    fetch: Option<&Arc<dyn Fetch>>,
    url: &str,
    headers: &[(&'static str, String)],
) -> Result<Json, AskError> {
    let mut request = Request::get(url).header(ACCEPT, "application/json");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    send(fetch, request.body(Bytes::new())).await
}

/// Sends a form, and gets JSON. Credentials go into a header if they are given.
pub(crate) async fn post(
    fetch: Option<&Arc<dyn Fetch>>,
    url: &str,
    form: String,
    authorization: Option<String>,
) -> Result<Json, AskError> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(url)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(value) = authorization {
        request = request.header(AUTHORIZATION, value);
    }
    send(fetch, request.body(Bytes::from(form))).await
}

async fn send(
    fetch: Option<&Arc<dyn Fetch>>,
    request: http::Result<Request<Bytes>>,
) -> Result<Json, AskError> {
    let Some(fetch) = fetch else {
        return Err(AskError::Down("this program asks no servers outside".to_owned()));
    };
    let request = request.map_err(|_| AskError::Down("the address is not a URL".to_owned()))?;
    let asked = fetch.fetch(request, MAX_ANSWER, Instant::now() + WITHIN);
    // The deadline is the client's to keep; a client that does not must not keep the visitor.
    let answer = match tokio::time::timeout(WITHIN, asked).await {
        Ok(answer) => answer.map_err(|error| AskError::Down(error.to_string()))?,
        Err(_) => return Err(AskError::Down("no answer in time".to_owned())),
    };
    let status = answer.status();
    let json: Option<Json> = serde_json::from_slice(answer.body()).ok();
    if !status.is_success() {
        let said = |name: &str| brief(json.as_ref().and_then(|json| json.get(name)));
        let (error, description) = (said("error"), said("error_description"));
        return Err(AskError::Refused { status, error, description });
    }
    let json = json.ok_or_else(|| AskError::Garbage("it is not JSON".to_owned()))?;
    // Some providers refuse with status 200.
    if let Some(error) = json.get("error").filter(|error| !error.is_null()) {
        let description = brief(json.get("error_description"));
        return Err(AskError::Refused { status, error: brief(Some(error)), description });
    }
    Ok(json)
}

/// What a stranger wrote, for a log line: short, and in one line.
fn brief(value: Option<&Json>) -> String {
    let text = match value {
        Some(Json::String(text)) => text.clone(),
        // Some providers have an object in place of the code.
        Some(Json::Object(object)) => {
            object.get("message").and_then(Json::as_str).unwrap_or("error").to_owned()
        }
        _ => return String::new(),
    };
    printable(&text)
}

/// A stranger's text without control characters, and at most 200 characters of it.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
