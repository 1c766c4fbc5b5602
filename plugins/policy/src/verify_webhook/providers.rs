//! The providers, by name.

mod plain;
mod special;
mod timed;

use super::{Scheme, challenge::Answer};

/// A provider of webhooks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Provider {
    pub(crate) name: &'static str,
    pub(crate) scheme: Scheme,
    /// Answers what the provider asks before it sends webhooks.
    pub(super) challenge: Option<Answer>,
}

/// Providers that are known by name, and of which nobody has published how they sign.
pub(crate) const WITHOUT_SCHEME: [&str; 1] = ["hostedhooks"];

/// The provider of that name.
pub(crate) fn provider(name: &str) -> Option<&'static Provider> {
    all().find(|provider| provider.name == name)
}

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Provider> {
    plain::PROVIDERS.iter().chain(timed::PROVIDERS).chain(special::PROVIDERS)
}

/// One that signs.
const fn signed(name: &'static str, ways: &'static [super::Signed]) -> Provider {
    Provider { name, scheme: Scheme::Signed(ways), challenge: None }
}
