//! Two handlers around a policy: what one saw and the other did not is the policy's doing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use adit_chain::{
    Body, BoxError, BoxHandler, BuildCx, BuildError, Exchange, Factory, Finished, Handler, Needs,
    OnRequest, Origin, failure,
};
use serde_json::Value;

use crate::{
    output::line,
    policy::{
        heads::{Edit, Head},
        report::us,
        stage::request_head,
    },
};

/// Kind of the one before the policy.
pub(super) const BEFORE: &str = "policy-run-before";
/// Kind of the one behind it.
pub(super) const AFTER: &str = "policy-run-after";
/// Longest target that is shown, in characters.
const SHOWN: usize = 60;

/// Both of them. `sees_responses`: the policy does, and the time that it takes is told.
pub(super) fn pair(sees_responses: bool) -> [Arc<dyn Factory>; 2] {
    let open = Open::default();
    [BEFORE, AFTER].map(|kind| {
        let open = Arc::clone(&open);
        Arc::new(Witness { kind, open, sees_responses }) as Arc<dyn Factory>
    })
}

/// Exchanges that are between the two.
type Open = Arc<Mutex<HashMap<u64, Arc<Account>>>>;

#[derive(Clone, Debug)]
struct Witness {
    kind: &'static str,
    open: Open,
    sees_responses: bool,
}

/// What is known of one exchange.
#[derive(Debug)]
struct Account {
    what: String,
    head: Head,
    began: Instant,
    facts: Mutex<Facts>,
}

#[derive(Clone, Debug, Default)]
struct Facts {
    /// The policy let it pass after this time, with these edits.
    passed: Option<(Duration, Vec<Edit>)>,
    /// The service's answer was there.
    answered: Option<Instant>,
    /// The answer went by, so late, made by whom, with what status.
    left: Option<(Instant, Origin, u16)>,
}

impl Factory for Witness {
    fn kind(&self) -> &str {
        self.kind
    }

    fn build(&self, _: &Value, _: &BuildCx) -> Result<BoxHandler, BuildError> {
        Ok(BoxHandler::new(self.clone()))
    }
}

impl Handler for Witness {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD | Needs::RESPONSE_HEAD
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        let account =
            if self.kind == BEFORE { self.begin(exchange) } else { self.passed(exchange) };
        let is_before = self.kind == BEFORE;
        let Some(account) = account.filter(|_| is_before || self.sees_responses) else {
            return Ok(OnRequest::Next);
        };
        Ok(OnRequest::NextThen(Box::new(move |response: http::Response<Body>| {
            let mut facts = lock(&account.facts);
            if is_before {
                let (origin, status) = (Origin::of(&response), response.status().as_u16());
                facts.left = Some((Instant::now(), origin, status));
            } else {
                facts.answered = Some(Instant::now());
            }
            drop(facts);
            Ok(response)
        })))
    }
}

impl Witness {
    /// Opens the account of an exchange; it is told when the exchange is over.
    fn begin(&self, exchange: &mut Exchange) -> Option<Arc<Account>> {
        let (id, head) = (exchange.id.as_u64(), request_head(exchange));
        let target: String = head.fact("target").unwrap_or_default().chars().take(SHOWN).collect();
        let what = format!("{} {target}", exchange.request.method());
        let facts = Mutex::default();
        let account = Arc::new(Account { what, head, began: Instant::now(), facts });
        lock(&self.open).insert(id, Arc::clone(&account));
        let open = Arc::clone(&self.open);
        exchange.finish(Box::new(move |end: Finished| {
            if let Some(account) = lock(&open).remove(&id) {
                line(account.tell(&end));
            }
        }));
        Some(account)
    }

    fn passed(&self, exchange: &Exchange) -> Option<Arc<Account>> {
        let account = lock(&self.open).get(&exchange.id.as_u64()).cloned()?;
        let took = account.began.elapsed();
        let edits = account.head.edits(&request_head(exchange));
        lock(&account.facts).passed = Some((took, edits));
        Some(account)
    }
}

impl Account {
    /// `GET /        next 31.0 µs (1 edit), response 12.0 µs -> 200 in 3.1 ms`.
    fn tell(&self, end: &Finished) -> String {
        let Facts { passed, answered, left } = lock(&self.facts).clone();
        let what = format!("{:<24}", self.what);
        let total = us(end.took);
        let status = end.status.map_or_else(|| "no answer".to_owned(), |s| s.to_string());
        match (passed, left) {
            (Some((took, edits)), left) => {
                let edits = match edits.len() {
                    0 => String::new(),
                    1 => " (1 edit)".to_owned(),
                    n => format!(" ({n} edits)"),
                };
                let back = answered.zip(left).map(|(came, (went, ..))| went - came);
                let back = back.map_or_else(String::new, |t| format!(", response {}", us(t)));
                format!("{what} next {}{edits}{back} -> {status} in {total}", us(took))
            }
            (None, Some((when, Origin::Handler, status))) => {
                format!("{what} respond {status} {}", us(when - self.began))
            }
            (None, _) if end.failure == Some(failure::HANDLER_FAILED) => {
                format!("{what} fault -> {status} in {total}")
            }
            (None, Some((_, Origin::Upstream, _))) => {
                format!("{what} reroute -> {status} in {total}")
            }
            (None, _) => format!("{what} abort or fault -> {status} in {total}"),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
