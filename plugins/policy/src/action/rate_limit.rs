//! `rate-limit`: lets so many requests of one key pass in any stretch of time.
//!
//! Each action has buckets of its own, whatever its name.

mod table;
mod window;

use std::time::Duration;

use adit_chain::{BoxFuture, Refusal};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use parking_lot::Mutex;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use self::{
    table::{Digest, Found, Table},
    window::{Millis, PRECISION, Quota},
};
use super::{Action, BuildCx, Done, Failure, Kind, outcome};
use crate::{expr::Expr, fields::Fields, phase::Phase, problem::code, scope::Scope, value};

pub(super) const KIND: Kind = Kind {
    name: "rate-limit",
    namespace: NAMESPACE,
    phases: &[Phase::HttpRequest],
    is_terminating: false,
    build,
};

const NAMESPACE: &str = "rate_limit";

/// Fact: the documented limits of the fields.
const MAX_NAME_LEN: usize = 1023;
const MAX_CAPACITY: i64 = 2_000_000_000;
const RATES: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(60)..=Duration::from_secs(24 * 60 * 60);
const MAX_KEYS: usize = 10;

/// The code that is told where an expression of a key fails.
const KEY_FAILED: u32 = 2253;

fn build(fields: &mut Fields<'_>, _: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let name = fields.required("name", |fields, name| fields.text(name, 1..=MAX_NAME_LEN));
    let algorithm =
        fields.required("algorithm", |fields, name| fields.choice(name, &[("sliding_window", ())]));
    let capacity = fields.required("capacity", |fields, name| fields.int(name, 1..=MAX_CAPACITY));
    let rate = fields.required("rate", rate);
    let key = fields.required("bucket_key", |fields, name| fields.expr_list(name, 1..=MAX_KEYS));
    let is_enforced = fields.bool_or("enforce", true);
    let ((), capacity, rate) = (algorithm?, u32::try_from(capacity?).ok()?, rate?);
    let (quota, epoch) = (Quota { capacity, rate }, Instant::now());
    let table = Mutex::default();
    Some(Box::new(RateLimit { name: name?, key: key?, quota, is_enforced, epoch, table }))
}

/// A length of time in steps of the precision.
fn rate(fields: &mut Fields<'_>, name: &'static str) -> Option<Millis> {
    let rate = fields.duration(name, RATES)?.as_nanos();
    let step = Duration::from_millis(PRECISION).as_nanos();
    if !rate.is_multiple_of(step) {
        fields.error(name, code::FIELD_VALUE, "must be a multiple of 10s");
        return None;
    }
    Millis::try_from(rate / 1_000_000).ok()
}

#[derive(Debug)]
struct RateLimit {
    name: String,
    key: Vec<Expr>,
    quota: Quota,
    is_enforced: bool,
    /// Since when time is counted.
    epoch: Instant,
    table: Mutex<Table>,
}

/// Which bucket a request belongs to.
struct Bucket {
    /// The values of the key as a list.
    key: String,
    /// Whether all of them could be had.
    is_whole: bool,
}

impl RateLimit {
    fn bucket(&self, scope: &Scope) -> Bucket {
        let mut is_whole = true;
        let value = |expr: &Expr| match expr.eval(scope) {
            Ok(value) => value::to_json(&value),
            Err(error) => {
                is_whole = false;
                tracing::debug!(id = %scope.id, limit = %self.name, %error, "no part of the key");
                Json::String(String::new())
            }
        };
        // Texts in JSON are quoted, so no value can pass for two.
        let key = self.key.iter().map(value).collect::<Json>().to_string();
        Bucket { key, is_whole }
    }

    /// Whether a request with this key may pass, or for how long none may.
    fn admit(&self, key: &str) -> Result<(), Millis> {
        let now = Millis::try_from(self.epoch.elapsed().as_millis()).unwrap_or(Millis::MAX / 2);
        let Found { admitted, forgotten } = self.table.lock().admit(digest(key), now, self.quota);
        if let Some(forgotten) = forgotten.filter(|forgotten| forgotten.is_early) {
            let n_keys = forgotten.n_keys();
            tracing::warn!(limit = %self.name, n_keys, "too many keys at once; some are forgotten");
        }
        admitted
    }
}

/// Half of a SHA-256: nobody finds two keys with the same one.
fn digest(key: &str) -> Digest {
    let whole = Sha256::digest(key);
    let mut half = Digest::default();
    half.copy_from_slice(&whole[..16]);
    half
}

impl Action for RateLimit {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        let Bucket { key, is_whole } = self.bucket(scope);
        let admitted = self.admit(&key);
        let error = if is_whole {
            outcome::no_error()
        } else {
            outcome::error(KEY_FAILED, "a part of the key could not be evaluated")
        };
        let result = [
            ("bucket_key", value::text(&key)),
            ("limited", admitted.is_err().into()),
            ("error", error),
        ];
        scope.set_result(NAMESPACE, value::map(result));
        let done = match admitted {
            Err(wait) if self.is_enforced => Done::Refuse(refusal(wait)),
            Ok(()) | Err(_) => Done::Next,
        };
        Box::pin(std::future::ready(Ok(done)))
    }
}

fn refusal(wait: Millis) -> Refusal {
    let message = "Too many requests. Try again later.";
    let mut refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, message);
    refusal.headers.insert(RETRY_AFTER, HeaderValue::from(wait.div_ceil(1000).max(1)));
    refusal
}

#[cfg(test)]
mod tests;
