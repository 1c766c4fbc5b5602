//! Makes the handler from a document.

use std::sync::Arc;

use adit_chain::{BoxHandler, BuildCx, BuildError, Factory};
use serde_json::Value;

use crate::services::Services;

/// The factory of the kind `traffic-policy`, whose options are a document.
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
        let _ = (options, cx, &self.services);
        todo!("owner: core")
    }
}
