//! The description of this API for programs.

use std::sync::LazyLock;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::answer::{self, Answer};

/// Written by hand; a test holds the real answers against it.
pub(super) const DOCUMENT: &str = include_str!("openapi.json");

static COMPACT: LazyLock<Bytes> = LazyLock::new(|| {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap_or_default();
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    document.to_string().into()
});

/// The document.
pub(super) fn document() -> Answer {
    Ok(answer::bytes(StatusCode::OK, "application/json", COMPACT.clone()))
}
