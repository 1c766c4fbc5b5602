//! Documents of providers, kept for a while.
//!
//! ```text
//! fresh ─────────────────────────────▶ answered at once
//! older, or not there ─ asked a moment ago? ─ yes ▶ what is there, or that failure
//!                                           └ no ─▶ asked, by one visitor for all
//! asking failed ─ what is there is not too old? ─▶ answered with that
//! ```

use std::{
    collections::HashMap,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use parking_lot::Mutex;

use super::{
    ask::AskError,
    clock::{Clock, since},
};

/// Documents that are kept.
///
/// Reason: their addresses may be made of what a request says, so strangers may choose many.
const MAX_DOCUMENTS: usize = 512;

/// How long a document is answered when it can no longer be had.
///
/// Reason: a provider that is down for a while must not lock its users out; keys that it took back
/// must not serve for long.
const STALE: Duration = Duration::from_secs(60 * 60);

/// Time between two questions for one document, as long as the first was answered.
///
/// Reason: tokens with made-up key names must not make us ask for every one of them; new keys are
/// published well before they are used.
const RENEW_EVERY: Duration = Duration::from_secs(30);

/// Time until the next question after one that failed.
///
/// Reason: short, so that visitors notice little of a provider's restart.
const RETRY_AFTER: Duration = Duration::from_secs(3);

/// Documents by their address.
pub(crate) struct Cache<T> {
    fresh: Duration,
    entries: Mutex<HashMap<String, Arc<Entry<T>>>>,
}

struct Entry<T> {
    state: Mutex<State<T>>,
    /// Held by whoever asks.
    turn: tokio::sync::Mutex<()>,
}

struct State<T> {
    value: Option<(Arc<T>, SystemTime)>,
    failure: Option<AskError>,
    asked: Option<SystemTime>,
    used: SystemTime,
}

impl<T> Cache<T> {
    /// A cache whose documents are fresh for so long.
    pub(crate) fn new(fresh: Duration) -> Self {
        Self { fresh, entries: Mutex::default() }
    }

    /// The document at an address; `load` gets it if need be.
    pub(crate) async fn get<F>(
        &self,
        clock: &Clock,
        url: &str,
        load: impl FnOnce() -> F + Send,
    ) -> Result<Arc<T>, AskError>
    where
        F: Future<Output = Result<T, AskError>> + Send,
    {
        let entry = self.entry(url, clock.now());
        if let Some(value) = entry.fresh(self.fresh, clock.now()) {
            return Ok(value);
        }
        let _turn = entry.turn.lock().await;
        let now = clock.now();
        if let Some(value) = entry.fresh(self.fresh, now) {
            return Ok(value);
        }
        match entry.rested(now, RETRY_AFTER) {
            true => entry.renew(clock, load).await,
            false => entry.settled(now),
        }
    }

    /// The document after another question for it, because what is there lacks something. The same
    /// document if it was asked for a moment ago.
    pub(crate) async fn renewed<F>(
        &self,
        clock: &Clock,
        url: &str,
        load: impl FnOnce() -> F + Send,
    ) -> Result<Arc<T>, AskError>
    where
        F: Future<Output = Result<T, AskError>> + Send,
    {
        let entry = self.entry(url, clock.now());
        let _turn = entry.turn.lock().await;
        let now = clock.now();
        match entry.rested(now, RENEW_EVERY) {
            true => entry.renew(clock, load).await,
            false => entry.settled(now),
        }
    }

    fn entry(&self, url: &str, now: SystemTime) -> Arc<Entry<T>> {
        let mut entries = self.entries.lock();
        if let Some(entry) = entries.get(url) {
            entry.state.lock().used = now;
            return Arc::clone(entry);
        }
        if entries.len() >= MAX_DOCUMENTS {
            let used = |entry: &Arc<Entry<T>>| entry.state.lock().used;
            let oldest = entries.iter().min_by_key(|(_, entry)| used(entry));
            if let Some(oldest) = oldest.map(|(url, _)| url.clone()) {
                entries.remove(&oldest);
            }
        }
        let state = State { value: None, failure: None, asked: None, used: now };
        let entry =
            Arc::new(Entry { state: Mutex::new(state), turn: tokio::sync::Mutex::default() });
        entries.insert(url.to_owned(), Arc::clone(&entry));
        entry
    }
}

impl<T> Entry<T> {
    fn fresh(&self, fresh: Duration, now: SystemTime) -> Option<Arc<T>> {
        let state = self.state.lock();
        let (value, at) = state.value.as_ref()?;
        (since(*at, now) < fresh).then(|| Arc::clone(value))
    }

    /// Whether the last question is long enough ago.
    fn rested(&self, now: SystemTime, rest: Duration) -> bool {
        self.state.lock().asked.is_none_or(|asked| since(asked, now) >= rest)
    }

    /// What is there, or why nothing is.
    fn settled(&self, now: SystemTime) -> Result<Arc<T>, AskError> {
        let state = self.state.lock();
        if let Some((value, at)) = &state.value
            && since(*at, now) < STALE
        {
            return Ok(Arc::clone(value));
        }
        Err(state.failure.clone().unwrap_or_else(|| AskError::Down("not asked yet".to_owned())))
    }

    async fn renew<F>(
        &self,
        clock: &Clock,
        load: impl FnOnce() -> F + Send,
    ) -> Result<Arc<T>, AskError>
    where
        F: Future<Output = Result<T, AskError>> + Send,
    {
        let loaded = load().await;
        let now = clock.now();
        {
            let mut state = self.state.lock();
            state.asked = Some(now);
            match loaded {
                Ok(value) => {
                    state.value = Some((Arc::new(value), now));
                    state.failure = None;
                }
                Err(error) => state.failure = Some(error),
            }
        }
        self.settled(now)
    }
}

impl<T> fmt::Debug for Cache<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("n_documents", &self.entries.lock().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    const FRESH: Duration = Duration::from_secs(900);

    struct Source {
        asked: AtomicUsize,
        is_down: bool,
    }

    impl Source {
        fn new() -> Self {
            Self { asked: AtomicUsize::new(0), is_down: false }
        }

        async fn load(&self) -> Result<usize, AskError> {
            let n = self.asked.fetch_add(1, Relaxed) + 1;
            tokio::task::yield_now().await;
            if self.is_down { Err(AskError::Down("gone".to_owned())) } else { Ok(n) }
        }
    }

    #[tokio::test]
    async fn a_document_is_asked_for_once_while_it_is_fresh() {
        let (cache, clock, source) = (Cache::new(FRESH), Clock::default(), Source::new());
        let get = || cache.get(&clock, "a", || source.load());
        let both = tokio::join!(get(), get());
        assert_eq!((*both.0.unwrap(), *both.1.unwrap()), (1, 1));
        clock.advance(FRESH);
        assert_eq!(*get().await.unwrap(), 2);
    }

    #[tokio::test]
    async fn what_lacks_something_is_renewed_once_in_a_while() {
        let (cache, clock, source) = (Cache::new(FRESH), Clock::default(), Source::new());
        assert_eq!(*cache.get(&clock, "a", || source.load()).await.unwrap(), 1);
        for _ in 0..5 {
            assert_eq!(*cache.renewed(&clock, "a", || source.load()).await.unwrap(), 1);
        }
        clock.advance(RENEW_EVERY);
        for _ in 0..5 {
            assert_eq!(*cache.renewed(&clock, "a", || source.load()).await.unwrap(), 2);
        }
    }

    #[tokio::test]
    async fn an_old_document_serves_while_its_source_is_down_but_not_for_ever() {
        let (cache, clock, mut source) = (Cache::new(FRESH), Clock::default(), Source::new());
        assert_eq!(*cache.get(&clock, "a", || source.load()).await.unwrap(), 1);
        source.is_down = true;
        clock.advance(FRESH);
        assert_eq!(*cache.get(&clock, "a", || source.load()).await.unwrap(), 1);
        clock.advance(STALE);
        let error = cache.get(&clock, "a", || source.load()).await.unwrap_err();
        assert_eq!(error, AskError::Down("gone".to_owned()));
    }

    #[tokio::test]
    async fn a_failure_is_remembered_for_a_moment_only() {
        let (cache, clock, mut source) = (Cache::new(FRESH), Clock::default(), Source::new());
        source.is_down = true;
        for _ in 0..5 {
            cache.get(&clock, "a", || source.load()).await.unwrap_err();
        }
        assert_eq!(source.asked.load(Relaxed), 1);
        source.is_down = false;
        clock.advance(RETRY_AFTER);
        assert_eq!(*cache.get(&clock, "a", || source.load()).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn strangers_cannot_make_it_grow() {
        let (cache, clock, source) = (Cache::new(FRESH), Clock::default(), Source::new());
        for n in 0..MAX_DOCUMENTS + 10 {
            cache.get(&clock, &n.to_string(), || source.load()).await.unwrap();
        }
        assert_eq!(cache.entries.lock().len(), MAX_DOCUMENTS);
    }
}
