//! Shows a policy one piece after the other, on one instance that it holds until the last one or
//! until the policy has seen enough.

use std::sync::Arc;

use adit_chain::BoxFuture;
use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    bindings::adit::policy::types::{ChunkVerdict, Direction},
    exchange::Passage,
    fault::Fault,
    handler::Link,
    hook::Hook,
    host::Current,
    instance::{Bounds, Instance, call, handle},
};

/// What the pieces are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// A raw connection, from the visitor.
    ToUpstream,
    /// A raw connection, to the visitor.
    ToClient,
    /// A request's body.
    Request,
    /// A response's body.
    Response,
}

/// Shows a policy pieces.
pub(crate) struct Caller {
    link: Arc<Link>,
    /// The exchange, if the pieces are a body's.
    passage: Option<Arc<Passage>>,
    seat: Seat,
}

enum Seat {
    /// No piece has come yet.
    Waiting(Box<Current>),
    Held(Box<Instance>),
    Gone,
}

/// What came of showing a piece.
pub(crate) struct Called {
    pub(crate) caller: Caller,
    pub(crate) way: Way,
    pub(crate) piece: Bytes,
    pub(crate) is_last: bool,
    pub(crate) result: Result<ChunkVerdict, Fault>,
}

/// A piece that is being shown.
pub(crate) type Calling = BoxFuture<'static, Called>;

impl Caller {
    pub(crate) fn of_exchange(passage: Arc<Passage>, current: Current) -> Self {
        let link = Arc::clone(&passage.link);
        Self { link, passage: Some(passage), seat: Seat::Waiting(Box::new(current)) }
    }

    pub(crate) fn of_connection(link: Arc<Link>, current: Current) -> Self {
        Self { link, passage: None, seat: Seat::Waiting(Box::new(current)) }
    }

    pub(crate) const fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Shows a piece.
    pub(crate) fn call(mut self, way: Way, piece: Bytes, is_last: bool) -> Calling {
        Box::pin(async move {
            let result = self.ask(way, &piece, is_last).await;
            Called { caller: self, way, piece, is_last, result }
        })
    }

    async fn ask(&mut self, way: Way, piece: &[u8], last: bool) -> Result<ChunkVerdict, Fault> {
        let policy = &*self.link.policy;
        let bounds = Bounds::piece(way.hook(), &policy.limits);
        let mut instance = match std::mem::replace(&mut self.seat, Seat::Gone) {
            Seat::Waiting(current) => {
                let mut instance = policy.check_out(bounds.hook).await?;
                instance.store.data_mut().current = *current;
                instance
            }
            Seat::Held(instance) => instance,
            Seat::Gone => return Ok(ChunkVerdict::Detach),
        };
        let began = Instant::now();
        let deadline = Some(began + bounds.wall);
        instance.rearm(bounds, deadline);
        let result = match way {
            Way::Request => call!(
                policy,
                instance,
                deadline,
                request_body.call_on_request_chunk(handle(), piece, last)
            ),
            Way::Response => call!(
                policy,
                instance,
                deadline,
                response_body.call_on_response_chunk(handle(), handle(), piece, last)
            ),
            Way::ToUpstream => call!(
                policy,
                instance,
                deadline,
                stream.call_on_data(handle(), Direction::ToUpstream, piece, last)
            ),
            Way::ToClient => call!(
                policy,
                instance,
                deadline,
                stream.call_on_data(handle(), Direction::ToClient, piece, last)
            ),
        };
        let verdict = policy.settle(&mut instance, bounds, began.into_std(), result)?;
        if let Some(observer) = policy.observer() {
            observer.piece(bounds.hook, &verdict);
        }
        instance.store.data_mut().current.commit();
        self.seat = Seat::Held(instance);
        policy.checked(bounds.hook, Ok(verdict))
    }

    /// The policy has seen the last piece, or enough: gives the instance back.
    pub(crate) fn release(self) {
        let Seat::Held(mut instance) = self.seat else { return };
        let mut current = instance.disarm();
        match &self.passage {
            Some(passage) => passage.take_back(current),
            None => {
                if let Some(view) = current.conn.take() {
                    let conn = Arc::clone(view.conn());
                    self.link.take_back(&conn, Some(view));
                }
            }
        }
        self.link.policy.check_in(instance);
    }
}

impl Way {
    const fn hook(self) -> Hook {
        match self {
            Self::ToUpstream | Self::ToClient => Hook::Data,
            Self::Request => Hook::RequestChunk,
            Self::Response => Hook::ResponseChunk,
        }
    }
}
