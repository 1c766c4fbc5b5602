#![allow(clippy::unwrap_used, reason = "tests")]

use adit_chain::Body;
use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder};
use http::Response;
use http_body_util::BodyExt as _;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::{
    phase::Phase,
    testing::{lines, pieces, policy, refused_in, request, response, response_action, text},
};

async fn answered(config: Json, accept: &str, upstream: Response<Body>) -> (Response<Body>, Json) {
    let rig = response_action("compress-response", config);
    let asked = request("GET", "/", &[("accept-encoding", accept)], "");
    let answer = rig.round(asked, upstream).await;
    (answer, rig.result("compress"))
}

async fn decoded(coding: &str, body: Body) -> String {
    let bytes = body.into_whole(1 << 20).await.unwrap();
    let mut decoder: Box<dyn AsyncRead + Unpin + '_> = match coding {
        "gzip" => Box::new(GzipDecoder::new(&*bytes)),
        "deflate" => Box::new(ZlibDecoder::new(&*bytes)),
        "br" => Box::new(BrotliDecoder::new(&*bytes)),
        _ => panic!("no decoder for {coding}"),
    };
    let mut text = String::new();
    decoder.read_to_string(&mut text).await.unwrap();
    text
}

fn found(is_encoded: bool, algorithm: &str) -> Json {
    json!({"already_compressed": is_encoded, "negotiated_algorithm": algorithm})
}

#[tokio::test]
async fn each_coding_is_undone_by_its_decoder() {
    for coding in ["gzip", "deflate", "br"] {
        let upstream = response(200, &[("content-length", "11")], pieces(&["hello ", "world"]));
        let (answer, result) = answered(json!({}), coding, upstream).await;
        assert_eq!(answer.headers()["content-encoding"], coding);
        assert_eq!(answer.headers()["vary"], "Accept-Encoding");
        assert!(!answer.headers().contains_key("content-length"));
        assert_eq!(result, found(false, coding));
        assert_eq!(decoded(coding, answer.into_body()).await, "hello world");
    }
}

#[tokio::test]
async fn ties_go_to_the_order_of_the_algorithms_and_quality_comes_first() {
    let chosen = async |config: Json, accept: &str| {
        let (answer, _) = answered(config, accept, response(200, &[], "hello")).await;
        lines(answer.headers(), "content-encoding").join("")
    };
    assert_eq!(chosen(json!({}), "br, deflate, gzip").await, "gzip");
    let order = || json!({"algorithms": ["br", "gzip"]});
    assert_eq!(chosen(order(), "gzip, br").await, "br");
    assert_eq!(chosen(order(), "gzip;q=0.9, br;q=0.8").await, "gzip");
    assert_eq!(chosen(order(), "*").await, "br");
    assert_eq!(chosen(order(), "br;q=0, *;q=0.1").await, "gzip");
    assert_eq!(chosen(order(), "deflate").await, "");
    assert_eq!(chosen(json!({"algorithms": ["compress"]}), "compress, gzip").await, "");
}

#[tokio::test]
async fn a_response_that_is_encoded_already_stays_as_it_is() {
    let upstream = response(200, &[("content-encoding", "br")], "xxxx");
    let (answer, result) = answered(json!({}), "gzip", upstream).await;
    assert_eq!(lines(answer.headers(), "content-encoding"), ["br"]);
    assert_eq!(text(answer.into_body()).await, "xxxx");
    assert_eq!(result, found(true, ""));
    let upstream = response(200, &[("content-encoding", "identity")], "xxxx");
    let (_, result) = answered(json!({}), "gzip", upstream).await;
    assert_eq!(result, found(false, "gzip"));
}

#[tokio::test]
async fn without_a_body_or_a_wish_nothing_changes() {
    let rig = response_action("compress-response", json!({}));
    for (method, accept, status) in [
        ("HEAD", "gzip", 200),
        ("GET", "gzip", 204),
        ("GET", "gzip", 304),
        ("GET", "identity", 200),
    ] {
        let asked = request(method, "/", &[("accept-encoding", accept)], "");
        let body = if status == 200 { "hello" } else { "" };
        let upstream = response(status, &[("content-length", "5")], body);
        let answer = rig.round(asked, upstream).await;
        assert!(!answer.headers().contains_key("content-encoding"), "{method} {status}");
        assert_eq!(answer.headers()["content-length"], "5");
        assert_eq!(rig.result("compress"), found(false, ""));
    }
    let answer = rig.round(request("GET", "/", &[], ""), response(200, &[], "hello")).await;
    assert_eq!(text(answer.into_body()).await, "hello");
}

#[tokio::test]
async fn the_visitors_own_wish_counts_whatever_the_upstream_was_asked_for() {
    let headers = json!({"headers": ["accept-encoding"]});
    let rig = policy(json!({
        "on_http_request": [{"actions": [{"type": "remove-headers", "config": headers}]}],
        "on_http_response": [{"actions": [{"type": "compress-response"}]}],
    }));
    let asked =
        request("GET", "/", &[("accept-encoding", "gzip;q=0.1"), ("accept-encoding", "br")], "");
    let passed = rig.request(asked).await;
    assert_eq!(passed.sent_lines("accept-encoding"), [""; 0]);
    let answer = passed.answered(response(200, &[], "hello")).await;
    assert_eq!(answer.headers()["content-encoding"], "br");
}

#[tokio::test]
async fn what_has_arrived_is_on_its_way_before_the_rest_has() {
    use by_hand::channel;
    let (send, body) = channel();
    let (answer, _) = answered(json!({}), "gzip", response(200, &[], body)).await;
    let mut body = answer.into_body();
    send.send("data: 1\n\n").await.unwrap();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(!first.is_empty());
    send.send("data: 2\n\n").await.unwrap();
    let second = body.frame().await.unwrap().unwrap().into_data().unwrap();
    drop(send);
    let rest = body.into_whole(1024).await.unwrap();
    let all = Body::from(bytes::Bytes::from([first, second, rest].concat()));
    assert_eq!(decoded("gzip", all).await, "data: 1\n\ndata: 2\n\n");
}

/// A body that is sent piece by piece.
mod by_hand {
    use adit_chain::{Body, BoxError};
    use http_body::Frame;
    use http_body_util::StreamBody;
    use tokio::sync::mpsc;

    pub(super) fn channel() -> (mpsc::Sender<&'static str>, Body) {
        let (send, receive) = mpsc::channel::<&str>(1);
        let frames = futures_util::stream::unfold(receive, async |mut receive| {
            let piece = receive.recv().await?;
            Some((Ok::<_, BoxError>(Frame::data(piece.into())), receive))
        });
        (send, Body::boxed(StreamBody::new(Box::pin(frames))))
    }
}

#[test]
fn algorithms_are_known_unique_and_some() {
    let refused = |config| refused_in(Phase::HttpResponse, "compress-response", config);
    assert_eq!(refused(json!(null)), Vec::<String>::new());
    assert_eq!(
        refused(json!({"algorithms": ["gzip", "deflate", "br", "compress"]})),
        Vec::<String>::new()
    );
    assert_eq!(refused(json!({"algorithms": ["gzip", "zstd"]})), ["algorithms.1: 2214"]);
    assert_eq!(refused(json!({"algorithms": ["br", "br"]})), ["algorithms.1: 2231"]);
    assert_eq!(refused(json!({"algorithms": []})), ["algorithms: 2223"]);
    assert_eq!(refused_in(Phase::HttpRequest, "compress-response", json!({})), ["type: 2202"]);
}
