//! What all policies of a process share, and what stays when the configuration is read again.

use std::sync::Arc;

use parking_lot::RwLock;

use super::{
    Clock, LogCapture, Metrics, Outbound, kv, outbound::Nowhere, random::Random, rate,
    secrets::Redactor,
};

/// What all policies of a process share: buckets, metrics, and the ways out. Lives as long as the
/// process, so that reading the configuration again forgets nothing.
#[derive(Debug)]
pub struct Services {
    kv: kv::Stores,
    rate: rate::Stores,
    metrics: Metrics,
    redactor: RwLock<Arc<Redactor>>,
    outbound: Arc<dyn Outbound>,
    clock: Clock,
    random: Random,
    capture: Option<LogCapture>,
    version: &'static str,
}

/// Chooses what [`Services`] are made of. Everything has a default that fits a running agent,
/// except the way to other services, which leads nowhere.
#[derive(Debug, Default)]
pub struct ServicesBuilder {
    outbound: Option<Arc<dyn Outbound>>,
    clock: Clock,
    random: Random,
    capture: Option<LogCapture>,
    version: Option<&'static str>,
}

impl ServicesBuilder {
    /// How other services are called.
    #[must_use]
    pub fn outbound(mut self, outbound: Arc<dyn Outbound>) -> Self {
        self.outbound = Some(outbound);
        self
    }

    /// What time it is.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Replaces the operating system's randomness by a sequence that is the same each time.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.random = Random::seeded(seed);
        self
    }

    /// Keeps what policies log for a test, at every level.
    #[must_use]
    pub fn capture(mut self, capture: LogCapture) -> Self {
        self.capture = Some(capture);
        self
    }

    /// The program's version, as policies are told.
    #[must_use]
    pub const fn version(mut self, version: &'static str) -> Self {
        self.version = Some(version);
        self
    }

    /// The services.
    pub fn build(self) -> Arc<Services> {
        Arc::new(Services {
            kv: kv::Stores::default(),
            rate: rate::Stores::default(),
            metrics: Metrics::default(),
            redactor: RwLock::default(),
            outbound: self.outbound.unwrap_or_else(|| Arc::new(Nowhere)),
            clock: self.clock,
            random: self.random,
            capture: self.capture,
            version: self.version.unwrap_or(env!("CARGO_PKG_VERSION")),
        })
    }
}

impl Services {
    /// Chooses what they are made of.
    pub fn builder() -> ServicesBuilder {
        ServicesBuilder::default()
    }

    /// What policies counted, and what the agent counted about them.
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Blanks every configured secret that stands in a text.
    pub fn redact<'a>(&self, text: &'a str) -> std::borrow::Cow<'a, str> {
        let redactor = Arc::clone(&self.redactor.read());
        redactor.redact(text)
    }

    /// What time it is for policies.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) const fn random(&self) -> &Random {
        &self.random
    }

    pub(super) const fn kv(&self) -> &kv::Stores {
        &self.kv
    }

    pub(super) const fn rate(&self) -> &rate::Stores {
        &self.rate
    }

    pub(super) const fn outbound(&self) -> &Arc<dyn Outbound> {
        &self.outbound
    }

    pub(super) const fn capture(&self) -> Option<&LogCapture> {
        self.capture.as_ref()
    }

    pub(super) const fn version(&self) -> &'static str {
        self.version
    }

    /// From now on these values are blanked in texts.
    pub(super) fn hide<'a>(&self, secrets: impl Iterator<Item = &'a [u8]>) {
        let mut secrets = secrets.peekable();
        if secrets.peek().is_some() {
            let mut redactor = self.redactor.write();
            *redactor = Arc::new(redactor.with(secrets));
        }
    }
}
