//! One thing again and again, for profilers: one exchange passes a policy so many times.
//!
//! ```text
//! ADIT_BENCH_LOOP=key-limit:5000000 perf record BINARY
//! ```

use std::{hint::black_box, time::Instant};

use adit_chain::Unwind;

use crate::{
    Bench, exchange,
    guest::{FIRST, Guest},
    key_limit,
};

/// Whether it was asked for, and is done.
pub(crate) fn run() -> bool {
    let Ok(asked) = std::env::var("ADIT_BENCH_LOOP") else { return false };
    let (what, n) = asked.split_once(':').expect("NAME:TIMES");
    let n: u32 = n.parse().expect("NAME:TIMES");
    let bench = Bench::new(false);
    let guest = match what {
        "key-limit" => key_limit(),
        _ => Guest::new().on_request(FIRST),
    };
    let chain = bench.chain(bench.spec(what, &guest));
    let mut exchange = exchange(20);
    let began = Instant::now();
    bench.runtime.block_on(async {
        for _ in 0..n {
            black_box(chain.request(&mut exchange, &mut Unwind::default()).await);
            exchange.request.headers_mut().remove("x-ratelimit-remaining");
        }
    });
    println!("{what}: {:?} a call", began.elapsed() / n);
    true
}
