//! `basic-auth`: lets a visitor through who knows a user name and its password.

mod credential;

use adit_builtin::credentials::{
    self, DEFAULT_REALM, Known, MAX_CREDENTIALS, MAX_REALM, Presented,
};
use adit_chain::{BoxFuture, Identity};
use cel::Value;
use http::HeaderValue;

use self::credential::Credential;
use super::{Action, BuildCx, Done, Failure, Kind};
use crate::{fields::Fields, phase::Phase, problem::code, scope::Scope, value};

pub(super) const KIND: Kind = Kind {
    name: "basic-auth",
    namespace: NAMESPACE,
    phases: &[Phase::HttpRequest],
    is_terminating: false,
    build,
};

const NAMESPACE: &str = "basic_auth";

fn build(fields: &mut Fields<'_>, _: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let mut known = Known::default();
    let made = fields.required("credentials", |fields, name| {
        fields.each(name, 1..=MAX_CREDENTIALS, |fields, path, written| {
            Credential::read(fields, path, written, &mut known)
        })
    });
    let challenge = challenge(fields);
    let is_enforced = fields.bool_or("enforce", true);
    let made = made?.into_iter().flatten().collect();
    Some(Box::new(BasicAuth { known, made, challenge: challenge?, is_enforced }))
}

fn challenge(fields: &mut Fields<'_>) -> Option<HeaderValue> {
    let realm = fields.text("realm", 0..=MAX_REALM);
    let challenge = credentials::challenge(realm.as_deref().unwrap_or(DEFAULT_REALM));
    if challenge.is_none() {
        fields.error("realm", code::FIELD_VALUE, "must be printable ASCII");
    }
    challenge
}

#[derive(Debug)]
struct BasicAuth {
    /// Those that were written out.
    known: Known,
    /// Those that are known only when they are needed.
    made: Vec<Credential>,
    challenge: HeaderValue,
    is_enforced: bool,
}

impl BasicAuth {
    /// What a request presents, if it is known.
    fn is_known(&self, presented: &Presented, scope: &Scope) -> Result<bool, Failure> {
        if self.made.is_empty() {
            return Ok(self.known.has(presented));
        }
        let mut known = self.known.clone();
        for credential in &self.made {
            credential.add_to(&mut known, scope)?;
        }
        Ok(known.has(presented))
    }

    fn decide(&self, scope: &mut Scope) -> Result<Done, Failure> {
        let presented = scope.request.as_ref().and_then(|asked| Presented::of(&asked.head.headers));
        let is_known = match &presented {
            Some(presented) => self.is_known(presented, scope)?,
            None => false,
        };
        let user = presented.as_ref().map(Presented::user).unwrap_or_default();
        let result = [
            ("presented", presented.is_some().into()),
            ("username", value::text(&user)),
            ("authorized", is_known.into()),
        ];
        let result = value::map::<_, Value>(result);
        scope.set_result(NAMESPACE, value::map([("credentials", result)]));
        if is_known {
            scope.identity = Some(Identity { provider: "basic-auth".into(), subject: user });
            return Ok(Done::Next);
        }
        Ok(if self.is_enforced {
            Done::Refuse(credentials::refusal(&self.challenge))
        } else {
            Done::Next
        })
    }
}

impl Action for BasicAuth {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        Box::pin(std::future::ready(self.decide(scope)))
    }
}

#[cfg(test)]
mod tests;
