//! A response head.

use crate::backend;
use crate::error::Result;
use crate::headers::head_methods;
use crate::state;

/// A response head. Reading works in every hook that has it, writing until it has left.
pub struct Response<'a>(pub(crate) &'a backend::Response);

head_methods!(Response);

impl Response<'_> {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.0.status()
    }

    /// Changes the status code.
    ///
    /// # Panics
    ///
    /// If it is not between 200 and 599, or the head has left.
    #[track_caller]
    pub fn set_status(&mut self, status: u16) {
        state::must("status", self.try_set_status(status));
    }

    /// Changes the status code, unless the agent refuses.
    ///
    /// # Errors
    ///
    /// Where [`set_status`](Self::set_status) panics.
    pub fn try_set_status(&mut self, status: u16) -> Result<()> {
        Ok(self.0.set_status(status)?)
    }

    /// Who made it: `upstream`, `handler` or `agent`.
    pub fn origin(&self) -> String {
        self.0.origin()
    }
}
