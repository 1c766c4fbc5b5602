//! A response head without an agent.

use std::cell::{Cell, RefCell};

use adit_policy_rules::{Refused, head};

use super::{Access, Lines, Wish, no_hook};
use crate::backend::types::{Error, Field};
use crate::error::raw_error;

/// What of a response can be changed.
#[derive(Clone, Debug)]
pub(crate) struct ResponseState {
    pub(crate) status: u16,
    pub(crate) lines: Lines,
}

/// A response head without an agent.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) origin: String,
    pub(crate) has_body: bool,
    pub(crate) state: RefCell<ResponseState>,
    pub(crate) access: Cell<Access>,
    pub(crate) wish: Cell<Option<Wish>>,
    /// Whether the policy has a method for bodies of responses.
    pub(crate) sees_bodies: bool,
}

impl Response {
    pub(crate) fn status(&self) -> u16 {
        self.state.borrow().status
    }

    pub(crate) fn set_status(&self, value: u16) -> Result<(), Error> {
        self.edit(|state| {
            head::status(value)?;
            if state.status == 101 {
                let text = "a switch of protocols cannot be turned into another answer";
                return Err(Refused::invalid(text));
            }
            state.status = value;
            Ok(())
        })
    }

    pub(crate) fn origin(&self) -> String {
        self.origin.clone()
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
        self.edit(|state| state.lines.set(name, value))
    }

    pub(crate) fn append_header(&self, name: &str, value: &[u8]) -> Result<(), Error> {
        self.edit(|state| state.lines.append(name, value))
    }

    pub(crate) fn remove_header(&self, name: &str) -> Result<(), Error> {
        self.edit(|state| state.lines.remove(name))
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

    fn edit(
        &self,
        edit: impl FnOnce(&mut ResponseState) -> Result<(), Refused>,
    ) -> Result<(), Error> {
        self.access.get().open().map_err(raw_error)?;
        edit(&mut self.state.borrow_mut()).map_err(raw_error)
    }

    fn ask(&self, wish: Wish) -> Result<(), Error> {
        let switches = self.status() == 101;
        self.access.get().wish(self.wish.get(), switches).map_err(raw_error)?;
        if !self.sees_bodies {
            no_hook("response", "on_response_body, on_response_chunk");
        }
        self.wish.set(Some(wish));
        Ok(())
    }
}
