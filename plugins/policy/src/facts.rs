//! What expressions know: the names, their types, and their values.
//!
//! ```text
//! SCHEMA   what a checker walks: name → type, and the phases that have it
//! bind     gives an evaluation the names it uses; nothing is computed before it is read
//! ```
//!
//! A name that has no value right now reads as its type's zero. Timestamps and durations have none,
//! so reading one that is not there is an error, as is reading what an action found out that did
//! not run.

mod certificate;
mod conn;
mod content_type;
mod cookie;
mod endpoint;
mod fact;
mod keys;
mod multi;
mod object;
mod request;
mod response;
mod schema;
mod url;
mod user_agent;
mod vars;

use std::time::SystemTime;

use cel::Context;

pub(crate) use self::schema::SCHEMA;
use self::{
    fact::{Fact, zero},
    url::Url,
};
use crate::{scope::Scope, value};

/// Gives an evaluation these of the names at the top.
pub(crate) fn bind<'v>(context: &mut Context<'_, 'v>, scope: &'v Scope, roots: &[&'static str]) {
    for name in roots {
        let Some(ty) = schema::root(name) else { continue };
        let known = match (*name, &scope.request, &scope.response) {
            ("actions", ..) => vars::actions(ty, &scope.results, &scope.conn),
            ("conn", ..) => conn::conn(ty, &scope.conn),
            ("endpoint", ..) => endpoint::endpoint(ty, &scope.conn.endpoint),
            ("req", Some(asked), _) => request::request(ty, asked, &scope.conn),
            ("res", _, Some(response)) => response::response(ty, response),
            ("time", ..) => Fact::object(ty, |_, _| Fact::text(now())),
            ("vars", ..) => vars::vars(&scope.vars),
            _ => Fact::Unknown,
        };
        let value = match known {
            Fact::Known(value) => Some(value),
            Fact::Unknown | Fact::Absent => zero(ty),
        };
        if let Some(value) = value {
            context.add_variable_as_val(*name, value);
        }
    }
}

/// The URL that the request asks for by now, in its normal form. Empty without a request.
pub(crate) fn url(scope: &Scope) -> String {
    let url = scope.request.as_ref().map(|asked| Url::of(&asked.head, &scope.conn));
    url.map(|url| url.to_string()).unwrap_or_default()
}

fn now() -> String {
    value::to_text(&value::timestamp(SystemTime::now()))
}

#[cfg(test)]
mod tests;
