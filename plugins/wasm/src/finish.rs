//! Tells a policy that an exchange or a connection is over.

use std::sync::Arc;

use adit_chain::{BoxFuture, Conn, End, Finished, OnClose, OnFinish};
use tokio::time::Instant;

use crate::{
    exchange::Passage,
    handler::Link,
    hook::Hook,
    host::{Current, OutcomeView},
    instance::{Bounds, call, handle},
};

/// Tells of the end of an exchange.
pub(crate) struct Finishing(pub(crate) Arc<Passage>);

/// Tells of the end of a connection.
pub(crate) struct Closing {
    pub(crate) link: Arc<Link>,
    pub(crate) conn: Arc<Conn>,
}

impl OnFinish for Finishing {
    fn on_finish(self: Box<Self>, end: Finished) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let Self(passage) = *self;
            let outcome = Some(Box::new(OutcomeView::from(end)));
            let current = Current { outcome, ..passage.current() };
            tell(&passage.link, Hook::Finish, current).await;
        })
    }
}

impl OnClose for Closing {
    fn on_close(self: Box<Self>, end: End) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let Self { link, conn } = *self;
            let outcome = Some(Box::new(OutcomeView::from(end)));
            let current = Current { conn: Some(link.view(&conn)), outcome, ..Current::default() };
            tell(&link, Hook::Close, current).await;
        })
    }
}

/// There is nobody left to refuse: a fault is counted and told, and that is all.
async fn tell(link: &Link, hook: Hook, current: Current) {
    let policy = &*link.policy;
    let bounds = Bounds::afterwards(hook, &policy.limits);
    let Ok(mut instance) = policy.check_out(hook).await else { return };
    let began = Instant::now();
    let deadline = Some(began + bounds.wall);
    instance.arm(current, bounds, deadline);
    let result = match hook {
        Hook::Close => call!(policy, instance, deadline, close.call_on_close(handle(), handle())),
        _ => {
            call!(policy, instance, deadline, finish.call_on_finish(handle(), handle(), handle()))
        }
    };
    let told = policy.settle(&mut instance, bounds, began.into_std(), result);
    if told.and_then(|()| policy.checked(hook, Ok(()))).is_ok() {
        instance.disarm();
        policy.check_in(instance);
    }
}
