//! The threads that serve.

use std::thread;

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};

use crate::descriptors;

/// A runtime for a command that serves.
///
/// A thread that runs out of work lets the others of its processor run once before it sleeps. Under
/// load those are who works with us: the service, the visitor, the other end of the tunnel; and
/// what they do next is mostly something for us. Finding it costs a fraction of being put to sleep
/// and woken, for us and for whoever would have to wake us. Where nobody waits for the processor
/// the call returns at once.
pub(crate) fn start() -> Result<Runtime> {
    descriptors::raise_limit();
    Builder::new_multi_thread()
        .on_thread_park(thread::yield_now)
        .enable_all()
        .build()
        .context("cannot start the threads of the program")
}
