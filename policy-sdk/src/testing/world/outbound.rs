//! Calls to upstreams: answers that the test wrote in advance.

use std::collections::{BTreeMap, VecDeque};

use adit_policy_rules::{Kind, Refused, limits, reply};

use super::try_ask;
use crate::backend::types::{self, Error};
use crate::bindings::imports::adit::policy::outbound::Call;
use crate::reply::{from_fields, into_fields};
use crate::testing::Answer;

/// What was sent, and what will be answered.
#[derive(Debug, Default)]
pub(crate) struct Upstreams {
    pub(crate) scripts: BTreeMap<String, VecDeque<Option<Answer>>>,
    pub(crate) sent: Vec<Sent>,
}

/// A call that a policy made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Name of the upstream.
    pub upstream: String,
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The header lines, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

pub(crate) fn send(what: &Call) -> Result<types::Reply, Error> {
    try_ask(|world| {
        world.effects("outbound")?;
        let granted = match &world.grants.outbound {
            None => world.outbound.scripts.contains_key(&what.upstream),
            Some(names) => names.contains(&what.upstream),
        };
        if !granted {
            let name = &what.upstream;
            let text = format!("outbound {name:?} is not granted; see the policy's grants");
            return Err(Refused::denied(text));
        }
        let lines = what.headers.iter().map(|line| (line.name.as_str(), line.value.as_slice()));
        reply::check_outbound(&what.method, &what.target, lines, what.body.len())?;
        world.outbound_left = world.outbound_left.checked_sub(1).ok_or_else(|| {
            let most = limits::OUTBOUND_CALLS;
            Refused::limit(format!("outbound calls: {most} were made in this phase"))
        })?;
        world.outbound.sent.push(Sent {
            upstream: what.upstream.clone(),
            method: what.method.clone(),
            target: what.target.clone(),
            headers: from_fields(what.headers.clone()),
            body: what.body.clone(),
        });
        let script = world.outbound.scripts.get_mut(&what.upstream);
        match script.and_then(VecDeque::pop_front).flatten() {
            Some(Answer { status, headers, body }) => {
                Ok(types::Reply { status, headers: into_fields(headers), body })
            }
            None => {
                let text = format!("outbound {:?}: no answer in time", what.upstream);
                Err(Refused::new(Kind::Unavailable, text))
            }
        }
    })
}
