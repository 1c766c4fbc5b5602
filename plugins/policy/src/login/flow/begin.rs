//! A visitor who is sent to the provider.

use std::sync::atomic::Ordering::Relaxed;

use adit_chain::Body;
use http::{Method, Response, StatusCode, header::SET_COOKIE};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::{Login, Visit, redirect};
use crate::login::{
    clock::seconds,
    cookies::Which,
    place::safe_path,
    secrets::{digest, random, to_text},
    state::{LASTS, State},
    trouble::{Flavor, Trouble},
};

/// Characters of a nonce that a browser sends.
const NONCE: usize = 43;

impl Login {
    /// Sends the visitor to the provider, and back to `wanted` later if that is on this endpoint.
    /// `again`: even who is logged in there has to say who he is.
    pub(super) async fn begin(
        &self,
        visit: &Visit<'_>,
        wanted: &str,
        again: bool,
    ) -> Result<Response<Body>, Trouble> {
        let Some((id, _)) = Some((&visit.client.id, &visit.client.secret))
            .filter(|(id, secret)| !id.is_empty() && !secret.is_empty())
        else {
            let message = "The login of this endpoint is not set up.";
            return Err(Trouble::new(5535, 500, message).because("client_id or secret is empty"));
        };
        let reach = self.provider.reach(&self.services).await?;
        let (redirect_uri, nonce) = (self.redirect_uri(&visit.place), self.nonce(visit));
        let state = State {
            at: seconds(self.services.logins.clock().now()),
            browser: digest(&[nonce.as_bytes()]),
            seed: random(),
            path: safe_path(wanted).unwrap_or("/").to_owned(),
        };
        let failed = |what: &str| {
            Trouble::new(5202, 500, "The login could not be begun.").because(what.to_owned())
        };
        let sealed = state.close(self.services.logins.seal(), self.store.key());
        let mut sealed = sealed.ok_or_else(|| failed("the state could not be sealed"))?;
        if let Some(auth_id) = &self.settings.auth_id {
            sealed = format!("{auth_id}~{sealed}");
        }
        let mut url = Url::parse(reach.authorize())
            .map_err(|_| failed("the provider's address is not a URL"))?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("response_type", "code").append_pair("client_id", id);
            query.append_pair("redirect_uri", &redirect_uri);
            query.append_pair("scope", &self.scopes.join(" ")).append_pair("state", &sealed);
            if self.provider.flavor() == Flavor::Oidc {
                query.append_pair("nonce", &state.nonce());
            }
            if reach.takes_proof() {
                let challenge = to_text(&Sha256::digest(state.verifier()));
                query.append_pair("code_challenge", &challenge);
                query.append_pair("code_challenge_method", "S256");
            }
            let own = &self.settings.params;
            let repeated = if again { reach.again() } else { &[] };
            for (name, value) in reach.always().iter().chain(repeated) {
                if !own.iter().any(|(own, _)| own == name) {
                    query.append_pair(name, value);
                }
            }
            query.extend_pairs(own);
        }
        if !self.has_told.swap(true, Relaxed) {
            let provider = self.provider.mark();
            tracing::info!(
                obj = "policy",
                %provider,
                %redirect_uri,
                "first login: the provider must know this redirect URL"
            );
        }
        let mut response = redirect(url.as_str())?;
        if !matches!(visit.head.method, Method::GET | Method::HEAD) {
            // What was sent here is not for the provider.
            *response.status_mut() = StatusCode::SEE_OTHER;
        }
        if let Some(cookie) = self.settings.cookies.set(Which::Nonce, &nonce, LASTS, &visit.place) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// What binds the login to the browser. One that began another login meanwhile keeps its nonce:
    /// pages ask for several things at once, and the last answer must not spoil the first.
    fn nonce(&self, visit: &Visit<'_>) -> String {
        let sent = self.settings.cookies.sent(Which::Nonce, &visit.head.headers);
        let is_nonce = |text: &&&str| {
            text.len() == NONCE
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        sent.iter().find(is_nonce).map_or_else(|| to_text(&random()), |text| (*text).to_owned())
    }
}
