//! A guest that never ends: when it is stopped, and who waits for it.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use adit_wasm::lab::{Ask, Lab};
use http::{Request, Response};
use serde_json::json;

use crate::{Bench, guest::Guest};

/// Rounds of which the best counts: in a single one the machine may have taken the thread away.
const ROUNDS: u32 = 20;

/// CPU time that a spinning guest with a budget of 10 ms gets, and how long another task of its
/// thread waits at the most, in milliseconds: both of the best round.
pub(crate) fn stopped(bench: &Bench) -> (f64, f64) {
    let spins = Guest::new().on_request("(loop $l (br $l)) (i32.const 0)");
    let spec = bench.spec("spins", &spins);
    let (mut cpu, mut wait) = (f64::MAX, f64::MAX);
    for n in 0..ROUNDS {
        // Another policy each time, which no breaker leaves alone.
        let lab = Lab::new(&bench.host, spec.clone(), &json!({ "n": n })).unwrap();
        let longest = Cell::new(Duration::ZERO);
        let others = async {
            loop {
                let began = Instant::now();
                tokio::task::yield_now().await;
                longest.set(longest.get().max(began.elapsed()));
            }
        };
        let ask = Ask {
            from: "203.0.113.9:4".parse().unwrap(),
            request: Request::get("/").body(bytes::Bytes::new()).unwrap(),
            response: Response::new(bytes::Bytes::new()),
        };
        let told = bench.runtime.block_on(async {
            tokio::select! {
                biased;
                told = lab.request(ask) => told,
                () = others => unreachable!("it never ends"),
            }
        });
        cpu = cpu.min(told.cpu.as_secs_f64() * 1e3);
        wait = wait.min(longest.get().as_secs_f64() * 1e3);
    }
    (cpu, wait)
}
