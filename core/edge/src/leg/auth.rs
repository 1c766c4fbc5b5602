//! An agent shows who it is.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use adit_mux::{self as mux, ErrorCode as MuxCode, Stream};
use adit_proto::{
    ErrorCode, ErrorText, StreamType,
    heartbeat::Pulse,
    message::{Auth, AuthExtra, AuthResp, AuthRespExtra, choose_version},
    peer::{HeartbeatTiming, PeerInfo},
    rpc::{self, CALL_TIMEOUT},
    session,
};
use tokio::time::sleep;

use super::Done;
use crate::{
    account::Account,
    control::{Attach, Attached},
    shared::Shared,
};

/// How long a refused agent gets to read why.
const LAST_WORD: Duration = Duration::from_secs(1);

/// Who is at the other end, as far as the transport tells.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin {
    Network(SocketAddr),
    Memory,
}

/// An agent that is in. Dropping it tells its session that the connection is gone: the leg may end
/// at any moment, also before its own task knows that there is a session.
#[derive(Debug)]
pub(crate) struct Authenticated {
    shared: Arc<Shared>,
    pub(crate) attached: Attached,
    pub(crate) timing: HeartbeatTiming,
}

impl Drop for Authenticated {
    fn drop(&mut self) {
        let Attached { client_id, leg, .. } = &self.attached;
        self.shared.control.lock().detach(&self.shared, client_id, leg);
    }
}

/// Reads `Auth`, decides, answers.
pub(crate) async fn authenticate(
    shared: Arc<Shared>,
    session: mux::Session,
    pulse: Pulse,
    mut stream: Stream,
    origin: Origin,
) -> Done {
    let limits = shared.settings.limits.requests();
    let request = rpc::request_within::<Auth, _>(&mut stream, &limits).await;
    let decided = match request {
        Ok(auth) => decide(&shared, session, pulse, auth, origin).await,
        Err(error) => match error.refusal(StreamType::AUTH) {
            Some(text) => Err(text),
            None => return Done::End(MuxCode::Protocol, "no complete Auth"),
        },
    };
    match decided {
        Ok((authenticated, answer)) => {
            // Before the answer: with it the agent may open more than a stranger.
            let (limits, leg) = (&shared.settings.limits, &authenticated.attached.leg);
            leg.mux.set_limits(limits.mux_limits());
            leg.mux.set_peer(limits.traits_for(leg.family));
            match session::respond(stream, &answer, CALL_TIMEOUT).await {
                // The stream lives on in the session until the agent's FIN.
                Ok(closing) => shared.legs.spawn(super::finish(closing)),
                Err(error) => {
                    tracing::debug!(%error, "the agent did not take its answer");
                    return Done::End(MuxCode::WriteTimeout, "the answer to Auth was not taken");
                }
            };
            Done::Authenticated(authenticated)
        }
        Err(error) => {
            refused(&shared, &error, origin).await;
            if let Ok(mut closing) = session::refuse(stream, &error, CALL_TIMEOUT).await {
                let _ = closing.peer_end(LAST_WORD).await;
            }
            Done::End(MuxCode::NoError, "authentication failed")
        }
    }
}

async fn refused(shared: &Shared, error: &ErrorText, origin: Origin) {
    let Origin::Network(peer) = origin else { return };
    let code = error.code().map(|code| code.to_string()).unwrap_or_default();
    tracing::warn!(%peer, code, reason = error.message(), "an agent was refused");
    let source = peer.ip();
    shared.failures.note(source);
    if shared.failures.is_tiresome(source) {
        sleep(shared.settings.limits.failed_auth_delay).await;
    }
}

async fn decide(
    shared: &Arc<Shared>,
    session: mux::Session,
    pulse: Pulse,
    auth: Auth,
    origin: Origin,
) -> Result<(Box<Authenticated>, AuthResp), ErrorText> {
    let Auth { version, client_id, extra } = auth;
    let version = choose_version(&version).ok_or_else(|| {
        ErrorText::new(ErrorCode::AUTH_INVALID, "None of the offered protocol versions is known.")
    })?;
    let peer = PeerInfo::checked(&extra, &shared.settings.limits.peer())?;
    let timing = peer.heartbeat;
    let account = account(shared, &extra, origin).await?;
    let client_id = proved(shared, &account, client_id, &extra)?;
    let source = match origin {
        Origin::Network(peer) => Some(peer),
        Origin::Memory => None,
    };
    let leg_number = extra.leg_number;
    let account_name = account.name.clone();
    let account_id = Arc::clone(&account.id);
    let attach = Attach {
        account,
        peer,
        client_id,
        leg_number,
        about: Box::new(extra),
        source,
        mux: session,
        pulse,
    };
    let attached = shared.control.lock().attach(shared, attach)?;
    let authenticated = Authenticated { shared: Arc::clone(shared), attached, timing };
    let attached = &authenticated.attached;
    tracing::info!(
        session = %attached.session_id,
        account = %account_id,
        family = ?attached.leg.family,
        leg = leg_number,
        "agent authenticated"
    );
    let answer = AuthResp {
        version: version.to_owned(),
        client_id: attached.client_id.clone(),
        extra: AuthRespExtra {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            region: shared.settings.region.clone(),
            cookie: shared.tickets.cookie(&account_id, &attached.client_id).into(),
            account_name,
            agent_session_id: attached.session_id.to_string(),
            ..AuthRespExtra::default()
        },
    };
    Ok((Box::new(authenticated), answer))
}

async fn account(shared: &Shared, extra: &AuthExtra, origin: Origin) -> Result<Account, ErrorText> {
    match origin {
        Origin::Memory => Ok(Account::local()),
        Origin::Network(_) => Ok(shared.accounts.authenticate(&extra.authtoken).await?),
    }
}

/// The session that the agent may come back to. A ClientId without its cookie proves nothing: the
/// agent gets a fresh one. So it does with a cookie that we do not know: we may have lost the key.
/// Fact: the published SDKs show a cookie that is refused again and again, and never come back.
///
/// One more connection of a session that is not there is of no use to its agent.
fn proved(
    shared: &Shared,
    account: &Account,
    client_id: String,
    extra: &AuthExtra,
) -> Result<String, ErrorText> {
    if client_id.is_empty() || extra.cookie.is_empty() {
        return Ok(String::new());
    }
    if shared.tickets.check_cookie(extra.cookie.expose(), &account.id, &client_id) {
        return Ok(client_id);
    }
    if extra.leg_number == 0 {
        tracing::info!(account = %account.id, "an agent's cookie is unknown: a new session");
        return Ok(String::new());
    }
    let message = "The cookie does not belong to this session and account; start a new session.";
    Err(ErrorText::new(ErrorCode::COOKIE_INVALID, message))
}
