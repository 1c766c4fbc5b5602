//! A visitor who comes back from the provider.

use std::sync::Arc;

use adit_chain::Body;
use http::{Response, header::SET_COOKIE};

use super::{Login, Visit, redirect, report::Report};
use crate::login::{
    cookies::Which,
    person::Person,
    place::param,
    provider::Reach,
    secrets::digest,
    session::{Facts, Session},
    state::State,
    tokens::{Grant, Tokens},
    trouble::{Flavor, Trouble},
};

impl Login {
    /// Logs the visitor in, and sends him to where he wanted to go.
    pub(super) async fn finish(
        &self,
        visit: &Visit<'_>,
        report: &mut Report,
    ) -> Result<Response<Body>, Trouble> {
        let (state, title) = (self.state(visit)?, self.provider.title());
        let (query, flavor) = (visit.head.uri.query(), self.provider.flavor());
        let redirect_uri = self.redirect_uri(&visit.place);
        if let Some(error) = param(query, "error") {
            return Err(Trouble::denied(flavor, title, &error, &redirect_uri));
        }
        let code = param(query, "code").filter(|code| !code.is_empty());
        let code = code.ok_or_else(|| Trouble::no_code(flavor, title))?;
        let reach = self.provider.reach(&self.services).await?;
        let verifier = reach.takes_proof().then(|| state.verifier());
        let verifier = verifier.as_deref();
        let grant = Grant::Code { code: &code, redirect_uri: &redirect_uri, verifier };
        let now = self.services.logins.clock().now();
        let tokens = reach.tokens(&self.services, &visit.client, grant, now).await;
        let tokens =
            tokens.map_err(|error| Trouble::no_tokens(flavor, title, &error, &redirect_uri))?;
        let person = self.person(visit, &reach, &tokens, &state).await?;
        for secret in self.settings.cookies.sent(Which::Session, &visit.head.headers) {
            self.store.end(secret);
        }
        let facts = Arc::new(Facts { person, tokens });
        report.facts = Some(Arc::clone(&facts));
        let (max, client) = (self.settings.lifetimes.max, visit.client.digest());
        let now = self.services.logins.clock().now();
        let secret = self.store.keep(|id| Session::new(id, client, facts, now), max, now);
        let mut response = redirect(&state.path)?;
        if let Some(cookie) = self.settings.cookies.set(Which::Session, &secret, max, &visit.place)
        {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// What the login began with, if this browser began it here, lately, and comes back for the
    /// first time.
    fn state(&self, visit: &Visit<'_>) -> Result<State, Trouble> {
        let (flavor, title) = (self.provider.flavor(), self.provider.title());
        let sealed = param(visit.head.uri.query(), "state").filter(|state| !state.is_empty());
        let sealed = sealed.ok_or_else(|| Trouble::no_state(flavor))?;
        let sealed = sealed.split_once('~').map_or(sealed.as_str(), |(_, sealed)| sealed);
        let state = State::open(self.services.logins.seal(), self.store.key(), sealed);
        let state = state.ok_or_else(|| Trouble::bad_state(flavor))?;
        let now = self.services.logins.clock().now();
        if state.is_over(now) {
            return Err(Trouble::too_late(title));
        }
        let nonces = self.settings.cookies.sent(Which::Nonce, &visit.head.headers);
        if nonces.is_empty() {
            return Err(Trouble::no_nonce(title));
        }
        if !nonces.iter().any(|nonce| digest(&[nonce.as_bytes()]) == state.browser) {
            return Err(Trouble::other_browser(title));
        }
        if !self.store.first(&state, now) {
            return Err(Trouble::replayed(title));
        }
        Ok(state)
    }

    /// Who the visitor is.
    async fn person(
        &self,
        visit: &Visit<'_>,
        reach: &Reach,
        tokens: &Tokens,
        state: &State,
    ) -> Result<Person, Trouble> {
        let (flavor, title) = (self.provider.flavor(), self.provider.title());
        if flavor == Flavor::Oauth {
            return self.asked(visit, reach, tokens).await.map(Option::unwrap_or_default);
        }
        let Some(token) = &tokens.identity else {
            let message = "The identity provider sent no identity token. Please log in again.";
            return Err(Trouble::new(5203, 502, message));
        };
        let nonce = state.nonce();
        let vouched = reach.vouched(&self.services, &visit.client, token, Some(&nonce)).await?;
        if !vouched.email.is_empty() && !vouched.name.is_empty() {
            return Ok(vouched);
        }
        match self.asked(visit, reach, tokens).await? {
            // Fact: OpenID Connect Core 1.0, 5.3.2: answers about somebody else must not be used.
            Some(told) if told.id != vouched.id => {
                let message = format!("{title} tells of somebody else. Please log in again.");
                Err(Trouble::new(5205, 502, message).because("sub differs"))
            }
            Some(told) => Ok(vouched.or(told)),
            None => Ok(vouched),
        }
    }

    /// Who the provider says that the holder of the tokens is. `None`: it does not say.
    pub(super) async fn asked(
        &self,
        visit: &Visit<'_>,
        reach: &Reach,
        tokens: &Tokens,
    ) -> Result<Option<Person>, Trouble> {
        let (flavor, title) = (self.provider.flavor(), self.provider.title());
        let person = reach.person(&self.services, &visit.client, tokens).await;
        let person = person.map_err(|error| Trouble::no_person(flavor, title, &error))?;
        if person.as_ref().is_some_and(|person| person.id.is_empty()) {
            let code = if flavor == Flavor::Oauth { 5536 } else { 5205 };
            let message = format!("{title} does not tell who you are.");
            return Err(Trouble::new(code, 502, message).because("there is no id in its answer"));
        }
        Ok(person)
    }
}
