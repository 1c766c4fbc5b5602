//! Makes the handler from a document.

use std::sync::Arc;

use adit_chain::{BoxHandler, BuildCx, BuildError, Factory};
use serde_json::Value;

use crate::{document::Policy, handler::PolicyHandler, problem::Problems, services::Services};

/// The factory of the kind `traffic-policy`, whose options are a document: phases at the top level.
pub fn factory(services: Services) -> Arc<dyn Factory> {
    Arc::new(Policies { services })
}

struct Policies {
    services: Services,
}

impl Factory for Policies {
    fn kind(&self) -> &'static str {
        "traffic-policy"
    }

    fn build(&self, options: &Value, cx: &BuildCx) -> Result<BoxHandler, BuildError> {
        let mut problems = Problems::default();
        let policy = Policy::load(options, cx, &self.services, &mut problems);
        problems.log_warnings(&cx.endpoint.name);
        let policy = match (problems.into_error(), policy) {
            (None, Some(policy)) => policy,
            (Some(error), _) => return Err(error),
            (None, None) => return Err(BuildError::new("the policy could not be read")),
        };
        Ok(BoxHandler::new(PolicyHandler::new(Arc::new(policy), cx.on_error)))
    }
}
