//! Cookies of requests and responses.

use cel::common::types::{CelDuration, CelMap, CelMapKey, CelString};
use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeDelta};
use http::{
    HeaderMap,
    header::{COOKIE, SET_COOKIE},
};

use super::{
    fact::{Boxed, Fact},
    multi::{Multi, Names},
    object::Object,
};
use crate::expr::Type;

/// The cookies of a request, in order of the header.
pub(super) fn of_request(ty: Type, headers: &HeaderMap) -> Multi<'_> {
    let Type::Multi(ty) = ty else { return Multi::default() };
    let headers = headers.get_all(COOKIE).into_iter();
    let headers = headers.filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
    let cookies = headers.flat_map(|header| header.split(';')).filter_map(|pair| {
        let (name, value) = pair_of(pair)?;
        let cookie = Object::new(*ty, move |field, _| match field {
            "name" => Fact::text(name),
            "value" => Fact::text(value),
            _ => Fact::Unknown,
        });
        Some((name.to_owned(), Box::new(cookie) as Boxed<'_>))
    });
    Multi::pairs(cookies, Names::Exact)
}

/// The cookies that a response sets. Of the same name, the one of the longest path is first.
pub(super) fn of_response(ty: Type, headers: &HeaderMap) -> Multi<'_> {
    let Type::Multi(ty) = ty else { return Multi::default() };
    let headers = headers.get_all(SET_COOKIE).into_iter();
    let headers = headers.filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
    let mut cookies: Vec<_> = headers.filter_map(SetCookie::parse).collect();
    cookies.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
    let cookies = cookies.into_iter().map(|cookie| {
        let name = cookie.name.to_owned();
        (name, Box::new(Object::new(*ty, move |field, _| cookie.fact(field))) as Boxed<'_>)
    });
    Multi::pairs(cookies, Names::Exact)
}

/// Name and value of a cookie; the quotes around a value are not part of it.
fn pair_of(pair: &str) -> Option<(&str, &str)> {
    let (name, value) = pair.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let unquoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    (!name.is_empty()).then_some((name, unquoted.unwrap_or(value)))
}

/// One `Set-Cookie` header.
#[derive(Debug, Default)]
struct SetCookie<'v> {
    name: &'v str,
    value: &'v str,
    domain: &'v str,
    path: &'v str,
    same_site: &'v str,
    expires: Option<DateTime<FixedOffset>>,
    max_age: Option<i64>,
    http_only: bool,
    secure: bool,
    others: Vec<(&'v str, &'v str)>,
}

impl<'v> SetCookie<'v> {
    fn parse(header: &'v str) -> Option<Self> {
        let mut parts = header.split(';');
        let (name, value) = pair_of(parts.next()?)?;
        let mut cookie = Self { name, value, ..Self::default() };
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            cookie.attribute(key.trim(), value.trim());
        }
        Some(cookie)
    }

    fn attribute(&mut self, key: &'v str, value: &'v str) {
        match key.to_ascii_lowercase().as_str() {
            "domain" => self.domain = value,
            "path" => self.path = value,
            "samesite" => self.same_site = value,
            "httponly" => self.http_only = true,
            "secure" => self.secure = true,
            "expires" if self.expires.is_none() => self.expires = date(value),
            "max-age" if value.parse::<i64>().is_ok() => self.max_age = value.parse().ok(),
            "" => {}
            _ => self.others.push((key, value)),
        }
    }

    fn fact(&self, field: &str) -> Fact<'v> {
        match field {
            "domain" => Fact::text(self.domain),
            "expires" => self.expires.map_or(Fact::Unknown, Fact::timestamp),
            "http_only" => Fact::bool(self.http_only),
            "max_age" => self
                .max_age
                .and_then(TimeDelta::try_seconds)
                .map_or(Fact::Unknown, |age| Fact::Known(Box::new(CelDuration::from(age)))),
            "name" => Fact::text(self.name),
            "path" => Fact::text(self.path),
            "same_site" => Fact::text(self.same_site),
            "secure" => Fact::bool(self.secure),
            "unparsed_attributes" => {
                let others = self.others.iter().map(|&(key, value)| {
                    (CelMapKey::from(key), Box::new(CelString::from(value)) as Boxed<'v>)
                });
                let others: std::collections::HashMap<_, _> = others.collect();
                Fact::Known(Box::new(CelMap::from(others)))
            }
            "value" => Fact::text(self.value),
            _ => Fact::Unknown,
        }
    }
}

/// The forms of dates that servers send: `Wed, 21 Oct 2015 07:28:00 GMT`, also with dashes.
fn date(text: &str) -> Option<DateTime<FixedOffset>> {
    let forms = ["%a, %d %b %Y %H:%M:%S GMT", "%a, %d-%b-%Y %H:%M:%S GMT"];
    let mut dates = forms.iter().map(|form| NaiveDateTime::parse_from_str(text, form));
    dates.find_map(Result::ok).map(|date| date.and_utc().fixed_offset())
}
