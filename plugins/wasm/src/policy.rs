//! One policy that runs: a component with one configuration, and its instances.

mod report;

use std::{
    pin::pin,
    sync::{Arc, OnceLock, atomic::AtomicUsize},
    time::{Duration, Instant},
};

use adit_chain::{BoxError, Needs};
use adit_policy_rules::limits::{HANDLES, RECYCLE_SPREAD_PERCENT};
use tracing::warn;
use wasmtime::Store;

use crate::{
    breaker::{Admit, Breaker},
    engine::Machine,
    fault::{Fault, FaultKind},
    hook::{Hook, HookInterface},
    host::{Current, Phase, Shared, State},
    instance::{Bounds, Broken, Instance, arm, run},
    lab::{Call, Observer},
    limits::{Limiter, Limits},
    linked::Linked,
    plugin::Instances,
    pool::{Entry, Place, Pool},
    ticker::Sweep,
    time::{self, Slice},
};

pub(crate) use self::report::Report;

/// One policy that runs.
pub(crate) struct Policy {
    pub(crate) linked: Arc<Linked>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) limits: Limits,
    config: String,
    instances: Instances,
    pool: Pool<Box<Instance>>,
    /// One for each hook: a hook that works does not speak for one that does not.
    breakers: [Breaker; Hook::ALL.len()],
    report: Report,
    /// Who watches, in the lab.
    observer: OnceLock<Observer>,
    /// Instances of all policies.
    everywhere: Arc<AtomicUsize>,
}

/// `configure` did not work.
#[derive(Debug)]
pub(crate) enum ConfigureError {
    /// The policy says why.
    Refused(String),
    /// It broke.
    Fault(Fault),
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy").field("name", &self.shared.name()).finish_non_exhaustive()
    }
}

impl Policy {
    pub(crate) fn new(
        linked: Arc<Linked>,
        shared: Arc<Shared>,
        limits: Limits,
        config: String,
        instances: Instances,
        everywhere: Arc<AtomicUsize>,
    ) -> Self {
        let pool = Pool::new(limits.max_instances, limits.idle, Arc::clone(&everywhere));
        let breakers = std::array::from_fn(|_| Breaker::default());
        let report = Report::default();
        let observer = OnceLock::new();
        Self {
            linked,
            shared,
            limits,
            config,
            instances,
            pool,
            breakers,
            report,
            observer,
            everywhere,
        }
    }

    /// The same policy with instances of its own.
    pub(crate) fn alike(&self, instances: Instances) -> Self {
        let (linked, shared) = (Arc::clone(&self.linked), Arc::clone(&self.shared));
        let (limits, config) = (self.limits.clone(), self.config.clone());
        Self::new(linked, shared, limits, config, instances, Arc::clone(&self.everywhere))
    }

    /// From now on calls and faults are remembered for [`observed`](Self::observed).
    pub(crate) fn observe(&self) {
        self.observer.get_or_init(Observer::default);
    }

    /// Calls and faults since the last look.
    pub(crate) fn observed(&self) -> (Vec<Call>, Vec<Fault>) {
        self.observer.get().map(Observer::take).unwrap_or_default()
    }

    /// Who watches, in the lab.
    pub(crate) fn observer(&self) -> Option<&Observer> {
        self.observer.get()
    }

    pub(crate) fn machine(&self) -> &Machine {
        &self.linked.machine
    }

    pub(crate) const fn pool(&self) -> &Pool<Box<Instance>> {
        &self.pool
    }

    /// What a chain must show it.
    pub(crate) fn needs(&self) -> Needs {
        let hooks = HookInterface::ALL.into_iter().filter(|hook| self.has(*hook));
        hooks.fold(Needs::empty(), |needs, hook| needs | hook.needs())
    }

    pub(crate) fn has(&self, hook: HookInterface) -> bool {
        self.linked.indices.has(hook)
    }

    /// An instance for a phase, and leave to call it: an idle one, a new one, or one that somebody
    /// gives back in time.
    ///
    /// # Errors
    /// The fault; it is counted and logged already.
    pub(crate) async fn check_out(&self, hook: Hook) -> Result<Box<Instance>, Fault> {
        if self.breakers[hook.index()].admit() == Admit::Skip {
            let message = "left alone for a while, after nothing but faults";
            // Not counted: it was not called.
            return Err(Fault::new(FaultKind::Trap, hook, message));
        }
        let entered = match self.instances {
            Instances::Reuse => self.pool.enter(self.limits.queue_wait).await,
            Instances::Fresh => self.pool.enter_fresh(self.limits.queue_wait).await,
        };
        let result = match entered {
            Some(Entry::Idle(instance)) => return Ok(instance),
            // A box, so that those who find one do not carry what this takes.
            Some(Entry::Room(place)) => Box::pin(self.grow(place, hook)).await,
            None => Err(Fault::overloaded(hook, &self.limits)),
        };
        result.inspect_err(|fault| self.failed(fault))
    }

    /// Gives an instance back after a phase.
    pub(crate) fn check_in(&self, mut instance: Box<Instance>) {
        let now = instance.ended;
        instance.phases_left = instance.phases_left.saturating_sub(1);
        let is_spent = instance.phases_left == 0
            || self.instances == Instances::Fresh
            || instance.store.data().limiter.memory > self.limits.memory / 2;
        if !is_spent {
            self.pool.give(instance, now);
        }
    }

    /// Counts a call that was answered.
    fn answered(&self, hook: Hook, took: Duration) {
        self.shared.metrics().call(hook, took);
        if let Some(observer) = self.observer.get() {
            observer.call(hook, took);
        }
    }

    /// Counts and logs a fault.
    pub(crate) fn failed(&self, fault: &Fault) {
        self.shared.metrics().fault(fault.kind);
        if fault.kind != FaultKind::Overloaded {
            self.breakers[fault.hook.index()].failed();
        }
        if let Some(observer) = self.observer.get() {
            observer.fault(fault);
        }
        self.report.fault(self.shared.name(), fault, |text| {
            self.shared.services().redact(text).into_owned()
        });
    }

    /// Calls an instance that is armed, and says why it broke if it did.
    pub(crate) fn settle<R>(
        &self,
        instance: &mut Instance,
        bounds: Bounds,
        began: Instant,
        result: Result<R, Broken>,
    ) -> Result<R, Fault> {
        match result {
            Ok(answer) => {
                instance.ended = Instant::now();
                self.answered(bounds.hook, instance.ended.duration_since(began));
                Ok(answer)
            }
            Err(broken) => {
                let fault = instance.explain(broken, bounds, &self.limits);
                self.failed(&fault);
                Err(fault)
            }
        }
    }

    /// Whether it is left alone, after nothing but faults.
    pub(crate) fn is_left_alone(&self) -> bool {
        self.breakers.iter().any(Breaker::is_open)
    }

    /// Takes note of an answer that was looked at: one that makes sense is a success, one that does
    /// not is counted as a fault.
    pub(crate) fn checked<T>(&self, hook: Hook, checked: Result<T, Fault>) -> Result<T, Fault> {
        match &checked {
            Ok(_) => self.breakers[hook.index()].succeeded(),
            Err(fault) => self.failed(fault),
        }
        checked
    }

    /// A new instance under load. `configure` said yes when the policy was loaded: now a no is a
    /// fault.
    async fn grow(&self, place: Place, hook: Hook) -> Result<Box<Instance>, Fault> {
        self.create(place).await.map_err(|error| match error {
            ConfigureError::Refused(text) => {
                let message = format!("configure failed on a later instance: {text}");
                Fault::new(FaultKind::Config, hook, message)
            }
            ConfigureError::Fault(fault) => fault,
        })
    }

    /// A new instance, configured.
    pub(crate) async fn create(&self, place: Place) -> Result<Box<Instance>, ConfigureError> {
        let linked = &*self.linked;
        let mut store = Store::new(&linked.machine.engine, self.state());
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(self.limits.host_call);
        store.set_max_component_handles(HANDLES);
        time::interrupt(&mut store);
        let limits = &self.limits;
        let bounds = Bounds { cpu: limits.configure_cpu, ..Bounds::head(Hook::Configure, limits) };
        arm(&mut store, Current::default(), bounds, None);
        let result = {
            let made = pin!(async {
                let instance = linked.pre.instantiate_async(&mut store).await?;
                let guests = linked.indices.bind(&mut store, &instance)?;
                let answer = guests.setup.call_configure(&mut store, &self.config).await?;
                Ok((guests, answer))
            });
            run(&linked.machine, None, made).await
        };
        match result {
            Ok((guests, Ok(()))) => {
                let phases_left = lifetime(limits.recycle_after);
                let ended = Instant::now();
                Ok(Box::new(Instance { store, guests, phases_left, ended, _place: place }))
            }
            Ok((_, Err(text))) => Err(ConfigureError::Refused(text)),
            Err(Broken::Error(error)) => {
                let fault = Fault::of(&error, store.data_mut(), Hook::Configure, limits);
                Err(ConfigureError::Fault(fault))
            }
            Err(Broken::TooSlow) => unreachable!("configure has no deadline"),
        }
    }

    fn state(&self) -> State {
        State {
            policy: Arc::clone(&self.shared),
            current: Current::default(),
            phase: Phase::new(Hook::Configure, None),
            limiter: Limiter::new(&self.limits),
            panic: None,
            slice: Slice::default(),
        }
    }
}

impl Sweep for Policy {
    fn sweep(&self) {
        self.pool.sweep(Instant::now());
    }
}

/// Phases of one instance: spread, so that they do not all end at once.
fn lifetime(phases: u32) -> u32 {
    let spread = u32::try_from(u64::from(phases) * u64::from(RECYCLE_SPREAD_PERCENT) / 100);
    let Some(spread) = spread.ok().filter(|spread| *spread > 0) else { return phases };
    let mut random = [0; 4];
    if let Err(error) = getrandom::fill(&mut random) {
        warn!(%error, "no randomness for the lifetime of an instance");
    }
    phases - spread + u32::from_le_bytes(random) % (2 * spread + 1)
}

/// What a chain is told of a fault: a refusal, which is used where the link's `on_error` is `deny`.
pub(crate) fn to_error(fault: &Fault) -> BoxError {
    Box::new(fault.to_refusal())
}
