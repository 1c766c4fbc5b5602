//! Captured requests, sent again: past the edge, through the endpoint's own route.

use std::{net::SocketAddr, time::Duration};

use adit_chain::{Body, Id};
use adit_inspect::{
    control::BoxFuture,
    model::Entry,
    replay::{self, ReplayError, Replayer},
};
use http::Request;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::timeout;

use super::control::Controls;

/// How long whoever asked waits for the answer.
///
/// Reason: clients give up after four seconds, and what is under way is listed by then.
const WAIT: Duration = Duration::from_secs(3);

/// How long an answer is read that nobody waits for any more.
///
/// Reason: what is longer is a stream of events, which has no end.
const READ: Duration = Duration::from_secs(60);

impl Replayer for Controls {
    fn replay<'a>(
        &'a self,
        entry: &'a Entry,
        request: Request<Body>,
    ) -> BoxFuture<'a, Result<Id, ReplayError>> {
        let app = &self.0;
        Box::pin(async move {
            let nobody = || ReplayError::NoEndpoint { endpoint: entry.endpoint.to_string() };
            let served = app.table.find(&entry.endpoint).ok_or_else(nobody)?;
            let somewhere = SocketAddr::from(([127, 0, 0, 1], 0));
            let visit = served.endpoint.visit(entry.client.unwrap_or(somewhere));
            let (visit, store) = visit.zip(app.store.as_ref()).ok_or_else(nobody)?;
            let replaying = store.replaying(visit.id(), replay::original(entry));
            // In a task: who hangs up has asked all the same.
            let task = app.spawner.spawn(async move {
                let response = visit.send(request).await?;
                let _ = timeout(READ, read(response.into_body())).await;
                Ok::<_, hyper::Error>(())
            });
            if let Ok(Ok(Some(Err(error)))) = timeout(WAIT, task).await {
                return Err(ReplayError::Unanswered { why: error.to_string() });
            }
            replaying.recorded().ok_or_else(nobody)
        })
    }
}

/// Reads to the end, and keeps nothing: the tap has seen it.
async fn read(mut body: Incoming) {
    while let Some(Ok(_)) = body.frame().await {}
}
