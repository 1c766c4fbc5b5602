//! A request on its way past a login.
//!
//! ```text
//! /ngrok/logout ─────────────────────────────────────▶ the session ends
//! /ngrok/login ──────────────────────┐
//! no session ────────────────────────┴─ state, nonce ▶ to the provider
//! callback ─ state and nonce fit ─ code ─ tokens ─ who ▶ a session, back to where it began
//! session ─ tokens or facts too old? asked again ────▶ on to the next action
//! ```

mod begin;
mod finish;
mod go_on;
mod report;

use std::sync::{Arc, atomic::AtomicBool};

use adit_chain::{Body, BoxFuture, ErrorCode, Identity};
use http::{
    HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE},
    request::Parts,
};

use self::report::Report;
use super::{
    client::Client,
    cookies::Which,
    place::{self, LOGIN, LOGOUT, Place},
    provider::Provider,
    secrets::digest,
    session::{Over, Session},
    settings::Settings,
    store::Store,
    trouble::Trouble,
};
use crate::{
    action::{Action, Done, Failure},
    scope::Scope,
    services::Services,
};

/// What upstreams are told of the visitor's tokens. Nobody else may tell them so.
const ACCESS: HeaderName = HeaderName::from_static("ngrok-auth-oauth-access-token");
const REFRESH: HeaderName = HeaderName::from_static("ngrok-auth-oauth-refresh-token");

/// An action that lets visitors through who have logged in.
#[derive(Debug)]
pub(crate) struct Login {
    settings: Settings,
    provider: Provider,
    scopes: Vec<String>,
    services: Services,
    store: Arc<Store>,
    /// Whether the log says already where the provider sends visitors back to.
    has_told: AtomicBool,
}

/// A path that belongs to the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reserved {
    Callback,
    Login,
    Logout,
}

/// What a request brings.
struct Visit<'a> {
    head: &'a Parts,
    /// Where the visitor wanted to go.
    wanted: String,
    place: Place,
    client: Client,
}

impl Login {
    /// A login with this provider, which is asked for these scopes.
    pub(crate) fn new(
        settings: Settings,
        provider: Provider,
        scopes: Vec<String>,
        services: &Services,
    ) -> Self {
        let mut marks: Vec<&[u8]> =
            vec![provider.flavor().namespace().as_bytes(), provider.mark().as_bytes()];
        marks.extend(settings.marks.iter().map(String::as_bytes));
        let store = services.logins.store(digest(&marks));
        let services = services.clone();
        Self { settings, provider, scopes, services, store, has_told: AtomicBool::new(false) }
    }

    async fn look(&self, scope: &mut Scope) -> Result<Done, Failure> {
        let client = Client {
            id: self.settings.client_id.text(scope)?,
            secret: self.settings.client_secret.text(scope)?,
        };
        let place = Place::of(scope);
        let Some(asked) = &mut scope.request else {
            return Err(Failure::new(Failure::GENERAL, "there is no request to log in for"));
        };
        for name in [&ACCESS, &REFRESH] {
            asked.head.headers.remove(name);
        }
        let wanted = asked.original.uri.path_and_query().map(ToString::to_string);
        let mut report = Report::default();
        let decided = match place {
            None => Err(Trouble::new(Failure::GENERAL, 400, "The request names no host.")),
            Some(place) => {
                let wanted = wanted.unwrap_or_default();
                let visit = Visit { head: &asked.head, wanted, place, client };
                self.decide(&visit, &mut report).await
            }
        };
        let result = report.to_value(self.provider.flavor(), decided.as_ref().err());
        scope.set_result(self.provider.flavor().namespace(), result);
        match decided {
            Ok(Some(response)) => Ok(Done::Answer(response)),
            Ok(None) => {
                self.announce(scope, &report);
                Ok(Done::Next)
            }
            Err(trouble) => {
                let (code, reason) = (ErrorCode(trouble.code), &trouble.reason);
                let (id, provider) = (scope.id, self.provider.mark());
                // Strangers can come back with anything as often as they like.
                if trouble.is_ours() {
                    tracing::warn!(obj = "policy", %id, %provider, %code, err = %reason, "login failed");
                } else {
                    tracing::debug!(obj = "policy", %id, %provider, %code, err = %reason, "login failed");
                }
                scope.note(|| format!("login: {reason}"));
                Ok(Done::Refuse(trouble.to_refusal()))
            }
        }
    }

    /// An answer, or nothing for a visitor who may go on.
    async fn decide(
        &self,
        visit: &Visit<'_>,
        report: &mut Report,
    ) -> Result<Option<Response<Body>>, Trouble> {
        if let Some(domain) = self.settings.cookies.domain()
            && !visit.place.is_within(domain)
        {
            let message = "The login of this endpoint is not set up for this address.";
            return Err(Trouble::new(3313, 500, message)
                .because(format!("{} is not within {domain}", visit.place.url("/"))));
        }
        match self.reserved(visit.head) {
            Some(Reserved::Callback) => return self.finish(visit, report).await.map(Some),
            Some(Reserved::Login) => {
                let wanted = place::param(visit.head.uri.query(), "redirect_path");
                return self.begin(visit, wanted.as_deref().unwrap_or("/"), true).await.map(Some);
            }
            Some(Reserved::Logout) => return Ok(Some(self.end(visit))),
            None => {}
        }
        if self.settings.allows_preflight && visit.head.method == Method::OPTIONS {
            return Ok(None);
        }
        let goes_on = match self.session(visit, report) {
            Some((secret, session)) => self.go_on(visit, &secret, &session, report).await?,
            None => false,
        };
        if goes_on {
            return Ok(None);
        }
        self.begin(visit, &visit.wanted, false).await.map(Some)
    }

    /// Whether a path belongs to this login, and not to another one behind it.
    fn reserved(&self, head: &Parts) -> Option<Reserved> {
        let (path, query) = (head.uri.path(), head.uri.query());
        let own = self.settings.auth_id.as_deref();
        let is_ours = || place::param(query, "auth_id").is_none_or(|id| Some(id.as_str()) == own);
        if path == self.settings.callback.path {
            let state = place::param(query, "state").unwrap_or_default();
            let whose = state.split_once('~').map(|(id, _)| id);
            let is_ours = state.is_empty() || whose == own;
            (head.method == Method::GET && is_ours).then_some(Reserved::Callback)
        } else if path == LOGIN {
            is_ours().then_some(Reserved::Login)
        } else if path == LOGOUT {
            is_ours().then_some(Reserved::Logout)
        } else {
            None
        }
    }

    /// The visitor's session, with what the browser holds for it.
    fn session(&self, visit: &Visit<'_>, report: &mut Report) -> Option<(String, Arc<Session>)> {
        let now = self.services.logins.clock().now();
        for secret in self.settings.cookies.sent(Which::Session, &visit.head.headers) {
            let Some(session) = self.store.find(secret) else { continue };
            // Another client's visitors are not this one's, even if both are written alike.
            if session.client != visit.client.digest() {
                continue;
            }
            match session.over(self.settings.lifetimes, now) {
                None => return Some((secret.to_owned(), session)),
                Some(over) => {
                    report.session_timed_out |= over == Over::Idle;
                    report.session_max_duration_reached |= over == Over::Old;
                    self.store.end(secret);
                }
            }
        }
        None
    }

    /// Ends the visitor's sessions.
    fn end(&self, visit: &Visit<'_>) -> Response<Body> {
        for secret in self.settings.cookies.sent(Which::Session, &visit.head.headers) {
            self.store.end(secret);
        }
        let page = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Logged out\
                    </title><body><p>You are logged out.</p></body></html>\n";
        let mut response = Response::new(Body::from(page));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for which in [Which::Session, Which::Nonce] {
            if let Some(cookie) = self.settings.cookies.clear(which, &visit.place) {
                headers.append(SET_COOKIE, cookie);
            }
        }
        response
    }

    /// Where the provider sends visitors back to.
    fn redirect_uri(&self, place: &Place) -> String {
        let callback = &self.settings.callback;
        callback.url.clone().unwrap_or_else(|| place.url(&callback.path))
    }

    /// Tells the upstream, and whoever watches, who the visitor is.
    fn announce(&self, scope: &mut Scope, report: &Report) {
        let Some(facts) = &report.facts else { return };
        let Some(asked) = &mut scope.request else { return };
        let (access, refresh) = (Some(&facts.tokens.access), facts.tokens.refresh.as_ref());
        for (name, token) in [(ACCESS, access), (REFRESH, refresh)] {
            if let Some(token) = token
                && let Ok(mut value) = HeaderValue::from_str(token)
            {
                value.set_sensitive(true);
                asked.head.headers.insert(name, value);
            }
        }
        let person = &facts.person;
        let subject = if person.email.is_empty() { &person.id } else { &person.email };
        let provider = self.provider.flavor().namespace().into();
        scope.identity = Some(Identity { provider, subject: subject.clone() });
    }
}

/// An answer that sends the browser somewhere else. It asks with GET there, whatever it asked with
/// here.
fn redirect(to: &str) -> Result<Response<Body>, Trouble> {
    let to = HeaderValue::try_from(to).map_err(|error| {
        Trouble::new(Failure::GENERAL, 500, "The login could not be begun.")
            .because(error.to_string())
    })?;
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::FOUND;
    response.headers_mut().insert(LOCATION, to);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

impl Action for Login {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        Box::pin(self.look(scope))
    }

    fn reserves(&self, scope: &Scope) -> bool {
        scope.request.as_ref().is_some_and(|asked| self.reserved(&asked.head).is_some())
    }
}
