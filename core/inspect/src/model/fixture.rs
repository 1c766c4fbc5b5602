//! An exchange for tests to start from.

use std::{sync::Arc, time::SystemTime};

use adit_chain::Id;
use http::{Method, Version};

use super::{Body, Entry, Headers, Request, Source, State, Timing};

/// `GET /` without headers, over, and never answered.
pub(crate) fn entry() -> Entry {
    Entry {
        id: Id::next(),
        source: Source::Visitor,
        endpoint: "web".into(),
        url: "https://app.example".into(),
        client: None,
        started: SystemTime::UNIX_EPOCH,
        request: Request {
            method: Method::GET,
            target: "/".into(),
            version: Version::HTTP_11,
            headers: Headers::default(),
            body: Body::default(),
            trailers: None,
        },
        response: None,
        decisions: Arc::default(),
        timing: Timing::default(),
        state: State::Done,
        messages: None,
    }
}
