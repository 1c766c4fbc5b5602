//! What an authenticated agent may ask.

use std::{pin::Pin, sync::Arc};

use adit_mux::Stream;
use adit_proto::{
    ErrorText,
    message::{
        Bind, BindResp, BindRespExtra, Message, PatchTunnelState, PatchTunnelStateResp, SrvInfo,
        SrvInfoResp, StartTunnelWithLabel, StartTunnelWithLabelResp, StopTunnel, Unbind,
        UnbindResp,
    },
    rpc::{self, CALL_TIMEOUT, Closing, FINISH_GRACE, PeerEnd},
    session,
};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;

use super::{Done, finish, refuse};
use crate::{
    control::{ClaimState, Claimed},
    paths::AgentLeg,
    shared::Shared,
};

/// A request that is worked on.
pub(crate) type Task = Pin<Box<dyn Future<Output = Done> + Send>>;

/// Whose request it is.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) client_id: String,
    pub(crate) leg: Arc<AgentLeg>,
}

/// `SrvInfo`, also before `Auth`.
pub(crate) async fn srv_info(
    shared: Arc<Shared>,
    mut stream: Stream,
    permit: OwnedSemaphorePermit,
) -> Done {
    if read::<SrvInfo>(&shared, &mut stream).await.is_ok() {
        let answer = SrvInfoResp { region: shared.settings.region.clone() };
        answer_and_finish(stream, &answer, permit).await;
    }
    Done::Quiet
}

/// `Bind`: the address is given out, and gets visitors once the agent has ended the stream.
pub(crate) async fn bind(
    shared: Arc<Shared>,
    of: Caller,
    mut stream: Stream,
    permit: OwnedSemaphorePermit,
) -> Done {
    let bind = match read::<Bind>(&shared, &mut stream).await {
        Ok(bind) => bind,
        Err(refusal) => return reject(stream, refusal).await,
    };
    let claimed = match Claimed::claim(&shared, &of.client_id, &of.leg, &bind).await {
        Ok(claimed) => claimed,
        Err(error) => {
            tracing::info!(
                proto = %bind.proto,
                code = error.code().map(|code| code.to_string()).unwrap_or_default(),
                reason = error.message(),
                "endpoint refused"
            );
            refuse(stream, &error).await;
            return Done::Quiet;
        }
    };
    let url = claimed.address.url();
    let answer = BindResp {
        id: claimed.id.clone(),
        url: url.clone(),
        proto: bind.proto,
        opts: bind.opts.chosen(bind.proto, &url, &claimed.address.short()),
        extra: BindRespExtra { token: claimed.token.into(), tunnel_id: claimed.tunnel_id.clone() },
    };
    let is_new = bind.id.is_empty();
    drop(bind);
    let Ok(mut closing) = session::respond(stream, &answer, CALL_TIMEOUT).await else {
        not_taken(&shared, &of, &claimed.state, is_new);
        return Done::Quiet;
    };
    drop(permit);
    let end = closing.peer_end(shared.settings.limits.bind_hold).await;
    match claimed.state {
        ClaimState::Held(tunnel) => {
            tunnel.paths.go_online(&of.leg);
            shared.routes.touch();
            tracing::info!(url, bind = claimed.id, ?end, "endpoint online");
        }
        ClaimState::Offline(retired) => {
            let stop =
                StopTunnel { id: claimed.id, message: retired.message, error_code: retired.code };
            tracing::info!(url, bind = stop.id, "endpoint accepted and kept offline");
            if let Ok(told) = session::stop_tunnel(&of.leg.mux, &stop, CALL_TIMEOUT).await {
                finish(told).await;
            }
        }
    }
    if end == PeerEnd::Open {
        finish(closing).await;
    }
    Done::Quiet
}

/// The agent gave up a bind before it had the answer, or its leg is ending. Of an endpoint that is
/// new it knows no id by which it could ever give it back; one that it knew before it still has.
fn not_taken(shared: &Shared, of: &Caller, state: &ClaimState, is_new: bool) {
    let ClaimState::Held(tunnel) = state else { return };
    tracing::debug!(bind = tunnel.id, is_new, "the agent did not take the answer to its bind");
    if is_new {
        shared.control.lock().unbind(shared, &of.client_id, &tunnel.id);
    } else {
        tunnel.paths.go_online(&of.leg);
        shared.routes.touch();
    }
}

/// `Unbind`: whatever the id, it is not bound afterwards.
pub(crate) async fn unbind(
    shared: Arc<Shared>,
    of: Caller,
    mut stream: Stream,
    permit: OwnedSemaphorePermit,
) -> Done {
    match read::<Unbind>(&shared, &mut stream).await {
        Err(refusal) => return reject(stream, refusal).await,
        Ok(unbind) => {
            shared.control.lock().unbind(&shared, &of.client_id, &unbind.id);
            answer_and_finish(stream, &UnbindResp::default(), permit).await;
        }
    }
    Done::Quiet
}

/// `StartTunnelWithLabel`.
pub(crate) async fn start_labelled(
    shared: Arc<Shared>,
    of: Caller,
    mut stream: Stream,
    permit: OwnedSemaphorePermit,
) -> Done {
    let start = match read::<StartTunnelWithLabel>(&shared, &mut stream).await {
        Ok(start) => start,
        Err(refusal) => return reject(stream, refusal).await,
    };
    let started = shared.control.lock().start_labelled(&shared, &of.client_id, &of.leg, start);
    let labelled = match started {
        Ok(labelled) => labelled,
        Err(error) => {
            refuse(stream, &error).await;
            return Done::Quiet;
        }
    };
    let answer = StartTunnelWithLabelResp { id: labelled.id.clone() };
    let Ok(mut closing) = session::respond(stream, &answer, CALL_TIMEOUT).await else {
        shared.control.lock().unbind(&shared, &of.client_id, &labelled.id);
        return Done::Quiet;
    };
    drop(permit);
    let end = closing.peer_end(shared.settings.limits.bind_hold).await;
    labelled.paths.go_online(&of.leg);
    tracing::info!(id = labelled.id, "labelled tunnel online");
    if end == PeerEnd::Open {
        finish(closing).await;
    }
    Done::Quiet
}

/// `PatchTunnelState`.
pub(crate) async fn patch(
    shared: Arc<Shared>,
    of: Caller,
    mut stream: Stream,
    permit: OwnedSemaphorePermit,
) -> Done {
    let patch = match read::<PatchTunnelState>(&shared, &mut stream).await {
        Ok(patch) => patch,
        Err(refusal) => return reject(stream, refusal).await,
    };
    let patched = crate::control::patch(&shared, &of.client_id, patch);
    match patched {
        Ok(()) => answer_and_finish(stream, &PatchTunnelStateResp {}, permit).await,
        Err(error) => refuse(stream, &error).await,
    }
    Done::Quiet
}

/// Something that may not be asked, or that we do not know.
pub(crate) async fn unexpected(stream: Stream, text: String, permit: OwnedSemaphorePermit) -> Done {
    drop(permit);
    refuse(stream, &ErrorText::uncoded(text)).await;
    Done::Quiet
}

/// Why a request was not read, and how its stream is reset after the refusal.
struct Unread {
    refusal: Option<ErrorText>,
    reset: Option<adit_mux::ErrorCode>,
}

async fn read<M: Message>(shared: &Shared, stream: &mut Stream) -> Result<M, Unread> {
    rpc::request_within(stream, &shared.settings.limits.requests()).await.map_err(|error| {
        tracing::debug!(%error, "a request could not be read");
        Unread { refusal: error.refusal(M::TYPE), reset: error.reset_code() }
    })
}

async fn reject(stream: Stream, unread: Unread) -> Done {
    let mut stream = match unread.refusal {
        None => stream,
        Some(text) => match session::refuse(stream, &text, CALL_TIMEOUT).await {
            Err(_) => return Done::Quiet,
            Ok(closing) if unread.reset.is_none() => {
                finish(closing).await;
                return Done::Quiet;
            }
            Ok(mut closing) => {
                // A reset would overtake the refusal.
                let _ = closing.peer_end(FINISH_GRACE).await;
                closing.into_inner()
            }
        },
    };
    if let Some(code) = unread.reset {
        stream.reset(code);
    }
    Done::Quiet
}

/// The request counts until it is answered; waiting for the agent's FIN costs it nothing.
async fn answer_and_finish<A: Serialize>(stream: Stream, answer: &A, permit: OwnedSemaphorePermit) {
    let answered: Result<Closing<Stream>, _> = session::respond(stream, answer, CALL_TIMEOUT).await;
    drop(permit);
    if let Ok(closing) = answered {
        finish(closing).await;
    }
}
