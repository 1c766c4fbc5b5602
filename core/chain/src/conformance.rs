//! What every handler must keep, whoever wrote it: built-ins, policy rules and modules run the same
//! checks.

use std::{net::SocketAddr, sync::Arc};

use http::Request;

use crate::{
    Body, BoxError, BoxHandler, Conn, Endpoint, Exchange, Needs, OnConnect, OnRequest, Protocol,
};

/// A promise that a handler broke.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// `needs` answered differently the second time.
    #[error("needs changed from {before:?} to {after:?}")]
    NeedsChanged {
        /// The first answer.
        before: Needs,
        /// The second.
        after: Needs,
    },
    /// A verdict needs something that `needs` did not ask for.
    #[error("{verdict} without {needed:?}")]
    Undeclared {
        /// The verdict.
        verdict: &'static str,
        /// What it takes.
        needed: Needs,
    },
    /// The handler broke on an ordinary connection or request.
    #[error("the handler failed")]
    Failed(#[source] BoxError),
}

/// An endpoint for tests: `https://app.example`, to `http://localhost:8080`.
pub fn endpoint() -> Arc<Endpoint> {
    Arc::new(Endpoint {
        name: "app".into(),
        url: "https://app.example".into(),
        protocol: Protocol::Https,
        upstream: "http://localhost:8080".into(),
        upstream_host: Some("localhost:8080".into()),
    })
}

/// A connection for tests, from `192.0.2.7:5555`.
pub fn conn() -> Arc<Conn> {
    let client = SocketAddr::from(([192, 0, 2, 7], 5555));
    Arc::new(Conn::new(client, SocketAddr::from(([198, 51, 100, 1], 443)), endpoint()))
}

/// An exchange for tests.
pub fn exchange(request: Request<Body>) -> Exchange {
    Exchange::new(conn(), request)
}

/// Shows the handler a connection and a request, twice, and drops what it returns, as a visitor who
/// hangs up would.
///
/// # Errors
/// The first promise that it broke.
pub async fn check(handler: &BoxHandler) -> Result<(), Violation> {
    let needs = handler.needs();
    let demand = |verdict, needed: Needs| {
        if needs.intersects(needed) {
            Ok(())
        } else {
            Err(Violation::Undeclared { verdict, needed })
        }
    };
    for _ in 0..2 {
        if needs.wants_connection() {
            match handler.on_connect(&conn()).await.map_err(Violation::Failed)? {
                OnConnect::Wrap(_) | OnConnect::WrapThen(..) => demand("Wrap", Needs::STREAM)?,
                OnConnect::Divert(_) | OnConnect::DivertTerminated(..) => {
                    demand("Divert", Needs::INSIDE)?;
                }
                OnConnect::NextThen(_) => demand("NextThen", Needs::CONNECTION)?,
                _ => {}
            }
        }
        if needs.wants_http() {
            let mut exchange = exchange(Request::new(Body::Empty));
            match handler.on_request(&mut exchange).await.map_err(Violation::Failed)? {
                OnRequest::NextThen(_) => {
                    demand("NextThen", Needs::RESPONSE_HEAD | Needs::RESPONSE_BODY)?;
                }
                OnRequest::Detach { .. } => demand("Detach", Needs::REQUEST_HEAD)?,
                _ => {}
            }
        }
        let after = handler.needs();
        if after != needs {
            return Err(Violation::NeedsChanged { before: needs, after });
        }
    }
    Ok(())
}
