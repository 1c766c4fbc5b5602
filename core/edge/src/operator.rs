//! What an operator can see and do.

use std::{net::SocketAddr, sync::Arc, time::SystemTime};

use adit_mux as mux;
use adit_proto::{
    ErrorText,
    message::{CommandResp, Request, Restart, Stop, StopTunnel, Update},
    rpc::{CallError, FINISH_GRACE},
    session,
};

use crate::{control::Session, edge::Edge, paths::Reach, tunnel::Tunnel};

/// One session of an agent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Name of the session, for commands.
    pub id: String,
    /// Whose it is.
    pub account: String,
    /// Which credential was shown.
    pub credential: String,
    /// `ngrok-go`, `adit`, …
    pub client_type: String,
    /// The agent's version.
    pub version: String,
    /// Its operating system.
    pub os: String,
    /// What its operator said.
    pub metadata: String,
    /// The name of its machine.
    pub hostname: String,
    /// Where it connects from; None for one in this process.
    pub source: Option<SocketAddr>,
    /// Since when.
    pub started: SystemTime,
    /// Connections that are open. None left: the agent is away and may come back.
    pub n_legs: usize,
    /// Its public addresses.
    pub tunnels: Vec<TunnelInfo>,
}

/// One public address.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TunnelInfo {
    /// Name of the tunnel, for commands.
    pub id: String,
    /// Id by which the agent knows it.
    pub bind: String,
    /// The public URL.
    pub url: String,
    /// Where the agent forwards to.
    pub forwards_to: String,
    /// Name that the agent gave it.
    pub name: String,
    /// What its operator said.
    pub metadata: String,
    /// Whether visitors can reach it now.
    pub is_online: bool,
}

/// A command could not be given, or was not followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no such session or tunnel, or it just left.
    #[error("no such session or tunnel")]
    NotFound,
    /// The agent cannot do this, and says why; it may be too old to say.
    #[error("the agent does not support this: {reason}")]
    Unsupported {
        /// The agent's reason.
        reason: String,
    },
    /// The agent answered with an error.
    #[error("the agent refused: {}", .0.message())]
    Refused(ErrorText),
    /// The connection broke, or no answer came in time.
    #[error("the agent did not answer")]
    NoAnswer,
}

impl Edge {
    /// All sessions, those away included.
    pub fn sessions(&self) -> Vec<SessionInfo> {
        self.shared.control.lock().sessions.values().map(SessionInfo::from).collect()
    }

    /// Asks an agent to stop, then ends its session and frees its addresses, whatever it answers.
    ///
    /// # Errors
    /// There is no such session, or the agent did not acknowledge; only an agent that cannot stop
    /// keeps its session.
    pub async fn stop_session(&self, id: &str) -> Result<(), CommandError> {
        let target = self.target(id, |unsupported| unsupported.stop.clone())?;
        let result = self.command(&target, &Stop {}).await;
        // An agent that stops may have closed its connection instead of answering.
        self.shared.control.lock().remove_session(&self.shared, &target.client_id);
        result
    }

    /// Asks an agent to restart.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn restart_session(&self, id: &str) -> Result<(), CommandError> {
        let target = self.target(id, |unsupported| unsupported.restart.clone())?;
        self.command(&target, &Restart {}).await
    }

    /// Asks an agent to update itself; an empty version is the newest.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn update_session(&self, id: &str, update: Update) -> Result<(), CommandError> {
        let target = self.target(id, |unsupported| unsupported.update.clone())?;
        self.command(&target, &update).await
    }

    /// Ends one tunnel: nobody is led to it from now on, then the agent is told. An agent that
    /// comes back with it believes it online and gets no visitors.
    ///
    /// # Errors
    /// There is no such tunnel.
    pub async fn stop_tunnel(
        &self,
        tunnel_id: &str,
        message: &str,
        code: Option<adit_proto::ErrorCode>,
    ) -> Result<(), CommandError> {
        let code = code.map(|code| code.to_string()).unwrap_or_default();
        let stopped =
            self.shared.control.lock().stop_tunnel(&self.shared, tunnel_id, message, &code);
        let (id, legs) = stopped.ok_or(CommandError::NotFound)?;
        let stop = StopTunnel { id, message: message.to_owned(), error_code: code };
        let limit = self.shared.settings.limits.command;
        for leg in legs {
            match session::stop_tunnel(&leg.mux, &stop, limit).await {
                Ok(mut told) => {
                    let _ = told.peer_end(FINISH_GRACE).await;
                }
                Err(error) => tracing::debug!(%error, "the agent was not told"),
            }
        }
        Ok(())
    }

    fn target(
        &self,
        id: &str,
        why_not: impl Fn(&crate::control::Unsupported) -> Option<String>,
    ) -> Result<Target, CommandError> {
        let control = self.shared.control.lock();
        let (client_id, session) = control.by_session_id(id).ok_or(CommandError::NotFound)?;
        let answers = session.peer.family.answers_commands_without_handler();
        match why_not(&session.unsupported) {
            Some(reason) if reason.is_empty() => {}
            Some(reason) => return Err(CommandError::Unsupported { reason }),
            // Such an agent would neither answer nor end the stream.
            None if !answers => {
                let reason = "it is too old".to_owned();
                return Err(CommandError::Unsupported { reason });
            }
            None => {}
        }
        let leg = session.first_leg().ok_or(CommandError::NotFound)?;
        Ok(Target { client_id: client_id.clone(), mux: leg.mux.clone() })
    }

    async fn command<Q>(&self, target: &Target, request: &Q) -> Result<(), CommandError>
    where
        Q: Request<Answer = CommandResp>,
    {
        let limit = self.shared.settings.limits.command;
        match session::command(&target.mux, request, limit).await {
            Ok(CommandResp {}) => Ok(()),
            Err(CallError::Refused(error)) => Err(CommandError::Refused(error)),
            // An agent that does what it was told may be gone before its answer is.
            Err(_) if target.mux.ended().is_some() => Ok(()),
            Err(error) => {
                tracing::debug!(%error, "an agent did not answer a command");
                Err(CommandError::NoAnswer)
            }
        }
    }
}

struct Target {
    client_id: String,
    mux: mux::Session,
}

impl From<&Session> for SessionInfo {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id.to_string(),
            account: session.account.id.to_string(),
            credential: session.account.credential.to_string(),
            client_type: session.peer.client_type.clone(),
            version: session.peer.version.clone(),
            os: session.peer.os.clone(),
            metadata: session.metadata.clone(),
            hostname: session.hostname.clone(),
            source: session.source,
            started: session.started,
            n_legs: session.legs.len(),
            tunnels: session.tunnels.values().map(TunnelInfo::from).collect(),
        }
    }
}

impl From<&Arc<Tunnel>> for TunnelInfo {
    fn from(tunnel: &Arc<Tunnel>) -> Self {
        let about = tunnel.about.lock().clone();
        Self {
            id: tunnel.tunnel_id.clone(),
            bind: tunnel.id.clone(),
            url: tunnel.address.url(),
            forwards_to: tunnel.forwards_to.clone(),
            name: about.name,
            metadata: about.metadata,
            is_online: tunnel.paths.reach() == Reach::Online,
        }
    }
}
