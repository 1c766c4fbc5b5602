//! The `state` of a login on its way to the provider and back.
//!
//! It is closed ([`Seal`]) and holds everything that the login needs, so that visitors who never
//! come back cost no memory. What came back is remembered, so that it counts once.
//!
//! ```text
//! [auth_id~] base64url( nonce ‖ sealed( at u64 ‖ browser 32 ‖ seed 32 ‖ path ) )
//! ```

use std::{
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    clock::{seconds, since},
    secrets::{Seal, digest, to_text},
};

/// How long a login may take.
///
/// Fact: 15 minutes, in the service whose policies these are.
pub(crate) const LASTS: Duration = Duration::from_secs(15 * 60);

/// Logins of the last 15 minutes that are remembered for an action.
///
/// Reason: 64 bytes each; whoever fills it has logged in so often himself, and gains that one of
/// his own can be tried again, which the provider refuses.
const MAX_USED: usize = 8192;

/// What a login needs when the visitor comes back.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// When it began.
    pub(crate) at: u64,
    /// SHA-256 of the browser's nonce.
    pub(crate) browser: [u8; 32],
    /// What the secrets between us and the provider are made of.
    pub(crate) seed: [u8; 32],
    /// Where the visitor wanted to go.
    pub(crate) path: String,
}

impl State {
    /// Closes it for one action.
    pub(crate) fn close(&self, seal: &Seal, action: &[u8]) -> Option<String> {
        let mut message = self.at.to_be_bytes().to_vec();
        message.extend_from_slice(&self.browser);
        message.extend_from_slice(&self.seed);
        message.extend_from_slice(self.path.as_bytes());
        seal.close(action, &message)
    }

    /// Opens what the same action closed.
    pub(crate) fn open(seal: &Seal, action: &[u8], sealed: &str) -> Option<Self> {
        let message = seal.open(action, sealed)?;
        let (at, rest) = message.split_first_chunk()?;
        let (browser, rest) = rest.split_first_chunk()?;
        let (seed, path) = rest.split_first_chunk()?;
        let path = String::from_utf8(path.to_vec()).ok()?;
        Some(Self { at: u64::from_be_bytes(*at), browser: *browser, seed: *seed, path })
    }

    /// Whether it took too long.
    pub(crate) fn is_over(&self, now: SystemTime) -> bool {
        let began = UNIX_EPOCH + Duration::from_secs(self.at);
        since(began, now) > LASTS
    }

    /// What proves to the provider that whoever began the login also ends it (RFC 7636).
    pub(crate) fn verifier(&self) -> String {
        to_text(&digest(&[b"pkce", &self.seed]))
    }

    /// What the provider puts into its token for this login.
    pub(crate) fn nonce(&self) -> String {
        to_text(&digest(&[b"nonce", &self.seed]))
    }
}

/// States that came back.
#[derive(Debug, Default)]
pub(crate) struct Used(HashMap<[u8; 32], u64>);

impl Used {
    /// Notes that one came back; tells whether it is the first time.
    pub(crate) fn first(&mut self, state: &State, now: SystemTime) -> bool {
        let over = seconds(now).saturating_sub(LASTS.as_secs());
        if self.0.len() >= MAX_USED {
            self.0.retain(|_, at| *at >= over);
        }
        if self.0.len() >= MAX_USED
            && let Some(oldest) = self.0.iter().min_by_key(|(_, at)| **at).map(|(key, _)| *key)
        {
            self.0.remove(&oldest);
        }
        self.0.insert(digest(&[&state.seed]), state.at).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(seed: u64) -> State {
        let mut octets = [0; 32];
        octets[..8].copy_from_slice(&seed.to_be_bytes());
        State { at: 1_000, browser: [2; 32], seed: octets, path: "/a?b".to_owned() }
    }

    #[test]
    fn a_state_comes_back_as_it_went_and_to_its_action_only() {
        let seal = Seal::new();
        let sealed = state(1).close(&seal, b"one").unwrap();
        assert!(State::open(&seal, b"one", &sealed) == Some(state(1)));
        assert!(State::open(&seal, b"two", &sealed).is_none());
        assert!(State::open(&seal, b"one", &sealed[..sealed.len() - 4]).is_none());
    }

    #[test]
    fn a_state_lasts_15_minutes() {
        let at = |s: u64| UNIX_EPOCH + Duration::from_secs(1_000 + s);
        assert!(!state(1).is_over(at(900)));
        assert!(state(1).is_over(at(901)));
    }

    #[test]
    fn a_state_counts_once_and_what_is_remembered_is_bounded() {
        let (mut used, now) = (Used::default(), UNIX_EPOCH + Duration::from_secs(1_000));
        assert!(used.first(&state(1), now));
        assert!(!used.first(&state(1), now));
        for seed in 0..MAX_USED as u64 + 10 {
            used.first(&state(seed), now);
        }
        assert_eq!(used.0.len(), MAX_USED);
    }
}
