//! All that the status page shows.

use std::net::SocketAddr;

use serde::Serialize;

use super::{
    answer::{self, Answer},
    endpoints::{Metrics, Number, Object},
    service::Call,
    session::Session,
};
use crate::{
    control::{Dialect, EndpointState, EndpointView, Origin, Setting},
    meter::{self, Meter, Second, WINDOW},
};

#[derive(Serialize)]
struct Overview<'a> {
    session: Session,
    web: WebRow<'a>,
    capture: Capture,
    settings: Vec<Setting>,
    endpoints: Vec<WithSeries<'a>>,
    totals: Totals,
}

#[derive(Serialize)]
struct WebRow<'a> {
    addr: SocketAddr,
    allow_hosts: &'a [String],
}

#[derive(Serialize)]
struct Capture {
    enabled: bool,
    limit: usize,
    used: usize,
    count: usize,
}

/// An endpoint, with what only our own page wants to know.
#[derive(Serialize)]
pub(super) struct EndpointRow<'a> {
    #[serde(flatten)]
    object: Object<'a>,
    state: &'static str,
    reason: Option<&'a str>,
    origin: Origin,
    handlers: &'a [String],
}

#[derive(Serialize)]
struct WithSeries<'a> {
    #[serde(flatten)]
    row: EndpointRow<'a>,
    series: Series,
}

#[derive(Serialize)]
struct Totals {
    metrics: Metrics,
    series: Series,
}

/// The last minutes by the second, oldest first.
#[derive(Serialize)]
struct Series {
    /// The second of the last element, since the epoch.
    end: i64,
    connections: Vec<u64>,
    requests: Vec<u64>,
    errors: Vec<u64>,
    bytes_in: Vec<u64>,
    bytes_out: Vec<u64>,
    p50_ns: Vec<Number>,
    p95_ns: Vec<Number>,
}

impl<'a> From<&'a EndpointView> for EndpointRow<'a> {
    fn from(endpoint: &'a EndpointView) -> Self {
        let (state, reason) = match &endpoint.state {
            EndpointState::Offline(reason) => ("offline", Some(reason.as_str())),
            EndpointState::Online => ("online", None),
        };
        Self {
            object: Object::of(endpoint, Dialect::Endpoints),
            state,
            reason,
            origin: endpoint.origin,
            handlers: &endpoint.handlers,
        }
    }
}

impl From<meter::Series> for Series {
    fn from(series: meter::Series) -> Self {
        let known = series.seconds.len().min(WINDOW);
        let nothing = Second::default();
        let seconds = std::iter::repeat_n(&nothing, WINDOW - known)
            .chain(series.seconds.iter().rev().take(known).rev());
        fn of<'a, T>(
            seconds: impl Iterator<Item = &'a Second>,
            f: impl Fn(&Second) -> T,
        ) -> Vec<T> {
            seconds.map(f).collect()
        }
        Self {
            end: jiff::Timestamp::now().as_second(),
            connections: of(seconds.clone(), |s| s.connections),
            requests: of(seconds.clone(), |s| s.requests),
            errors: of(seconds.clone(), |s| s.errors),
            bytes_in: of(seconds.clone(), |s| s.bytes_in),
            bytes_out: of(seconds.clone(), |s| s.bytes_out),
            p50_ns: of(seconds.clone(), |s| Number(s.p50)),
            p95_ns: of(seconds, |s| Number(s.p95)),
        }
    }
}

/// The status page.
pub(super) fn show(call: &Call<'_>) -> Answer {
    let service = call.service;
    let control = service.control();
    let all = control.endpoints();
    let fill = service.store().map(|store| store.fill());
    let (reading, series) = Meter::sum(all.iter().map(|endpoint| &*endpoint.meter));
    let endpoints = all.iter().map(|endpoint| WithSeries {
        row: EndpointRow::from(endpoint),
        series: endpoint.meter.series().into(),
    });
    answer::json(&Overview {
        session: control.session().into(),
        web: WebRow { addr: service.addr(), allow_hosts: service.allow_hosts() },
        capture: Capture {
            enabled: fill.is_some(),
            limit: fill.map_or(0, |fill| fill.limit),
            used: fill.map_or(0, |fill| fill.bytes),
            count: fill.map_or(0, |fill| fill.entries),
        },
        settings: control.settings(),
        endpoints: endpoints.collect(),
        totals: Totals { metrics: reading.into(), series: series.into() },
    })
}

/// Reads the configuration again.
pub(super) async fn reload(call: Call<'_>) -> Answer {
    let control = call.service.control();
    let reloaded = call.service.whole(async move { control.reload().await }).await??;
    answer::json(&reloaded)
}
