//! What both actions read from a document.

mod application;
mod home;

use std::{fmt, ops::RangeInclusive, time::Duration};

use super::{cookies::Cookies, session::Lifetimes, trouble::Flavor};
use crate::{action::BuildCx, expr::Template, fields::Fields};

/// How long a session lasts if the policy does not say.
///
/// Reason: two weeks, so that people who come every day log in seldom.
const MAX_SESSION: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// How long anything may be set to last. Nothing at all stands for what is usual.
///
/// Reason: a year; longer than any process runs, and sessions end with their process.
const DURATIONS: RangeInclusive<Duration> =
    Duration::ZERO..=Duration::from_secs(366 * 24 * 60 * 60);

/// What both actions read from a document.
pub(crate) struct Settings {
    pub(crate) client_id: Template,
    pub(crate) client_secret: Template,
    pub(crate) scopes: Vec<String>,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) auth_id: Option<String>,
    pub(crate) lifetimes: Lifetimes,
    /// How often the provider is asked again who a visitor is.
    pub(crate) refresh: Option<Duration>,
    pub(crate) allows_preflight: bool,
    pub(crate) cookies: Cookies,
    pub(crate) callback: Callback,
    /// What tells it from other actions whose sessions it must not take for its own.
    pub(crate) marks: Vec<String>,
}

/// Where the provider sends visitors back to.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    /// The path at which they arrive.
    pub(crate) path: String,
    /// The whole address, if it is not the endpoint's own.
    pub(crate) url: Option<String>,
}

impl Settings {
    /// Reads the fields that both have.
    pub(crate) fn read(fields: &mut Fields<'_>, cx: &BuildCx<'_>, flavor: Flavor) -> Option<Self> {
        let client = application::client(fields, cx);
        let scopes = application::scopes(fields);
        let params = application::params(fields);
        let auth_id = home::auth_id(fields);
        let max = fields.duration("max_session_duration", DURATIONS);
        let names = ("idle_session_timeout", "idle_session_duration");
        let idle = match flavor {
            Flavor::Oauth => fields.either(names.0, names.1),
            Flavor::Oidc => fields.either(names.1, names.0),
        };
        let idle = fields.duration(idle, DURATIONS);
        let refresh = fields.duration("userinfo_refresh_interval", DURATIONS);
        let allows_preflight = fields.bool_or("allow_cors_preflight", false);
        let domain = home::domain(fields, cx);
        let callback = home::callback(fields)?;
        let (client_id, client_secret, client_marks) = client?;
        let (scopes, params, auth_id, domain) = (scopes?, params?, auth_id?, domain?);
        let is_set = |duration: &Duration| !duration.is_zero();
        let endpoint = &cx.chain.endpoint;
        let whose = if endpoint.url.is_empty() { &endpoint.name } else { &endpoint.url };
        let mut marks = client_marks;
        marks
            .extend([auth_id.clone().unwrap_or_default(), domain.clone().unwrap_or(whose.clone())]);
        marks.extend(scopes.iter().cloned());
        Some(Self {
            client_id,
            client_secret,
            scopes,
            params,
            lifetimes: Lifetimes {
                max: max.filter(is_set).unwrap_or(MAX_SESSION),
                idle: idle.filter(is_set),
            },
            refresh: refresh.filter(is_set),
            allows_preflight,
            cookies: Cookies::new(auth_id.as_deref(), domain),
            auth_id,
            callback,
            marks,
        })
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("scopes", &self.scopes)
            .field("auth_id", &self.auth_id)
            .field("lifetimes", &self.lifetimes)
            .field("callback", &self.callback)
            .finish_non_exhaustive()
    }
}

/// Codes of mistakes that only logins know.
mod own {
    /// A field is needed because another one is set.
    pub(super) const NEEDED: u32 = 2240;
    /// The cookies' domain does not belong to the endpoint.
    pub(super) const FOREIGN_DOMAIN: u32 = 2241;
    /// The cookies' domain is not valid punycode.
    pub(super) const PUNYCODE: u32 = 2242;
    /// The cookies' domain is no domain.
    pub(super) const NO_DOMAIN: u32 = 2243;
    /// Too many parameters; a name or a value is too long.
    pub(super) const N_PARAMS: u32 = 2244;
    pub(super) const PARAM_NAME: u32 = 2245;
    pub(super) const PARAM_VALUE: u32 = 2246;
    /// A URL is none.
    pub(super) const URL: u32 = 2226;
    /// There is no application.
    pub(super) const NO_CLIENT: u32 = 7166;
}
