//! What the policy `key-limit` does, as a native handler.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Instant, SystemTime},
};

use adit_chain::{
    Body, BoxError, BoxHandler, BuildCx, BuildError, Exchange, Factory, Handler, Needs, OnRequest,
};
use adit_policy_rules::rate::{Bucket, Quota};
use http::{HeaderValue, Response};
use serde_json::Value;

pub(crate) fn factory() -> Arc<dyn Factory> {
    Arc::new(NativeFactory)
}

struct NativeFactory;

impl Factory for NativeFactory {
    fn kind(&self) -> &str {
        "key-limit-native"
    }

    fn build(&self, options: &Value, _: &BuildCx) -> Result<BoxHandler, BuildError> {
        let number = |name: &str| u32::try_from(options[name].as_u64().unwrap_or(1)).unwrap_or(1);
        let quota = Quota { burst: number("burst"), per_ms: number("per_ms") };
        let began = (Instant::now(), SystemTime::now());
        Ok(BoxHandler::new(KeyLimit { quota, began, buckets: Mutex::default() }))
    }
}

#[derive(Debug)]
struct KeyLimit {
    quota: Quota,
    began: (Instant, SystemTime),
    buckets: Mutex<HashMap<String, Bucket>>,
}

impl Handler for KeyLimit {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD
    }

    async fn on_request(&self, x: &mut Exchange) -> Result<OnRequest, BoxError> {
        let key = match x.request.headers().get("x-api-key").map(HeaderValue::to_str) {
            Some(Ok(key)) => key.to_owned(),
            _ => x.conn.client.ip().to_string(),
        };
        let now = u64::try_from(self.began.0.elapsed().as_nanos())? + 1;
        let decision = {
            let mut buckets = self.buckets.lock().map_err(|_| "poisoned")?;
            buckets.entry(key).or_insert_with(Bucket::full).take(now, self.quota, 1)
        };
        let remaining = HeaderValue::from(decision.remaining);
        x.request.headers_mut().insert("x-ratelimit-remaining", remaining);
        if decision.allowed {
            return Ok(OnRequest::Next);
        }
        let mut refused = Response::new(Body::from("slow down\n"));
        *refused.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
        Ok(OnRequest::Respond(refused))
    }
}
