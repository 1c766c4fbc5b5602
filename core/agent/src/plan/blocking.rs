//! Planning, away from the threads that carry traffic: it reads files and compiles.

use super::{Explanation, Plan, Tools};
use crate::{EndpointSpec, PlanError};

/// Runs what may read files and compile away from the runtime's own threads.
pub(crate) async fn on_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PlanError> + Send + 'static,
) -> Result<T, PlanError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => {
            Err(PlanError::new(&adit_config::Place::of("adit"), format!("planning broke: {error}")))
        }
    }
}

/// Plans an endpoint.
pub(crate) async fn plan(tools: Tools, spec: EndpointSpec) -> Result<Plan, PlanError> {
    on_blocking(move || Plan::new(spec, &tools)).await
}

/// As [`plan`], for people.
pub(crate) async fn explain(tools: Tools, spec: EndpointSpec) -> Result<Explanation, PlanError> {
    on_blocking(move || Plan::explain(spec, &tools)).await
}
