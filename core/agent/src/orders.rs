//! What the edge may order, and how orders are answered.

use std::{sync::Arc, time::Duration};

use adit_mux::Stream;
use adit_proto::{
    ErrorText, StreamType,
    message::{CommandResp, Message, Restart, Stop, StopTunnel, Update},
    rpc, session,
};
use tracing::{debug, info};

use crate::{Down, Order, Stopped, bound, shared::Shared};

/// How long open connections may go on when the edge ended the session.
const GRACE: Duration = Duration::from_secs(5);

/// Whether an order is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Support {
    /// The session ends, and its owner does what was ordered.
    Followed,
    /// It is refused with this text, which the edge's operator sees.
    Refused(String),
}

impl Support {
    /// Fact: the empty text means "supported".
    pub(crate) fn to_wire(&self) -> String {
        match self {
            Self::Followed => String::new(),
            Self::Refused(reason) => reason.clone(),
        }
    }
}

/// Which orders of the edge are followed. An order that is followed ends the session with
/// [`Stopped::ByEdge`]; only the owner of the process can restart or update it, so by default those
/// are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteOrders {
    /// To end.
    pub stop: Support,
    /// To start the process anew.
    pub restart: Support,
    /// To replace the program.
    pub update: Support,
}

impl Default for RemoteOrders {
    fn default() -> Self {
        let refused = |what: &str| {
            Support::Refused(format!("the program that embeds this agent does not {what} itself"))
        };
        Self { stop: Support::Followed, restart: refused("restart"), update: refused("update") }
    }
}

impl RemoteOrders {
    /// All are refused, because the user said so.
    pub fn disabled() -> Self {
        let refused = Support::Refused("remote management is disabled in this agent".to_owned());
        Self { stop: refused.clone(), restart: refused.clone(), update: refused }
    }
}

/// Answers a stream of type Stop, Restart or Update, and follows the order.
pub(crate) async fn answer(shared: Arc<Shared>, order: StreamType, mut stream: Stream) {
    let orders = &shared.settings.orders;
    let read = match order {
        StreamType::STOP => read::<Stop>(&mut stream).await.map(|_| (Order::Stop, &orders.stop)),
        StreamType::RESTART => {
            read::<Restart>(&mut stream).await.map(|_| (Order::Restart, &orders.restart))
        }
        _ => read::<Update>(&mut stream).await.map(|update| {
            let Update { version, permit_major_version } = update;
            (Order::Update { version, permit_major_version }, &orders.update)
        }),
    };
    let limit = rpc::BODY_TIMEOUT;
    let (closing, followed) = match read {
        Ok((order, Support::Followed)) => {
            (session::respond(stream, &CommandResp {}, limit).await, Some(order))
        }
        Ok((_, Support::Refused(reason))) => {
            (session::refuse(stream, &ErrorText::uncoded(reason.clone()), limit).await, None)
        }
        Err(text) => (session::refuse(stream, &text, limit).await, None),
    };
    match closing {
        // The edge shall have read the answer before anything ends.
        Ok(mut closing) => drop(closing.peer_end(rpc::FINISH_GRACE).await),
        Err(error) => debug!(%error, %order, "could not answer an order"),
    }
    if let Some(order) = followed {
        info!(obj = "app", stopReq = ?order, "received stop request");
        shared.end(Stopped::ByEdge(order), GRACE);
    }
}

/// Takes in that one endpoint has ended. There is no answer.
pub(crate) async fn stop_tunnel(shared: Arc<Shared>, mut stream: Stream) {
    let message = match read::<StopTunnel>(&mut stream).await {
        Ok(message) => message,
        Err(error) => {
            debug!(%error, "could not read which tunnel was stopped");
            return;
        }
    };
    // First of all: if the connection breaks now, the next one shall not bring it back.
    let StopTunnel { id, message, error_code } = message;
    let text = ErrorText::parse(&format!("{message}\n{error_code}"));
    let text = text.unwrap_or_else(|| ErrorText::uncoded("stopped by the edge"));
    bound::remove(&shared, &id, Down::StoppedByEdge(text));
    if let Ok(mut closing) = rpc::Closing::start(stream, rpc::FINISH_GRACE).await {
        let _ = closing.peer_end(rpc::FINISH_GRACE).await;
    }
}

/// Reads the order, or says what is wrong with it: whatever came, there is an answer.
async fn read<M: Message>(stream: &mut Stream) -> Result<M, ErrorText> {
    rpc::request::<M, _>(stream, rpc::BODY_TIMEOUT).await.map_err(|error| {
        error.refusal(M::TYPE).unwrap_or_else(|| ErrorText::uncoded(error.to_string()))
    })
}
