//! A request head without an agent.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use adit_policy_rules::{Refused, head, state};

use super::connection::{self, Connection, Vars};
use super::{Access, Lines, Wish, no_hook};
use crate::backend::types::{Error, Field};
use crate::error::raw_error;

/// What of a request can be changed.
#[derive(Clone, Debug)]
pub(crate) struct RequestState {
    pub(crate) method: String,
    pub(crate) authority: String,
    pub(crate) target: String,
    pub(crate) lines: Lines,
    pub(crate) identity: Option<String>,
}

/// A request head without an agent.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: u64,
    pub(crate) scheme: String,
    pub(crate) version: String,
    pub(crate) has_body: bool,
    pub(crate) conn: Rc<Connection>,
    pub(crate) state: RefCell<RequestState>,
    pub(crate) vars: Vars,
    pub(crate) kept: RefCell<Option<Vec<u8>>>,
    pub(crate) access: Cell<Access>,
    pub(crate) wish: Cell<Option<Wish>>,
    /// Whether the policy has a method for bodies of requests.
    pub(crate) sees_bodies: bool,
}

impl Request {
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn method(&self) -> String {
        self.state.borrow().method.clone()
    }

    pub(crate) fn set_method(&self, value: &str) -> Result<(), Error> {
        self.edit(head::method(value), |state| state.method = value.to_owned())
    }

    pub(crate) fn scheme(&self) -> String {
        self.scheme.clone()
    }

    pub(crate) fn authority(&self) -> String {
        self.state.borrow().authority.clone()
    }

    pub(crate) fn set_authority(&self, value: &str) -> Result<(), Error> {
        self.edit(head::authority(value), |state| state.authority = value.to_owned())
    }

    pub(crate) fn target(&self) -> String {
        self.state.borrow().target.clone()
    }

    pub(crate) fn set_target(&self, value: &str) -> Result<(), Error> {
        self.edit(head::target(value), |state| state.target = value.to_owned())
    }

    pub(crate) fn version(&self) -> String {
        self.version.clone()
    }

    pub(crate) fn header(&self, name: &str) -> Option<Vec<u8>> {
        self.state.borrow().lines.first(name)
    }

    pub(crate) fn header_all(&self, name: &str) -> Vec<Vec<u8>> {
        self.state.borrow().lines.all(name)
    }

    pub(crate) fn headers(&self) -> Vec<Field> {
        self.state.borrow().lines.fields()
    }

    pub(crate) fn set_header(&self, name: &str, value: &[u8]) -> Result<(), Error> {
        self.edit_lines(|lines| lines.set(name, value))
    }

    pub(crate) fn append_header(&self, name: &str, value: &[u8]) -> Result<(), Error> {
        self.edit_lines(|lines| lines.append(name, value))
    }

    pub(crate) fn remove_header(&self, name: &str) -> Result<(), Error> {
        self.edit_lines(|lines| lines.remove(name))
    }

    pub(crate) fn has_body(&self) -> bool {
        self.has_body
    }

    pub(crate) fn content_length(&self) -> Option<u64> {
        self.state.borrow().lines.content_length()
    }

    pub(crate) fn await_body(&self, limit: u32) -> Result<(), Error> {
        self.ask(Wish::Await(limit))
    }

    pub(crate) fn watch_body(&self) -> Result<(), Error> {
        self.ask(Wish::Watch)
    }

    pub(crate) fn identity(&self) -> Option<String> {
        self.state.borrow().identity.clone()
    }

    pub(crate) fn set_identity(&self, subject: &str) -> Result<(), Error> {
        self.edit(state::identity(subject), |state| state.identity = Some(subject.to_owned()))
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        self.conn.attribute(name)
    }

    pub(crate) fn var(&self, name: &str) -> Option<String> {
        let own = self.vars.borrow().get(name).cloned();
        own.or_else(|| self.conn.var(name))
    }

    pub(crate) fn set_var(&self, name: &str, value: &str) -> Result<(), Error> {
        let set =
            self.access.get().open().and_then(|()| connection::set_var(&self.vars, name, value));
        set.map_err(raw_error)
    }

    pub(crate) fn keep(&self, value: &[u8]) -> Result<(), Error> {
        connection::keep(&self.kept, value).map_err(raw_error)
    }

    pub(crate) fn kept(&self) -> Option<Vec<u8>> {
        self.kept.borrow().clone()
    }

    fn edit(
        &self,
        check: Result<(), Refused>,
        edit: impl FnOnce(&mut RequestState),
    ) -> Result<(), Error> {
        self.access.get().open().and(check).map_err(raw_error)?;
        edit(&mut self.state.borrow_mut());
        Ok(())
    }

    fn edit_lines(
        &self,
        edit: impl FnOnce(&mut Lines) -> Result<(), Refused>,
    ) -> Result<(), Error> {
        self.access.get().open().map_err(raw_error)?;
        edit(&mut self.state.borrow_mut().lines).map_err(raw_error)
    }

    fn ask(&self, wish: Wish) -> Result<(), Error> {
        let switches = self.method() == "CONNECT" || self.header("upgrade").is_some();
        self.access.get().wish(self.wish.get(), switches).map_err(raw_error)?;
        if !self.sees_bodies {
            no_hook("request", "on_request_body, on_request_chunk");
        }
        self.wish.set(Some(wish));
        Ok(())
    }
}
