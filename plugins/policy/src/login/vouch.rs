//! Whether somebody whose keys are at an address signed a token.

use std::{fmt, sync::Arc};

use super::{
    ask::{self, AskError},
    keys::KeySet,
    token::{Alg, Token, Unsigned},
};
use crate::services::Services;

/// Nobody vouches for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unvouched {
    /// Keys could not be had.
    Keys(AskError),
    /// None of the keys made the signature.
    Unsigned(Unsigned),
}

impl fmt::Display for Unvouched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys(error) => write!(f, "its keys: {error}"),
            Self::Unsigned(Unsigned::Algorithm) => f.write_str("it is signed in a way not allowed"),
            Self::Unsigned(Unsigned::NoKey) => f.write_str("there is no such key"),
            Self::Unsigned(Unsigned::Signature) => f.write_str("its signature is wrong"),
        }
    }
}

/// Whether a key at one of these addresses signed a token, in one of these ways. The addresses are
/// tried in order. If no key there can have signed it, newer keys are looked for, once in a while.
pub(crate) async fn check(
    services: &Services,
    urls: &[String],
    token: &Token<'_>,
    allowed: &[Alg],
) -> Result<(), Unvouched> {
    if !token.alg().is_some_and(|alg| allowed.contains(&alg)) {
        return Err(Unvouched::Unsigned(Unsigned::Algorithm));
    }
    let mut failure = Unvouched::Unsigned(Unsigned::NoKey);
    for is_lacking in [false, true] {
        failure = Unvouched::Unsigned(Unsigned::NoKey);
        for url in urls {
            let result = match keys(services, url, is_lacking).await {
                Ok(keys) => token.verify(&keys, allowed).map_err(Unvouched::Unsigned),
                Err(error) => Err(Unvouched::Keys(error)),
            };
            match result {
                Ok(()) => return Ok(()),
                Err(worse) if weight(&worse) >= weight(&failure) => failure = worse,
                Err(_) => {}
            }
        }
        // A signature that is wrong stays wrong with newer keys.
        if failure == Unvouched::Unsigned(Unsigned::Signature) {
            break;
        }
    }
    Err(failure)
}

/// Which of several failures is told.
fn weight(failure: &Unvouched) -> u8 {
    match failure {
        Unvouched::Unsigned(Unsigned::NoKey) => 0,
        Unvouched::Keys(_) => 1,
        Unvouched::Unsigned(_) => 2,
    }
}

/// The keys at an address, of some minutes ago at most; `is_lacking` if those did not do.
async fn keys(services: &Services, url: &str, is_lacking: bool) -> Result<Arc<KeySet>, AskError> {
    let (logins, fetch) = (&services.logins, services.fetch.as_ref());
    let load = || async { KeySet::parse(&ask::get(fetch, url, &[]).await?) };
    match is_lacking {
        false => logins.keys().get(logins.clock(), url, load).await,
        true => logins.keys().renewed(logins.clock(), url, load).await,
    }
}
