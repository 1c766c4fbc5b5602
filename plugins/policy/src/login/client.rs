//! What the endpoint is to the provider.

use std::fmt;

use super::secrets::digest;

/// How a client proves itself to a token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientAuth {
    /// In a header.
    Basic,
    /// Among the fields of the form.
    Form,
}

/// A registered application.
#[derive(Clone)]
pub(crate) struct Client {
    /// Its public name.
    pub(crate) id: String,
    /// What only it and the provider know.
    pub(crate) secret: String,
}

impl Client {
    /// What tells it from other clients.
    pub(crate) fn digest(&self) -> [u8; 32] {
        digest(&[b"client", self.id.as_bytes(), self.secret.as_bytes()])
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("id", &self.id).finish_non_exhaustive()
    }
}
