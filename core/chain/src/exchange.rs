//! One request with its response.

use std::{collections::BTreeMap, sync::Arc};

use http::Request;

use crate::{Body, Conn, Id, Trace};

/// Values that handlers of one exchange leave for each other, by name.
pub type Vars = BTreeMap<String, serde_json::Value>;

/// Who the visitor turned out to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Which handler vouches for it: `basic-auth`.
    pub provider: &'static str,
    /// The name under which the visitor was accepted.
    pub subject: String,
}

/// One request on its way to the upstream.
#[derive(Debug)]
pub struct Exchange {
    /// Identity, for logs, error pages and the inspector.
    pub id: Id,
    /// The connection that it came on.
    pub conn: Arc<Conn>,
    /// The request; handlers change it in place.
    pub request: Request<Body>,
    /// Who asks, once a handler has found out.
    pub identity: Option<Identity>,
    /// What handlers leave for each other.
    pub vars: Vars,
    /// What each link decided, when someone watches.
    pub trace: Trace,
}

impl Exchange {
    /// A request that has just been read.
    pub fn new(conn: Arc<Conn>, request: Request<Body>) -> Self {
        let (identity, vars, trace) = (None, Vars::new(), Trace::default());
        Self { id: Id::next(), conn, request, identity, vars, trace }
    }
}
