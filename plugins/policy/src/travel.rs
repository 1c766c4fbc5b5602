//! What the rules of a connection found out, on its way to the rules of the connection's requests.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use adit_chain::Conn;
use serde_json::{Map, Value as Json};

use crate::{action, scope::Scope, value};

/// How much may travel, in bytes.
///
/// Reason: it is read again for each request. What actions find out about a connection is short,
/// save for what `log` writes down.
const MAX_LEN: usize = 16 * 1024;

/// The numbers by which policies know what is theirs are in the upper half, so that they are none
/// of any other kind of handler.
static NEXT: AtomicU64 = AtomicU64::new(1 << 63);

/// The place of one policy among what a connection keeps.
#[derive(Debug)]
pub(crate) struct Travel {
    number: u64,
}

impl Travel {
    /// A place that no other policy has.
    pub(crate) fn new() -> Self {
        Self { number: NEXT.fetch_add(1, Relaxed) }
    }

    /// Leaves what was found out with the connection.
    pub(crate) fn leave(&self, scope: &Scope) {
        if scope.results.is_empty() {
            return;
        }
        let found = scope.results.iter();
        let found: Map<_, _> =
            found.map(|(name, value)| ((*name).to_owned(), value::to_json(value))).collect();
        let found = Json::from(found).to_string();
        if found.len() > MAX_LEN {
            tracing::debug!(id = %scope.id, len = found.len(), "too much for requests to know");
            return;
        }
        scope.conn.keep(self.number, found.into_bytes());
    }

    /// Takes up what was left.
    pub(crate) fn take_up(&self, conn: &Conn, scope: &mut Scope) {
        let Some(found) = conn.kept(self.number) else { return };
        let Ok(Json::Object(found)) = serde_json::from_slice(&found) else { return };
        for kind in action::kinds() {
            if let Some(result) = found.get(kind.namespace) {
                scope.set_result(kind.namespace, value::from_json(result));
            }
        }
    }
}

#[cfg(test)]
mod tests;
