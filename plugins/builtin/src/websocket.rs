//! `websocket-tcp-converter`: a WebSocket outside, bytes inside.
//!
//! A visitor opens a WebSocket (RFC 6455, over HTTP/1.1); what its binary messages hold becomes the
//! byte stream to the upstream, and what the upstream sends comes back in binary messages. Where
//! one message ends and the next begins means nothing.
//!
//! Ours: of the subprotocols that a visitor offers, `binary` is chosen if it is among them, else
//! the first: browsers drop a connection on which none was, and every one of them is just bytes
//! here. Extensions are not negotiated.

use adit_chain::{
    Body, BoxError, BoxHandler, BuildCx, BuildError, ByteStream, Exchange, Handler, Needs,
    OnRequest, Refusal, WrapIo, code::WEBSOCKET_REQUIRED,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{
        CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
        SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};
use serde::Deserialize;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use self::bytes_over::BytesOver;

mod bytes_over;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {}

pub(crate) fn build(_: Options, _: &BuildCx) -> Result<BoxHandler, BuildError> {
    Ok(BoxHandler::new(WebsocketTcpConverter))
}

#[derive(Debug)]
struct WebsocketTcpConverter;

impl Handler for WebsocketTcpConverter {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        let Some(response) = switch(&exchange.request) else {
            let message = "this endpoint speaks WebSocket (RFC 6455) only";
            let mut refusal = Refusal::new(StatusCode::BAD_REQUEST, message);
            refusal.headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            return Ok(OnRequest::Abort(refusal.with_code(WEBSOCKET_REQUIRED)));
        };
        Ok(OnRequest::Detach { response, wrap: Box::new(Wrap) })
    }
}

struct Wrap;

impl WrapIo for Wrap {
    fn wrap(self: Box<Self>, io: Box<dyn ByteStream>) -> Box<dyn ByteStream> {
        Box::new(BytesOver::new(io))
    }
}

/// The `101` for a request that opens a WebSocket.
fn switch(request: &Request<Body>) -> Option<Response<Body>> {
    let headers = request.headers();
    let opens = request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && has_token(headers, CONNECTION, "upgrade")
        && has_token(headers, UPGRADE, "websocket")
        && only(headers, SEC_WEBSOCKET_VERSION)? == "13";
    let key = only(headers, SEC_WEBSOCKET_KEY)?;
    if !opens || STANDARD.decode(key.as_bytes()).ok()?.len() != 16 {
        return None;
    }
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).ok()?;
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answer = response.headers_mut();
    answer.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(protocol) = subprotocol(headers) {
        answer.insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    Some(response)
}

fn subprotocol(headers: &HeaderMap) -> Option<HeaderValue> {
    let offered = || items(headers, SEC_WEBSOCKET_PROTOCOL);
    let chosen = offered().find(|name| *name == "binary").or_else(|| offered().next())?;
    HeaderValue::from_str(chosen).ok()
}

/// The value of a header that may stand once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?.to_str().ok()?.trim();
    lines.next().is_none().then_some(line)
}

fn items(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|item| !item.is_empty())
}

fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    items(headers, name).any(|item| item.eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use adit_chain::Outcome;
    use serde_json::json;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::testing::{chain, pass, request};

    const OPENING: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    async fn outcome(request: Request<Body>) -> Outcome {
        pass(&chain("websocket-tcp-converter", &json!(null)), request).await.outcome
    }

    async fn detached(headers: &[(&str, &str)]) -> Option<Response<Body>> {
        match outcome(request(headers)).await {
            Outcome::Detach(response, _) => Some(response),
            _ => None,
        }
    }

    #[tokio::test]
    async fn an_opening_handshake_is_answered_as_rfc_6455_has_it() {
        let response = detached(&OPENING).await.unwrap();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(response.headers()[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(response.headers()[UPGRADE], "websocket");
        assert_eq!(response.headers()[CONNECTION], "Upgrade");
        assert_eq!(response.headers().get(SEC_WEBSOCKET_PROTOCOL), None);
    }

    #[tokio::test]
    async fn the_connection_then_carries_the_bytes_of_its_messages() {
        let Outcome::Detach(_, wrap) = outcome(request(&OPENING)).await else {
            panic!("the connection stays in HTTP");
        };
        let (near, mut far) = tokio::io::duplex(64);
        let mut bytes = wrap.wrap(Box::new(near));
        bytes.write_all(b"hi").await.unwrap();
        let mut frame = [0; 4];
        far.read_exact(&mut frame).await.unwrap();
        assert_eq!(frame, [0x82, 2, b'h', b'i']);
    }

    #[tokio::test]
    async fn of_the_offered_subprotocols_binary_is_chosen_else_the_first() {
        let chosen = async |offer| {
            let headers = [&OPENING[..], &[("sec-websocket-protocol", offer)]].concat();
            detached(&headers).await.unwrap().headers()[SEC_WEBSOCKET_PROTOCOL].clone()
        };
        assert_eq!(chosen("base64, binary").await, "binary");
        assert_eq!(chosen("mqtt, mqttv3.1").await, "mqtt");
    }

    #[tokio::test]
    async fn anything_else_is_a_400_with_its_code() {
        for missing in 0..OPENING.len() {
            let headers = [&OPENING[..missing], &OPENING[missing + 1..]].concat();
            let chain = chain("websocket-tcp-converter", &json!(null));
            let refusal = pass(&chain, request(&headers)).await.refusal();
            let expected = (StatusCode::BAD_REQUEST, Some(WEBSOCKET_REQUIRED));
            assert_eq!((refusal.status, refusal.code), expected);
        }
    }

    #[tokio::test]
    async fn another_version_a_bad_key_another_method_and_http_2_are_refused() {
        for (index, bad) in [(2, "8"), (3, "c2hvcnQ="), (3, "***")] {
            let mut headers = OPENING;
            headers[index].1 = bad;
            assert!(detached(&headers).await.is_none(), "{bad}");
        }
        let mut post = request(&OPENING);
        *post.method_mut() = Method::POST;
        assert!(matches!(outcome(post).await, Outcome::Abort(_)));
        let mut h2 = request(&OPENING);
        *h2.version_mut() = Version::HTTP_2;
        assert!(matches!(outcome(h2).await, Outcome::Abort(_)));
    }
}
