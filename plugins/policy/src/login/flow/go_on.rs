//! A visitor who is logged in.

use std::{sync::Arc, time::Duration};

use super::{Login, Visit, report::Report};
use crate::login::{
    ask::AskError,
    session::Session,
    tokens::Grant,
    trouble::{Flavor, Trouble},
};

/// Time between two questions about one visitor.
///
/// Reason: pages ask for many things at once, and a provider that has trouble is not helped by more
/// questions.
const PAUSE: Duration = Duration::from_secs(10);

/// How long before its end an access token is renewed, so that upstreams can still use it.
const EARLY: Duration = Duration::from_secs(30);

/// How long a visitor goes on after the provider should have said again who it is, and did not.
///
/// Reason: a provider's restart must not turn everybody away; a longer trouble must, because
/// whoever lost his rights meanwhile would keep them.
const GRACE: Duration = Duration::from_secs(5 * 60);

impl Login {
    /// Brings a session up to date. False if it is over.
    pub(super) async fn go_on(
        &self,
        visit: &Visit<'_>,
        secret: &str,
        session: &Arc<Session>,
        report: &mut Report,
    ) -> Result<bool, Trouble> {
        let now = self.services.logins.clock().now();
        let facts = session.facts();
        let ends = facts.tokens.ends.filter(|_| facts.tokens.refresh.is_some());
        let is_ending = ends.is_some_and(|ends| ends <= now + EARLY);
        let interval = self.settings.refresh;
        let is_due = interval.is_some_and(|interval| session.age(now) >= interval);
        if (is_ending || is_due) && session.claim(interval.map_or(PAUSE, |i| i.min(PAUSE)), now) {
            match self.renew(visit, session, is_ending, is_due).await {
                Ok(has_asked) => report.userinfo_refreshed = has_asked,
                Err(Some(trouble)) => {
                    self.store.end(secret);
                    return Err(trouble);
                }
                Err(None) => {
                    self.store.end(secret);
                    return Ok(false);
                }
            }
        }
        if let Some(interval) = interval
            && session.age(now) >= interval + GRACE
        {
            let (flavor, title) = (self.provider.flavor(), self.provider.title());
            let message = format!("{title} does not say any more who you are. Try again later.");
            let code = if flavor == Flavor::Oauth { 3167 } else { 5202 };
            return Err(Trouble::new(code, 502, message).because("its answers fail"));
        }
        session.touch(now);
        report.facts = Some(session.facts());
        report.session = Some((session.id.clone(), session.ends(self.settings.lifetimes)));
        Ok(true)
    }

    /// Asks the provider again; tells whether it said who the visitor is. A provider that does not
    /// answer changes nothing. `Err`: the session is over, and why if the visitor should know.
    async fn renew(
        &self,
        visit: &Visit<'_>,
        session: &Session,
        is_ending: bool,
        is_due: bool,
    ) -> Result<bool, Option<Trouble>> {
        let warn = |what: &str, error: &str| {
            let (provider, session) = (self.provider.mark(), &session.id);
            tracing::warn!(obj = "policy", %provider, %session, err = error, "{what}");
        };
        let reach = match self.provider.reach(&self.services).await {
            Ok(reach) => reach,
            Err(trouble) => {
                warn("a session could not be renewed", &trouble.reason);
                return Ok(false);
            }
        };
        let mut facts = session.facts();
        if is_ending && let Some(refresh) = &facts.tokens.refresh {
            let (now, grant) = (self.services.logins.clock().now(), Grant::Refresh(refresh));
            match reach.tokens(&self.services, &visit.client, grant, now).await {
                Ok(mut tokens) => {
                    // A new identity token was not checked; the one of the login was.
                    tokens.identity.clone_from(&facts.tokens.identity);
                    session.renew_tokens(tokens);
                    facts = session.facts();
                }
                Err(AskError::Refused { error, .. }) if error == "invalid_grant" => {
                    return Err(None);
                }
                Err(error) => warn("a token could not be renewed", &error.to_string()),
            }
        }
        if !is_due {
            return Ok(false);
        }
        match reach.person(&self.services, &visit.client, &facts.tokens).await {
            Ok(None) => {
                session.renew_person(facts.person.clone(), self.services.logins.clock().now());
                Ok(false)
            }
            Ok(Some(person)) if person.id == facts.person.id => {
                let person = match self.provider.flavor() {
                    Flavor::Oauth => person,
                    // What only the token told is still true.
                    Flavor::Oidc => person.or(facts.person.clone()),
                };
                session.renew_person(person, self.services.logins.clock().now());
                Ok(true)
            }
            Ok(Some(_)) => Err(Some(self.rejected("it tells of somebody else"))),
            Err(AskError::Refused { status, .. }) if matches!(status.as_u16(), 401 | 403) => {
                Err(Some(self.rejected(&format!("refused with {status}"))))
            }
            Err(error) => {
                warn("a visitor could not be looked up again", &error.to_string());
                Ok(false)
            }
        }
    }

    fn rejected(&self, reason: &str) -> Trouble {
        let (flavor, title) = (self.provider.flavor(), self.provider.title());
        let message = format!("{title} no longer vouches for you. Please log in again.");
        let code = if flavor == Flavor::Oauth { 3151 } else { 5202 };
        Trouble::new(code, 403, message).because(reason)
    }
}
