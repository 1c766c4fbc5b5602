//! `response-body-find-replace`: changes what the visitor gets.
//!
//! All of a body has to be there first. An event stream has no end: `sse-find-replace` is for it.

use adit_chain::BoxFuture;
use http::{Method, StatusCode};

use super::{
    Action, BuildCx, Done, Failure, Kind, body_find_replace,
    replacements::{self, Replacement},
};
use crate::{fields::Fields, phase::Phase, scope::Scope};

pub(super) const KIND: Kind = Kind {
    name: "response-body-find-replace",
    namespace: NAMESPACE,
    phases: &[Phase::HttpResponse],
    is_terminating: false,
    build,
};

const NAMESPACE: &str = "response_body_find_replace";

fn build(fields: &mut Fields<'_>, _: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let replacements = body_find_replace::read(fields)?;
    Some(Box::new(ResponseBodyFindReplace { replacements }))
}

#[derive(Debug)]
struct ResponseBodyFindReplace {
    replacements: Vec<Replacement>,
}

impl ResponseBodyFindReplace {
    async fn replace(&self, scope: &mut Scope) -> Result<Done, Failure> {
        let is_head = scope.request.as_ref().is_some_and(|asked| asked.head.method == Method::HEAD);
        let ready = body_find_replace::ready(&self.replacements, scope)?;
        let limits = scope.body_limits;
        let Some(response) = &mut scope.response else { return Ok(Done::Next) };
        // Their headers speak of a body that is not here.
        if is_head || is_bodiless(response.status()) {
            scope.set_result(NAMESPACE, replacements::result(&[]));
            return Ok(Done::Next);
        }
        let body = std::mem::take(response.body_mut());
        let headers = response.headers_mut();
        let changed = body_find_replace::replace(body, headers, ready, limits).await?;
        *response.body_mut() = changed.body;
        scope.set_result(NAMESPACE, replacements::result(&changed.matches));
        Ok(Done::Next)
    }
}

fn is_bodiless(status: StatusCode) -> bool {
    let without = [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED];
    status.is_informational() || without.contains(&status)
}

impl Action for ResponseBodyFindReplace {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        Box::pin(self.replace(scope))
    }
}
