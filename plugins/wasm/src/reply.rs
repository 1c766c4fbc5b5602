//! What a policy answers in place of the service.

use adit_chain::{Body, Origin};
use adit_policy_rules::reply;
use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{CONTENT_LENGTH, DATE},
};

use crate::{bindings::adit::policy::types::Reply, fault::Fault, hook::Hook};

/// Makes a response of a reply.
///
/// # Errors
/// It breaks a rule: a fault, not a broken response on the wire.
pub(crate) fn response(reply: Reply, method: &Method, hook: Hook) -> Result<Response<Body>, Fault> {
    let Reply { status, headers, body } = reply;
    let lines = headers.iter().map(|field| (field.name.as_str(), field.value.as_slice()));
    reply::check(status, lines, body.len())
        .map_err(|refused| Fault::answer(hook, format!("reply: {refused}")))?;
    let broken = |what: &str| Fault::answer(hook, format!("reply: {what}"));
    let code = StatusCode::from_u16(status).map_err(|_| broken("no such status"))?;
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = code;
    let lines = response.headers_mut();
    for field in headers {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let value = HeaderValue::from_maybe_shared(Bytes::from(field.value));
        match (name, value) {
            (Ok(name), Ok(value)) => drop(lines.try_append(name, value)),
            _ => return Err(broken("a header line that cannot be sent")),
        }
    }
    if !lines.contains_key(DATE)
        && let Ok(now) =
            HeaderValue::from_str(&httpdate::fmt_http_date(std::time::SystemTime::now()))
    {
        lines.insert(DATE, now);
    }
    let is_bodiless = matches!(code, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if code != StatusCode::NO_CONTENT && code != StatusCode::NOT_MODIFIED {
        lines.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    if !is_bodiless && method != Method::HEAD {
        *response.body_mut() = Bytes::from(body).into();
    }
    Origin::Handler.mark(&mut response);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::adit::policy::types::Field;

    fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
        let field = |(name, value): &(&str, &str)| Field {
            name: (*name).to_owned(),
            value: value.as_bytes().to_vec(),
        };
        Reply { status, headers: headers.iter().map(field).collect(), body: body.into() }
    }

    fn made(reply: Reply, method: &Method) -> Result<Response<Body>, String> {
        response(reply, method, Hook::Request).map_err(|fault| fault.message)
    }

    #[tokio::test]
    async fn a_reply_gets_its_length_and_a_date() {
        let response = made(reply(429, &[("Retry-After", "1")], "slow"), &Method::GET).unwrap();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "1");
        assert_eq!(response.headers()["content-length"], "4");
        assert!(response.headers().contains_key("date"));
        assert_eq!(Origin::of(&response), Origin::Handler);
        assert_eq!(response.into_body().into_whole(9).await.unwrap(), "slow");
    }

    #[test]
    fn answers_without_a_body_have_none() {
        let head = made(reply(200, &[], "hello"), &Method::HEAD).unwrap();
        assert_eq!(head.headers()["content-length"], "5");
        assert!(matches!(head.body(), Body::Empty));
        let none = made(reply(204, &[], "hello"), &Method::GET).unwrap();
        assert!(matches!(none.body(), Body::Empty));
        assert!(!none.headers().contains_key("content-length"));
    }

    #[test]
    fn what_would_break_the_wire_is_a_fault() {
        for bad in [
            reply(101, &[], ""),
            reply(700, &[], ""),
            reply(200, &[("x", "a\r\nset-cookie: b")], ""),
            reply(200, &[("x y", "a")], ""),
            reply(200, &[("Transfer-Encoding", "chunked")], ""),
            reply(200, &[("x", "a\0")], ""),
        ] {
            assert!(made(bad, &Method::GET).unwrap_err().starts_with("reply: "));
        }
    }
}
