//! `request-body-find-replace`: changes what the upstream is sent.

use std::time::SystemTime;

use adit_chain::BoxFuture;

use super::{
    Action, BuildCx, Done, Failure, Kind, body_find_replace,
    replacements::{self, Replacement},
};
use crate::{fields::Fields, phase::Phase, scope::Scope};

pub(super) const KIND: Kind = Kind {
    name: "request-body-find-replace",
    namespace: NAMESPACE,
    phases: &[Phase::HttpRequest],
    is_terminating: false,
    build,
};

const NAMESPACE: &str = "request_body_find_replace";

fn build(fields: &mut Fields<'_>, _: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let replacements = body_find_replace::read(fields)?;
    Some(Box::new(RequestBodyFindReplace { replacements }))
}

#[derive(Debug)]
struct RequestBodyFindReplace {
    replacements: Vec<Replacement>,
}

impl RequestBodyFindReplace {
    async fn replace(&self, scope: &mut Scope) -> Result<Done, Failure> {
        let ready = body_find_replace::ready(&self.replacements, scope)?;
        let limits = scope.body_limits;
        let Some(asked) = &mut scope.request else { return Ok(Done::Next) };
        let body = std::mem::take(&mut asked.body);
        let headers = &mut asked.head.headers;
        let changed = body_find_replace::replace(body, headers, ready, limits).await?;
        asked.body = changed.body;
        asked.body_received.get_or_insert_with(SystemTime::now);
        scope.set_result(NAMESPACE, replacements::result(&changed.matches));
        Ok(Done::Next)
    }
}

impl Action for RequestBodyFindReplace {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        Box::pin(self.replace(scope))
    }
}
