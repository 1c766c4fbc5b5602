//! One policy on a stage: the real host around it, and nothing of the world.
//!
//! Requests, answers of services, time and randomness come from whoever directs. What the policy
//! does is told as a value.

mod message;
mod repeat;
mod seen;
mod took;

use std::{path::PathBuf, sync::Arc, time::Duration};

use adit_chain::{
    BuildCx, Chain, Exchange, Finished, Id, Identity, LinkSpec, OnError, Origin, Outcome, Registry,
    Side, Trace, Unwind, Verdict as Traced,
};
use adit_wasm::{
    CachePolicy, Clock, Hook, Host, HostOptions, LogCapture, LogRecord, ManualClock, Metric,
    Outbound, PluginSpec, Services,
    lab::{Lab, Piece},
};
use anyhow::{Context, Result, anyhow};
use serde_json::json;

use super::{
    given::{Given, Subject},
    request::{Content, Request},
};

use self::{message::whole, took::Timer};
pub(super) use self::{
    message::{conn, raw},
    repeat::Tally,
    seen::{Answered, Message, Seen, USER_METRICS, Verdict, number, request_head},
    took::Took,
};

/// Moment at which a stage's clock starts: 2026-01-01T00:00:00Z.
const EPOCH: Duration = Duration::from_secs(1_767_225_600);
/// Who vouches for an identity that is given.
const SOMEBODY: &str = "given";

/// What is around the policy.
#[derive(Debug, Default)]
pub(super) struct Setting {
    /// Time stands still until it is moved, and randomness is the same each time.
    pub(super) rehearsed: bool,
    /// Answers of other services.
    pub(super) outbound: Option<Arc<dyn Outbound>>,
    /// Each call gets a new instance.
    pub(super) fresh: bool,
    /// Where compiled code is kept.
    pub(super) cache: Option<PathBuf>,
}

/// One policy, ready to be called.
pub(super) struct Stage {
    runtime: tokio::runtime::Runtime,
    chain: Chain,
    host: Host,
    lab: Lab,
    logs: LogCapture,
    clock: Option<Arc<ManualClock>>,
}

impl Stage {
    /// Loads and configures it, as the agent would.
    pub(super) fn new(subject: &Subject, given: &Given, setting: Setting) -> Result<Self> {
        let logs = LogCapture::default();
        let mut services =
            Services::builder().capture(logs.clone()).version(env!("CARGO_PKG_VERSION"));
        let mut clock = None;
        if setting.rehearsed {
            let start = u64::try_from(EPOCH.as_nanos()).unwrap_or(u64::MAX);
            let manual = Arc::new(ManualClock::starting_at(start));
            services = services.clock(Clock::Manual(Arc::clone(&manual))).seed(0);
            clock = Some(manual);
        }
        if let Some(outbound) = setting.outbound {
            services = services.outbound(outbound);
        }
        let cache = setting.cache.map_or(CachePolicy::Off, CachePolicy::Dir);
        let host = Host::new(HostOptions { cache, ..HostOptions::new(services.build()) });
        let spec = spec(subject, given, setting.fresh)?;
        let chain = chain(subject, given, spec.clone(), &host)?;
        // The same policy as the chain's: the lab hears what it answers.
        let lab = Lab::new(&host, spec, &given.config)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, chain, host, lab, logs, clock })
    }

    /// Lets time pass, where it was rehearsed to stand still.
    pub(super) fn advance(&self, by: Duration) {
        if let Some(clock) = &self.clock {
            clock.advance(by);
        }
    }

    /// What it logged since somebody asked last.
    pub(super) fn logs(&self) -> Vec<LogRecord> {
        self.logs.take()
    }

    /// Every metric of it and about it.
    pub(super) fn metrics(&self) -> Vec<Metric> {
        self.host.services().metrics().snapshot()
    }

    /// Octets that an instance takes once it has seen the request. `None` where the system does not
    /// tell.
    pub(super) fn weigh(&self, request: &Request) -> Result<Option<usize>> {
        let conn = conn(request)?;
        let exchange = || Exchange::new(conn.clone(), message::of_request(request));
        let weight = self.runtime.block_on(self.lab.weigh(exchange));
        let weight = weight.map_err(|error| anyhow!("no instance can be made: {error:#}"))?;
        self.logs.take();
        Ok(weight.resident)
    }

    /// Shows it one request, and the service's answer if the request gets there.
    pub(super) fn request(&self, request: &Request) -> Result<Seen> {
        self.logs.take();
        let mut seen = self.runtime.block_on(Box::pin(self.play(request)))?;
        seen.logs = self.logs.take();
        seen.metrics = seen::user_metrics(&self.metrics());
        Ok(seen)
    }

    /// Opens a raw connection and shows it the pieces. Whether it was let in; `None`: it broke.
    pub(super) fn connection(
        &self,
        conn: &Arc<adit_chain::Conn>,
        pieces: Vec<Piece>,
    ) -> (Option<bool>, Seen) {
        self.forget();
        let is_accepted = self.runtime.block_on(Box::pin(self.lab.connect(conn, pieces)));
        let mut seen = Seen::default();
        seen.hear(&self.lab);
        (is_accepted, seen)
    }

    /// What was heard before is of no interest.
    fn forget(&self) {
        self.lab.observed();
        self.lab.heard();
    }

    async fn play(&self, request: &Request) -> Result<Seen> {
        self.forget();
        let mut exchange = Exchange::new(conn(request)?, message::of_request(request));
        exchange.trace = Trace::recording();
        if let Some(subject) = &request.identity {
            let provider = SOMEBODY.into();
            exchange.identity = Some(Identity { provider, subject: subject.clone() });
        }
        for (name, value) in &request.vars {
            exchange.set_var(name, value.as_str())?;
        }
        let before = request_head(&exchange);

        let mut seen = Seen::default();
        let mut unwind = Unwind::default();
        let timer = Timer::start();
        let outcome = self.chain.request(&mut exchange, &mut unwind).await;
        seen.request_time = timer.stop();
        let entry = exchange.trace.entries().last();
        let failed = entry.is_some_and(|entry| entry.verdict == Traced::Failed);
        let after = request_head(&exchange);
        seen.edits = before.edits(&after);
        let mut end = Finished::default();
        match outcome {
            Outcome::Forward => {
                seen.verdict = Verdict::Next;
                match whole(std::mem::take(exchange.request.body_mut())).await {
                    Ok(body) => {
                        let is_same = *body == *request.body.bytes();
                        seen.request_body_now = (!is_same).then_some(body);
                        end.status = self.answer(request, unwind, &mut seen, exchange.id).await?;
                    }
                    // The policy, or its fault, cut it off.
                    Err(_) => seen.is_cut = true,
                }
            }
            Outcome::Respond(response) => {
                let reply = Message::of(response).await?;
                end.status = Some(reply.status);
                seen.verdict = Verdict::Respond(reply);
            }
            Outcome::Reroute { to, link, then } => {
                seen.verdict = Verdict::Reroute(to.0.to_string());
                if let Some(then) = then {
                    self.chain.waits(link, then, &mut unwind);
                }
                end.status = self.answer(request, unwind, &mut seen, exchange.id).await?;
            }
            Outcome::Abort(_) if failed => seen.verdict = Verdict::Fault(String::new()),
            Outcome::Abort(_) => seen.verdict = Verdict::Abort(String::new()),
            Outcome::Detach(..) => return Err(anyhow!("it took the connection over")),
        }
        end.took = timer.stop().wall;
        exchange.take_finishers().tell(end).await;
        seen.hear(&self.lab);
        Ok(seen)
    }

    /// Shows it the service's answer; the status that leaves.
    async fn answer(
        &self,
        request: &Request,
        mut unwind: Unwind,
        seen: &mut Seen,
        id: Id,
    ) -> Result<Option<u16>> {
        let answer = &request.answer;
        if unwind.is_empty() {
            return Ok(Some(answer.status.as_u16()));
        }
        let response = message::of_answer(answer);
        let before = seen::response_head(response.status(), response.headers());
        let timer = Timer::start();
        let result = unwind.run(id, response).await;
        let is_own = result.as_ref().is_ok_and(|response| Origin::of(response) != Origin::Upstream);
        let answered = match result {
            Ok(response) => match Message::of(response).await {
                Ok(message) if is_own => Answered::Replaced(message),
                Ok(message) => {
                    let edits = before.edits(&message.head());
                    let is_same = message.body == *answer.body.bytes();
                    let body = (!is_same).then(|| message.body.clone());
                    Answered::Passed { edits, body, message }
                }
                Err(_) => Answered::Cut,
            },
            Err(refusal) if refusal.close => Answered::Abort(String::new()),
            Err(_) => Answered::Fault(String::new()),
        };
        seen.response_time = Some(timer.stop());
        let status = answered.message().map(|message| message.status);
        seen.answered = Some(answered);
        Ok(status)
    }
}

fn spec(subject: &Subject, given: &Given, fresh: bool) -> Result<PluginSpec> {
    let file = subject.file.canonicalize().with_context(|| subject.file.display().to_string())?;
    let instances = if fresh { "fresh" } else { "reuse" };
    let entry =
        json!({ "wasm": file, "grants": given.grants_for(subject), "instances": instances });
    let base = std::env::current_dir().unwrap_or_default();
    PluginSpec::from_json(&subject.name, &entry, &base)
        .map_err(|error| anyhow!("{}: {error}", error.at.join(".")))
}

fn chain(subject: &Subject, given: &Given, spec: PluginSpec, host: &Host) -> Result<Chain> {
    let factory = host.plugin(spec)?;
    let cx = BuildCx {
        endpoint: message::endpoint(true),
        side: Side::Agent,
        certificates: None,
        on_error: OnError::Deny,
    };
    let link = LinkSpec {
        kind: subject.name.clone(),
        options: given.config.clone(),
        on_error: OnError::Deny,
    };
    Registry::default().with([factory]).chain(&[link], &cx).map_err(|(_, error)| {
        anyhow!("{} refuses its configuration ({}): {error}", subject.name, given.config_from)
    })
}

/// Whether a hook's answers are about the request's side.
const fn is_request_side(hook: Hook) -> bool {
    matches!(hook, Hook::Connection | Hook::Request | Hook::RequestBody | Hook::RequestChunk)
}
