//! Captured exchanges as clients know them.

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use http::Method;
use serde::{Deserialize, Serialize};

use super::{
    again,
    answer::{self, Answer},
    exchanges, input,
    limits::{MAX_LIST, MAX_LIST_RAW},
    service::Call,
    time,
};
use crate::{
    capture::Filter,
    model::{Entry, Headers},
    replay::Changes,
    view::raw,
};

#[derive(Serialize)]
struct List {
    uri: &'static str,
    requests: Vec<Captured>,
}

#[derive(Serialize)]
struct Captured {
    uri: String,
    id: String,
    tunnel_name: Arc<str>,
    remote_addr: String,
    start: String,
    duration: u64,
    request: Request,
    response: Option<Response>,
}

#[derive(Serialize)]
struct Request {
    method: String,
    proto: &'static str,
    headers: BTreeMap<String, Vec<String>>,
    uri: Arc<str>,
    raw: String,
}

#[derive(Serialize)]
struct Response {
    status: String,
    status_code: u16,
    proto: &'static str,
    headers: BTreeMap<String, Vec<String>>,
    raw: String,
}

/// Which exchange to send again, and to which endpoint, if not to its own. Clients send further keys,
/// which mean nothing.
#[derive(Deserialize)]
struct Again {
    id: String,
    tunnel_name: Option<String>,
}

/// All of them; or one again; or none any more.
pub(super) async fn collection(call: Call<'_>) -> Answer {
    match call.method {
        Method::DELETE => {
            if let Some(store) = call.service.store() {
                store.clear();
            }
            Ok(answer::nothing())
        }
        Method::POST => {
            let Again { id, tunnel_name } = input::object(&call.body)?;
            let to = tunnel_name.as_deref().filter(|name| !name.is_empty());
            again::repeat(call.service, &id, to, Changes::default()).await?;
            Ok(answer::nothing())
        }
        _ => list(&call).await,
    }
}

async fn list(call: &Call<'_>) -> Answer {
    let query = call.query();
    let limit = query.parsed::<usize>("limit")?.unwrap_or(MAX_LIST).min(MAX_LIST);
    let endpoint = query.text("tunnel_name").map(str::to_owned);
    let filter = Filter { endpoint, ..Filter::default() };
    let Some(store) = call.service.store() else {
        return answer::json(&List { uri: "/api/requests/http", requests: Vec::new() });
    };
    let store = Arc::clone(store);
    let listing = move || {
        let page = store.page(&filter, None, limit);
        let mut left = MAX_LIST_RAW;
        let requests = page.entries.iter().map(|entry| Captured::of(entry, &mut left)).collect();
        answer::json(&List { uri: "/api/requests/http", requests })
    };
    call.service.heavy(listing).await?
}

/// One of them.
pub(super) fn one(call: &Call<'_>, id: &str) -> Answer {
    let entry = exchanges::find(call.service, id)?;
    let mut unlimited = usize::MAX;
    answer::json(&Captured::of(&entry, &mut unlimited))
}

impl Captured {
    /// An exchange, with at most `left` octets of its raw messages.
    fn of(entry: &Entry, left: &mut usize) -> Self {
        let id = entry.id.to_string();
        let request = &entry.request;
        let took = entry.timing.total.or(entry.timing.to_head).unwrap_or_default();
        Self {
            uri: format!("/api/requests/http/{id}"),
            id,
            tunnel_name: Arc::clone(&entry.endpoint),
            remote_addr: entry.client.map(|client| client.ip().to_string()).unwrap_or_default(),
            start: time::local(entry.started),
            duration: time::nanos(took),
            request: Request {
                method: request.method.to_string(),
                proto: raw::proto(request.version),
                headers: by_name(&request.headers),
                uri: Arc::clone(&request.target),
                raw: encoded(raw::request(request), left),
            },
            response: entry.response.as_ref().map(|response| Response {
                status: raw::status_line(response.status),
                status_code: response.status.as_u16(),
                proto: raw::proto(response.version),
                headers: by_name(&response.headers),
                raw: encoded(raw::response(response), left),
            }),
        }
    }
}

fn by_name(headers: &Headers) -> BTreeMap<String, Vec<String>> {
    let mut map: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers.iter() {
        let value = String::from_utf8_lossy(value).into_owned();
        map.entry(name.to_owned()).or_default().push(value);
    }
    map
}

/// A message as it was on the wire, as far as it was kept, and as far as there is room.
fn encoded(mut raw: Vec<u8>, left: &mut usize) -> String {
    raw.truncate(*left);
    *left -= raw.len();
    BASE64_STANDARD.encode(raw)
}
