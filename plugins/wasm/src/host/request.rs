//! The request that a call is about.

mod calls;

use std::borrow::Cow;

use adit_chain::{Exchange, Identity, Protocol, Vars};
use adit_policy_rules::{Refused, head as rules, state};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Uri, Version,
    header::{CONTENT_LENGTH, HOST, UPGRADE},
    uri::PathAndQuery,
};
use http_body::Body as _;
use serde_json::Value;

use super::{Edit, conn::text_of, error::Answer, headers::Journal};
use crate::hook::Hook;

/// Whether a head can still be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It has not left yet.
    Open,
    /// It has left, or this call is not about it.
    Left,
}

/// What a policy wants to see of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyWish {
    /// The first octets, at once, before the head leaves.
    Await {
        /// How many at most.
        limit: u32,
    },
    /// Each piece as it passes.
    Watch,
}

/// The request that a call is about: its head, taken out of the exchange and put back after.
#[derive(Debug)]
pub(crate) struct RequestView {
    pub(super) id: u64,
    pub(super) protocol: Protocol,
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) has_body: bool,
    /// Octets of the body, if it knows.
    body_len: Option<u64>,
    pub(super) identity: Option<Identity>,
    vars: Vars,
    access: Access,
    wish: Option<BodyWish>,
    kept: Option<Vec<u8>>,
    edits: Option<Edits>,
}

/// What things were before this call changed them.
#[derive(Debug, Default)]
struct Edits {
    headers: Journal,
    method: Option<Method>,
    uri: Option<Box<Uri>>,
    identity: Option<Option<Identity>>,
    vars: Vec<(String, Option<Value>)>,
    kept: Option<Option<Vec<u8>>>,
}

impl RequestView {
    /// Takes the head out of an exchange. `kept` is what the policy kept in an earlier call.
    #[inline]
    pub(crate) fn take(exchange: &mut Exchange, access: Access, kept: Option<Vec<u8>>) -> Self {
        let request = &mut exchange.request;
        let headers = std::mem::take(request.headers_mut());
        let body = request.body();
        Self {
            id: exchange.id.as_u64(),
            protocol: exchange.conn.endpoint.protocol,
            has_body: !body.is_end_stream(),
            body_len: body.size_hint().exact(),
            method: std::mem::take(request.method_mut()),
            uri: std::mem::take(request.uri_mut()),
            version: request.version(),
            headers,
            identity: exchange.identity.take(),
            vars: std::mem::take(&mut exchange.vars),
            access,
            wish: None,
            kept,
            edits: None,
        }
    }

    /// Puts the head back where it was taken from, and returns what the policy keeps.
    #[inline]
    pub(crate) fn put_back(self, exchange: &mut Exchange) -> Option<Vec<u8>> {
        let request = &mut exchange.request;
        *request.headers_mut() = self.headers;
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        exchange.identity = self.identity;
        exchange.vars = self.vars;
        self.kept
    }

    /// A copy that can only be read, for calls after the head has left. Copies every line.
    pub(crate) fn snapshot(&self) -> Self {
        Self {
            id: self.id,
            protocol: self.protocol,
            method: self.method.clone(),
            uri: self.uri.clone(),
            version: self.version,
            headers: self.headers.clone(),
            has_body: self.has_body,
            body_len: self.body_len,
            identity: self.identity.clone(),
            vars: self.vars.clone(),
            access: Access::Left,
            wish: None,
            kept: self.kept.clone(),
            edits: None,
        }
    }

    /// The method, as it is now.
    pub(crate) const fn method(&self) -> &Method {
        &self.method
    }

    /// What this call wants to see of the body. Counts with the verdict `next` only.
    pub(crate) const fn wish(&self) -> Option<BodyWish> {
        self.wish
    }

    /// What the policy keeps for the next call.
    pub(crate) fn kept(&self) -> Option<&[u8]> {
        self.kept.as_deref()
    }

    /// What the policy kept in another call, for a copy that this call is about.
    pub(crate) fn set_kept(&mut self, kept: Option<Vec<u8>>) {
        self.kept = kept;
    }

    /// Makes the edits of this call final.
    pub(crate) fn commit(&mut self) {
        self.edits = None;
    }

    /// Takes the edits of this call back.
    pub(crate) fn rollback(&mut self) {
        self.wish = None;
        let Some(edits) = self.edits.take() else { return };
        edits.headers.undo(&mut self.headers);
        if let Some(method) = edits.method {
            self.method = method;
        }
        if let Some(uri) = edits.uri {
            self.uri = *uri;
        }
        if let Some(identity) = edits.identity {
            self.identity = identity;
        }
        for (name, old) in edits.vars {
            match old {
                Some(value) => drop(self.vars.insert(name, value)),
                None => drop(self.vars.remove(&name)),
            }
        }
        if let Some(kept) = edits.kept {
            self.kept = kept;
        }
    }

    /// What this call changed so far, for people. Compares heads, so ask only when somebody looks.
    pub(crate) fn edits(&self) -> Vec<Edit> {
        let Some(edits) = &self.edits else { return Vec::new() };
        let mut list = Vec::new();
        if edits.method.as_ref().is_some_and(|old| *old != self.method) {
            list.push(Edit::Method(self.method.clone()));
        }
        if edits.uri.as_ref().is_some_and(|old| **old != self.uri) {
            list.push(Edit::Target(self.target().to_owned()));
        }
        for edit in edits.headers.changes(&self.headers) {
            list.push(match edit {
                Edit::Header(name, _) if name == HOST => Edit::Authority(self.authority()),
                edit => edit,
            });
        }
        if let (Some(_), Some(identity)) = (&edits.identity, &self.identity) {
            list.push(Edit::Identity(identity.subject.clone()));
        }
        for (name, _) in &edits.vars {
            let value = self.vars.get(name).cloned().map(text_of).unwrap_or_default();
            list.push(Edit::Var(name.clone(), value));
        }
        list
    }

    /// What the head says, which no policy can change, or else the body. Looked up for those who ask.
    pub(super) fn content_length(&self) -> Option<u64> {
        content_length(&self.headers).or(self.body_len)
    }

    /// Path and query.
    pub(super) fn target(&self) -> &str {
        self.uri.path_and_query().map_or("/", PathAndQuery::as_str)
    }

    pub(super) fn authority(&self) -> String {
        match self.headers.get(HOST) {
            Some(host) => String::from_utf8_lossy(host.as_bytes()).into_owned(),
            None => {
                self.uri.authority().map_or_else(String::new, |named| named.as_str().to_owned())
            }
        }
    }

    pub(super) fn set_method(&mut self, value: &str) -> Answer<()> {
        self.open()?;
        rules::method(value)?;
        let method = Method::from_bytes(value.as_bytes())
            .map_err(|_| Refused::invalid(format!("{value:?} cannot be set as method")))?;
        let old = std::mem::replace(&mut self.method, method);
        self.edited().method.get_or_insert(old);
        Ok(())
    }

    pub(super) fn set_target(&mut self, value: String) -> Answer<()> {
        self.open()?;
        rules::target(&value)?;
        let bad = || Refused::invalid("the target is neither a path nor \"*\"");
        let target = PathAndQuery::from_maybe_shared(Bytes::from(value)).map_err(|_| bad())?;
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = Some(target);
        let uri = Uri::from_parts(parts).map_err(|_| bad())?;
        let old = std::mem::replace(&mut self.uri, uri);
        self.edited().uri.get_or_insert_with(|| Box::new(old));
        Ok(())
    }

    pub(super) fn set_authority(&mut self, value: String) -> Answer<()> {
        self.open()?;
        rules::authority(&value)?;
        let value = HeaderValue::try_from(value)
            .map_err(|_| Refused::invalid("the authority is not a host with an optional port"))?;
        self.on_headers(|journal, headers| journal.insert(headers, HOST, value))
    }

    pub(super) fn edit_headers(
        &mut self,
        edit: impl FnOnce(&mut Journal, &mut HeaderMap) -> Answer<()>,
    ) -> Answer<()> {
        self.open()?;
        self.on_headers(edit)
    }

    pub(super) fn ask(&mut self, hook: Hook, wish: BodyWish) -> Answer<()> {
        self.open()?;
        let switches = self.method == Method::CONNECT || self.headers.contains_key(UPGRADE);
        check_wish(self.wish, hook == Hook::Request, switches)?;
        self.wish = Some(wish);
        Ok(())
    }

    pub(super) fn set_identity(&mut self, provider: String, subject: String) -> Answer<()> {
        self.open()?;
        state::identity(&subject)?;
        let identity = Identity { provider: Cow::Owned(provider), subject };
        let old = self.identity.replace(identity);
        self.edited().identity.get_or_insert(old);
        Ok(())
    }

    pub(super) fn var(&self, name: &str) -> Option<String> {
        self.vars.get(name).cloned().map(text_of)
    }

    pub(super) fn set_var(&mut self, name: String, value: String) -> Answer<()> {
        self.open()?;
        let others = self.vars.len() - usize::from(self.vars.contains_key(&name));
        state::var(&name, &value, others)?;
        let old = self.vars.insert(name.clone(), Value::String(value));
        let vars = &mut self.edited().vars;
        if vars.iter().all(|(other, _)| *other != name) {
            vars.push((name, old));
        }
        Ok(())
    }

    /// Private state can be replaced in every call, also when the head has left.
    pub(super) fn keep(&mut self, value: Vec<u8>) -> Answer<()> {
        state::keep(&value)?;
        let old = self.kept.replace(value);
        self.edited().kept.get_or_insert(old);
        Ok(())
    }

    fn on_headers(
        &mut self,
        edit: impl FnOnce(&mut Journal, &mut HeaderMap) -> Answer<()>,
    ) -> Answer<()> {
        let edits = self.edits.get_or_insert_default();
        edit(&mut edits.headers, &mut self.headers)
    }

    fn open(&self) -> Result<(), Refused> {
        match self.access {
            Access::Open => Ok(()),
            Access::Left => Err(Refused::too_late()),
        }
    }

    fn edited(&mut self) -> &mut Edits {
        self.edits.get_or_insert_default()
    }
}

/// Whether a call may ask for a body: once, in the hook of the head, and not when the octets that
/// follow are no body.
pub(super) fn check_wish(
    before: Option<BodyWish>,
    in_head_hook: bool,
    switches: bool,
) -> Result<(), Refused> {
    match (before, in_head_hook, switches) {
        (Some(_), ..) => Err(Refused::invalid("the body was asked for already")),
        (None, false, _) => Err(Refused::invalid("the body can be asked for in the head's hook")),
        (None, true, true) => {
            Err(Refused::invalid("a message that switches protocols has no body"))
        }
        (None, true, false) => Ok(()),
    }
}

pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
