//! A way out with answers that were written beforehand.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Instant,
};

use adit_chain::BoxFuture;
use bytes::Bytes;
use http::{Request, Response};
use parking_lot::Mutex;

use super::{Outbound, OutboundError};

/// Answers each call with the next answer that was written for its upstream, and remembers what was
/// asked. An upstream without an answer cannot be reached.
#[derive(Debug, Default)]
pub struct ScriptedOutbound(Mutex<Script>);

#[derive(Debug, Default)]
struct Script {
    answers: BTreeMap<String, VecDeque<Response<Bytes>>>,
    asked: Vec<(String, Request<Bytes>)>,
}

impl ScriptedOutbound {
    /// Writes one more answer for an upstream.
    pub fn answer(&self, upstream: impl Into<String>, response: Response<Bytes>) {
        self.0.lock().answers.entry(upstream.into()).or_default().push_back(response);
    }

    /// What was asked since this was last asked, in order.
    pub fn take_asked(&self) -> Vec<(String, Request<Bytes>)> {
        std::mem::take(&mut self.0.lock().asked)
    }
}

impl Outbound for ScriptedOutbound {
    fn send<'a>(
        &'a self,
        upstream: &'a str,
        request: Request<Bytes>,
        _deadline: Instant,
    ) -> BoxFuture<'a, Result<Response<Bytes>, OutboundError>> {
        let mut script = self.0.lock();
        script.asked.push((upstream.to_owned(), request));
        let answer = script.answers.get_mut(upstream).and_then(VecDeque::pop_front);
        let answer = answer.ok_or_else(|| OutboundError::Unreachable("no answer is left".into()));
        Box::pin(std::future::ready(answer))
    }
}
