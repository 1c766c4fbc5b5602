//! Makes handlers of one plugin, each with its own configuration.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Instant,
};

use adit_chain::{BoxHandler, BuildCx, BuildError, Factory, OnError, Side};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tracing::warn;

use crate::{
    fault::FaultKind,
    handler::PolicyHandler,
    host::Shared,
    linked::Linked,
    load::{Inner, Key},
    plugin::{Instances, PluginSpec},
    policy::{ConfigureError, Policy},
};

/// Makes handlers of one plugin.
#[derive(Debug)]
pub(crate) struct PluginFactory {
    host: Arc<Inner>,
    spec: PluginSpec,
    linked: Arc<Linked>,
}

impl PluginFactory {
    pub(crate) const fn new(host: Arc<Inner>, spec: PluginSpec, linked: Arc<Linked>) -> Self {
        Self { host, spec, linked }
    }

    /// The component's file.
    pub(crate) fn wasm(&self) -> &std::path::Path {
        &self.spec.wasm
    }

    /// The policy with this configuration: the one that runs already, or a new one.
    pub(crate) fn policy(&self, options: &Value) -> Result<Arc<Policy>, BuildError> {
        let config = match options {
            Value::Null => "{}".to_owned(),
            options => options.to_string(),
        };
        let key = self.key(&config);
        if let Some(policy) = self.host.running(&key) {
            return Ok(policy);
        }
        let PluginSpec { name, grants, limits, instances, .. } = &self.spec;
        let services = Arc::clone(&self.host.options.services);
        let shared = Shared::new(Arc::clone(name), Arc::new(grants.clone()), services);
        let linked = Arc::clone(&self.linked);
        let everywhere = Arc::clone(&self.host.instances);
        let policy =
            Policy::new(linked, Arc::new(shared), limits.clone(), config, *instances, everywhere);
        self.warm(&policy)?;
        Ok(self.host.remember(key, Arc::new(policy)))
    }

    /// Makes the first instances, which shows whether the configuration is right.
    fn warm(&self, policy: &Policy) -> Result<(), BuildError> {
        let n = match self.spec.instances {
            Instances::Reuse => self.host.options.warm.max(1),
            Instances::Fresh => 1,
        };
        for n in 0..n {
            let Some(place) = policy.pool().room() else { break };
            match block_on(policy.create(place)) {
                Ok(_) if self.spec.instances == Instances::Fresh => {}
                Ok(instance) => policy.pool().put(n, instance, Instant::now()),
                Err(ConfigureError::Refused(text)) => return Err(BuildError::new(text)),
                // One is enough to begin with, where others hold all the room there is.
                Err(ConfigureError::Fault(fault))
                    if n > 0 && fault.kind == FaultKind::Overloaded =>
                {
                    break;
                }
                Err(ConfigureError::Fault(fault)) => {
                    return Err(BuildError::new(fault.to_string()));
                }
            }
        }
        Ok(())
    }

    fn key(&self, config: &str) -> Key {
        let spec = &self.spec;
        let mut hash = Sha256::new();
        hash.update(self.linked.inspection.digest);
        hash.update(spec.grants.digest());
        hash.update((Arc::as_ptr(&self.linked) as usize).to_le_bytes());
        for text in [&*spec.name, config, &format!("{:?}", spec.limits)] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        hash.update([u8::from(spec.instances == Instances::Fresh)]);
        Key(hash.finalize().into())
    }
}

impl Factory for PluginFactory {
    fn kind(&self) -> &str {
        &self.spec.name
    }

    fn build(&self, options: &Value, cx: &BuildCx) -> Result<BoxHandler, BuildError> {
        if cx.side == Side::Edge {
            return Err(BuildError::new("policies run at the agent, not at the edge"));
        }
        let sets_identity = self.linked.inspection.calls("http", "request.set-identity");
        if sets_identity && cx.on_error == OnError::Pass {
            warn!(
                policy = %self.spec.name,
                "tells who visitors are, and lets everybody through when it breaks (on_error: pass)"
            );
        }
        let (policy, protocol) = (self.policy(options)?, cx.endpoint.protocol);
        Ok(BoxHandler::new(PolicyHandler::new(policy, cx.on_error, protocol)))
    }
}

/// Runs a future of a guest to its end, on a thread of its own: who builds chains may be on a
/// runtime's thread, where a guest's yields would wait for that very thread.
fn block_on<T: Send>(future: impl Future<Output = T> + Send) -> T {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let run = || {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let (mut future, mut cx) = (pin!(future), Context::from_waker(&waker));
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
            thread::park();
        }
    };
    thread::scope(|scope| match scope.spawn(run).join() {
        Ok(output) => output,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
