//! `adit policy bench`: what one policy costs on this machine.

mod scratch;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::{
    args::{BenchArgs, ProfileArgs},
    given::{Given, Subject},
    report::us,
    request::Request,
    run::{sees_http, subject},
    stage::{Setting, Stage, Tally, Verdict},
    text::{row, size},
};
use crate::output::line;

/// Calls that are made before anything is measured.
const WARM_UP: u32 = 200;
/// Calls of one batch; the middle batch is told.
const BATCH: u32 = 500;
/// How long each way of calling is measured.
const FOR: Duration = Duration::from_millis(600);
/// Most batches.
const MAX_BATCHES: usize = 200;
/// Header lines that are added, to see what they cost.
const MORE_HEADERS: usize = 20;
/// Times that loading is measured; the middle one is told.
const LOADS: usize = 9;

/// What was measured.
struct Measured {
    reused: Duration,
    more_headers: Duration,
    fresh: Duration,
    tally: Tally,
    instance: Option<usize>,
    compile: Duration,
    load: Duration,
}

pub(super) fn run(args: &BenchArgs) -> Result<()> {
    let (what, target) = subject(&args.what)?;
    let subject = Subject::open(&what, ProfileArgs::default())?;
    sees_http(&subject)?;
    let given = Given::of(&args.given, &subject)?;
    let request = Request::of(&args.request, &target)?;
    let measured = measure(&subject, &given, &request)?;
    if args.json {
        line(json(&subject, &measured));
    } else {
        line(text(&subject, &request, &measured).trim_end());
    }
    Ok(())
}

fn measure(subject: &Subject, given: &Given, request: &Request) -> Result<Measured> {
    // The engine is there once for all of the process; its start is no policy's.
    let stage = Stage::new(subject, given, Setting::default())?;
    if let Verdict::Fault(why) = stage.request(request)?.verdict {
        bail!("there is nothing to measure: {why}");
    }
    let mut tally = Tally::default();
    let reused = calls(&stage, request, &mut tally)?;
    let mut longer = request.clone();
    for n in 0..MORE_HEADERS {
        let name = format!("x-bench-{n}").parse::<http::HeaderName>().context("a header")?;
        longer.headers.insert(name, http::HeaderValue::from_static("twenty octets of it"));
    }
    let more_headers = calls(&stage, &longer, &mut Tally::default())?;
    let instance = stage.weigh(request)?;
    drop(stage);
    let fresh = Stage::new(subject, given, Setting { fresh: true, ..Setting::default() })?;
    let fresh = calls(&fresh, request, &mut Tally::default())?;

    let compile = middle(3, || Stage::new(subject, given, Setting::default()).map(drop))?;
    let dir = scratch::Scratch::new()?;
    let cached = || Setting { cache: Some(dir.path().to_owned()), ..Setting::default() };
    Stage::new(subject, given, cached())?;
    let load = middle(LOADS, || Stage::new(subject, given, cached()).map(drop))?;
    Ok(Measured { reused, more_headers, fresh, tally, instance, compile, load })
}

/// Time of one call, request and response side together: the middle of many batches.
fn calls(stage: &Stage, request: &Request, tally: &mut Tally) -> Result<Duration> {
    stage.repeat(request, WARM_UP)?;
    let (began, mut batches) = (Instant::now(), Vec::new());
    while batches.len() < MAX_BATCHES && (began.elapsed() < FOR || batches.len() < 3) {
        let batch = stage.repeat(request, BATCH)?;
        batches.push(batch.took / BATCH);
        tally.add(&batch);
    }
    batches.sort();
    Ok(batches[batches.len() / 2])
}

/// The middle time of several attempts.
fn middle(n: usize, mut attempt: impl FnMut() -> Result<()>) -> Result<Duration> {
    let mut times = Vec::new();
    for _ in 0..n {
        let began = Instant::now();
        attempt()?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(times[n / 2])
}

fn text(subject: &Subject, request: &Request, measured: &Measured) -> String {
    let Measured { reused, more_headers, fresh, tally, instance, compile, load } = measured;
    let mut out = String::new();
    let (name, bytes) = (&subject.name, size(subject.contents.size()));
    row(&mut out, "policy", format!("{name}, {bytes}: {} {}", request.method, request.target));
    row(&mut out, "verdicts", tally);
    row(&mut out, "call", format!("{:>9}   on a reused instance", us(*reused)));
    row(&mut out, "", format!("{:>9}   with {MORE_HEADERS} more headers", us(*more_headers)));
    row(&mut out, "", format!("{:>9}   on a fresh instance each time", us(*fresh)));
    if let Some(instance) = instance {
        row(&mut out, "memory", format!("{:>9}   per idle instance", size(*instance)));
    }
    row(&mut out, "start", format!("{:>9}   compiled and configured", us(*compile)));
    row(&mut out, "", format!("{:>9}   from the cache", us(*load)));
    if cfg!(debug_assertions) {
        row(&mut out, "note", "this adit is a debug build: a release is several times faster");
    }
    out
}

fn json(subject: &Subject, measured: &Measured) -> serde_json::Value {
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    json!({
        "policy": subject.name,
        "size": subject.contents.size(),
        "verdicts": measured.tally.json(),
        "reused_us": micros(measured.reused),
        "more_headers_us": micros(measured.more_headers),
        "fresh_us": micros(measured.fresh),
        "instance_bytes": measured.instance,
        "compile_us": micros(measured.compile),
        "load_us": micros(measured.load),
        "debug_build": cfg!(debug_assertions),
    })
}
