//! The same request many times, with nothing told but how long it took.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use adit_chain::{Exchange, Finished, Outcome, Unwind};
use anyhow::{Result, bail};

use super::{Stage, conn, message};
use crate::policy::request::Request;

/// How often a policy decided what, and how long that took.
#[derive(Clone, Debug, Default)]
pub(in crate::policy) struct Tally {
    pub(in crate::policy) took: Duration,
    verdicts: BTreeMap<&'static str, u64>,
}

impl Stage {
    /// Shows it the request so often. Only the policy's own work is timed, both sides of it.
    pub(in crate::policy) fn repeat(&self, request: &Request, times: u32) -> Result<Tally> {
        self.runtime.block_on(Box::pin(self.play_often(request, times)))
    }

    async fn play_often(&self, request: &Request, times: u32) -> Result<Tally> {
        let mut tally = Tally::default();
        let conn = conn(request)?;
        for _ in 0..times {
            let mut exchange = Exchange::new(conn.clone(), message::of_request(request));
            let mut unwind = Unwind::default();
            let began = Instant::now();
            let outcome = self.chain.request(&mut exchange, &mut unwind).await;
            tally.took += began.elapsed();
            let word = match outcome {
                Outcome::Forward => {
                    self.answer_often(request, &exchange, unwind, &mut tally).await?;
                    "next"
                }
                Outcome::Respond(_) => "respond",
                Outcome::Reroute { .. } => "reroute",
                Outcome::Abort(refusal) if refusal.close => "abort",
                _ => self.broke()?,
            };
            *tally.verdicts.entry(word).or_default() += 1;
            exchange.take_finishers().tell(Finished::default()).await;
            // Nobody reads them, and they are kept.
            self.logs.take();
            self.forget();
        }
        Ok(tally)
    }

    async fn answer_often(
        &self,
        request: &Request,
        exchange: &Exchange,
        mut unwind: Unwind,
        tally: &mut Tally,
    ) -> Result<()> {
        if unwind.is_empty() {
            return Ok(());
        }
        let response = message::of_answer(&request.answer);
        let began = Instant::now();
        let result = unwind.run(exchange.id, response).await;
        tally.took += began.elapsed();
        match result {
            Err(refusal) if !refusal.close => self.broke().map(drop),
            _ => Ok(()),
        }
    }

    fn broke(&self) -> Result<&'static str> {
        let (_, faults) = self.lab.observed();
        let why = faults.last().map_or_else(|| "it broke".to_owned(), ToString::to_string);
        bail!("there is nothing to measure: {why}")
    }
}

impl Tally {
    /// Adds another's.
    pub(in crate::policy) fn add(&mut self, other: &Self) {
        self.took += other.took;
        for (word, n) in &other.verdicts {
            *self.verdicts.entry(word).or_default() += n;
        }
    }

    /// For programs.
    pub(in crate::policy) fn json(&self) -> serde_json::Value {
        serde_json::json!(self.verdicts)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for (word, n) in &self.verdicts {
            write!(f, "{between}{word} {n}")?;
            between = ", ";
        }
        Ok(())
    }
}
