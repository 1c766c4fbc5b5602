//! What happens, as it happens: a stream of server-sent events.
//!
//! The body of the answer makes its events when the connection has room for them, so a slow browser
//! costs nothing but its own rows: the store tells how many it has lost.

use std::{collections::HashMap, fmt::Write, sync::Arc};

use adit_chain::{Body, Id};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Method, Response, header::CONTENT_TYPE};
use http_body::Frame;
use http_body_util::StreamBody;
use serde::Serialize;
use serde_json::json;
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    answer::Answer,
    limits::{GATHER, HEARTBEAT, MAX_GATHERED},
    overview::EndpointRow,
    row::Row,
    service::Call,
    session::Session,
};
use crate::{
    capture::{self, Store},
    control::{self, Control},
    model::Change,
};

/// The stream of events.
pub(super) fn stream(call: &Call<'_>) -> Answer {
    let mut response = Response::new(Body::Empty);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    if call.method == Method::HEAD {
        return Ok(response);
    }
    let permit = call.service.event_stream()?;
    let control = call.service.control();
    let store = call.service.store().map(Arc::clone);
    let feed = Feed {
        captured: store.as_ref().map(|store| store.subscribe()),
        changes: control.changes(),
        seen: control::Changes::default(),
        store,
        control,
        stop: call.service.spawner().signals().stop.clone(),
        is_new: true,
        _permit: permit,
    };
    let frames = stream::unfold(feed, |mut feed| async move {
        let bytes = feed.next().await?;
        Some((Ok::<_, std::convert::Infallible>(Frame::data(bytes)), feed))
    });
    *response.body_mut() = Body::boxed(StreamBody::new(frames));
    Ok(response)
}

/// What one browser is told.
struct Feed {
    control: Arc<dyn Control>,
    store: Option<Arc<Store>>,
    captured: Option<capture::Changes>,
    changes: watch::Receiver<control::Changes>,
    seen: control::Changes,
    stop: CancellationToken,
    is_new: bool,
    _permit: OwnedSemaphorePermit,
}

impl Feed {
    /// The next events; `None` when the service stops.
    async fn next(&mut self) -> Option<Bytes> {
        let mut events = Events::default();
        if std::mem::take(&mut self.is_new) {
            self.greet(&mut events);
            return Some(events.into());
        }
        let heartbeat = Instant::now() + HEARTBEAT;
        // All of them can be dropped without losing anything.
        tokio::select! {
            biased;
            () = self.stop.cancelled() => return None,
            Ok(()) = self.changes.changed() => self.tell_changes(&mut events),
            Some(change) = next_captured(&mut self.captured) => {
                self.tell_captured(change, &mut events).await;
            }
            () = sleep_until(heartbeat) => events.heartbeat(),
        }
        Some(events.into())
    }

    fn greet(&mut self, events: &mut Events) {
        let newest = self.store.as_ref().and_then(|store| {
            let page = store.page(&capture::Filter::default(), None, 1);
            page.entries.first().map(|entry| entry.id.to_string())
        });
        let count = self.store.as_ref().map_or(0, |store| store.fill().entries);
        let session = self.control.session();
        let hello = json!({ "version": session.version, "newest": newest, "count": count });
        events.push("hello", &hello);
        self.seen = *self.changes.borrow_and_update();
        events.push("session", &Session::from(session));
        self.push_endpoints(events);
    }

    fn push_endpoints(&self, events: &mut Events) {
        #[derive(Serialize)]
        struct All<'a> {
            endpoints: Vec<EndpointRow<'a>>,
        }
        let all = self.control.endpoints();
        events.push("endpoints", &All { endpoints: all.iter().map(EndpointRow::from).collect() });
    }

    fn tell_changes(&mut self, events: &mut Events) {
        let now = *self.changes.borrow_and_update();
        let before = std::mem::replace(&mut self.seen, now);
        if now.session != before.session {
            events.push("session", &Session::from(self.control.session()));
        }
        if now.endpoints != before.endpoints {
            self.push_endpoints(events);
        }
    }

    /// Several changes of one exchange become one event; the last one decides its place.
    async fn tell_captured(&mut self, first: Change, events: &mut Events) {
        let until = Instant::now() + GATHER;
        let mut rows: HashMap<Id, usize> = HashMap::new();
        let mut next = Some(first);
        let mut n_lost = 0;
        for place in 0.. {
            let Some(change) = next else { break };
            match change {
                Change::Added(id) | Change::Updated(id) => drop(rows.insert(id, place)),
                // What was told before the list was emptied is not there any more.
                Change::Cleared => {
                    rows.clear();
                    events.push("cleared", &json!({}));
                }
                Change::Evicted(id) => {
                    events.push("evicted", &json!({ "through": id.to_string() }));
                }
                Change::Lost(n) => n_lost += n,
            }
            // The timeout alone does not end it while there always is another one.
            if Instant::now() >= until {
                break;
            }
            let more = timeout_at(until, next_captured(&mut self.captured));
            next = tokio::select! {
                biased;
                () = self.stop.cancelled() => None,
                more = more => more.unwrap_or_default(),
            };
        }
        let mut rows: Vec<(Id, usize)> = rows.into_iter().collect();
        rows.sort_unstable_by_key(|(_, place)| *place);
        let n_over = rows.len().saturating_sub(MAX_GATHERED);
        n_lost += n_over as u64;
        if n_lost > 0 {
            events.push("lost", &json!({ "n": n_lost }));
        }
        let Some(store) = &self.store else { return };
        for entry in rows.iter().skip(n_over).filter_map(|(id, _)| store.get(*id)) {
            events.push("exchange", &Row::from(&*entry));
        }
    }
}

/// Waits for ever where nothing is captured.
async fn next_captured(captured: &mut Option<capture::Changes>) -> Option<Change> {
    match captured {
        Some(changes) => match changes.next().await {
            Some(change) => Some(change),
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// Events as text.
#[derive(Default)]
struct Events(String);

impl Events {
    fn push(&mut self, name: &str, data: &impl Serialize) {
        // JSON has no line ends of its own, so the data is one line.
        if let Ok(data) = serde_json::to_string(data) {
            let _ = write!(self.0, "event: {name}\ndata: {data}\n\n");
        }
    }

    fn heartbeat(&mut self) {
        self.0.push_str(":\n\n");
    }
}

impl From<Events> for Bytes {
    fn from(events: Events) -> Self {
        events.0.into()
    }
}
