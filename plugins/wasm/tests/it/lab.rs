//! The lab, which other tests use too.

use adit_wasm::{
    PluginSpec,
    lab::{Ask, Lab, LabError, PieceVerdict, PieceWay, Verdict},
};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::{
    guest::{FIRST, Guest, case_reply, data},
    rig::Rig,
};

pub(crate) fn lab(rig: &Rig, spec: PluginSpec, config: &Value) -> Result<Lab, LabError> {
    Lab::new(&rig.host, spec, config)
}

pub(crate) fn ask(target: &str) -> Ask {
    Ask {
        from: "203.0.113.9:4444".parse().unwrap(),
        request: Request::get(target).header("host", "lab.example").body(Bytes::new()).unwrap(),
        response: Response::new(Bytes::from_static(b"hello")),
    }
}

#[tokio::test]
async fn a_request_is_told_with_its_verdict_calls_and_answer() {
    let rig = Rig::new();
    let guest = Guest::new().on_request(FIRST).on_response(FIRST).on_finish("");
    let lab = lab(&rig, rig.spec(&guest), &json!({})).unwrap();
    let told = lab.request(ask("/")).await;
    assert_eq!(told.verdict, Verdict::Next);
    assert_eq!(told.response.unwrap().body(), "hello");
    let calls: Vec<_> = told.calls.iter().map(|call| call.hook.as_str()).collect();
    assert_eq!(calls, ["on-request", "on-response", "on-finish"]);
    assert!(told.faults.is_empty());
}

#[tokio::test]
async fn a_policys_own_answer_is_told() {
    let rig = Rig::new();
    let guest = Guest::new().with(&data(0, "no")).on_request(&case_reply(1, 403, 0, 2));
    let lab = lab(&rig, rig.spec(&guest), &json!({})).unwrap();
    let told = lab.request(ask("/")).await;
    assert_eq!(told.verdict, Verdict::Respond);
    assert_eq!(told.response.unwrap().status(), 403);
}

#[tokio::test]
async fn a_connection_is_told_piece_by_piece() {
    let rig = Rig::new();
    // Passes the first piece and has then seen enough.
    let guest = Guest::new().with("(global $n (mut i32) (i32.const 0))").on_data(
        "(i32.store8 (i32.const 4096) (i32.mul (global.get $n) (i32.const 2))) \
         (global.set $n (i32.const 1)) (i32.const 4096)",
    );
    let lab = lab(&rig, rig.spec(&guest), &json!({})).unwrap();
    let piece = || (PieceWay::ToUpstream, Bytes::from_static(b"SSH-2.0"));
    let told = lab.connection("203.0.113.9:4".parse().unwrap(), [piece(), piece(), piece()]).await;
    assert_eq!(told.is_accepted, Some(true));
    assert_eq!(told.pieces, [PieceVerdict::Pass, PieceVerdict::Detach]);
}

#[tokio::test]
async fn a_bench_tells_sizes_and_times() {
    let rig = Rig::new();
    let lab = lab(&rig, rig.spec(&Guest::new().on_request(FIRST)), &json!({})).unwrap();
    let time = std::time::Duration::from_millis(20);
    let from = "203.0.113.9:4".parse().unwrap();
    let bench = lab.bench(from, &ask("/").request, time).await.unwrap();
    assert!(bench.reused.calls >= 100 && bench.fresh.calls >= 100);
    assert!(bench.reused.median < bench.fresh.median);
    assert_eq!(bench.memory, 32 * 65_536);
    assert!(bench.size > 0 && bench.code > 0);
}
