//! Exchanges as an archive that other tools read, and archives of other tools.

use std::{convert::Infallible, sync::Arc};

use adit_chain::Body;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Method, Response, header::CONTENT_TYPE};
use http_body::Frame;
use http_body_util::StreamBody;
use serde::Serialize;
use tokio::sync::Semaphore;

use super::{
    again::secrets_of,
    answer::{self, Answer},
    error::ApiError,
    exchanges::{self, FILTERS},
    service::Call,
};
use crate::{har, model::Entry, secrets::Secrets};

/// Octets that are made before they are sent.
const PIECE: usize = 64 * 1024;

#[derive(Serialize)]
struct Taken {
    imported: usize,
    skipped: usize,
    ids: Vec<String>,
}

/// Writes or reads an archive.
pub(super) async fn collection(call: Call<'_>) -> Answer {
    if call.method == Method::POST { import(call).await } else { export(&call).await }
}

/// Some exchanges by name, or those that match, in the order of time.
async fn export(call: &Call<'_>) -> Answer {
    let query = call.query();
    query.only(&[&FILTERS[..], &["ids", "secrets"]].concat())?;
    let secrets = secrets_of(query.word("secrets", &["mask", "include"])?);
    let store = call.service.store().map(Arc::clone);
    let entries = match query.text("ids") {
        Some(ids) => {
            ids.split(',').map(|id| exchanges::find(call.service, id)).collect::<Result<_, _>>()?
        }
        None => {
            let filter = exchanges::filter(&query)?;
            let listing = move || {
                let mut entries =
                    store.map_or(Vec::new(), |s| s.page(&filter, None, usize::MAX - 1).entries);
                entries.reverse();
                entries
            };
            call.service.heavy(listing).await?
        }
    };
    let mut response = Response::new(Body::Empty);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    if call.method != Method::HEAD {
        *response.body_mut() = written(entries, secrets, call.service.work());
    }
    Ok(answer::captured(answer::attachment(response, "adit.har")))
}

/// An archive, made as the client takes it: all of it at once may be much larger than the store.
fn written(entries: Vec<Arc<Entry>>, secrets: Secrets, work: Arc<Semaphore>) -> Body {
    let pieces = har::pieces(entries, secrets);
    let chunks = stream::unfold(pieces, move |mut pieces| {
        let work = Arc::clone(&work);
        async move {
            let permit = work.acquire_owned().await;
            let writing = tokio::task::spawn_blocking(move || {
                let mut text = String::new();
                while text.len() < PIECE {
                    let Some(piece) = pieces.next() else { break };
                    text.push_str(&piece);
                }
                drop(permit);
                (text, pieces)
            });
            let (text, pieces) = writing.await.ok()?;
            let is_over = text.is_empty();
            let frame = Ok::<_, Infallible>(Frame::data(Bytes::from(text)));
            (!is_over).then_some((frame, pieces))
        }
    });
    Body::boxed(StreamBody::new(chunks))
}

async fn import(call: Call<'_>) -> Answer {
    let Some(store) = call.service.store().map(Arc::clone) else {
        return Err(ApiError::conflict(
            "nothing is kept",
            "capturing is off: inspect_db_size is -1",
        ));
    };
    let archive = call.body.clone();
    let taking = move || {
        let har::Imported { entries, mut messages, mut skipped } = har::import(&archive)?;
        let mut ids = Vec::with_capacity(entries.len());
        for entry in entries {
            let id = entry.id.to_string();
            let said = messages.remove(&entry.id).unwrap_or_default();
            if store.add_with(entry, said) {
                ids.push(id);
            } else {
                skipped += 1;
            }
        }
        Ok::<_, har::ImportError>(Taken { imported: ids.len(), skipped, ids })
    };
    let taken = call.service.heavy(taking).await?;
    answer::created(&taken.map_err(|error| {
        let cause = std::error::Error::source(&error).map(|e| format!(": {e}")).unwrap_or_default();
        ApiError::malformed(format!("{error}{cause}"))
    })?)
}
