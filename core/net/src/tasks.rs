//! Every task has an owner, and a shutdown has phases.
//!
//! ```text
//! running --stop--> draining --all ended--> Drained::Clean
//!                       | grace ended
//!                       +--cut--> tasks dropped --> Drained::Cut { n_cut }
//! ```
//!
//! [`Tasks`] is the owner. What runs in a task sees the two phases as the two tokens of a
//! [`ConnStop`]; what must start further tasks of the same owner holds a [`Spawner`].

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::until::until;

/// How a shutdown ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Drained {
    /// Everything ended by itself within the grace.
    Clean,
    /// The grace ended first.
    Cut {
        /// Tasks that were still running and were dropped.
        n_cut: usize,
    },
}

impl Drained {
    /// Both results as one: clean only if both were.
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Clean, other) => other,
            (cut, Self::Clean) => cut,
            (Self::Cut { n_cut: a }, Self::Cut { n_cut: b }) => Self::Cut { n_cut: a + b },
        }
    }
}

/// What a task is told about its owner's shutdown.
#[derive(Clone, Debug)]
pub struct ConnStop {
    /// Cancelled first: finish what you do, begin nothing new, tell your peer.
    pub stop: CancellationToken,
    /// Cancelled when the grace has ended. The task itself is dropped then; this is for what it
    /// passed on to others.
    pub cut: CancellationToken,
}

/// Owns tasks. Dropping it cancels both tokens, so its tasks end soon after it does.
#[derive(Debug)]
pub struct Tasks {
    spawner: Spawner,
    stop: DropGuard,
    cut: DropGuard,
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

impl Tasks {
    /// An owner with no task yet.
    pub fn new() -> Self {
        Self::with_tokens(CancellationToken::new(), CancellationToken::new())
    }

    /// An owner that stops, and cuts, no later than its parent does.
    pub fn child_of(parent: &ConnStop) -> Self {
        Self::with_tokens(parent.stop.child_token(), parent.cut.child_token())
    }

    fn with_tokens(stop: CancellationToken, cut: CancellationToken) -> Self {
        let signals = ConnStop { stop: stop.clone(), cut: cut.clone() };
        let spawner = Spawner { tracker: TaskTracker::new(), signals };
        Self { spawner, stop: stop.drop_guard(), cut: cut.drop_guard() }
    }

    /// Runs `task` until it ends or is cut. See [`Spawner::spawn`].
    pub fn spawn<F>(&self, task: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawner.spawn(task)
    }

    /// A handle with which tasks of this owner start further ones.
    pub fn spawner(&self) -> Spawner {
        self.spawner.clone()
    }

    /// The tokens that tell of the shutdown.
    pub const fn signals(&self) -> &ConnStop {
        &self.spawner.signals
    }

    /// Tasks that have not ended.
    pub fn len(&self) -> usize {
        self.spawner.tracker.len()
    }

    /// Whether no task is left.
    pub fn is_empty(&self) -> bool {
        self.spawner.tracker.is_empty()
    }

    /// Begins the first phase of a shutdown and returns at once.
    pub fn stop(&self) {
        self.spawner.signals.stop.cancel();
    }

    /// Tells tasks to stop, and waits until they have. Whoever gives up waiting cuts, or does not.
    ///
    /// # Cancel safety
    ///
    /// Yes: tasks that have not ended run on.
    pub async fn drained(&self) {
        self.stop();
        self.spawner.tracker.close();
        self.spawner.tracker.wait().await;
    }

    /// Tells tasks to stop, lets them finish until `grace` ends, then cuts the rest.
    ///
    /// # Cancel safety
    ///
    /// Dropping the returned future cuts at once.
    pub async fn shutdown(self, grace: Duration) -> Drained {
        let Self { spawner, stop, cut } = self;
        let tracker = spawner.tracker;
        drop(stop);
        tracker.close();
        if timeout(grace, tracker.wait()).await.is_ok() {
            return Drained::Clean;
        }
        let n_cut = tracker.len();
        drop(cut);
        tracker.wait().await;
        Drained::Cut { n_cut }
    }
}

/// Starts tasks that belong to a [`Tasks`], and does not keep it alive.
#[derive(Clone, Debug)]
pub struct Spawner {
    tracker: TaskTracker,
    signals: ConnStop,
}

impl Spawner {
    /// Runs `task` until it ends or its owner cuts.
    ///
    /// The handle yields `None` if the task was cut; dropping the handle lets the task run on.
    /// After a cut nothing starts: the task is dropped at once.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tracker.spawn(until(self.signals.cut.clone(), task))
    }

    /// The tokens that tell of the shutdown.
    pub const fn signals(&self) -> &ConnStop {
        &self.signals
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::future::pending;

    use tokio::sync::oneshot;

    use super::*;

    const GRACE: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn tasks_that_heed_the_stop_drain_clean() {
        let tasks = Tasks::new();
        let stop = tasks.signals().stop.clone();
        let ended = tasks.spawn(async move { stop.cancelled().await });
        assert_eq!(tasks.shutdown(GRACE).await, Drained::Clean);
        assert_eq!(ended.await.unwrap(), Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn tasks_that_do_not_end_are_cut_and_counted() {
        let tasks = Tasks::new();
        let stuck = [tasks.spawn(pending::<()>()), tasks.spawn(pending::<()>())];
        tasks.spawn(async {});
        assert_eq!(tasks.shutdown(GRACE).await, Drained::Cut { n_cut: 2 });
        for handle in stuck {
            assert_eq!(handle.await.unwrap(), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_tasks_cuts_none() {
        let tasks = Tasks::new();
        let (end, ended) = oneshot::channel::<()>();
        let heeds = tasks.signals().stop.clone();
        tasks.spawn(async move { heeds.cancelled().await });
        let left = tasks.spawn(ended);
        assert!(timeout(GRACE, tasks.drained()).await.is_err());
        assert_eq!(tasks.len(), 1);
        drop(end);
        tasks.drained().await;
        assert!(left.await.unwrap().unwrap().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_owner_cuts_its_tasks() {
        let tasks = Tasks::new();
        let stuck = tasks.spawn(pending::<()>());
        drop(tasks);
        assert_eq!(stuck.await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_child_stops_with_its_parent() {
        let parent = Tasks::new();
        let child = Tasks::child_of(parent.signals());
        let stop = child.signals().stop.clone();
        parent.stop();
        stop.cancelled().await;
        assert!(!child.signals().cut.is_cancelled());
        assert_eq!(child.shutdown(GRACE).await, Drained::Clean);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_started_by_a_task_is_waited_for() {
        let tasks = Tasks::new();
        let spawner = tasks.spawner();
        let (tx, rx) = oneshot::channel();
        tasks.spawn(async move {
            spawner.signals().stop.cancelled().await;
            spawner.spawn(async move { tx.send(()).unwrap() });
        });
        assert_eq!(tasks.shutdown(GRACE).await, Drained::Clean);
        rx.await.unwrap();
    }

    #[test]
    fn results_add_up() {
        let cut = |n_cut| Drained::Cut { n_cut };
        assert_eq!(Drained::Clean.and(Drained::Clean), Drained::Clean);
        assert_eq!(cut(1).and(Drained::Clean), cut(1));
        assert_eq!(cut(1).and(cut(2)), cut(3));
    }
}
