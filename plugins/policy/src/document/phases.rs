//! Which phases a document has, and whether its endpoint knows them.

use adit_chain::{Endpoint, Protocol};
use serde_json::{Map, Value as Json};

use super::{cx::Loading, keys};
use crate::{phase::Phase, problem::code};

/// How many phases there are.
pub(super) const N_PHASES: usize = Phase::ALL.len();

/// Keys that documents had before phases were named as they are.
const INBOUND: &str = "inbound";
const OUTBOUND: &str = "outbound";

/// Switches the whole document off.
const ENABLED: &str = "enabled";

/// A phase, the key it stands under, and its rules.
type Found<'a> = (Phase, String, &'a [Json]);

/// Whether the document's rules run at all.
pub(super) fn is_enabled(map: &Map<String, Json>, loading: &mut Loading<'_>) -> bool {
    match keys::find(map, ENABLED) {
        None => true,
        Some((_, Json::Bool(is_enabled))) => *is_enabled,
        Some((key, _)) => {
            loading.problems.error(&[key.to_owned()], code::SHAPE, "must be true or false");
            true
        }
    }
}

/// The phases of a document that have rules, in the order in which they run.
pub(super) fn find<'a>(map: &'a Map<String, Json>, loading: &mut Loading<'_>) -> Vec<Found<'a>> {
    refuse_unknown(map, loading);
    let mut found = Vec::new();
    for phase in Phase::ALL {
        let own = rules(map, phase.key(), loading);
        let older = older_name(phase, loading.chain.endpoint.protocol)
            .and_then(|name| rules(map, name, loading));
        if let (Some(_), Some((key, _))) = (&own, &older) {
            let message = format!("is an older name of {phase}, which is here too; keep one");
            loading.problems.error(std::slice::from_ref(key), code::SHAPE, message);
        }
        let Some((key, list)) = own.or(older) else { continue };
        if list.is_empty() {
            continue;
        }
        if let Err((code, message)) = allowed(phase, &loading.chain.endpoint) {
            loading.problems.error(std::slice::from_ref(&key), code, message);
            continue;
        }
        found.push((phase, key, list));
    }
    if !loading.chain.endpoint.protocol.is_http()
        && let Some((key, list)) = rules(map, OUTBOUND, loading)
        && !list.is_empty()
    {
        let message = format!(
            "{} endpoints have nothing that answers; only on_tcp_connect runs on them",
            loading.chain.endpoint.protocol.as_str()
        );
        loading.problems.error(&[key], code::PHASE, message);
    }
    found
}

/// The key that a phase had in older documents, which depends on what the endpoint speaks.
fn older_name(phase: Phase, protocol: Protocol) -> Option<&'static str> {
    match phase {
        Phase::HttpRequest if protocol.is_http() => Some(INBOUND),
        Phase::HttpResponse if protocol.is_http() => Some(OUTBOUND),
        Phase::TcpConnect if !protocol.is_http() => Some(INBOUND),
        _ => None,
    }
}

/// Whether a phase runs on an endpoint; the code and the reason if it does not.
fn allowed(phase: Phase, endpoint: &Endpoint) -> Result<(), (u32, String)> {
    let protocol = endpoint.protocol;
    if phase == Phase::TcpConnect {
        if protocol.is_http() && is_internal(&endpoint.url) {
            let message = "internal endpoints for HTTP are reached without a connection of their \
                           own, so this phase never runs";
            return Err((code::INTERNAL_CONNECT, message.into()));
        }
        return Ok(());
    }
    if protocol.is_http() {
        return Ok(());
    }
    let message = format!("only on_tcp_connect runs on {} endpoints", protocol.as_str());
    Err((code::PHASE, message))
}

/// Whether only other endpoints reach it.
fn is_internal(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    adit_chain::is_internal(host.trim_start_matches("*."))
}

/// The rules under a key; none if it is not there.
fn rules<'a>(
    map: &'a Map<String, Json>,
    name: &str,
    loading: &mut Loading<'_>,
) -> Option<(String, &'a [Json])> {
    let (key, value) = keys::find(map, name)?;
    match value {
        Json::Array(rules) => Some((key.to_owned(), rules)),
        _ => {
            let what = match value {
                Json::Object(_) => "an object",
                Json::String(_) => "a text",
                _ => "a single value",
            };
            let message = format!("is {what}; write a list of rules");
            loading.problems.error(&[key.to_owned()], code::SHAPE, message);
            None
        }
    }
}

fn refuse_unknown(map: &Map<String, Json>, loading: &mut Loading<'_>) {
    let mut known: Vec<&str> = Phase::ALL.map(Phase::key).to_vec();
    known.extend([INBOUND, OUTBOUND, ENABLED]);
    for key in keys::unknown(map, &known) {
        let code = if key.starts_with("on_") { code::PHASE } else { code::SHAPE };
        let phases = Phase::ALL.map(Phase::key).join(", ");
        let message = format!("is not a phase; there are {phases}");
        loading.problems.error(&[key.to_owned()], code, message);
    }
}
