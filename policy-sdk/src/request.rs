//! A request head.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend;
use crate::error::Result;
use crate::headers::head_methods;
use crate::{state, urlencoded};

/// A request head. Reading works in every hook of the exchange, writing in `on_request` and
/// `on_request_body`: later it has left.
pub struct Request<'a>(pub(crate) &'a backend::Request);

head_methods!(Request);

impl Request<'_> {
    /// Unique within one run of the agent; the same for all hooks of an exchange.
    pub fn id(&self) -> u64 {
        self.0.id()
    }

    /// The method, such as `GET`.
    pub fn method(&self) -> String {
        self.0.method()
    }

    /// Changes the method.
    ///
    /// # Panics
    ///
    /// If it is no token, or `CONNECT`, or the head has left.
    #[track_caller]
    pub fn set_method(&mut self, method: &str) {
        state::must("method", self.0.set_method(method));
    }

    /// `http` or `https`: how the visitor came.
    pub fn scheme(&self) -> String {
        self.0.scheme()
    }

    /// Host and perhaps port that the visitor asked for.
    pub fn authority(&self) -> String {
        self.0.authority()
    }

    /// Changes the authority.
    ///
    /// # Panics
    ///
    /// If it is not a host with an optional port, or the head has left.
    #[track_caller]
    pub fn set_authority(&mut self, authority: &str) {
        state::must("authority", self.0.set_authority(authority));
    }

    /// Host that the visitor asked for, without port.
    pub fn host(&self) -> String {
        let authority = self.authority();
        let end = match authority.starts_with('[') {
            true => authority.find(']').map(|bracket| bracket + 1),
            false => authority.find(':'),
        };
        authority[..end.unwrap_or(authority.len())].to_owned()
    }

    /// Path and query, as received.
    pub fn target(&self) -> String {
        self.0.target()
    }

    /// Changes path and query. Percent-encoding is yours to do.
    ///
    /// # Panics
    ///
    /// If it is neither a path with an optional query nor `*`, or the head has left. For targets
    /// made of what a stranger sent, use [`try_set_target`](Self::try_set_target).
    #[track_caller]
    pub fn set_target(&mut self, target: &str) {
        state::must("target", self.try_set_target(target));
    }

    /// Changes path and query, unless the agent refuses.
    ///
    /// # Errors
    ///
    /// Where [`set_target`](Self::set_target) panics.
    pub fn try_set_target(&mut self, target: &str) -> Result<()> {
        Ok(self.0.set_target(target)?)
    }

    /// The path, as received: not decoded.
    pub fn path(&self) -> String {
        let mut target = self.target();
        target.truncate(target.find('?').unwrap_or(target.len()));
        target
    }

    /// What follows the `?`, as received.
    pub fn query(&self) -> Option<String> {
        self.target().split_once('?').map(|(_, query)| query.to_owned())
    }

    /// First value of that name in the query, decoded.
    pub fn query_value(&self, name: &str) -> Option<String> {
        self.query_pairs().into_iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// The query as names and values, decoded: `+` is a space.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        urlencoded::pairs(&self.query().unwrap_or_default())
    }

    /// `1.0`, `1.1`, `2` or `3`.
    pub fn version(&self) -> String {
        self.0.version()
    }

    /// Value of the cookie of that name, as received.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies().into_iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// All cookies in order, values as received: neither quotes nor percent-encoding are undone.
    pub fn cookies(&self) -> Vec<(String, String)> {
        let mut cookies = Vec::new();
        for line in self.header_all("cookie") {
            let pairs = line.split(';').filter_map(|pair| pair.trim().split_once('='));
            cookies.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        cookies
    }

    /// The token of `authorization: Bearer …`.
    pub fn bearer_token(&self) -> Option<String> {
        let value = self.header("authorization")?;
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    }

    /// Who the visitor is, once a handler has established it.
    pub fn identity(&self) -> Option<String> {
        self.0.identity()
    }

    /// Says who the visitor is, for later handlers, the inspector and the log.
    ///
    /// # Errors
    ///
    /// If it is empty, longer than 1 KiB or has control characters, or the head has left.
    pub fn set_identity(&mut self, subject: &str) -> Result<()> {
        Ok(self.0.set_identity(subject)?)
    }

    /// A fact under a dotted name, as [`Connection::attribute`](crate::Connection::attribute) tells
    /// it; `None` when it is not known.
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.0.attribute(name)
    }

    /// A variable that a handler of this exchange or its connection left.
    pub fn var(&self, name: &str) -> Option<String> {
        self.0.var(name)
    }

    /// Leaves a variable for the other handlers of this exchange. 64 names, 4 KiB each.
    ///
    /// # Errors
    ///
    /// The limits above.
    pub fn set_var(&self, name: &str, value: &str) -> Result<()> {
        Ok(self.0.set_var(name, value)?)
    }

    /// Keeps one value of this policy for the later hooks of this exchange, whichever instance runs
    /// them. Up to 16 KiB as JSON.
    ///
    /// # Panics
    ///
    /// If it is larger, or cannot be written as JSON.
    #[track_caller]
    pub fn keep<T: Serialize + ?Sized>(&self, value: &T) {
        state::must("keep", self.keep_bytes(&state::to_json(value)));
    }

    /// What an earlier hook kept. `None` if nothing was, or if it is of another shape.
    pub fn kept<T: DeserializeOwned>(&self) -> Option<T> {
        state::from_json(self.kept_bytes())
    }

    /// [`keep`](Self::keep) for octets.
    ///
    /// # Errors
    ///
    /// If there are more than 16 KiB.
    pub fn keep_bytes(&self, octets: &[u8]) -> Result<()> {
        Ok(self.0.keep(octets)?)
    }

    /// [`kept`](Self::kept) for octets.
    pub fn kept_bytes(&self) -> Option<Vec<u8>> {
        self.0.kept()
    }
}
