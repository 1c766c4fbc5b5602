//! What a call costs at the least: the component model's own price, by which everything else is
//! judged.

use std::{
    hint::black_box,
    time::{Duration, Instant as Clock},
};

use super::Lab;
use crate::{
    hook::Hook,
    host::Current,
    instance::{Bounds, handle},
    time::thread_cpu,
};

const BATCH: u32 = 500;

/// A call of `on-request` without anything around it.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Yardsticks {
    /// Without a fiber.
    pub synchronous: Duration,
    /// With one, as policies are called.
    pub asynchronous: Duration,
}

impl Lab {
    /// Measures calls of this policy's `on-request` that are about nothing: it must not look at its
    /// request. The fastest batch counts.
    ///
    /// # Errors
    /// It has no such hook, or it breaks.
    pub async fn yardsticks(&self, time: Duration) -> wasmtime::Result<Yardsticks> {
        let policy = self.policy();
        let Some(place) = policy.pool().room() else { wasmtime::bail!("no room") };
        let made = policy.create(place).await;
        let mut instance = made.map_err(|error| wasmtime::format_err!("{error:?}"))?;
        let bounds = Bounds::head(Hook::Request, &policy.limits);
        let Some(guest) = instance.guests.request.clone() else { wasmtime::bail!("no such hook") };
        let (began, mut sticks) = (Clock::now(), [u64::MAX; 2]);
        while began.elapsed() < time {
            let before = thread_cpu();
            for _ in 0..BATCH {
                instance.arm(Current::default(), bounds, None);
                let call = guest.call_on_request(&mut instance.store, handle(), handle());
                black_box(call.await?);
            }
            let middle = thread_cpu();
            for _ in 0..BATCH {
                instance.arm(Current::default(), bounds, None);
                // Nobody could be given way to.
                instance.store.set_epoch_deadline(u64::from(u32::MAX));
                let call = guest.func_on_request();
                black_box(call.call(&mut instance.store, (handle(), handle()))?);
            }
            let after = thread_cpu();
            sticks[0] = sticks[0].min(middle.saturating_sub(before));
            sticks[1] = sticks[1].min(after.saturating_sub(middle));
        }
        let [asynchronous, synchronous] =
            sticks.map(|nanos| Duration::from_nanos(nanos / u64::from(BATCH)));
        Ok(Yardsticks { synchronous, asynchronous })
    }
}
