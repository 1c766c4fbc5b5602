//! Where a login is at home: its name, its cookies' domain, and where visitors come back to.

use std::ops::RangeInclusive;

use url::Url;

use super::{Callback, own};
use crate::{
    action::BuildCx,
    fields::Fields,
    login::place::{CALLBACK, LOGIN, LOGOUT, is_within},
    problem::code,
};

/// Characters of the name that tells actions apart: it goes into cookies and addresses.
const AUTH_ID: RangeInclusive<usize> = 1..=64;

/// Outer `None`: it is wrong.
#[expect(clippy::option_option, reason = "what is wrong is not what is missing")]
pub(super) fn auth_id(fields: &mut Fields<'_>) -> Option<Option<String>> {
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
pub(super) fn domain(fields: &mut Fields<'_>, cx: &BuildCx<'_>) -> Option<Option<String>> {
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
pub(super) fn callback(fields: &mut Fields<'_>) -> Option<Callback> {
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
