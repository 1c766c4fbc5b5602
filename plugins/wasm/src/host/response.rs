//! The response that a call is about.

use adit_chain::{Body, Origin};
use adit_policy_rules::{Refused, head as rules};
use http::{HeaderMap, StatusCode};
use http_body::Body as _;
use wasmtime::component::Resource;

use super::{
    Access, BodyWish, Edit, Response, State,
    error::{Answer, no_such},
    headers::{self, Journal},
    request::{check_wish, content_length},
};
use crate::{
    bindings::adit::policy::{
        http::{Host, HostResponse},
        types::Field,
    },
    hook::Hook,
};

/// The response that a call is about: its head, taken out of the message and put back after.
#[derive(Debug)]
pub(crate) struct ResponseView {
    status: StatusCode,
    headers: HeaderMap,
    origin: Origin,
    has_body: bool,
    /// Octets of the body, if it knows.
    body_len: Option<u64>,
    access: Access,
    wish: Option<BodyWish>,
    edits: Option<Box<Edits>>,
}

/// What things were before this call changed them.
#[derive(Debug, Default)]
struct Edits {
    headers: Journal,
    status: Option<StatusCode>,
}

impl ResponseView {
    /// Takes the head out of a response.
    pub(crate) fn take(response: &mut http::Response<Body>, access: Access) -> Self {
        let headers = std::mem::take(response.headers_mut());
        let body = response.body();
        Self {
            status: response.status(),
            origin: Origin::of(response),
            has_body: !body.is_end_stream(),
            body_len: body.size_hint().exact(),
            headers,
            access,
            wish: None,
            edits: None,
        }
    }

    /// Puts the head back where it was taken from.
    pub(crate) fn put_back(self, response: &mut http::Response<Body>) {
        *response.headers_mut() = self.headers;
        *response.status_mut() = self.status;
    }

    /// What changed since the last commit, for people.
    pub(crate) fn edits(&self) -> Vec<Edit> {
        let Some(edits) = &self.edits else { return Vec::new() };
        let mut list = Vec::new();
        if edits.status.is_some_and(|old| old != self.status) {
            list.push(Edit::Status(self.status.as_u16()));
        }
        list.extend(edits.headers.changes(&self.headers));
        list
    }

    /// A copy that can only be read, for calls after the head has left. Copies every line.
    pub(crate) fn snapshot(&self) -> Self {
        Self {
            status: self.status,
            headers: self.headers.clone(),
            origin: self.origin,
            has_body: self.has_body,
            body_len: self.body_len,
            access: Access::Left,
            wish: None,
            edits: None,
        }
    }

    /// What this call wants to see of the body. Counts with the verdict `next` only.
    pub(crate) const fn wish(&self) -> Option<BodyWish> {
        self.wish
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
        if let Some(status) = edits.status {
            self.status = status;
        }
    }

    /// What the head says, or else the body.
    fn content_length(&self) -> Option<u64> {
        content_length(&self.headers).or(self.body_len)
    }

    fn set_status(&mut self, value: u16) -> Answer<()> {
        self.open()?;
        rules::status(value)?;
        let bad = |_| Refused::invalid(format!("status {value} is not between 200 and 599"));
        let status = StatusCode::from_u16(value).map_err(bad)?;
        if self.status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Refused::invalid(
                "a switch of protocols cannot be turned into another answer",
            )
            .into());
        }
        let old = std::mem::replace(&mut self.status, status);
        self.edits.get_or_insert_default().status.get_or_insert(old);
        Ok(())
    }

    fn edit_headers(
        &mut self,
        edit: impl FnOnce(&mut Journal, &mut HeaderMap) -> Answer<()>,
    ) -> Answer<()> {
        self.open()?;
        let edits = self.edits.get_or_insert_default();
        edit(&mut edits.headers, &mut self.headers)
    }

    fn ask(&mut self, hook: Hook, wish: BodyWish) -> Answer<()> {
        self.open()?;
        let switches = self.status == StatusCode::SWITCHING_PROTOCOLS;
        check_wish(self.wish, hook == Hook::Response, switches)?;
        self.wish = Some(wish);
        Ok(())
    }

    fn open(&self) -> Result<(), Refused> {
        match self.access {
            Access::Open => Ok(()),
            Access::Left => Err(Refused::too_late()),
        }
    }
}

impl State {
    fn response(&mut self) -> wasmtime::Result<&mut ResponseView> {
        self.current.response.as_deref_mut().ok_or_else(|| no_such("response"))
    }
}

type Handle = Resource<Response>;

impl Host for State {}

impl HostResponse for State {
    fn status(&mut self, _: Handle) -> wasmtime::Result<u16> {
        Ok(self.response()?.status.as_u16())
    }

    fn set_status(&mut self, _: Handle, value: u16) -> wasmtime::Result<Answer<()>> {
        Ok(self.response()?.set_status(value))
    }

    fn origin(&mut self, _: Handle) -> wasmtime::Result<String> {
        let origin = match self.response()?.origin {
            Origin::Agent => "agent",
            Origin::Handler => "handler",
            Origin::Upstream => "upstream",
        };
        Ok(origin.to_owned())
    }

    fn header(&mut self, _: Handle, name: String) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(headers::first(&self.response()?.headers, &name))
    }

    fn header_all(&mut self, _: Handle, name: String) -> wasmtime::Result<Vec<Vec<u8>>> {
        Ok(headers::values(&self.response()?.headers, &name))
    }

    fn headers(&mut self, _: Handle) -> wasmtime::Result<Vec<Field>> {
        Ok(headers::fields(&self.response()?.headers))
    }

    fn set_header(
        &mut self,
        _: Handle,
        name: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Answer<()>> {
        Ok(self.response()?.edit_headers(|journal, headers| journal.set(headers, &name, value)))
    }

    fn append_header(
        &mut self,
        _: Handle,
        name: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Answer<()>> {
        Ok(self.response()?.edit_headers(|journal, headers| journal.append(headers, &name, value)))
    }

    fn remove_header(&mut self, _: Handle, name: String) -> wasmtime::Result<Answer<()>> {
        Ok(self.response()?.edit_headers(|journal, headers| journal.remove(headers, &name)))
    }

    fn has_body(&mut self, _: Handle) -> wasmtime::Result<bool> {
        Ok(self.response()?.has_body)
    }

    fn content_length(&mut self, _: Handle) -> wasmtime::Result<Option<u64>> {
        Ok(self.response()?.content_length())
    }

    fn await_body(&mut self, _: Handle, limit: u32) -> wasmtime::Result<Answer<()>> {
        let hook = self.phase.hook;
        Ok(self.response()?.ask(hook, BodyWish::Await { limit }))
    }

    fn watch_body(&mut self, _: Handle) -> wasmtime::Result<Answer<()>> {
        let hook = self.phase.hook;
        Ok(self.response()?.ask(hook, BodyWish::Watch))
    }

    fn drop(&mut self, _: Handle) -> wasmtime::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
