//! What the local API may see of a running agent, and ask of it.

use std::{sync::Arc, time::Duration};

use adit_agent::{BindError, PlanError};
use adit_inspect::control::{
    BoxFuture, Changes, Control, ControlError, Dialect, EndpointView, Origin, Reloaded, Replaced,
    SessionView, Setting,
};
use serde_json::Value;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use super::{
    App, define, reload,
    session::Ready,
    settings,
    table::{Refused, Wanted},
};
use crate::documents;

/// How long a request waits for a session.
///
/// Reason: it hides the first moments from clients that retry badly, and the rest of their four
/// seconds is left to the edge.
const HOLD: Duration = Duration::from_secs(3);

/// How long a request waits for everything together. Fact: clients give up after four seconds.
const LIMIT: Duration = Duration::from_millis(3400);

/// A running agent, as the local API sees it.
#[derive(Debug)]
pub(super) struct Controls(pub(super) Arc<App>);

impl Control for Controls {
    fn endpoints(&self) -> Vec<EndpointView> {
        let down = self.0.line.trouble();
        self.0.table.served().iter().map(|entry| entry.view(down.as_deref())).collect()
    }

    fn endpoint(&self, name: &str) -> Option<EndpointView> {
        let down = self.0.line.trouble();
        self.0.table.find(name).map(|entry| entry.view(down.as_deref()))
    }

    fn is_online_host(&self, host: &str) -> bool {
        self.0.table.served().iter().any(|entry| entry.has_host(host))
    }

    fn create(
        &self,
        dialect: Dialect,
        definition: Value,
    ) -> BoxFuture<'_, Result<EndpointView, ControlError>> {
        let (app, by) = (Arc::clone(&self.0), Instant::now() + LIMIT);
        self.apart(by, async move {
            let wanted = read(dialect, definition).await?;
            app.online(by).await?;
            // What is not there in time is not made: dropping gives back what was granted.
            let made = timeout_at(by, async {
                let mut changing = app.table.change().await;
                changing.create(&app.ground, wanted).await
            });
            let made = made.await.map_err(|_| ControlError::SessionLost)?.map_err(refused)?;
            let down = app.line.trouble();
            made.first().map(|entry| entry.view(down.as_deref())).ok_or(ControlError::SessionLost)
        })
    }

    fn replace<'a>(
        &'a self,
        name: &'a str,
        definition: Value,
    ) -> BoxFuture<'a, Result<Replaced, ControlError>> {
        let (app, by) = (Arc::clone(&self.0), Instant::now() + LIMIT);
        let name = name.to_owned();
        self.apart(by, async move {
            let wanted = read(Dialect::Endpoints, named(&name, definition)?).await?;
            app.online(by).await?;
            let mut changing = app.table.change().await;
            let Some(entry) = app.table.find(&name) else {
                let made = changing.create(&app.ground, wanted).await.map_err(refused)?;
                let entry = made.first().ok_or(ControlError::SessionLost)?;
                return Ok(Replaced::Created(entry.view(None)));
            };
            let mut wanted = wanted.into_iter().next().ok_or(ControlError::SessionLost)?;
            wanted.origin = entry.origin;
            let entry = changing.replace(&app.ground, &entry, wanted).await.map_err(refused)?;
            Ok(Replaced::Updated(entry.view(None)))
        })
    }

    fn delete<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), ControlError>> {
        let (app, by) = (Arc::clone(&self.0), Instant::now() + LIMIT);
        let name = name.to_owned();
        self.apart(by, async move {
            let mut changing = app.table.change().await;
            let entry = app.table.find(&name).ok_or(ControlError::NotFound { name })?;
            changing.remove(&entry).await;
            Ok(())
        })
    }

    fn session(&self) -> SessionView {
        self.0.line.view()
    }

    fn settings(&self) -> Vec<Setting> {
        settings::shown(&self.0.started, &self.0.files, self.0.web)
    }

    fn reload(&self) -> BoxFuture<'_, Result<Reloaded, ControlError>> {
        let app = Arc::clone(&self.0);
        let task = self.0.spawner.spawn(async move { app.reload().await });
        Box::pin(async {
            match task.await {
                Ok(Some(Ok(report))) => Ok(report),
                Ok(Some(Err(error))) => Err(ControlError::Config { err: format!("{error:#}") }),
                Ok(None) | Err(_) => Err(ControlError::SessionLost),
            }
        })
    }

    fn metrics(&self) -> String {
        self.0.plugins.metrics()
    }

    fn changes(&self) -> watch::Receiver<Changes> {
        self.0.changes.subscribe()
    }
}

impl Controls {
    /// Does it in a task of its own: who hangs up changes nothing. An answer is there in time,
    /// though what was begun may still go on.
    fn apart<T: Send + 'static>(
        &self,
        by: Instant,
        work: impl Future<Output = Result<T, ControlError>> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, ControlError>> {
        let task = self.0.spawner.spawn(work);
        Box::pin(async move {
            match timeout_at(by, task).await {
                Ok(Ok(Some(result))) => result,
                _ => Err(ControlError::SessionLost),
            }
        })
    }
}

impl App {
    /// Waits for a session, not for long.
    async fn online(&self, by: Instant) -> Result<(), ControlError> {
        let by = by.min(Instant::now() + HOLD);
        if timeout_at(by, self.line.online()).await.is_ok() {
            return Ok(());
        }
        Err(match self.line.ready() {
            Ready::NotYet => ControlError::NoSession,
            Ready::Lost | Ready::Yes => ControlError::SessionLost,
        })
    }
}

async fn read(dialect: Dialect, definition: Value) -> Result<Vec<Wanted>, ControlError> {
    let invalid = |err| ControlError::Invalid { err };
    let mut endpoint = define::endpoint(dialect, definition).map_err(invalid)?;
    documents::fetch(&mut endpoint).await.map_err(|wrong| invalid(define::one_line(&wrong)))?;
    reload::warn_of([&endpoint]);
    Wanted::all_of(endpoint, Origin::Api).map_err(|error| invalid(words(&error)))
}

/// A definition with the name that it is put at.
fn named(name: &str, mut definition: Value) -> Result<Value, ControlError> {
    let Some(map) = definition.as_object_mut() else { return Ok(definition) };
    match map.get("name").and_then(Value::as_str) {
        Some(other) if other != name => {
            let err = format!("the name is {name:?} in the path and {other:?} in the definition");
            return Err(ControlError::Invalid { err });
        }
        _ => drop(map.insert("name".to_owned(), name.into())),
    }
    Ok(definition)
}

fn refused(error: Refused) -> ControlError {
    match error {
        Refused::Name(err) => ControlError::Invalid { err },
        Refused::Plan(error) | Refused::Bind(BindError::Plan(error)) => {
            ControlError::Invalid { err: words(&error) }
        }
        Refused::Bind(error @ (BindError::Refused(_) | BindError::Answer { .. })) => {
            ControlError::BindRefused { err: error.to_string() }
        }
        Refused::Bind(_) => ControlError::SessionLost,
    }
}

/// What is wrong, without its place in a request that nobody sees as lines.
fn words(error: &PlanError) -> String {
    let text = error.to_string();
    let lines = text.lines().map(define::without_place);
    let text = lines.collect::<Vec<_>>().join("; ").replace(":; ", ": ");
    match error.code() {
        Some(code) => format!("{text} (ERR_NGROK_{})", code.0),
        None => text,
    }
}
