//! A policy broke: how, and what its operator is told.

use std::fmt;

use adit_chain::Refusal;
use http::StatusCode;
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};

use crate::{
    hook::Hook,
    host::State,
    limits::{Limits, size_text, time_text},
    time::CpuExceeded,
};

/// How a policy broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FaultKind {
    /// A verdict that makes no sense.
    Answer,
    /// `configure` failed on a later instance.
    Config,
    /// The CPU budget was used up.
    Cpu,
    /// More memory was wanted than there may be.
    Memory,
    /// No instance in time.
    Overloaded,
    /// The wall-clock budget was used up.
    Timeout,
    /// A panic, a stack overflow, an access out of bounds.
    Trap,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Answer,
        Self::Config,
        Self::Cpu,
        Self::Memory,
        Self::Overloaded,
        Self::Timeout,
        Self::Trap,
    ];

    /// The name in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Config => "config",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Overloaded => "overloaded",
            Self::Timeout => "timeout",
            Self::Trap => "trap",
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// One fault of a policy. It is never a verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{hook}: {message}")]
pub struct Fault {
    /// How it broke.
    pub kind: FaultKind,
    /// In which call.
    pub hook: Hook,
    /// What happened and, where there is something to do, what.
    pub message: String,
    /// Functions that were running, innermost first.
    pub backtrace: Option<String>,
}

impl Fault {
    pub(crate) fn new(kind: FaultKind, hook: Hook, message: impl Into<String>) -> Self {
        Self { kind, hook, message: message.into(), backtrace: None }
    }

    pub(crate) fn answer(hook: Hook, rule: impl fmt::Display) -> Self {
        Self::new(FaultKind::Answer, hook, rule.to_string())
    }

    pub(crate) fn overloaded(hook: Hook, limits: &Limits) -> Self {
        let (most, wait) = (limits.max_instances, time_text(limits.queue_wait));
        let message = format!(
            "all {most} instances were busy for {wait}; raise `limits.max_instances` or \
             `limits.queue_wait`"
        );
        Self::new(FaultKind::Overloaded, hook, message)
    }

    /// Finds out why a call ended without an answer.
    pub(crate) fn of(
        error: &wasmtime::Error,
        state: &mut State,
        hook: Hook,
        limits: &Limits,
    ) -> Self {
        let backtrace = error.downcast_ref::<WasmBacktrace>().map(ToString::to_string);
        let (kind, message) = explain(error, state, limits);
        Self { kind, hook, message, backtrace }
    }

    /// What the visitor is told where the link's `on_error` is `deny`.
    pub(crate) fn to_refusal(&self) -> Refusal {
        let mut refusal = Refusal::handler_failed();
        if self.kind == FaultKind::Overloaded {
            refusal.status = StatusCode::SERVICE_UNAVAILABLE;
        }
        refusal
    }
}

fn explain(error: &wasmtime::Error, state: &mut State, limits: &Limits) -> (FaultKind, String) {
    let panic = state.panic.take();
    if let Some(CpuExceeded { budget }) = error.downcast_ref() {
        let limit = match state.phase.hook {
            Hook::Configure => "; the limit is `limits.configure_cpu`",
            _ if *budget == limits.cpu => "; the limit is `limits.cpu`",
            _ => "", // of a call that tells of an end
        };
        let budget = time_text(*budget);
        return (FaultKind::Cpu, format!("used more than {budget} of CPU time{limit}"));
    }
    if error.is::<PoolConcurrencyLimitError>() {
        let message = "the pool of all policies' instances is used up".to_owned();
        return (FaultKind::Overloaded, message);
    }
    if let Some((text, place)) = panic {
        return (FaultKind::Trap, format!("panicked at {place}: {text}"));
    }
    if let Some(wanted) = state.limiter.refused.take() {
        let (wanted, most) = (size_text(wanted), size_text(limits.memory));
        let message = format!("needs more than {most} ({wanted}); raise `limits.memory`");
        return (FaultKind::Memory, message);
    }
    let text = match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "the stack overflowed (recursion without end?)".to_owned(),
        // A guest keeps large locals in a stack of its own, at the low end of its memory.
        Some(Trap::MemoryOutOfBounds) => {
            "access out of bounds of its memory (in Rust: its stack overflowed)".to_owned()
        }
        Some(Trap::UnreachableCodeReached) => {
            "reached `unreachable` (a panic without the SDK's hook, or no memory left)".to_owned()
        }
        Some(trap) => trap.to_string(),
        None => root(error),
    };
    (FaultKind::Trap, text)
}

/// The error's last cause: what comes before it says only that there was a call.
fn root(error: &wasmtime::Error) -> String {
    let mut text = error.root_cause().to_string();
    if text.contains("fuel allocated for hostcalls has been exhausted") {
        text.push_str("; raise `limits.host_call`");
    }
    text
}
