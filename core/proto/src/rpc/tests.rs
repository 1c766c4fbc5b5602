//! Both ends of calls over an in-memory pipe.

use serde_json::json;
use tokio::io::{AsyncReadExt, DuplexStream, duplex};

use super::*;
use crate::{
    ErrorCode, StreamType,
    message::{
        Auth, AuthResp, Bind, BindResp, BindRespExtra, Proto, SrvInfo, SrvInfoResp, Unbind,
        UnbindResp,
    },
    options::Options,
};

const LIMIT: Duration = Duration::from_secs(10);

async fn typed(io: &mut DuplexStream, expected: StreamType) {
    assert_eq!(StreamType::read(io).await.unwrap(), expected);
}

/// Everything the far side writes until its FIN, after its request was taken.
async fn raw_answer(io: &mut DuplexStream) -> String {
    let mut text = String::new();
    io.read_to_string(&mut text).await.unwrap();
    text
}

#[test]
fn a_request_begins_with_its_type() {
    let unbind = Unbind { id: "t1".into(), extra: Value::Null };
    assert_eq!(first_bytes(&unbind), &b"\0\0\0\x02{\"Id\":\"t1\",\"Extra\":null}"[..]);
    assert_eq!(first_bytes(&SrvInfo {}), &b"\0\0\0\x08{}"[..]);
}

#[tokio::test(start_paused = true)]
async fn a_bind_is_answered_registered_and_only_then_finished() {
    let (near, mut far) = duplex(4096);
    let bind = Bind::new(Proto::Tcp, Options::default());
    let edge = async {
        typed(&mut far, StreamType::BIND).await;
        let bind: Bind = request(&mut far, LIMIT).await.unwrap();
        let resp = BindResp {
            id: "t1".into(),
            url: "tcp://edge.test:2000".into(),
            proto: bind.proto,
            opts: bind.opts.chosen(bind.proto, "tcp://edge.test:2000", "edge.test:2000"),
            extra: BindRespExtra { token: "k1".into(), tunnel_id: String::new() },
        };
        respond(far, &resp, LIMIT).await.unwrap()
    };
    let (answered, mut closing) = tokio::join!(call(near, &bind, LIMIT), edge);
    let answered = answered.unwrap();
    assert_eq!(answered.answer.url, "tcp://edge.test:2000");
    assert_eq!(closing.peer_end(BIND_FIN_FALLBACK).await, PeerEnd::Open);
    let (resp, end) = tokio::join!(answered.finish(), closing.peer_end(LIMIT));
    assert_eq!((resp.id.as_str(), end), ("t1", PeerEnd::Finished));
}

#[tokio::test]
async fn an_answer_ends_in_an_empty_error_and_fin() {
    let (mut near, far) = duplex(4096);
    let sent = respond(far, &UnbindResp::default(), LIMIT).await.unwrap();
    assert_eq!(raw_answer(&mut near).await, r#"{"Extra":null,"Error":""}"#);
    drop(sent);
}

#[tokio::test]
async fn a_refusal_is_an_object_with_nothing_but_the_error() {
    let (mut near, far) = duplex(4096);
    let error = ErrorText::new(ErrorCode::TOKEN_UNKNOWN, "Unknown token.");
    let sent = refuse(far, &error, LIMIT).await.unwrap();
    assert_eq!(raw_answer(&mut near).await, r#"{"Error":"Unknown token.\n\nERR_NGROK_107"}"#);
    drop(sent);
}

#[tokio::test]
async fn a_refused_call_carries_text_and_code() {
    let (near, mut far) = duplex(4096);
    let auth = Auth::default();
    let edge = async {
        typed(&mut far, StreamType::AUTH).await;
        let _: Auth = request(&mut far, LIMIT).await.unwrap();
        refuse(far, &ErrorText::new(ErrorCode::TOKEN_UNKNOWN, "Unknown token."), LIMIT).await
    };
    let (answered, closing) = tokio::join!(call(near, &auth, LIMIT), edge);
    let error = answered.unwrap_err();
    assert_eq!(error.to_string(), "refused: Unknown token. (ERR_NGROK_107)");
    let CallError::Refused(text) = error else { panic!("{error:?}") };
    assert_eq!((text.message(), text.code()), ("Unknown token.", Some(ErrorCode::TOKEN_UNKNOWN)));
    assert_eq!(closing.unwrap().peer_end(LIMIT).await, PeerEnd::Finished);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_fin_is_enough() {
    let (near, mut far) = duplex(4096);
    let auth = Auth::default();
    let edge = async {
        typed(&mut far, StreamType::AUTH).await;
        let _: Auth = request(&mut far, LIMIT).await.unwrap();
        far.write_all(b" {\"version\":\"3\",\"CLIENTID\":\"c1\",\"Extra\":null}\n").await.unwrap();
        far
    };
    let (answered, _far) = tokio::join!(call(near, &auth, LIMIT), edge);
    let expected = AuthResp { version: "3".into(), client_id: "c1".into(), ..AuthResp::default() };
    assert_eq!(answered.unwrap().answer, expected);
}

#[tokio::test(start_paused = true)]
async fn silence_has_an_end_on_both_sides() {
    let (near, mut far) = duplex(4096);
    let late = call(near, &SrvInfo {}, LIMIT).await;
    assert!(matches!(late, Err(CallError::Timeout { after: LIMIT })), "{late:?}");
    let (mut near, _far) = duplex(4096);
    near.write_all(b"{").await.unwrap();
    let late = request::<SrvInfo, _>(&mut near, LIMIT).await;
    assert!(matches!(late, Err(RequestError::Timeout { after: LIMIT })), "{late:?}");
    typed(&mut far, StreamType::SRV_INFO).await;
}

#[tokio::test]
async fn an_answer_of_another_shape_is_told_apart() {
    let (near, mut far) = duplex(4096);
    far.write_all(br#"{"Region":7}"#).await.unwrap();
    let err = answer::<SrvInfo, _>(near, LIMIT).await.unwrap_err();
    let CallError::Decode(err) = err else { panic!("{err:?}") };
    assert_eq!(err.to_string(), "Region: expected a string, found number");
}

#[tokio::test]
async fn a_request_that_is_too_large_is_refused_by_name_and_reset() {
    let text = format!("{{\"Metadata\":\"{}\"}}", "x".repeat(64 * 1024));
    let err = request::<Auth, _>(&mut text.as_bytes(), LIMIT).await.unwrap_err();
    let text = err.refusal(StreamType::AUTH).unwrap();
    assert_eq!(text.message(), "Invalid auth request: message longer than 65536 bytes.");
    assert_eq!(text.code(), Some(ErrorCode::AUTH_INVALID));
    assert_eq!(err.reset_code(), Some(adit_mux::ErrorCode::FrameSize));
}

#[tokio::test]
async fn a_malformed_bind_is_refused_with_its_own_code() {
    let err = request::<Bind, _>(&mut &br#"{"Proto":"ssh"}"#[..], LIMIT).await.unwrap_err();
    let text = err.refusal(StreamType::BIND).unwrap();
    assert_eq!(text.message(), "Invalid bind request: Proto: not one of http, https, tcp, tls.");
    assert_eq!((text.code(), err.reset_code()), (Some(ErrorCode::BIND_INVALID), None));
}

#[tokio::test]
async fn a_stream_that_ended_is_not_answered() {
    let err = request::<Bind, _>(&mut &b"{\"Proto\""[..], LIMIT).await.unwrap_err();
    assert_eq!(err.refusal(StreamType::BIND), None);
}

#[test]
fn an_empty_or_null_error_is_success() {
    assert_eq!(refusal(&json!({"Error": ""})), None);
    assert_eq!(refusal(&json!({"Error": null})), None);
    assert_eq!(refusal(&json!({"error": "no"})), Some(ErrorText::uncoded("no")));
}

#[test]
fn success_keeps_the_order_of_members() {
    let resp = SrvInfoResp { region: "local".into() };
    assert_eq!(json::encode(&resp), br#"{"Region":"local"}"#);
}
