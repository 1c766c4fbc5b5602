//! What a link costs: an exchange through chains of 0, 1 and 8 handlers that do nothing.

use adit_chain::{
    Body, BoxError, Chain, Exchange, Handler, Link, Needs, OnRequest, Unwind, conformance,
};
use criterion::{Criterion, criterion_group, criterion_main};
use http::Request;

#[derive(Debug)]
struct Nothing;

impl Handler for Nothing {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD
    }

    async fn on_request(&self, _: &mut Exchange) -> Result<OnRequest, BoxError> {
        Ok(OnRequest::Next)
    }
}

fn chain_request(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a plain runtime");
    for n_links in [0, 1, 8] {
        let chain = Chain::new((0..n_links).map(|_| Link::new("nothing", Nothing)).collect());
        let mut exchange = conformance::exchange(Request::new(Body::Empty));
        c.bench_function(&format!("chain_request_{n_links}_links"), |b| {
            b.iter(|| {
                let mut unwind = Unwind::default();
                runtime.block_on(chain.request(&mut exchange, &mut unwind));
            });
        });
    }
}

criterion_group!(benches, chain_request);
criterion_main!(benches);
