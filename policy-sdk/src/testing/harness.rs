//! The policy and its world.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;

use super::double::Connection;
use super::message::Client;
use super::world::{self, World};
use super::{Answer, Exchange, Fault, LogRecord, Message, Metric, Sent, Setup, Stream, run};
use crate::hooks::{Hook, Hooks};

/// A configured policy in a world that the test controls. See the [module](super).
pub struct Harness<P> {
    policy: P,
    config: String,
    world: Rc<RefCell<World>>,
    is_fresh: bool,
    next_id: u64,
    payload: Option<Box<dyn Any + Send>>,
}

impl<P: Hooks> Harness<P> {
    /// Configures the policy, with nothing special around it.
    ///
    /// # Errors
    ///
    /// The text that the operator would see.
    pub fn new(config: impl Serialize) -> Result<Self, String> {
        Self::setup().start(config)
    }

    /// To say first what the policy finds around it.
    pub fn setup() -> Setup<P> {
        Setup::new()
    }

    pub(super) fn start(world: World, is_fresh: bool, config: String) -> Result<Self, String> {
        let world = Rc::new(RefCell::new(world));
        let policy = configure::<P>(&world, &config)?;
        Ok(Self { policy, config, world, is_fresh, next_id: 1, payload: None })
    }

    /// Runs one exchange, from the request's head to its end: every hook that the policy has.
    ///
    /// # Panics
    ///
    /// If the policy panics, or answers what makes no sense.
    #[track_caller]
    pub fn request(&mut self, request: Message) -> Exchange {
        match self.try_request(request) {
            Ok(exchange) => exchange,
            Err(fault) => self.fail(&fault),
        }
    }

    /// Runs one exchange. After a panic, the policy is configured anew, as in production.
    ///
    /// # Errors
    ///
    /// What went wrong.
    pub fn try_request(&mut self, request: Message) -> Result<Exchange, Fault> {
        let before = self.world.borrow().log.records.len();
        let mut exchange = run::exchange(self, request)?;
        exchange.logs = self.world.borrow().log.records[before..].to_vec();
        Ok(exchange)
    }

    /// Opens a raw connection: `on_connection` decides.
    ///
    /// # Panics
    ///
    /// If the policy panics.
    #[track_caller]
    pub fn connect(&mut self, client: Client) -> Stream<'_, P> {
        match self.try_connect(client) {
            Ok(stream) => stream,
            Err(fault) => panic!("{fault}"),
        }
    }

    /// Opens a raw connection. After a panic, the policy is configured anew, as in production.
    ///
    /// # Errors
    ///
    /// What went wrong.
    pub fn try_connect(&mut self, client: Client) -> Result<Stream<'_, P>, Fault> {
        Stream::open(self, client)
    }

    /// Moves both clocks.
    pub fn advance(&mut self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let mut world = self.world.borrow_mut();
        world.now_ns = world.now_ns.saturating_add(ns);
        world.monotonic_ns = world.monotonic_ns.saturating_add(ns);
    }

    /// One more answer of an upstream, after those it has.
    pub fn outbound(&mut self, upstream: &str, answer: Answer) {
        let mut world = self.world.borrow_mut();
        let script = world.outbound.scripts.entry(upstream.to_owned()).or_default();
        script.push_back(Some(answer));
    }

    /// Calls the policy made to upstreams, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.world.borrow().outbound.sent.clone()
    }

    /// What the policy logged, in order.
    pub fn logs(&self) -> Vec<LogRecord> {
        self.world.borrow().log.records.clone()
    }

    /// Value of a metric: a counter's total, a gauge's last value, the sum of a histogram.
    pub fn metric(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut labels: Vec<_> = labels.iter().map(pair).collect();
        labels.sort();
        self.world.borrow().metrics.0.get(&(name.to_owned(), labels)).copied()
    }

    /// Every metric.
    pub fn metrics(&self) -> Vec<Metric> {
        let world = self.world.borrow();
        let values = world.metrics.0.iter();
        let metric = |((name, labels), value): (&(String, Vec<_>), &f64)| Metric {
            name: name.clone(),
            labels: labels.clone(),
            value: *value,
        };
        values.map(metric).collect()
    }

    /// Runs any code of the policy with this world around it, such as a function that asks the
    /// clock.
    pub fn within<T>(&mut self, call: impl FnOnce(&mut P) -> T) -> T {
        let Self { policy, world, .. } = self;
        world.borrow_mut().begin(false);
        world::within(world, || call(policy))
    }

    /// Calls a hook; a panic becomes a fault and costs the instance.
    pub(super) fn call<T>(
        &mut self,
        hook: Hook,
        call: impl FnOnce(&mut P) -> T,
    ) -> Result<T, Fault> {
        if self.is_fresh {
            self.reconfigure();
        }
        let result = catch_unwind(AssertUnwindSafe(|| self.within(call)));
        result.map_err(|payload| {
            self.reconfigure();
            let message = text(&*payload);
            self.payload = Some(payload);
            Fault::Trap { hook, message }
        })
    }

    /// Ends the test the way the policy did.
    #[track_caller]
    pub(super) fn fail(&mut self, fault: &Fault) -> ! {
        match (fault, self.payload.take()) {
            (Fault::Trap { .. }, Some(payload)) => resume_unwind(payload),
            _ => panic!("{fault}"),
        }
    }

    pub(super) fn has(&self, hook: Hook) -> bool {
        P::HOOKS.contains(&hook)
    }

    pub(super) fn world(&self) -> &Rc<RefCell<World>> {
        &self.world
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    pub(super) fn connection(&mut self, client: Client) -> Connection {
        let Client { address, endpoint, url, protocol, server_name, attributes, vars } = client;
        let opened_at = self.world.borrow().now_ns;
        let vars: BTreeMap<_, _> = vars;
        Connection {
            id: self.next_id(),
            endpoint,
            url,
            protocol,
            client: address,
            server_name,
            opened_at,
            attributes,
            vars: Rc::new(RefCell::new(vars)),
            kept: RefCell::new(None),
        }
    }

    fn reconfigure(&mut self) {
        self.policy = configure(&self.world, &self.config)
            .expect("a configuration that was accepted once is accepted again");
    }
}

fn configure<P: Hooks>(world: &Rc<RefCell<World>>, config: &str) -> Result<P, String> {
    world.borrow_mut().begin(true);
    world::within(world, || P::configure(config))
}

fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("panicked").to_owned()
}
