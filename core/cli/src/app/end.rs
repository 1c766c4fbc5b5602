//! From connecting to the end, whoever brings it about.

use std::{pin::pin, sync::Arc, time::Duration};

use adit_agent::{BindError, Connecting, Order, Session, Stopped};
use anyhow::{Result, anyhow};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::App;
use crate::{signals::Signals, trim};

/// How long connections may go on after a signal.
///
/// Fact: a wrapper's test gives the v3 agent one second from SIGTERM to its end.
const GRACE: Duration = Duration::from_millis(700);

/// How long the end of a session may take altogether, with an edge that does not answer.
const LIMIT: Duration = Duration::from_millis(850);

/// What ends an agent from here.
pub(super) struct Ends<'a> {
    pub(super) signals: &'a mut Signals,
    pub(super) quits: mpsc::Receiver<()>,
    pub(super) ending: CancellationToken,
}

impl Ends<'_> {
    /// Waits for somebody who wants it to end.
    async fn next(&mut self) -> &'static str {
        let who = tokio::select! {
            signal = self.signals.next() => signal,
            Some(()) = self.quits.recv() => "quit",
        };
        self.ending.cancel();
        who
    }
}

/// Connects, serves, and drains.
pub(super) async fn until_end(
    app: &Arc<App>,
    connecting: Connecting,
    mut ends: Ends<'_>,
) -> Result<Option<Order>> {
    let session = tokio::select! {
        session = connecting.established() => session?,
        who = ends.next() => {
            info!(obj = "app", stopReq = who, "received stop request");
            return Ok(None);
        }
    };
    let started = app.table.start(&app.ground);
    let stopped = app.ground.handle.stopped();
    tokio::pin!(stopped);
    tokio::select! {
        started = started => if let Err((name, error)) = started {
            leave(session).await;
            return Err(failed(&name, error));
        },
        who = ends.next() => {
            info!(obj = "app", stopReq = who, "received stop request");
            return end(session, ends).await;
        }
        why = stopped.as_mut() => return ended(session, why).await,
    }
    tokio::select! {
        never = trim::when_settled() => match never {},
        who = ends.next() => {
            info!(obj = "app", stopReq = who, "received stop request");
            end(session, ends).await
        }
        why = stopped => ended(session, why).await,
    }
}

fn failed(name: &str, error: BindError) -> anyhow::Error {
    anyhow!(error).context(format!("failed to start endpoint {name:?}"))
}

async fn ended(session: Session, why: Stopped) -> Result<Option<Order>> {
    leave(session).await;
    Ok(match why {
        Stopped::ByEdge(order) => Some(order),
        _ => None,
    })
}

/// Lets connections finish; a second signal cuts them.
async fn end(session: Session, mut ends: Ends<'_>) -> Result<Option<Order>> {
    let handle = session.handle().clone();
    let mut leaving = pin!(leave(session));
    tokio::select! {
        () = &mut leaving => return Ok(None),
        _ = ends.next() => handle.hurry(),
    }
    // The edge is told in any case, unless it does not listen.
    tokio::select! {
        () = leaving => {}
        _ = ends.next() => {}
    }
    Ok(None)
}

async fn leave(session: Session) {
    let leaving = session.shutdown(GRACE);
    let drained = timeout(LIMIT, leaving).await;
    debug!(?drained, "session left");
}
