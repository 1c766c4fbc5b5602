//! What the handlers that most routes have cost each exchange.

use adit_chain::{BuildCx, Chain, Link, OnError, Side, Unwind, conformance};
use criterion::{Criterion, criterion_group, criterion_main};
use http::Request;
use serde_json::{Value, json};

fn chain(kind: &str, options: &Value) -> Chain {
    let endpoint = conformance::endpoint();
    let cx = BuildCx { endpoint, side: Side::Agent, certificates: None, on_error: OnError::Deny };
    let factory = adit_builtin::all().into_iter().find(|factory| factory.kind() == kind);
    let handler = factory.expect("a built-in kind").build(options, &cx).expect("good options");
    Chain::new(vec![Link::boxed(kind, handler)])
}

fn handlers(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a plain runtime");
    let users: Vec<_> = (0..10).map(|n| format!("user{n}:password{n}")).collect();
    let scenarios = [
        ("basic_auth_1_user", "basic-auth", json!({"credentials": users[9..]})),
        ("basic_auth_10_users", "basic-auth", json!({"credentials": users})),
        (
            "request_headers_2_replaced",
            "request-headers",
            json!({
                "add": ["x-one:1", "x-two:2"], "remove": ["x-one", "x-two"],
            }),
        ),
        ("host_header_rewrite", "host-header", json!({"value": "rewrite"})),
    ];
    for (name, kind, options) in scenarios {
        let chain = chain(kind, &options);
        let request = Request::get("/").header("host", "app.example");
        // user9:password9
        let request = request.header("authorization", "Basic dXNlcjk6cGFzc3dvcmQ5");
        let request = request.body(adit_chain::Body::Empty).expect("a plain request");
        let mut exchange = conformance::exchange(request);
        c.bench_function(name, |b| {
            b.iter(|| {
                let mut unwind = Unwind::default();
                runtime.block_on(chain.request(&mut exchange, &mut unwind))
            });
        });
    }
}

criterion_group!(benches, handlers);
criterion_main!(benches);
