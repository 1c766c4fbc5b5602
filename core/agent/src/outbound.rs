//! Calls to HTTP services on behalf of policies: one request, the whole answer, nothing followed.
//!
//! ```text
//! name or URL ─▶ service ─ idle connection? ─▶ request ─▶ answer, gathered up to a limit
//!                            └ none: dial, TLS            └─▶ the connection is idle again
//! ```
//!
//! Connections are kept for the next call. One that the service closed meanwhile costs a second
//! attempt, if nothing can have come of the first.

mod service;

use std::{collections::BTreeMap, fmt, net::IpAddr, sync::Arc, time::Duration};

use adit_net::{tasks::Tasks, tls};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response,
    header::{
        CONNECTION, HOST, PROXY_AUTHENTICATE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
    },
};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use parking_lot::Mutex;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::{Instant, timeout_at};

use self::service::{Sender, Service};
use crate::error::chain;

/// Idle connections of one service.
const MAX_IDLE: usize = 32;

/// How long a connection is kept without a call.
///
/// Reason: common servers close idle connections after a minute or more, and a new one to a service
/// that is near costs little.
const IDLE: Duration = Duration::from_secs(20);

/// Services whose connections are kept. Their names come from the configuration.
const MAX_SERVICES: usize = 256;

/// Octets of the head of an answer.
const MAX_HEAD: usize = 64 * 1024;

const HOP_BY_HOP: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Calls HTTP services. Certificates are verified. Connections are kept for the next call.
pub struct Caller {
    tls: Arc<ClientConfig>,
    names: Mutex<BTreeMap<String, String>>,
    services: Mutex<BTreeMap<String, Arc<Service>>>,
    tasks: Tasks,
}

/// A call brought no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The answer broke off, or is none.
    #[error("{reason}")]
    Broken {
        /// What went wrong.
        reason: String,
    },
    /// The service is at no address that may be called.
    #[error("requests to {host} are not allowed")]
    Forbidden {
        /// Its name.
        host: String,
    },
    /// There was no answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The answer's body is longer than was asked for.
    #[error("the answer has more than {most} octets")]
    TooLong {
        /// How much there may be.
        most: usize,
    },
    /// The service could not be reached, or is not known.
    #[error("{reason}")]
    Unreachable {
        /// What went wrong.
        reason: String,
    },
}

impl Caller {
    /// A caller that trusts these authorities.
    pub fn new(roots: RootCertStore) -> Self {
        Self {
            tls: tls::client::verified(roots, &[b"http/1.1"]),
            names: Mutex::default(),
            services: Mutex::default(),
            tasks: Tasks::new(),
        }
    }

    /// Names services: from now on each name stands for the URL beside it. Names that were known
    /// before are forgotten.
    pub fn set_names(&self, names: impl IntoIterator<Item = (String, String)>) {
        *self.names.lock() = names.into_iter().collect();
    }

    /// Sends a request and gathers the answer, up to so many octets of its body. The request's
    /// target is in origin form; `service` is a URL (`http://` or `https://`, host, perhaps a
    /// port) or a name.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// Dropping the future gives the call up, and its connection.
    pub async fn call(
        &self,
        service: &str,
        request: Request<Bytes>,
        most: usize,
        deadline: Instant,
    ) -> Result<Response<Bytes>, CallError> {
        let service = self.service(service)?;
        let call = self.attempt(&service, request, most);
        timeout_at(deadline, call).await.unwrap_or(Err(CallError::Timeout))
    }

    /// As [`call`](Self::call), for services that strangers may have a say in: connects only to
    /// addresses that `allows` lets pass, with a connection of its own. Tells the address, too.
    ///
    /// # Errors
    /// See [`CallError`].
    ///
    /// # Cancel safety
    /// Dropping the future gives the call up, and its connection.
    pub async fn call_where(
        &self,
        url: &str,
        mut request: Request<Bytes>,
        most: usize,
        deadline: Instant,
        allows: impl Fn(IpAddr) -> bool + Send + Sync,
    ) -> Result<(Response<Bytes>, Option<IpAddr>), CallError> {
        let service = Service::parse(url)?;
        prepare(&service, &mut request);
        let call = async {
            let dialled = service.dial(&self.tls, &self.tasks, MAX_HEAD, Some(&allows)).await;
            let (mut sender, address) = dialled?;
            let response = sender.send_request(request.map(Full::new)).await;
            let response = response.map_err(|error| broken(&error))?;
            Ok((gather(&service, sender, response, most).await?, address))
        };
        timeout_at(deadline, call).await.unwrap_or(Err(CallError::Timeout))
    }

    async fn attempt(
        &self,
        service: &Service,
        mut request: Request<Bytes>,
        most: usize,
    ) -> Result<Response<Bytes>, CallError> {
        prepare(service, &mut request);
        if let Some(mut sender) = service.idle() {
            match sender.send_request(request.clone().map(Full::new)).await {
                Ok(response) => return gather(service, sender, response, most).await,
                Err(error) if may_repeat(&error, request.method()) => {}
                Err(error) => return Err(broken(&error)),
            }
        }
        let (mut sender, _) = service.dial(&self.tls, &self.tasks, MAX_HEAD, None).await?;
        let response = sender.send_request(request.map(Full::new)).await;
        gather(service, sender, response.map_err(|error| broken(&error))?, most).await
    }

    fn service(&self, name: &str) -> Result<Arc<Service>, CallError> {
        let named = self.names.lock().get(name).cloned();
        let url = named.as_deref().unwrap_or(name);
        let mut services = self.services.lock();
        if let Some(service) = services.get(url) {
            return Ok(Arc::clone(service));
        }
        let service = Arc::new(Service::parse(url)?);
        if services.len() >= MAX_SERVICES {
            services.clear();
        }
        services.insert(url.to_owned(), Arc::clone(&service));
        Ok(service)
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("names", &*self.names.lock()).finish_non_exhaustive()
    }
}

/// Says whom a request is for, and whom it is from.
fn prepare(service: &Service, request: &mut Request<Bytes>) {
    request.headers_mut().insert(HOST, service.host.clone());
    let agent = HeaderValue::from_static(concat!("adit/", env!("CARGO_PKG_VERSION")));
    request.headers_mut().entry(USER_AGENT).or_insert(agent);
}

/// Whether a request on a kept connection may be sent again: it never left, or it may be done twice.
fn may_repeat(error: &hyper::Error, method: &Method) -> bool {
    error.is_canceled() || method.is_idempotent() && !error.is_parse()
}

async fn gather(
    service: &Service,
    sender: Sender,
    response: Response<Incoming>,
    most: usize,
) -> Result<Response<Bytes>, CallError> {
    let (mut head, body) = response.into_parts();
    let body = Limited::new(body, most).collect().await.map_err(|error| {
        match error.downcast::<hyper::Error>() {
            Ok(error) => broken(&error),
            Err(_) => CallError::TooLong { most },
        }
    })?;
    service.keep(sender);
    strip(&mut head.headers);
    Ok(Response::from_parts(head, body.to_bytes()))
}

/// Takes out what concerns this connection only.
fn strip(headers: &mut HeaderMap) {
    let listed: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .collect();
    for name in listed.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

fn broken(error: &hyper::Error) -> CallError {
    CallError::Broken { reason: chain(error).to_string() }
}

#[cfg(test)]
mod tests;
