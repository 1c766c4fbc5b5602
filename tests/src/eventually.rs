//! Waiting for what happens by itself: one helper, with a deadline.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Longest time that any single thing may take; past it, it does not happen.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Asks until the answer is there.
///
/// # Panics
/// If it is not within [`DEADLINE`].
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "{what}: not within {DEADLINE:?}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Awaits with the deadline.
///
/// # Panics
/// If it is not done within [`DEADLINE`].
pub async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what}: not within {DEADLINE:?}"),
    }
}
