//! The ways in which providers prove who they are.

use aws_lc_rs::digest;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use subtle::ConstantTimeEq as _;

use super::{Incoming, Rejected, Signed};

/// A way in which a provider proves who it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scheme {
    /// A user name and a password come along (RFC 7617). The secret is both, with `::` between.
    Basic,
    /// Signed with a key that belongs to a certificate of the provider, who publishes it.
    Certificate,
    /// The secret itself comes along, in a header.
    Secret(&'static str),
    /// Signed in one of these ways. The first whose headers are there counts, so that nobody can
    /// choose the weakest.
    Signed(&'static [Signed]),
}

impl Scheme {
    /// Whether a secret is of the form that the provider gives out.
    pub(crate) fn takes(&self, secret: &str) -> bool {
        match self {
            Self::Basic => secret.contains("::"),
            Self::Certificate => false,
            Self::Secret(_) => !secret.is_empty(),
            Self::Signed(ways) => ways.iter().all(|way| way.takes(secret)),
        }
    }

    /// Checks a webhook. [`Certificate`](Self::Certificate) is somebody else's to check.
    pub(crate) fn check(&self, incoming: &Incoming<'_>, secret: &str) -> Result<(), Rejected> {
        match self {
            Self::Basic => basic(incoming, secret),
            Self::Certificate => Err(Rejected::Certificate("nobody fetched it")),
            Self::Secret(header) => same(incoming.header(header)?, secret),
            Self::Signed(ways) => {
                let mut missing = None;
                for way in *ways {
                    match way.check(incoming, secret) {
                        Err(error @ Rejected::Missing(_)) => {
                            missing.get_or_insert(error);
                        }
                        other => return other,
                    }
                }
                Err(missing.unwrap_or(Rejected::Mismatch))
            }
        }
    }
}

fn basic(incoming: &Incoming<'_>, secret: &str) -> Result<(), Rejected> {
    const NAME: &str = "authorization";
    let (user, password) = secret.split_once("::").ok_or(Rejected::Secret)?;
    let (scheme, presented) =
        incoming.header(NAME)?.split_once(' ').ok_or(Rejected::Malformed(NAME))?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Rejected::Malformed(NAME));
    }
    let expected = BASE64_STANDARD.encode(format!("{user}:{password}"));
    same(presented.trim(), &expected)
}

/// Compares texts without telling by the time it takes where they differ, or how long they are.
fn same(presented: &str, expected: &str) -> Result<(), Rejected> {
    if expected.is_empty() {
        return Err(Rejected::Secret);
    }
    let [presented, expected] =
        [presented, expected].map(|text| digest::digest(&digest::SHA256, text.as_bytes()));
    let is_same: bool = presented.as_ref().ct_eq(expected.as_ref()).into();
    if is_same { Ok(()) } else { Err(Rejected::Mismatch) }
}
