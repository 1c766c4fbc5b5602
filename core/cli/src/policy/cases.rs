//! The cases of a policy, on the component in the real host.

mod observed;
mod script;

use std::{cell::RefCell, path::Path, rc::Rc, sync::Arc, time::Duration};

use adit_policy_sdk::{
    cases::{
        self, Case, Connected, ConnectionStep, File, Observed, Report, RequestStep, ResponseStep,
        Side,
    },
    testing::{self, Admission},
};
use adit_wasm::lab::{Piece, PieceVerdict, PieceWay};
use anyhow::{Context, Result};
use serde_json::Value;

use super::{
    given::{self, Given, Subject},
    stage::{Seen, Setting, Stage, Verdict, raw},
};

/// What came of a file of cases, and what it took.
pub(super) struct Ran {
    pub(super) report: Report,
    /// Processor time of each call that was answered, in the order of the file.
    pub(super) calls: Vec<Vec<Duration>>,
}

/// Reads a file of cases.
pub(super) fn read(path: &Path) -> Result<File> {
    let value = given::load(path)?;
    serde_path_to_error::deserialize(value).map_err(|error| {
        let (at, why) = (error.path().to_string(), error.into_inner());
        anyhow::anyhow!("{}: {at}: {why}", path.display())
    })
}

/// Runs the cases whose name contains `only`.
pub(super) fn run(subject: &Subject, path: &Path, only: Option<&str>) -> Result<Ran> {
    let mut file = read(path)?;
    let n = file.cases.len();
    if let Some(part) = only {
        file.cases.retain(|case| case.name.contains(part));
        if file.cases.is_empty() {
            anyhow::bail!("none of the {n} cases of {} is called *{part}*", path.display());
        }
    }
    // The file was read already: it is there and it is YAML.
    let grants = given::load(path)?["grants"].clone();
    let times = Rc::new(RefCell::new(Vec::new()));
    let report = cases::run(&file, |file, case| {
        times.borrow_mut().push(Vec::new());
        let stage = start(subject, file, case, &grants).map_err(|error| format!("{error:#}"))?;
        Ok(OnStage { stage, times: Rc::clone(&times), logs: Vec::new() })
    });
    let calls = times.take();
    Ok(Ran { report, calls })
}

fn start(subject: &Subject, file: &File, case: &Case, grants: &Value) -> Result<Stage> {
    let config = case.config.as_ref().unwrap_or(&file.config).clone();
    let given = Given {
        config,
        config_from: format!("case {:?}", case.name),
        grants: Some(script::grants(subject, file, grants)),
    };
    let outbound: Arc<dyn adit_wasm::Outbound> = Arc::new(script::outbound(file)?);
    let setting = Setting { rehearsed: true, outbound: Some(outbound), ..Setting::default() };
    Stage::new(subject, &given, setting).context("start")
}

/// A policy on a stage, as the cases ask for it.
struct OnStage {
    stage: Stage,
    times: Rc<RefCell<Vec<Vec<Duration>>>>,
    logs: Vec<adit_wasm::LogRecord>,
}

impl OnStage {
    fn took(&self, seen: &Seen) {
        let response = seen.response_time.map(|took| took.cpu).unwrap_or_default();
        if let Some(times) = self.times.borrow_mut().last_mut() {
            times.push(seen.request_time.cpu + response);
        }
    }
}

impl cases::Host for OnStage {
    fn request(&mut self, request: &RequestStep, response: &ResponseStep) -> Observed {
        let request = match script::request(request, response) {
            Ok(request) => request,
            Err(error) => return Observed::Fault(format!("{error:#}")),
        };
        let mut seen = match self.stage.request(&request) {
            Ok(seen) => seen,
            Err(error) => return Observed::Fault(format!("{error:#}")),
        };
        self.took(&seen);
        self.logs.append(&mut seen.logs);
        match (&seen.verdict, seen.faults.first()) {
            (Verdict::Fault(why), _) => Observed::Fault(why.clone()),
            (_, Some(fault)) => Observed::Fault(fault.to_string()),
            _ => Observed::Exchange(Box::new(observed::exchange(seen))),
        }
    }

    fn connection(&mut self, step: &ConnectionStep) -> Observed {
        let played = script::connection(step);
        let (conn, pieces) = match played {
            Ok(played) => played,
            Err(error) => return Observed::Fault(format!("{error:#}")),
        };
        let (is_accepted, seen) = self.stage.connection(&conn, pieces.clone());
        self.logs.append(&mut self.stage.logs());
        if let Some(fault) = seen.faults.first() {
            return Observed::Fault(fault.to_string());
        }
        let reason = || seen.reasons.first().map(|(_, why)| why.clone()).unwrap_or_default();
        let admission = match is_accepted {
            Some(true) => Admission::Accept,
            _ => Admission::Refuse(reason()),
        };
        let chunks = seen.pieces.iter().map(|(_, verdict)| observed::chunk(verdict, &reason));
        let chunks = chunks.collect();
        let passed = is_accepted == Some(true);
        let (to_upstream, to_client) = through(passed, &pieces, &seen);
        Observed::Connection(Connected { admission, chunks, to_upstream, to_client })
    }

    fn advance(&mut self, time: Duration) {
        self.stage.advance(time);
    }

    fn logs(&mut self) -> Vec<String> {
        let text = |record: adit_wasm::LogRecord| {
            let pairs = record.extra.iter().map(|(name, value)| format!(" {name}={value}"));
            record.message.clone() + &pairs.collect::<String>()
        };
        self.logs.drain(..).map(text).collect()
    }

    fn metrics(&mut self) -> Vec<testing::Metric> {
        observed::metrics(&self.stage.metrics())
    }
}

/// What reached either end: pieces pass until one breaks off, and all of them after a `detach`.
fn through(passed: bool, pieces: &[Piece], seen: &Seen) -> (Vec<u8>, Vec<u8>) {
    let (mut to_upstream, mut to_client) = (Vec::new(), Vec::new());
    if !passed {
        return (to_upstream, to_client);
    }
    for (i, piece) in pieces.iter().enumerate() {
        let bytes = match seen.pieces.get(i).map(|(_, verdict)| verdict) {
            Some(PieceVerdict::Replace(bytes)) => bytes,
            Some(PieceVerdict::Abort | PieceVerdict::Fault) => break,
            _ => &piece.bytes,
        };
        match piece.way {
            PieceWay::ToClient => to_client.extend_from_slice(bytes),
            PieceWay::ToUpstream => to_upstream.extend_from_slice(bytes),
        }
    }
    (to_upstream, to_client)
}

/// Which way a piece of the file goes.
const fn way(side: Side) -> PieceWay {
    match side {
        Side::Client => PieceWay::ToClient,
        Side::Upstream => PieceWay::ToUpstream,
    }
}
