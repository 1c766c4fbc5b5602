//! Verifies that a webhook comes from the provider that it claims to come from.
//!
//! ```text
//! provider ─name─> Scheme ┬ Signed: where the signature stands, how it is made, of what
//!                         ├ Secret: the secret itself comes along
//!                         └ Certificate: signed with a key that the provider publishes
//! ```
//!
//! Providers differ in names of headers, encodings and the order of what is signed: that is data,
//! in [`providers`]. What cannot be said as data is a function that makes the signed text
//! ([`url`], [`form`], [`canonical`]).

use std::time::{Duration, SystemTime};

use http::{HeaderMap, Method};

pub(crate) use self::{
    challenge::{Challenge, challenge},
    providers::{Provider, WITHOUT_SCHEME, provider},
    scheme::Scheme,
    signed::Signed,
    sns::Certificates,
};

mod canonical;
mod challenge;
mod encoding;
mod form;
mod parts;
mod providers;
mod scheme;
mod signed;
mod sns;
mod stamp;
mod url;

/// How old a webhook may be, and how far ahead its clock, where the provider recommends nothing.
///
/// Fact: the public documentation of the service whose clients we serve names 180 seconds.
const TOLERANCE: Duration = Duration::from_secs(180);

/// A webhook as it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) method: &'a Method,
    /// Scheme of the public URL.
    pub(crate) scheme: &'a str,
    /// Host, with its port if one was named, as the sender knows it.
    pub(crate) host: &'a str,
    /// Path and query as they were sent.
    pub(crate) target: &'a str,
    pub(crate) headers: &'a HeaderMap,
    /// The body, byte for byte.
    pub(crate) body: &'a [u8],
    /// What time it is.
    pub(crate) now: SystemTime,
}

/// Why a webhook is not believed. Says nothing that helps to forge one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejected {
    /// Something else signs so.
    #[error("the signature does not match")]
    Mismatch,
    /// A header or field that the provider sends is not there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A header or field is not of the provider's form.
    #[error("{0} cannot be read")]
    Malformed(&'static str),
    /// Its time is too far from ours.
    #[error("the webhook is too old, or its clock is ahead")]
    Stale,
    /// The secret is not of the provider's form.
    #[error("the secret is not of the form that the provider gives out")]
    Secret,
    /// The certificate that it names is none of the provider's.
    #[error("the signing certificate cannot be trusted: {0}")]
    Certificate(&'static str),
    /// The certificate could not be had.
    #[error("the signing certificate could not be fetched: {0}")]
    Fetch(String),
}

impl<'a> Incoming<'a> {
    /// The value of a header. More than one line of it is none: nobody could tell which is meant.
    fn header(&self, name: &'static str) -> Result<&'a str, Rejected> {
        let mut lines = self.headers.get_all(name).iter();
        let line = lines.next().ok_or(Rejected::Missing(name))?;
        if lines.next().is_some() {
            return Err(Rejected::Malformed(name));
        }
        line.to_str().map(str::trim).map_err(|_| Rejected::Malformed(name))
    }

    /// The media type of the body, without parameters, in small letters.
    fn content_type(&self) -> String {
        let kind = self.header("content-type").unwrap_or_default();
        kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Path and query apart.
    fn path_and_query(&self) -> (&'a str, Option<&'a str>) {
        match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target, None),
        }
    }
}

#[cfg(test)]
mod tests;
