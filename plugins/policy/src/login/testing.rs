//! What the tests of logins share: keys that sign, a provider to log in with, and a browser.

mod browser;
mod provider;
mod signer;

pub(crate) use self::{
    browser::Browser,
    provider::{ISSUER, Provider, State},
    signer::Signer,
};
