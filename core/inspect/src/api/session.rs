//! The session: what clients look for, and all that the page shows of it.

use std::time::Duration;

use serde::Serialize;

use super::{
    answer::{self, Answer},
    service::Call,
    time,
};
use crate::control::{SessionStatus, SessionView};

/// Where the collections are.
#[derive(Serialize)]
struct Index {
    endpoints_uri: &'static str,
    http_requests_uri: &'static str,
    status_uri: &'static str,
    tunnels_uri: &'static str,
}

/// What there is.
pub(super) fn index() -> Answer {
    answer::json(&Index {
        endpoints_uri: "/api/endpoints",
        http_requests_uri: "/api/requests/http",
        status_uri: "/api/status",
        tunnels_uri: "/api/tunnels",
    })
}

#[derive(Serialize)]
struct Status<'a> {
    status: &'static str,
    agent_version: &'a str,
    session: Legs<'a>,
    uri: &'static str,
}

#[derive(Serialize)]
struct Legs<'a> {
    legs: Vec<Leg<'a>>,
    #[serde(flatten)]
    trouble: Option<Trouble<'a>>,
}

/// Ours: clients look for the legs alone.
#[derive(Serialize)]
struct Trouble<'a> {
    reason: &'a str,
    retry_at: Option<String>,
}

#[derive(Serialize)]
struct Leg<'a> {
    region: &'a str,
    latency: String,
}

/// How the session stands, as clients look for it.
pub(super) fn status(call: &Call<'_>) -> Answer {
    let session = call.service.control().session();
    let legs = session.legs.iter().filter(|_| session.status == SessionStatus::Online);
    let legs = legs.map(|leg| Leg { region: &leg.region, latency: latency(leg.latency) }).collect();
    let trouble = match &session.status {
        SessionStatus::Reconnecting(reason) => {
            Some(Trouble { reason, retry_at: session.retry_at.map(time::stamp) })
        }
        _ => None,
    };
    answer::json(&Status {
        status: session.status.word(),
        agent_version: &session.agent_version,
        session: Legs { legs, trouble },
        uri: "/api/status",
    })
}

/// A round trip as text: `87ms`, `0.4ms`.
fn latency(took: Option<Duration>) -> String {
    let Some(took) = took else { return "0s".to_owned() };
    let millis = took.as_secs_f64() * 1000.0;
    if millis < 10.0 { format!("{millis:.1}ms") } else { format!("{millis:.0}ms") }
}

/// The session, as the page shows it.
#[derive(Serialize)]
pub(super) struct Session {
    status: &'static str,
    reason: Option<String>,
    retry_at: Option<String>,
    edge: String,
    account: String,
    plan: String,
    banner: String,
    version: String,
    agent_version: String,
    started: String,
    legs: Vec<LegRow>,
    history: Vec<Happened>,
}

#[derive(Serialize)]
struct LegRow {
    region: String,
    latency_ms: Option<f64>,
}

#[derive(Serialize)]
struct Happened {
    at: String,
    what: &'static str,
    detail: String,
}

impl From<SessionView> for Session {
    fn from(view: SessionView) -> Self {
        let legs = view.legs.into_iter().map(|leg| LegRow {
            region: leg.region,
            latency_ms: leg.latency.map(|took| (took.as_secs_f64() * 1e6).round() / 1e3),
        });
        let history = view.history.into_iter().map(|event| Happened {
            at: time::stamp(event.at),
            what: event.what,
            detail: event.detail,
        });
        Self {
            status: view.status.word(),
            reason: match view.status {
                SessionStatus::Reconnecting(reason) => Some(reason),
                _ => None,
            },
            retry_at: view.retry_at.map(time::stamp),
            edge: view.edge,
            account: view.account,
            plan: view.plan,
            banner: view.banner,
            version: view.version,
            agent_version: view.agent_version,
            started: time::stamp(view.started),
            legs: legs.collect(),
            history: history.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_read_as_durations() {
        assert_eq!(latency(Some(Duration::from_millis(87))), "87ms");
        assert_eq!(latency(Some(Duration::from_micros(430))), "0.4ms");
        assert_eq!(latency(None), "0s");
    }
}
