//! One instance of a policy, and the way in which it is called.

use std::{future::poll_fn, pin::Pin, task::Poll, time::Duration};

use tokio::time::{Instant, Sleep, sleep_until};
use wasmtime::Store;

use crate::{
    engine::Machine,
    fault::{Fault, FaultKind},
    guests::Guests,
    hook::Hook,
    host::{Current, Phase, State},
    limits::Limits,
    pool::Place,
};

/// One instance. It is called by one caller at a time; once a call broke, or was dropped before it
/// answered, the instance can never be entered again: whoever holds it drops it.
pub(crate) struct Instance {
    pub(crate) store: Store<State>,
    pub(crate) guests: Guests,
    /// Phases until it is replaced.
    pub(crate) phases_left: u32,
    /// When its last call ended.
    pub(crate) ended: std::time::Instant,
    /// Last: the place is free when the instance is gone.
    pub(crate) _place: Place,
}

/// How a call is bounded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) hook: Hook,
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
    /// Name of the limit that `wall` is.
    pub(crate) wall_name: &'static str,
}

impl Bounds {
    /// Those of a call about a head or a whole body.
    pub(crate) const fn head(hook: Hook, limits: &Limits) -> Self {
        Self { hook, cpu: limits.cpu, wall: limits.wall, wall_name: "wall" }
    }

    /// Those of a call about a piece.
    pub(crate) const fn piece(hook: Hook, limits: &Limits) -> Self {
        Self { hook, cpu: limits.cpu, wall: limits.chunk_wall, wall_name: "chunk_wall" }
    }

    /// Those of a call that tells of an end.
    pub(crate) fn afterwards(hook: Hook, limits: &Limits) -> Self {
        let cpu = limits.cpu.min(adit_policy_rules::limits::AFTERWARDS_CPU);
        Self { hook, cpu, wall: limits.wall, wall_name: "wall" }
    }
}

/// Why a call ended without an answer.
pub(crate) enum Broken {
    Error(wasmtime::Error),
    TooSlow,
}

impl Instance {
    /// Makes ready for a call: what it is about, and how much it may use.
    pub(crate) fn arm(&mut self, current: Current, bounds: Bounds, deadline: Option<Instant>) {
        arm(&mut self.store, current, bounds, deadline);
    }

    /// As [`arm`](Self::arm), for another call about the same.
    pub(crate) fn rearm(&mut self, bounds: Bounds, deadline: Option<Instant>) {
        rearm(&mut self.store, bounds, deadline);
    }

    /// Takes out what the call was about, so that the next one finds nothing of it.
    pub(crate) fn disarm(&mut self) -> Current {
        std::mem::take(&mut self.store.data_mut().current)
    }

    /// Finds out why a call broke.
    pub(crate) fn explain(&mut self, broken: Broken, bounds: Bounds, limits: &Limits) -> Fault {
        let state = self.store.data_mut();
        match broken {
            Broken::Error(error) => Fault::of(&error, state, bounds.hook, limits),
            Broken::TooSlow => {
                let waits = state.phase.waiting.map_or_else(
                    || "busy all the time".to_owned(),
                    |what| format!("waiting for {what}"),
                );
                Fault::timeout(bounds.hook, bounds.wall, bounds.wall_name, &waits)
            }
        }
    }
}

/// As [`Instance::arm`], for a store that is being set up.
pub(crate) fn arm(
    store: &mut Store<State>,
    current: Current,
    bounds: Bounds,
    deadline: Option<Instant>,
) {
    store.data_mut().current = current;
    rearm(store, bounds, deadline);
}

fn rearm(store: &mut Store<State>, bounds: Bounds, deadline: Option<Instant>) {
    store.set_epoch_deadline(1);
    let state = store.data_mut();
    state.phase = Phase::new(bounds.hook, deadline);
    state.phase.began = deadline.map(|deadline| (deadline - bounds.wall).into_std());
    state.slice.arm(bounds.cpu);
    state.limiter.refused = None;
    state.panic = None;
}

/// Calls a function of a hook that the policy is known to export.
macro_rules! call {
    ($policy:expr, $instance:expr, $deadline:expr, $hook:ident.$function:ident($($arg:expr),*)) => {{
        let $crate::instance::Instance { store, guests, .. } = &mut *$instance;
        match &guests.$hook {
            Some(guest) => {
                let call = std::pin::pin!(guest.$function(&mut *store, $($arg),*));
                $crate::instance::run($policy.machine(), $deadline, call).await
            }
            None => Err($crate::instance::Broken::Error(wasmtime::format_err!("there is no such hook"))),
        }
    }};
}
pub(crate) use call;

/// Handles: a call is about one thing of each kind, whatever the number.
pub(crate) fn handle<T: 'static>() -> wasmtime::component::Resource<T> {
    wasmtime::component::Resource::new_borrow(0)
}

/// Runs a call until it answers or the deadline comes. It is pinned by the caller, because what an
/// async function is given it would hold twice.
pub(crate) async fn run<R>(
    machine: &Machine,
    deadline: Option<Instant>,
    mut call: Pin<&mut impl Future<Output = wasmtime::Result<R>>>,
) -> Result<R, Broken> {
    let mut late = None::<Pin<Box<Sleep>>>;
    poll_fn(|cx| {
        // The clock runs while guests do; each poll may be the one in which this guest goes on.
        machine.ticker.touch();
        if let Poll::Ready(result) = call.as_mut().poll(cx) {
            return Poll::Ready(result.map_err(Broken::Error));
        }
        // Most calls answer at once, and never get here.
        let Some(deadline) = deadline else { return Poll::Pending };
        let late = late.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        late.as_mut().poll(cx).map(|()| Err(Broken::TooSlow))
    })
    .await
}

impl Fault {
    fn timeout(hook: Hook, wall: Duration, name: &str, waits: &str) -> Self {
        let wall = crate::limits::time_text(wall);
        let message = format!("took longer than {wall}, {waits}; the limit is `limits.{name}`");
        Self::new(FaultKind::Timeout, hook, message)
    }
}
