//! One policy on a stage: the real host around it, and nothing of the world.
//!
//! Requests, answers of services, time and randomness come from whoever directs. What the policy
//! does is told as a value.

mod repeat;
mod seen;
mod told;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use adit_chain::{
    Body, BoxError, BuildCx, Chain, Conn, Endpoint, Exchange, Finished, LinkSpec, OnError, Origin,
    Outcome, Protocol, Registry, Side, Trace, Unwind, Verdict as Traced,
};
use adit_wasm::{
    CachePolicy, Clock, Host, HostOptions, LogCapture, ManualClock, Outbound, PluginSpec, Services,
};
use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use serde_json::json;

use super::{
    given::{Given, Subject},
    request::{Answer, Request},
};

use self::told::Told;

pub(super) use self::repeat::Tally;
pub(super) use self::seen::{Answered, Message, Seen, Verdict};

/// Moment at which a stage's clock starts: 2026-01-01T00:00:00Z.
const EPOCH: Duration = Duration::from_secs(1_767_225_600);
/// Longest body that is gathered to be shown, in bytes.
const MAX_BODY: usize = 64 * 1024 * 1024;

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
    pub(super) cache: Option<std::path::PathBuf>,
    /// Instances that are made before the first call; at least one is.
    pub(super) warm: usize,
}

/// One policy, ready to be called.
pub(super) struct Stage {
    runtime: tokio::runtime::Runtime,
    chain: Chain,
    host: Host,
    logs: LogCapture,
    told: Told,
    clock: Option<Arc<ManualClock>>,
    endpoint: Arc<Endpoint>,
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
        let warm = setting.warm.max(1);
        let host = Host::new(HostOptions { cache, warm, ..HostOptions::new(services.build()) });
        let endpoint = endpoint();
        let chain = chain(subject, given, setting.fresh, &host, &endpoint)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let told = Told::default();
        Ok(Self { runtime, chain, host, logs, told, clock, endpoint })
    }

    /// Lets time pass, where it was rehearsed to stand still.
    pub(super) fn advance(&self, by: Duration) {
        if let Some(clock) = &self.clock {
            clock.advance(by);
        }
    }

    /// Shows it one request, and the service's answer if the request gets there.
    pub(super) fn request(&self, request: &Request) -> Result<Seen> {
        self.told.hear(|| self.runtime.block_on(Box::pin(self.play(request))))
    }

    /// A connection of the visitor.
    fn conn(&self, request: &Request) -> Arc<Conn> {
        let client = SocketAddr::new(request.from, 50_000);
        let server = SocketAddr::from(([198, 51, 100, 1], 443));
        Arc::new(Conn::new(client, server, Arc::clone(&self.endpoint)))
    }

    async fn play(&self, request: &Request) -> Result<Seen> {
        let mut exchange = Exchange::new(self.conn(request), to_http(request));
        exchange.trace = Trace::recording();
        let before = seen::request_head(&exchange);
        self.logs.take();
        self.told.take();

        let mut seen = Seen::default();
        let mut unwind = Unwind::default();
        let timer = Timer::start();
        let outcome = self.chain.request(&mut exchange, &mut unwind).await;
        seen.request_time = timer.stop();
        let entry = exchange.trace.entries().last();
        let failed = entry.is_some_and(|entry| entry.verdict == Traced::Failed);
        let why = entry.and_then(|entry| entry.note.lines().last()).unwrap_or_default().to_owned();
        let after = seen::request_head(&exchange);
        seen.edits = before.edits(&after);
        let mut end = Finished::default();
        match outcome {
            Outcome::Forward => {
                seen.verdict = Verdict::Next;
                let body = std::mem::take(exchange.request.body_mut());
                let body = whole(body).await?;
                seen.request_body_now = (body != request.body).then_some(body);
                let answer = self.answer(&request.answer, unwind, &mut seen, &exchange).await?;
                end.status = answer;
            }
            Outcome::Respond(response) => {
                let reply = Message::of(response).await?;
                end.status = Some(reply.status);
                seen.verdict = Verdict::Respond(reply);
            }
            Outcome::Reroute { to, .. } => seen.verdict = Verdict::Reroute(to.0.to_string()),
            Outcome::Abort(_) if failed => seen.verdict = Verdict::Fault(why),
            Outcome::Abort(_) => seen.verdict = Verdict::Abort(why),
            Outcome::Detach(..) => return Err(anyhow!("it took the connection over")),
        }
        end.took = timer.stop().wall;
        exchange.take_finishers().tell(end).await;
        seen.logs = self.logs.take();
        seen.metrics = seen::user_metrics(&self.host);
        Ok(seen)
    }

    /// Shows it the service's answer; the status that leaves.
    async fn answer(
        &self,
        answer: &Answer,
        mut unwind: Unwind,
        seen: &mut Seen,
        exchange: &Exchange,
    ) -> Result<Option<u16>> {
        let response = to_response(answer);
        let before = seen::response_head(response.status(), response.headers());
        if unwind.is_empty() {
            return Ok(Some(answer.status.as_u16()));
        }
        let timer = Timer::start();
        let result = unwind.run(exchange.id, response).await;
        let time = timer.stop();
        seen.response_time = Some(time);
        match result {
            Ok(response) => {
                let is_own = Origin::of(&response) != Origin::Upstream;
                let message = Message::of(response).await?;
                let status = message.status;
                let edits = before.edits(&message.head());
                let body = (message.body != answer.body).then(|| message.body.clone());
                seen.answered = Some(if is_own {
                    Answered::Replaced(message)
                } else {
                    Answered::Passed { edits, body, message }
                });
                Ok(Some(status))
            }
            Err(refusal) => {
                let why = self.told.take().pop().unwrap_or_else(|| refusal.to_string());
                seen.answered =
                    Some(if refusal.close { Answered::Abort(why) } else { Answered::Fault(why) });
                Ok(None)
            }
        }
    }
}

/// Clocks of one call.
#[derive(Clone, Copy, Debug)]
struct Timer {
    wall: Instant,
    cpu: Duration,
}

/// How long something took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Took {
    pub(super) wall: Duration,
    pub(super) cpu: Duration,
}

impl Timer {
    fn start() -> Self {
        Self { cpu: thread_cpu(), wall: Instant::now() }
    }

    fn stop(&self) -> Took {
        Took { wall: self.wall.elapsed(), cpu: thread_cpu().saturating_sub(self.cpu) }
    }
}

/// Processor time of this thread.
pub(super) fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn chain(
    subject: &Subject,
    given: &Given,
    fresh: bool,
    host: &Host,
    endpoint: &Arc<Endpoint>,
) -> Result<Chain> {
    let file = subject.file.canonicalize().with_context(|| subject.file.display().to_string())?;
    let instances = if fresh { "fresh" } else { "reuse" };
    let entry =
        json!({ "wasm": file, "grants": given.grants_for(subject), "instances": instances });
    let base = std::env::current_dir().unwrap_or_default();
    let spec = PluginSpec::from_json(&subject.name, &entry, &base)
        .map_err(|error| anyhow!("{}: {}", error.at.join("."), error))?;
    let factory = host.plugin(spec)?;
    let cx = BuildCx {
        endpoint: Arc::clone(endpoint),
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

/// The endpoint that the policy believes to stand in front of.
fn endpoint() -> Arc<Endpoint> {
    Arc::new(Endpoint {
        name: "stage".into(),
        url: "https://stage.example".into(),
        protocol: Protocol::Https,
        upstream: "http://localhost:80".into(),
        upstream_host: Some("localhost:80".into()),
    })
}

fn to_http(request: &Request) -> http::Request<Body> {
    let mut headers = request.headers.clone();
    if !headers.contains_key(http::header::HOST) {
        headers.insert(http::header::HOST, http::HeaderValue::from_static("stage.example"));
    }
    if !request.body.is_empty() && !headers.contains_key(http::header::CONTENT_LENGTH) {
        headers.insert(http::header::CONTENT_LENGTH, request.body.len().into());
    }
    let mut message = http::Request::new(to_body(&request.body));
    *message.method_mut() = request.method.clone();
    *message.uri_mut() = request.target.clone();
    *message.headers_mut() = headers;
    message
}

fn to_response(answer: &Answer) -> http::Response<Body> {
    let mut response = http::Response::new(to_body(&answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers.clone();
    Origin::Upstream.mark(&mut response);
    response
}

fn to_body(bytes: &[u8]) -> Body {
    if bytes.is_empty() { Body::Empty } else { Body::Whole(Bytes::copy_from_slice(bytes)) }
}

/// All of a body; a policy that watches it is called meanwhile.
async fn whole(body: Body) -> Result<Vec<u8>> {
    let told = |error: BoxError| anyhow!("the body broke off: {error}");
    Ok(body.into_whole(MAX_BODY).await.map_err(told)?.to_vec())
}
