//! What was asked and answered, as rules see it.

use std::{net::IpAddr, time::Duration};

use cel::Value;
use http::HeaderMap;

use super::{ask::Answered, asked::Asked};
use crate::{
    action::{on_error::Trouble, outcome},
    value,
};

/// What was asked and answered.
#[derive(Debug, Default)]
pub(super) struct Record {
    asked: Option<Value>,
    attempts: Vec<Attempt>,
}

/// One attempt.
#[derive(Debug)]
struct Attempt {
    answered: Result<Answered, Trouble>,
    took: Duration,
}

impl Record {
    /// This is going to be asked.
    pub(super) fn asked(&mut self, asked: &Asked) {
        self.asked = Some(value::map([
            ("method", value::text(asked.method.as_str())),
            ("header", headers(&asked.headers)),
            ("url", value::text(asked.url.as_str())),
            ("body", value::text(&String::from_utf8_lossy(&asked.body))),
        ]));
    }

    /// That came of an attempt.
    pub(super) fn answered(&mut self, answered: Result<Answered, Trouble>, took: Duration) {
        self.attempts.push(Attempt { answered, took });
    }

    /// How many attempts there were.
    pub(super) fn n_attempts(&self) -> usize {
        self.attempts.len()
    }

    /// What came of the last attempt.
    pub(super) fn last(&self) -> Result<(), Trouble> {
        match self.attempts.last() {
            Some(Attempt { answered: Err(trouble), .. }) => Err(trouble.clone()),
            _ => Ok(()),
        }
    }

    /// The last attempt, for the condition that decides about another.
    pub(super) fn last_to_value(&self) -> Value {
        let last = self.attempts.last();
        let trouble = last.and_then(|last| last.answered.as_ref().err());
        value::map([
            ("req", self.asked.clone().unwrap_or_else(nothing_asked)),
            ("res", last.map_or_else(nothing_answered, Attempt::to_value)),
            ("error", error(trouble)),
        ])
    }

    /// The result of the action.
    pub(super) fn to_value(&self, trouble: Option<&Trouble>) -> Value {
        let last = self.attempts.last().filter(|_| trouble.is_none());
        value::map([
            ("req", self.asked.clone().unwrap_or_else(nothing_asked)),
            ("res", last.map_or_else(nothing_answered, Attempt::to_value)),
            ("attempts", value::list(self.attempts.iter().map(Attempt::brief))),
            ("error", error(trouble)),
        ])
    }
}

impl Attempt {
    fn to_value(&self) -> Value {
        let Ok(answered) = &self.answered else { return nothing_answered() };
        let status = i64::from(answered.status.as_u16());
        value::map([
            ("status_code", Value::Int(status)),
            // Another spelling that published policies use.
            ("statusCode", Value::Int(status)),
            ("header", headers(&answered.headers)),
            ("body", value::text(&String::from_utf8_lossy(&answered.body))),
            ("time_ms", self.millis()),
            ("resolved_ip", ip(answered.address)),
        ])
    }

    fn brief(&self) -> Value {
        let answered = self.answered.as_ref().ok();
        let status = answered.map_or(0, |answered| i64::from(answered.status.as_u16()));
        let no_headers = HeaderMap::new();
        value::map([
            ("resolved_ip", ip(answered.and_then(|answered| answered.address))),
            ("response_header", headers(answered.map_or(&no_headers, |a| &a.headers))),
            ("response_status_code", Value::Int(status)),
            ("response_time_ms", self.millis()),
        ])
    }

    fn millis(&self) -> Value {
        Value::Int(i64::try_from(self.took.as_millis()).unwrap_or(i64::MAX))
    }
}

fn nothing_asked() -> Value {
    let empty = || value::text("");
    let header = headers(&HeaderMap::new());
    value::map([("method", empty()), ("header", header), ("url", empty()), ("body", empty())])
}

fn nothing_answered() -> Value {
    value::map([
        ("status_code", Value::Int(0)),
        ("statusCode", Value::Int(0)),
        ("header", headers(&HeaderMap::new())),
        ("body", value::text("")),
        ("time_ms", Value::Int(0)),
        ("resolved_ip", value::text("")),
    ])
}

fn error(trouble: Option<&Trouble>) -> Value {
    trouble
        .map_or_else(outcome::no_error, |trouble| outcome::error(trouble.code(), trouble.message()))
}

fn ip(address: Option<IpAddr>) -> Value {
    value::text(&address.map(|ip| ip.to_string()).unwrap_or_default())
}

/// Lists by lower-case name.
fn headers(headers: &HeaderMap) -> Value {
    let lines = |name| {
        let lines = headers.get_all(name).iter();
        value::list(lines.map(|line| value::text(&String::from_utf8_lossy(line.as_bytes()))))
    };
    value::map(headers.keys().map(|name| (name.as_str(), lines(name))))
}
