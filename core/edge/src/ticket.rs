//! What an agent carries for us over a reconnect: the session's cookie and each bind's token.
//!
//! Both are opaque to agents and authenticated with a key that survives a restart, so that an edge
//! that remembers nothing still knows whose session and address these were.
//!
//! ```text
//! cookie   b64( mac("cookie", account, client id) )
//! token    b64( expiry u64 BE ‖ mac("bind", account, bind id, address, expiry) ‖ address )
//! ```
//!
//! The address stands in the token, in its text form, because it counts for more than what the
//! request says; the bind id comes with the request.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

const MAC_LEN: usize = 32;

/// Makes and checks tickets.
#[derive(Clone)]
pub(crate) struct Tickets {
    key: [u8; 32],
    token_life: Duration,
}

/// Whose token it is, and for which bind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner<'a> {
    pub(crate) account: &'a str,
    pub(crate) bind: &'a str,
}

/// What a token that was shown turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Ours, and in time, for this address.
    Valid(String),
    /// Ours, and too old.
    Expired,
    /// Not ours, or somebody else's.
    Forged,
}

impl Tickets {
    pub(crate) const fn new(key: [u8; 32], token_life: Duration) -> Self {
        Self { key, token_life }
    }

    /// The cookie of a session.
    pub(crate) fn cookie(&self, account: &str, client_id: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.cookie_mac(account, client_id).finalize().into_bytes())
    }

    /// Whether a cookie belongs to this session of this account.
    pub(crate) fn check_cookie(&self, cookie: &str, account: &str, client_id: &str) -> bool {
        let Ok(shown) = URL_SAFE_NO_PAD.decode(cookie) else { return false };
        self.cookie_mac(account, client_id).verify_slice(&shown).is_ok()
    }

    /// The token of a bind, good from now on.
    pub(crate) fn token(&self, owner: Owner<'_>, address: &str, now: SystemTime) -> String {
        let expiry = seconds(now).saturating_add(self.token_life.as_secs());
        let mut bytes = expiry.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.token_mac(owner, address, expiry).finalize().into_bytes());
        bytes.extend_from_slice(address.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Looks at a token that is to prove who owned a bind, and where.
    pub(crate) fn check_token(&self, token: &str, owner: Owner<'_>, now: SystemTime) -> Shown {
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        let parts = bytes.split_first_chunk::<8>().and_then(|(expiry, rest)| {
            let (mac, address) = rest.split_first_chunk::<MAC_LEN>()?;
            Some((u64::from_be_bytes(*expiry), mac, std::str::from_utf8(address).ok()?))
        });
        let Some((expiry, mac, address)) = parts else { return Shown::Forged };
        if self.token_mac(owner, address, expiry).verify_slice(mac).is_err() {
            return Shown::Forged;
        }
        if seconds(now) < expiry { Shown::Valid(address.to_owned()) } else { Shown::Expired }
    }

    fn cookie_mac(&self, account: &str, client_id: &str) -> Hmac<Sha256> {
        self.mac(&[b"cookie", account.as_bytes(), client_id.as_bytes()])
    }

    fn token_mac(&self, owner: Owner<'_>, address: &str, expiry: u64) -> Hmac<Sha256> {
        let Owner { account, bind } = owner;
        let [account, bind, address] = [account, bind, address].map(str::as_bytes);
        self.mac(&[b"bind", account, bind, address, &expiry.to_be_bytes()])
    }

    /// Each part with its length, so that no two lists of parts look the same.
    fn mac(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = Hmac::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tickets").field("token_life", &self.token_life).finish_non_exhaustive()
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn tickets() -> Tickets {
        Tickets::new([7; 32], DAY)
    }

    const OWNER: Owner<'_> = Owner { account: "ac", bind: "b1" };
    const URL: &str = "https://a.example";

    #[test]
    fn a_cookie_is_good_for_its_account_and_session_only() {
        let cookie = tickets().cookie("ac", "c1");
        assert!(tickets().check_cookie(&cookie, "ac", "c1"));
        assert!(!tickets().check_cookie(&cookie, "ac", "c2"));
        assert!(!tickets().check_cookie(&cookie, "acc", "1"));
        assert!(!Tickets::new([8; 32], DAY).check_cookie(&cookie, "ac", "c1"));
        assert!(!tickets().check_cookie("", "ac", "c1"));
    }

    #[test]
    fn a_token_proves_its_address_for_a_day() {
        let now = SystemTime::now();
        let token = tickets().token(OWNER, URL, now);
        let check = |owner, at| tickets().check_token(&token, owner, at);
        assert_eq!(check(OWNER, now), Shown::Valid(URL.to_owned()));
        assert_eq!(check(OWNER, now + DAY), Shown::Expired);
        assert_eq!(check(Owner { bind: "b2", ..OWNER }, now), Shown::Forged);
        assert_eq!(check(Owner { account: "ad", ..OWNER }, now), Shown::Forged);
    }

    #[test]
    fn what_is_not_a_token_is_forged() {
        let now = SystemTime::now();
        for token in ["", "k1", "AAAAAAAAAAA", "%%%"] {
            assert_eq!(tickets().check_token(token, OWNER, now), Shown::Forged);
        }
        let mut token = tickets().token(OWNER, URL, now);
        token.push_str("AAAA");
        assert_eq!(tickets().check_token(&token, OWNER, now), Shown::Forged);
    }

    proptest::proptest! {
        #[test]
        fn nothing_but_our_own_is_valid(token in ".{0,100}", flip in 0usize..60) {
            let now = SystemTime::now();
            proptest::prop_assert_eq!(tickets().check_token(&token, OWNER, now), Shown::Forged);
            let mut bytes = URL_SAFE_NO_PAD.decode(tickets().token(OWNER, URL, now)).unwrap();
            let at = flip % bytes.len();
            bytes[at] ^= 1;
            let bent = URL_SAFE_NO_PAD.encode(bytes);
            proptest::prop_assert_eq!(tickets().check_token(&bent, OWNER, now), Shown::Forged);
        }
    }

    #[test]
    fn the_key_is_not_printed() {
        assert_eq!(format!("{:?}", tickets()), "Tickets { token_life: 86400s, .. }");
    }
}
