//! `adit policy test`: the native tests, then the cases against the component.

use std::{fmt::Write, time::Duration};

use anyhow::{Result, bail};

use super::{args::TestArgs, cargo::Crate, cases, cases::Ran, given::Subject, report::us};
use crate::output::line;

pub(super) fn run(args: &TestArgs) -> Result<()> {
    let of = Crate::find(args.dir.as_deref(), None)?;
    if !args.no_native {
        of.test()?;
    }
    let subject = Subject::build(of, args.profile)?;
    let file = subject.cases();
    if !file.is_file() {
        line(format_args!(
            "{} has no {}: nothing to ask the component",
            subject.name,
            file.display()
        ));
        return Ok(());
    }
    let ran = cases::run(&subject, &file, args.only.as_deref())?;
    line(format_args!("{} cases against {}", ran.report.cases.len(), subject.file.display()));
    line(text(&ran).trim_end());
    let n_failed = ran.report.cases.iter().filter(|case| !case.failed.is_empty()).count();
    if n_failed > 0 {
        bail!("{n_failed} of {} cases failed", ran.report.cases.len());
    }
    Ok(())
}

/// A line for each case, and below it what was not as expected.
fn text(ran: &Ran) -> String {
    let mut out = String::new();
    for (case, calls) in ran.report.cases.iter().zip(&ran.calls) {
        let mark = if case.failed.is_empty() { "ok  " } else { "FAIL" };
        let _ = writeln!(out, "{mark}  {}{}", case.name, times(calls));
        for failed in &case.failed {
            let _ = match failed.step {
                0 => writeln!(out, "      {}", failed.text),
                step => writeln!(out, "      step {step}: {}", failed.text),
            };
        }
    }
    out
}

/// ` (12.0 µs a call)`: the middle one, as the first pays for what is made once.
fn times(calls: &[Duration]) -> String {
    let mut calls = calls.to_vec();
    calls.sort();
    calls
        .get(calls.len() / 2)
        .map_or_else(String::new, |middle| format!("  ({} cpu a call)", us(*middle)))
}
