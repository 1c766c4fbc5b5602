//! Tries a policy without a tunnel: one request or connection at a time, with everything that the
//! policy decided, and how long it took.

mod bench;
mod direct;
mod observer;
mod rig;
mod weight;
mod yardstick;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use adit_chain::{
    Body, BoxError, BuildError, Conn, Exchange, Finished, Identity, OnError, OnRequest, Origin,
    Trace, Vars,
};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

pub use self::bench::{Bench, Rate};
pub use self::direct::{Heard, Piece};
pub(crate) use self::observer::Observer;
pub use self::weight::Weight;
pub use self::yardstick::Yardsticks;
use crate::{
    Fault, Host, Inspection, LoadError, factory::PluginFactory, handler::Link, hook::Hook,
    plugin::PluginSpec, policy::Policy, request, time::Metered,
};

/// Octets of a body that are shown in a report.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// One policy, tried.
#[derive(Debug)]
pub struct Lab {
    factory: PluginFactory,
    link: Arc<Link>,
}

/// A policy could not be tried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// It does not load.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It does not take the configuration.
    #[error("configure: {0}")]
    Configure(#[from] BuildError),
}

/// A request to try, and what the service would answer.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who asks.
    pub from: SocketAddr,
    /// The request.
    pub request: Request<Bytes>,
    /// The service's answer, if it is reached.
    pub response: Response<Bytes>,
}

/// What the policy made of a request.
#[derive(Debug)]
#[non_exhaustive]
pub struct Told {
    /// What it decided about the request.
    pub verdict: Verdict,
    /// The request as it went on, or would have.
    pub request: Request<Bytes>,
    /// Who the visitor is, if the policy said so.
    pub identity: Option<Identity>,
    /// Variables that it left.
    pub vars: Vars,
    /// What the visitor got. `None`: the connection was closed.
    pub response: Option<Response<Bytes>>,
    /// The calls, in order.
    pub calls: Vec<Call>,
    /// What broke.
    pub faults: Vec<Fault>,
    /// CPU time of the request's side.
    pub cpu: Duration,
}

/// What a policy decided about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It closed the connection.
    Abort,
    /// It broke.
    Fault,
    /// It let the request pass.
    Next,
    /// It sent it to another endpoint.
    Reroute(String),
    /// It answered by itself.
    Respond,
}

/// One call of a hook that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// Which.
    pub hook: Hook,
    /// How long it took, waits included.
    pub took: Duration,
}

/// What a policy made of a connection.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConnectionTold {
    /// Whether it was let in. `None`: the policy broke.
    pub is_accepted: Option<bool>,
    /// What became of each piece, as far as pieces were shown.
    pub pieces: Vec<PieceVerdict>,
    /// The calls, in order.
    pub calls: Vec<Call>,
    /// What broke.
    pub faults: Vec<Fault>,
}

/// Which way a piece of a raw connection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceWay {
    /// To the client.
    ToClient,
    /// To the upstream.
    ToUpstream,
}

/// What a policy decided about a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PieceVerdict {
    /// It closed the connection.
    Abort,
    /// It has seen enough.
    Detach,
    /// It broke.
    Fault,
    /// It let the piece pass.
    Pass,
    /// It put this in its place.
    Replace(Bytes),
}

impl Lab {
    /// Loads and configures a policy. Blocks.
    ///
    /// # Errors
    /// It does not load, or not with this configuration.
    pub fn new(host: &Host, spec: PluginSpec, config: &Value) -> Result<Self, LabError> {
        let inner = Arc::clone(host.inner());
        let linked = inner.load(&spec)?;
        let factory = PluginFactory::new(inner, spec, linked);
        let policy = factory.policy(config)?;
        policy.observe();
        let link = Arc::new(Link::new(policy, OnError::Deny));
        Ok(Self { factory, link })
    }

    /// What the component asks for and offers.
    pub fn inspection(&self) -> &Inspection {
        &self.policy().linked.inspection
    }

    /// Sends a request through the policy, and the service's answer back, if it comes to that.
    pub async fn request(&self, ask: Ask) -> Told {
        let conn = rig::conn(ask.from, true);
        let mut exchange = Exchange::new(conn, ask.request.map(Body::from));
        exchange.trace = Trace::recording();
        let deciding = Box::pin(request::on_request(&self.link, &mut exchange));
        let (result, cpu) = Metered::new(deciding).await;
        let identity = exchange.identity.clone();
        let vars = exchange.vars.clone();
        let finishers = exchange.take_finishers();
        let (request, is_whole) = rig::whole(std::mem::take(&mut exchange.request)).await;
        let answer = rig::answer(ask.response);
        let (verdict, then, response) = match result {
            Ok(OnRequest::Next) => (Verdict::Next, None, Some(answer)),
            Ok(OnRequest::NextThen(then)) => (Verdict::Next, Some(then), Some(answer)),
            Ok(OnRequest::Respond(response)) => (Verdict::Respond, None, Some(response)),
            Ok(OnRequest::Reroute(to)) => (Verdict::Reroute(to.0.to_string()), None, Some(answer)),
            Ok(OnRequest::RerouteThen(to, then)) => {
                (Verdict::Reroute(to.0.to_string()), Some(then), Some(answer))
            }
            Ok(OnRequest::Abort(_) | OnRequest::Detach { .. }) => (Verdict::Abort, None, None),
            Err(error) => (Verdict::Fault, None, Some(rig::refused(error))),
        };
        let response = match (then, response.filter(|_| is_whole)) {
            (Some(then), Some(response)) => match then.on_response(response).await {
                Ok(response) => Some(response),
                Err(error) => rig::unless_closed(error),
            },
            (_, response) => response,
        };
        let response = match response {
            Some(response) => rig::whole_response(response).await,
            None => None,
        };
        let status = response.as_ref().map(|response| response.status().as_u16());
        let bytes_in = request.body().len() as u64;
        let bytes_out = response.as_ref().map_or(0, |response| response.body().len() as u64);
        let took = exchange.started.elapsed();
        finishers.tell(Finished { status, took, bytes_in, bytes_out, failure: None }).await;
        let (calls, faults) = self.policy().observed();
        Told { verdict, request, identity, vars, response, calls, faults, cpu }
    }

    /// Opens a raw connection through the policy, and shows it pieces until it has seen enough.
    pub async fn connection(
        &self,
        from: SocketAddr,
        pieces: impl IntoIterator<Item = (PieceWay, Bytes)>,
    ) -> ConnectionTold {
        let conn = rig::conn(from, false);
        let pieces = pieces.into_iter().map(|(way, bytes)| Piece { way, bytes, is_last: false });
        let is_accepted = self.connect(&conn, pieces).await;
        let pieces = self.heard().pieces.into_iter().map(|(_, verdict)| verdict).collect();
        let (calls, faults) = self.policy().observed();
        ConnectionTold { is_accepted, pieces, calls, faults }
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.link.policy
    }
}
