//! What both actions read from a document.

use std::{fmt, ops::RangeInclusive, time::Duration};

use serde_json::Value as Json;
use url::Url;

use super::{
    cookies::Cookies,
    place::{CALLBACK, LOGIN, LOGOUT, is_within},
    session::Lifetimes,
    trouble::Flavor,
};
use crate::{action::BuildCx, expr::Template, fields::Fields, problem::code};

/// How long a session lasts if the policy does not say.
///
/// Reason: two weeks, so that people who come every day log in seldom.
const MAX_SESSION: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// How long anything may be set to last. Nothing at all stands for what is usual.
///
/// Reason: a year; longer than any process runs, and sessions end with their process.
const DURATIONS: RangeInclusive<Duration> =
    Duration::ZERO..=Duration::from_secs(366 * 24 * 60 * 60);

/// Characters of the name that tells actions apart: it goes into cookies and addresses.
const AUTH_ID: RangeInclusive<usize> = 1..=64;

/// Scopes, and characters of each.
///
/// Reason: they make up an address, which servers refuse past a few KiB.
const MAX_SCOPES: usize = 64;
const MAX_SCOPE: usize = 256;

/// Further parameters for the provider; characters of a name and of a value.
///
/// Reason: as for scopes.
const MAX_PARAMS: usize = 32;
const MAX_PARAM: RangeInclusive<usize> = 1..=128;
const MAX_PARAM_VALUE: usize = 1024;

/// Parameters that make a login what it is.
const OWN_PARAMS: [&str; 9] = [
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "response_mode",
    "response_type",
    "state",
];

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
        let client = client(fields, cx);
        let scopes = scopes(fields);
        let params = params(fields);
        let auth_id = auth_id(fields);
        let max = fields.duration("max_session_duration", DURATIONS);
        let names = ("idle_session_timeout", "idle_session_duration");
        let idle = match flavor {
            Flavor::Oauth => fields.either(names.0, names.1),
            Flavor::Oidc => fields.either(names.1, names.0),
        };
        let idle = fields.duration(idle, DURATIONS);
        let refresh = fields.duration("userinfo_refresh_interval", DURATIONS);
        let allows_preflight = fields.bool_or("allow_cors_preflight", false);
        let domain = domain(fields, cx);
        let callback = callback(fields)?;
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

/// The application, and as it is written.
fn client(fields: &mut Fields<'_>, cx: &BuildCx<'_>) -> Option<(Template, Template, Vec<String>)> {
    let (id, secret) = ("client_id", "client_secret");
    match (fields.has(id), fields.has(secret)) {
        (true, false) => {
            fields.error(secret, own::NEEDED, "is needed because there is a client_id")
        }
        (false, true) => {
            fields.error(id, own::NEEDED, "is needed because there is a client_secret")
        }
        (false, false) => {
            let url = cx.chain.endpoint.url.trim_end_matches('/');
            let url = if url.is_empty() { "https://<endpoint>" } else { url };
            let message = format!(
                "there is no application to log in with: register one with the provider, with the \
                 redirect URL {url}{CALLBACK}, and give its client_id and client_secret here"
            );
            fields.error(id, own::NO_CLIENT, message);
        }
        (true, true) => {}
    }
    let marks = [fields.string(id), fields.string(secret)].into_iter().flatten().collect();
    let (id, secret) = (fields.template(id), fields.template(secret));
    let empty = |template: &Option<Template>| {
        template.as_ref().is_some_and(|template| template.literal() == Some(""))
    };
    for (name, template) in [("client_id", &id), ("client_secret", &secret)] {
        if empty(template) {
            fields.error(name, code::MISSING, "is empty");
        }
    }
    Some((id?, secret?, marks))
}

fn scopes(fields: &mut Fields<'_>) -> Option<Vec<String>> {
    if !fields.has("scopes") {
        return Some(Vec::new());
    }
    let scopes = fields.strings("scopes", 0..=MAX_SCOPES)?;
    // Fact: RFC 6749, 3.3.
    let is_scope = |scope: &String| {
        (1..=MAX_SCOPE).contains(&scope.len())
            && scope.bytes().all(|byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~'))
    };
    if let Some(wrong) = scopes.iter().find(|scope| !is_scope(scope)) {
        let message = format!("{wrong:?} is not a scope: write each on its own, without spaces");
        fields.error("scopes", code::FIELD_VALUE, message);
        return None;
    }
    Some(scopes)
}

fn params(fields: &mut Fields<'_>) -> Option<Vec<(String, String)>> {
    let name = "authz_url_params";
    let map = match fields.raw(name) {
        None => return Some(Vec::new()),
        Some(Json::Object(map)) => map,
        Some(_) => {
            fields.error(name, code::FIELD_TYPE, "must be an object of names and values");
            return None;
        }
    };
    if map.len() > MAX_PARAMS {
        fields.error(name, own::N_PARAMS, format!("must have at most {MAX_PARAMS} entries"));
        return None;
    }
    let mut params = Vec::new();
    let mut is_right = true;
    for (key, value) in map {
        let text = match value {
            Json::String(text) => text.clone(),
            Json::Number(number) => number.to_string(),
            Json::Bool(is) => is.to_string(),
            _ => {
                fields.error_in(&[name, key], code::FIELD_TYPE, "must be a text");
                is_right = false;
                continue;
            }
        };
        let wrong = if OWN_PARAMS.contains(&key.as_str()) || key == "scope" {
            Some((code::FIELD_VALUE, "is set by the login itself".to_owned()))
        } else if !MAX_PARAM.contains(&key.chars().count()) {
            Some((own::PARAM_NAME, format!("a name has 1 to {} characters", MAX_PARAM.end())))
        } else if text.chars().count() > MAX_PARAM_VALUE {
            Some((own::PARAM_VALUE, format!("must have at most {MAX_PARAM_VALUE} characters")))
        } else {
            None
        };
        match wrong {
            Some((code, message)) => {
                fields.error_in(&[name, key], code, message);
                is_right = false;
            }
            None => params.push((key.clone(), text)),
        }
    }
    is_right.then_some(params)
}

/// Outer `None`: it is wrong.
#[expect(clippy::option_option, reason = "what is wrong is not what is missing")]
fn auth_id(fields: &mut Fields<'_>) -> Option<Option<String>> {
    let name = "auth_id";
    if !fields.has(name) {
        return Some(None);
    }
    let text = fields.text(name, AUTH_ID)?;
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    {
        fields.error(name, code::FIELD_VALUE, "may have letters, digits, \"-\", \"_\" and \".\"");
        return None;
    }
    Some(Some(text))
}

/// Outer `None`: it is wrong.
#[expect(clippy::option_option, reason = "what is wrong is not what is missing")]
fn domain(fields: &mut Fields<'_>, cx: &BuildCx<'_>) -> Option<Option<String>> {
    let name = "auth_cookie_domain";
    let Some(text) = fields.string(name) else {
        return if fields.has(name) { None } else { Some(None) };
    };
    let text = text.trim_start_matches('.');
    let domain = match url::Host::parse(text) {
        Ok(url::Host::Domain(domain)) if domain.contains('.') && !domain.ends_with('.') => domain,
        Err(_) if text.contains("xn--") => {
            fields.error(name, own::PUNYCODE, format!("{text:?} is not valid punycode"));
            return None;
        }
        _ => {
            let message = format!("{text:?} is not a domain with at least one dot in it");
            fields.error(name, own::NO_DOMAIN, message);
            return None;
        }
    };
    // An address that is not known yet is looked at with each request.
    let url = Url::parse(&cx.chain.endpoint.url).ok();
    let host = url.as_ref().and_then(Url::host_str).filter(|host| !host.is_empty());
    if let Some(host) = host
        && !host.ends_with(".internal")
        && !is_within(host.trim_start_matches("*."), &domain)
    {
        fields.error(name, own::FOREIGN_DOMAIN, format!("{host} does not belong to {domain}"));
        return None;
    }
    Some(Some(domain))
}

/// Ours: a path on the endpoint, or a whole address that leads to it.
fn callback(fields: &mut Fields<'_>) -> Option<Callback> {
    let name = "callback_url";
    let Some(text) = fields.string(name) else {
        return Some(Callback { path: CALLBACK.to_owned(), url: None });
    };
    // The base only serves to read a path.
    let is_path = text.starts_with('/');
    let whole = if is_path { format!("https://endpoint.invalid{text}") } else { text };
    let url = Url::parse(&whole).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && !url.path().starts_with("//")
    });
    let Some(url) = url else {
        let message = "must be a path such as /auth/callback, or an http(s):// URL that leads to \
                       this endpoint, without a query";
        fields.error(name, own::URL, message);
        return None;
    };
    let path = url.path().to_owned();
    if path == "/" || path == LOGIN || path == LOGOUT {
        fields.error(name, code::FIELD_VALUE, format!("{path} has another use"));
        return None;
    }
    Some(Callback { path, url: (!is_path).then(|| url.to_string()) })
}
