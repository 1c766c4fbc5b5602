//! Connections: whether they may come in, and who wants to see their octets and their end.

use std::sync::Arc;

use adit_chain::{BoxError, Conn, OnConnect, Refusal};
use tokio::time::Instant;

use crate::{
    bindings::adit::policy::types::Admission,
    fault::Fault,
    finish::Closing,
    handler::Link,
    hook::{Hook, HookInterface},
    host::Current,
    instance::{Bounds, call, handle},
    policy::to_error,
    request::aborted,
    stream::Sniffing,
};

pub(crate) async fn on_connect(link: &Arc<Link>, conn: &Arc<Conn>) -> Result<OnConnect, BoxError> {
    let policy = &*link.policy;
    if policy.has(HookInterface::Connection)
        && let Admission::Refuse(reason) =
            ask(link, conn).await.map_err(|fault| to_error(&fault))?
    {
        aborted(policy, Hook::Connection, &reason);
        return Ok(OnConnect::Refuse(Refusal::close()));
    }
    let closing = policy
        .has(HookInterface::Close)
        .then(|| Box::new(Closing { link: Arc::clone(link), conn: Arc::clone(conn) }));
    let sniffing = policy
        .has(HookInterface::Stream)
        .then(|| Box::new(Sniffing { link: Arc::clone(link), conn: Arc::clone(conn) }));
    Ok(match (sniffing, closing) {
        (None, None) => OnConnect::Next,
        (None, Some(closing)) => OnConnect::NextThen(closing),
        (Some(sniffing), None) => OnConnect::Wrap(sniffing),
        (Some(sniffing), Some(closing)) => OnConnect::WrapThen(sniffing, closing),
    })
}

/// `on-connection`.
async fn ask(link: &Link, conn: &Arc<Conn>) -> Result<Admission, Fault> {
    let policy = &*link.policy;
    let bounds = Bounds::head(Hook::Connection, &policy.limits);
    let mut instance = policy.check_out(bounds.hook).await?;
    let began = Instant::now();
    let deadline = Some(began + bounds.wall);
    let current = Current { conn: Some(link.view(conn)), ..Current::default() };
    instance.arm(current, bounds, deadline);
    let result = call!(policy, instance, deadline, connection.call_on_connection(handle()));
    let answer = policy.settle(&mut instance, bounds, began.into_std(), result)?;
    let mut current = instance.disarm();
    current.commit();
    link.take_back(conn, current.conn.take());
    policy.check_in(instance);
    policy.checked(bounds.hook, Ok(answer))
}
