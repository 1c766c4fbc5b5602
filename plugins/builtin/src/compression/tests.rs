#![allow(clippy::unwrap_used, reason = "tests")]

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use http_body_util::{BodyExt, StreamBody};
use proptest::prelude::*;
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::mpsc,
};

use super::*;
use crate::testing::{build, chain, chunks, pass, refused, request, response};

async fn answered(accept: &str, upstream: Response<Body>) -> Response<Body> {
    let chain = chain("compression", &json!(null));
    pass(&chain, request(&[("accept-encoding", accept)])).await.answered(upstream).await
}

async fn decoded(coding: &str, bytes: &[u8]) -> String {
    let mut decoder: Box<dyn AsyncRead + Unpin + '_> = match coding {
        "gzip" => Box::new(GzipDecoder::new(bytes)),
        "deflate" => Box::new(ZlibDecoder::new(bytes)),
        "br" => Box::new(BrotliDecoder::new(bytes)),
        "zstd" => Box::new(ZstdDecoder::new(bytes)),
        _ => panic!("no decoder for {coding}"),
    };
    let mut text = String::new();
    decoder.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn each_coding_is_undone_by_its_decoder() {
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let answer = answered(coding, response(&[], chunks(&["hello ", "", "world"]))).await;
        assert_eq!(answer.headers()[CONTENT_ENCODING], coding);
        let bytes = answer.into_body().into_whole(1024).await.unwrap();
        assert_eq!(decoded(coding, &bytes).await, "hello world", "{coding}");
    }
}

#[tokio::test]
async fn the_headers_tell_the_truth_about_the_compressed_body() {
    let upstream = [
        ("content-length", "5"),
        ("etag", "\"a\""),
        ("vary", "origin"),
        ("accept-ranges", "bytes"),
        ("content-encoding", "identity"),
    ];
    let answer = answered("gzip", response(&upstream, "hello")).await;
    let headers = answer.headers();
    assert_eq!(headers.get(CONTENT_LENGTH), None);
    assert_eq!(headers.get(ACCEPT_RANGES), None);
    assert_eq!(headers[ETAG], "W/\"a\"");
    assert_eq!(headers.get_all(CONTENT_ENCODING).iter().collect::<Vec<_>>(), ["gzip"]);
    assert_eq!(headers.get_all(VARY).iter().collect::<Vec<_>>(), ["origin", "Accept-Encoding"]);
    assert_eq!(answer.body().size_hint().exact(), None);
}

#[tokio::test]
async fn a_weak_etag_and_a_fitting_vary_stay() {
    let upstream = [("etag", "W/\"a\""), ("vary", "Origin, Accept-Encoding")];
    let answer = answered("gzip", response(&upstream, "hello")).await;
    assert_eq!(answer.headers()[ETAG], "W/\"a\"");
    assert_eq!(answer.headers().get_all(VARY).iter().count(), 1);
}

#[tokio::test]
async fn what_must_stay_as_it_is_stays() {
    let with = |name, value| response(&[(name, value)], "hello");
    let status = |status: StatusCode| {
        let mut response = response(&[], "hello");
        *response.status_mut() = status;
        response
    };
    for upstream in [
        with("content-encoding", "br"),
        with("cache-control", "public, No-Transform"),
        with("content-range", "bytes 0-4/10"),
        with("content-type", "application/grpc+proto"),
        status(StatusCode::NO_CONTENT),
        status(StatusCode::NOT_MODIFIED),
        status(StatusCode::PARTIAL_CONTENT),
        status(StatusCode::SWITCHING_PROTOCOLS),
        response(&[], ""),
    ] {
        let (status, before) = (upstream.status(), upstream.headers().clone());
        let answer = answered("gzip", upstream).await;
        assert_eq!(answer.headers(), &before, "{status}");
        assert!(matches!(answer.body(), Body::Whole(_) | Body::Empty), "{status}");
    }
}

#[tokio::test]
async fn a_head_request_is_left_alone() {
    let mut head = request(&[("accept-encoding", "gzip")]);
    *head.method_mut() = Method::HEAD;
    let passed = pass(&chain("compression", &json!(null)), head).await;
    assert!(passed.unwind.is_empty());
}

#[tokio::test]
async fn an_event_reaches_the_visitor_before_the_next_one_is_made() {
    for coding in ["gzip", "deflate", "br", "zstd"] {
        let (events, receiver) = mpsc::channel::<Result<Frame<Bytes>, BoxError>>(1);
        let stream = futures_util::stream::unfold(receiver, async |mut receiver| {
            Some((receiver.recv().await?, receiver))
        });
        let upstream = response(&[], Body::boxed(StreamBody::new(Box::pin(stream))));
        let mut body = answered(coding, upstream).await.into_body();
        let mut received = Vec::new();
        for n_events in 1..=3 {
            events.send(Ok(Frame::data(Bytes::from_static(b"data: x\n\n")))).await.unwrap();
            received.extend(body.frame().await.unwrap().unwrap().into_data().unwrap());
            let so_far = prefix(coding, &received).await;
            assert_eq!(so_far, "data: x\n\n".repeat(n_events), "{coding}");
        }
        drop(events);
        received.extend(body.collect().await.unwrap().to_bytes());
        assert_eq!(decoded(coding, &received).await, "data: x\n\n".repeat(3), "{coding}");
    }
}

/// What can be read of a stream that has not ended.
async fn prefix(coding: &str, bytes: &[u8]) -> String {
    let (mut writer, reader) = tokio::io::duplex(64 * 1024);
    tokio::io::AsyncWriteExt::write_all(&mut writer, bytes).await.unwrap();
    let reader = tokio::io::BufReader::new(reader);
    let mut decoder: Box<dyn AsyncRead + Unpin> = match coding {
        "gzip" => Box::new(GzipDecoder::new(reader)),
        "deflate" => Box::new(ZlibDecoder::new(reader)),
        "br" => Box::new(BrotliDecoder::new(reader)),
        _ => Box::new(ZstdDecoder::new(reader)),
    };
    let mut text = Vec::new();
    let mut chunk = [0; 256];
    loop {
        // The writer stays open: once nothing more comes at once, this is all there is.
        let read = std::pin::pin!(decoder.read(&mut chunk));
        match futures_util::future::select(read, std::future::ready(())).await {
            futures_util::future::Either::Left((n, _)) => text.extend(&chunk[..n.unwrap()]),
            futures_util::future::Either::Right(_) => break,
        }
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn trailers_follow_the_compressed_body() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", "1".parse().unwrap());
    let frames =
        [Ok::<_, BoxError>(Frame::data(Bytes::from("hello"))), Ok(Frame::trailers(trailers))];
    let upstream = Body::boxed(StreamBody::new(futures_util::stream::iter(frames)));
    let answer = answered("gzip", response(&[], upstream)).await;
    let collected = answer.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-checksum"], "1");
    assert_eq!(decoded("gzip", &collected.to_bytes()).await, "hello");
}

#[tokio::test]
async fn an_upstream_that_breaks_off_breaks_the_compressed_body_too() {
    let frames =
        [Ok(Frame::data(Bytes::from("hello"))), Err::<_, BoxError>("connection reset".into())];
    let upstream = Body::boxed(StreamBody::new(futures_util::stream::iter(frames)));
    let answer = answered("gzip", response(&[], upstream)).await;
    let error = answer.into_body().collect().await.unwrap_err();
    assert_eq!(error.to_string(), "connection reset");
}

#[tokio::test]
async fn a_large_body_passes_in_bounded_frames() {
    let large: String =
        (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 8).to_string()).collect();
    let mut body = answered("gzip", response(&[], large.clone())).await.into_body();
    let mut received = Vec::new();
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        assert!(data.len() <= 64 * 1024);
        received.extend(data);
    }
    assert!(decoded("gzip", &received).await == large);
}

#[test]
fn bad_lists_are_refused_with_their_place() {
    let refused = |options| refused("compression", &options);
    assert_eq!(refused(json!({"algorithms": []})), ("algorithms".into(), None));
    assert_eq!(refused(json!({"algorithms": ["gzip", "gzip"]})), ("algorithms.1".into(), None));
    assert_eq!(refused(json!({"algorithms": ["gzip", "lzma"]})), ("algorithms.1".into(), None));
    build("compression", &json!({"algorithms": ["gzip", "deflate", "br", "compress"]})).unwrap();
}

#[tokio::test]
async fn compress_is_never_negotiated() {
    let chain = chain("compression", &json!({"algorithms": ["compress"]}));
    assert!(pass(&chain, request(&[("accept-encoding", "compress")])).await.unwind.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_split_of_any_body_comes_back_whole(
        parts in proptest::collection::vec(".{0,200}", 1..6),
        coding in prop_oneof![Just("gzip"), Just("deflate"), Just("br"), Just("zstd")],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let frames = parts.clone().into_iter().map(|part| Ok::<_, BoxError>(Frame::data(part.into())));
        let upstream = Body::boxed(StreamBody::new(futures_util::stream::iter(frames.collect::<Vec<_>>())));
        let text = runtime.block_on(async {
            let answer = answered(coding, response(&[], upstream)).await;
            decoded(coding, &answer.into_body().into_whole(1 << 20).await.unwrap()).await
        });
        prop_assert_eq!(text, parts.concat());
    }
}
