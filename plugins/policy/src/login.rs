//! Logins: visitors who are sent to an identity provider, come back, and are known from then on.
//!
//! ```text
//! flow       what happens to a request          settings   what the policy says
//! state      of a login under way               session, store, cookies   of a visitor who is in
//! provider   providers (by name), discovery (by issuer), tokens, person
//! vouch      token, keys, claims: whether a token is what it says it is
//! ask, cache what providers answer, and for how long
//! ```

pub(crate) mod ask;
mod cache;
pub(crate) mod claims;
mod client;
pub(crate) mod clock;
mod cookies;
mod discovery;
pub(crate) mod flow;
mod keys;
mod person;
mod place;
pub(crate) mod provider;
pub(crate) mod providers;
mod secrets;
mod session;
pub(crate) mod settings;
mod state;
mod store;
pub(crate) mod token;
mod tokens;
pub(crate) mod trouble;
pub(crate) mod vouch;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use self::store::Logins;
