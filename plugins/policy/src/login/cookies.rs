//! The two cookies of a login: `session` for who is logged in, `nonce` for who is about to.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header::COOKIE};

use super::place::Place;

/// Cookies of one name that are looked at.
///
/// Reason: a domain and its parent may both have set one, and a stranger's page may add more.
const MAX_TRIED: usize = 4;

/// Names of the cookies of one action, and where they go.
#[derive(Clone, Debug)]
pub(crate) struct Cookies {
    session: String,
    nonce: String,
    domain: Option<String>,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Who is about to log in.
    Nonce,
    /// Who is logged in.
    Session,
}

impl Cookies {
    /// Those of an action with this name, if it has one, for this domain, if it is not the
    /// endpoint's own name only.
    pub(crate) fn new(auth_id: Option<&str>, domain: Option<String>) -> Self {
        let name = |name: &str| match auth_id {
            Some(auth_id) => format!("{name}.{auth_id}"),
            None => name.to_owned(),
        };
        Self { session: name("session"), nonce: name("nonce"), domain }
    }

    /// The domain that they are for.
    pub(crate) fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// What the visitor sent.
    pub(crate) fn sent<'a>(&self, which: Which, headers: &'a HeaderMap) -> Vec<&'a str> {
        let name = self.name(which);
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';'));
        let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).take(MAX_TRIED).collect()
    }

    /// Sets one.
    pub(crate) fn set(
        &self,
        which: Which,
        value: &str,
        lasts: Duration,
        place: &Place,
    ) -> Option<HeaderValue> {
        let mut line = format!(
            "{}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax",
            self.name(which),
            lasts.as_secs(),
        );
        // The nonce binds to one browser at one address.
        if let (Some(domain), Which::Session) = (&self.domain, which) {
            line.push_str("; Domain=");
            line.push_str(domain);
        }
        if place.is_https {
            line.push_str("; Secure");
        }
        HeaderValue::try_from(line).ok()
    }

    /// Takes one back.
    pub(crate) fn clear(&self, which: Which, place: &Place) -> Option<HeaderValue> {
        self.set(which, "", Duration::ZERO, place)
    }

    fn name(&self, which: Which) -> &str {
        match which {
            Which::Nonce => &self.nonce,
            Which::Session => &self.session,
        }
    }
}
