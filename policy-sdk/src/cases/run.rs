//! Running a file against whatever hosts the policy.

use std::fmt;
use std::time::Duration;

use super::compare;
use super::schema::{Case, ConnectionStep, File, RequestStep, ResponseStep, Step};
use crate::testing::{Admission, ChunkVerdict, Exchange, Metric};

/// Whatever hosts the policy: the harness, or the real host of components.
pub trait Host {
    /// Sends a request, with what the upstream says if it gets there.
    fn request(&mut self, request: &RequestStep, response: &ResponseStep) -> Observed;

    /// Opens a raw connection, lets the pieces pass, and closes it.
    fn connection(&mut self, connection: &ConnectionStep) -> Observed;

    /// Lets time pass.
    fn advance(&mut self, time: Duration);

    /// Messages that were logged since this was last asked, each with its pairs behind it as
    /// ` name=value`.
    fn logs(&mut self) -> Vec<String>;

    /// Every metric now.
    fn metrics(&mut self) -> Vec<Metric>;
}

/// What came of a step.
#[derive(Debug)]
pub enum Observed {
    /// An exchange took place.
    Exchange(Box<Exchange>),
    /// A connection took place.
    Connection(Connected),
    /// The policy broke; the text says how.
    Fault(String),
}

/// What came of a raw connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// Answer to the connection.
    pub admission: Admission,
    /// Answers to the pieces, as long as there were some.
    pub chunks: Vec<ChunkVerdict>,
    /// What reached the upstream.
    pub to_upstream: Vec<u8>,
    /// What reached the visitor.
    pub to_client: Vec<u8>,
}

/// What came of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// One for each case, in order.
    pub cases: Vec<Result>,
}

impl Report {
    /// Whether everything was as expected.
    pub fn passed(&self) -> bool {
        self.cases.iter().all(|case| case.failed.is_empty())
    }
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Result {
    /// Its name.
    pub name: String,
    /// What was not as expected, until the first step where that was so.
    pub failed: Vec<Failed>,
}

/// Something that was not as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Number of the step, from 1; 0 if the policy could not be configured.
    pub step: usize,
    /// What was expected and what came.
    pub text: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Result { name, failed } in &self.cases {
            let mark = if failed.is_empty() { "ok  " } else { "FAIL" };
            writeln!(f, "{mark} {name}")?;
            for Failed { step, text } in failed {
                writeln!(f, "       step {step}: {text}")?;
            }
        }
        Ok(())
    }
}

/// Runs every case, each on a host of its own.
pub fn run<H: Host>(
    file: &File,
    mut start: impl FnMut(&File, &Case) -> std::result::Result<H, String>,
) -> Report {
    let cases = file.cases.iter().map(|case| {
        let failed = match start(file, case) {
            Ok(mut host) => run_case(&mut host, case),
            Err(text) => vec![Failed { step: 0, text: format!("configure: {text}") }],
        };
        Result { name: case.name.clone(), failed }
    });
    Report { cases: cases.collect() }
}

fn run_case(host: &mut impl Host, case: &Case) -> Vec<Failed> {
    for (index, step) in case.steps.iter().enumerate() {
        let texts = run_step(host, step);
        if !texts.is_empty() {
            let failed = texts.into_iter().map(|text| Failed { step: index + 1, text });
            return failed.collect();
        }
    }
    Vec::new()
}

fn run_step(host: &mut impl Host, step: &Step) -> Vec<String> {
    let observed = match (&step.request, &step.connection, step.advance) {
        (Some(request), None, None) => host.request(request, &step.response),
        (None, Some(connection), None) => host.connection(connection),
        (None, None, Some(time)) => {
            host.advance(time);
            return Vec::new();
        }
        _ => return vec!["a step is one of: request, connection, advance".to_owned()],
    };
    let mut texts = compare::observed(&step.expect, &observed);
    let logs = host.logs();
    compare::logs(&step.expect, &logs, &mut texts);
    if !step.expect.metrics.is_empty() {
        compare::metrics(&step.expect, &host.metrics(), &mut texts);
    }
    texts
}
