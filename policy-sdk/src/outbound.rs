//! Calls to upstreams that the operator names. Grant: `outbound: [upstream, …]`.
//!
//! For the policy it is a plain call; the agent suspends it without holding a thread. Four calls a
//! phase, 1 MiB of body either way, 500 ms unless said otherwise, and never longer than the phase
//! has left. Redirects are not followed. In `configure` the answer is `Denied`.
//!
//! ```
//! use adit_policy_sdk::prelude::*;
//!
//! # fn ask(user: &str) -> Result<bool> {
//! let answer = outbound::post("decider", "/check").json(&user).send()?;
//! # Ok(
//! answer.status == 200
//! # )
//! # }
//! ```

use std::time::Duration;

use serde::Serialize;

use crate::backend::outbound;
use crate::bindings::imports::adit::policy::outbound::Call as RawCall;
use crate::error::Result;
use crate::reply::{self, HeaderValue, Reply};

/// A call that is being made up.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Call {
    upstream: String,
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    timeout: Duration,
}

/// A `GET` to a named upstream.
pub fn get(upstream: &str, target: &str) -> Call {
    call(upstream, "GET", target)
}

/// A `POST` to a named upstream.
pub fn post(upstream: &str, target: &str) -> Call {
    call(upstream, "POST", target)
}

/// Any call to a named upstream. `target` is a path, and perhaps a query.
pub fn call(upstream: &str, method: &str, target: &str) -> Call {
    Call {
        upstream: upstream.to_owned(),
        method: method.to_owned(),
        target: target.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: adit_policy_rules::limits::OUTBOUND_TIME.default,
    }
}

impl Call {
    /// Adds a header line.
    pub fn header(mut self, name: &str, value: impl HeaderValue) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.octets().into_owned()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the body to a JSON document, and its type.
    ///
    /// # Panics
    ///
    /// If the value cannot be written as JSON.
    pub fn json(self, value: &(impl Serialize + ?Sized)) -> Self {
        let document = crate::state::to_json(value);
        self.header("content-type", "application/json").body(document)
    }

    /// How long to wait for the whole answer.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends it and waits for the whole answer. Any status is an answer.
    ///
    /// # Errors
    ///
    /// `Denied` without a grant for the upstream, `Limit` for a fifth call of a phase or a large
    /// body, `Unavailable` if there was no answer in time, `Invalid` for a bad head.
    pub fn send(self) -> Result<Answer> {
        let Self { upstream, method, target, headers, body, timeout } = self;
        let headers = reply::into_fields(headers);
        let timeout_ms = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        let answer =
            outbound::send(&RawCall { upstream, method, target, headers, body, timeout_ms })?;
        Ok(Answer {
            status: answer.status,
            headers: reply::from_fields(answer.headers),
            body: answer.body,
        })
    }
}

/// What an upstream answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header lines, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// First value of that name, as text.
    pub fn header(&self, name: &str) -> Option<String> {
        let line = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        line.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }

    /// The body, read as JSON.
    ///
    /// # Errors
    ///
    /// If it is not what was expected.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    /// The same as a reply to the visitor, without the headers that are the agent's to set.
    pub fn into_reply(self) -> Reply {
        let Self { status, mut headers, body } = self;
        headers.retain(|(name, _)| adit_policy_rules::head::editable_header_name(name).is_ok());
        Reply { status, headers, body }
    }
}
