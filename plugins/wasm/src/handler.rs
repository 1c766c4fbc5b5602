//! A policy as a link of a chain.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use adit_chain::{
    BoxError, Conn, Exchange, Handler, Needs, OnConnect, OnError, OnRequest, Protocol,
};

use crate::{connect, hook::HookInterface, host::ConnView, policy::Policy, request};

/// A policy as a link of a chain.
#[derive(Debug)]
pub(crate) struct PolicyHandler(Arc<Link>);

/// A policy, and what its link says.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) policy: Arc<Policy>,
    pub(crate) on_error: OnError,
    /// Under this number it keeps values with connections.
    owner: u64,
    /// Whether it keeps any.
    keeps: bool,
    needs: Needs,
}

impl Link {
    pub(crate) fn new(policy: Arc<Policy>, on_error: OnError) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (owner, needs) = (NEXT.fetch_add(1, Relaxed), policy.needs());
        let keeps = policy.linked.inspection.calls("connections", "connection.keep");
        Self { policy, on_error, owner, keeps, needs }
    }

    /// The same for endpoints of that protocol.
    ///
    /// Raw connections carry no exchanges. Who is told of the end of both is told of what there is;
    /// who decides about exchanges is still refused there, because nobody would ask it.
    fn on(mut self, protocol: Protocol) -> Self {
        use HookInterface as Is;
        let has = |hooks: &[Is]| hooks.iter().any(|hook| self.policy.has(*hook));
        let is_raw = matches!(protocol, Protocol::Tcp | Protocol::Tls);
        let decides = has(&[Is::Request, Is::RequestBody, Is::Response, Is::ResponseBody]);
        if is_raw && !decides && has(&[Is::Connection, Is::Close, Is::Stream]) {
            self.needs.remove(Needs::HTTP);
        }
        self
    }

    /// A connection as the policy sees it.
    pub(crate) fn view(&self, conn: &Arc<Conn>) -> ConnView {
        let kept = if self.keeps { conn.kept(self.owner) } else { None };
        ConnView::new(Arc::clone(conn), kept)
    }

    /// Takes back what the policy keeps with a connection.
    pub(crate) fn take_back(&self, conn: &Conn, view: Option<ConnView>) {
        if self.keeps
            && let Some(kept) = view.and_then(ConnView::into_kept)
        {
            conn.keep(self.owner, kept);
        }
    }
}

impl PolicyHandler {
    pub(crate) fn new(policy: Arc<Policy>, on_error: OnError, protocol: Protocol) -> Self {
        Self(Arc::new(Link::new(policy, on_error).on(protocol)))
    }
}

impl Handler for PolicyHandler {
    fn needs(&self) -> Needs {
        self.0.needs
    }

    async fn on_connect(&self, conn: &Arc<Conn>) -> Result<OnConnect, BoxError> {
        connect::on_connect(&self.0, conn).await
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        request::on_request(&self.0, exchange).await
    }
}
