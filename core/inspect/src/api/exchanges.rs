//! Exchanges as the page shows them: lists, one by one, and one again.

use std::{sync::Arc, time::Duration};

use adit_chain::Id;
use http::Method;
use serde::Serialize;

use super::{
    answer::{self, Answer},
    error::ApiError,
    input::Query,
    limits::{MAX_PAGE, PAGE},
    row::Row,
    service::{Call, Service},
};
use crate::{
    capture::{Filter, HeaderFilter, StatusFilter},
    model::Entry,
};

#[derive(Serialize)]
struct List {
    exchanges: Vec<Row>,
    more: bool,
}

/// Parameters that choose exchanges.
pub(super) const FILTERS: [&str; 10] = [
    "endpoint", "path", "method", "status", "min_ms", "max_ms", "min_size", "max_size", "header",
    "q",
];

/// A page of them; or none any more.
pub(super) async fn collection(call: Call<'_>) -> Answer {
    if call.method == Method::DELETE {
        if let Some(store) = call.service.store() {
            store.clear();
        }
        return Ok(answer::nothing());
    }
    let query = call.query();
    query.only(&[&FILTERS[..], &["before", "limit"]].concat())?;
    let filter = filter(&query)?;
    let before = query.text("before").map(id_in_query).transpose()?;
    let limit = query.parsed::<usize>("limit")?.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(ApiError::malformed(format!("parameter \"limit\": not in 1..={MAX_PAGE}")));
    }
    let Some(store) = call.service.store().map(Arc::clone) else {
        return answer::json(&List { exchanges: Vec::new(), more: false });
    };
    let listing = move || {
        let page = store.page(&filter, before, limit);
        let exchanges = page.entries.iter().map(|entry| Row::from(&**entry)).collect();
        answer::json(&List { exchanges, more: page.more })
    };
    call.service.heavy(listing).await?
}

/// What a query wants to see.
pub(super) fn filter(query: &Query<'_>) -> Result<Filter, ApiError> {
    let text = |name| query.text(name).map(str::to_owned);
    let millis = |name| -> Result<Option<Duration>, ApiError> {
        let Some(ms) = query.parsed::<f64>(name)? else { return Ok(None) };
        let secs = Duration::try_from_secs_f64(ms / 1000.0);
        secs.map(Some).map_err(|e| ApiError::malformed(format!("parameter {name:?}: {e}")))
    };
    Ok(Filter {
        endpoint: text("endpoint"),
        path: text("path"),
        method: text("method"),
        status: query.parsed::<StatusFilter>("status")?,
        min_duration: millis("min_ms")?,
        max_duration: millis("max_ms")?,
        min_size: query.parsed("min_size")?,
        max_size: query.parsed("max_size")?,
        header: query.text("header").map(HeaderFilter::from),
        text: text("q"),
    })
}

/// An exchange that is named in a path.
pub(super) fn find(service: &Service, id: &str) -> Result<Arc<Entry>, ApiError> {
    let found = parse_id(id).and_then(|id| service.store()?.get(id));
    found.ok_or_else(|| ApiError::no_exchange(id))
}

/// An id that is a parameter.
pub(super) fn id_in_query(text: &str) -> Result<Id, ApiError> {
    parse_id(text).ok_or_else(|| ApiError::malformed(format!("{text:?} is no id of an exchange")))
}

fn parse_id(text: &str) -> Option<Id> {
    Id::parse(text)
}
