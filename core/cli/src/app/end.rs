//! From connecting to the end, whoever brings it about.

use std::{pin::pin, sync::Arc, time::Duration};

use adit_agent::{BindError, Connecting, Order, Session, Stopped};
use anyhow::{Result, anyhow};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::App;
use crate::{signals::Signals, trim};

/// How long connections may go on where nobody asked for an end: a start that failed, an edge that
/// ended the session.
///
/// Reason: there are none by then, or only those that came while the start was under way.
const GRACE: Duration = Duration::from_millis(700);

/// What the end of a session may take beyond the grace of its connections, with an edge that does not
/// answer.
///
/// Fact: a wrapper's test gives the v3 agent one second from SIGTERM to its end.
const MARGIN: Duration = Duration::from_millis(150);

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
    let grace = app.started.drain_timeout;
    let started = app.table.start(&app.ground);
    let stopped = app.ground.handle.stopped();
    tokio::pin!(stopped);
    tokio::select! {
        started = started => if let Err((name, error)) = started {
            leave(session, GRACE).await;
            return Err(failed(&name, error));
        },
        who = ends.next() => {
            info!(obj = "app", stopReq = who, "received stop request");
            return end(session, grace, ends).await;
        }
        why = stopped.as_mut() => return ended(session, why).await,
    }
    tokio::select! {
        never = trim::when_settled() => match never {},
        who = ends.next() => {
            info!(obj = "app", stopReq = who, "received stop request");
            end(session, grace, ends).await
        }
        why = stopped => ended(session, why).await,
    }
}

fn failed(name: &str, error: BindError) -> anyhow::Error {
    anyhow!(error).context(format!("failed to start endpoint {name:?}"))
}

async fn ended(session: Session, why: Stopped) -> Result<Option<Order>> {
    leave(session, GRACE).await;
    Ok(match why {
        Stopped::ByEdge(order) => Some(order),
        _ => None,
    })
}

/// Lets connections finish; a second signal cuts them.
async fn end(session: Session, grace: Duration, mut ends: Ends<'_>) -> Result<Option<Order>> {
    let handle = session.handle().clone();
    let mut leaving = pin!(leave(session, grace));
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

async fn leave(session: Session, grace: Duration) {
    let leaving = session.shutdown(grace);
    let drained = timeout(grace.saturating_add(MARGIN), leaving).await;
    debug!(?drained, "session left");
}
