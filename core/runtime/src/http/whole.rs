//! Bodies that handlers need whole, and the length of those that they made.

use adit_chain::{Body, BodyTooLong, BoxError, Exchange, Refusal, code};
use http::{HeaderValue, Request, Response, StatusCode, header::CONTENT_LENGTH};
use http_body::Body as _;
use tokio::time::timeout;

use crate::Limits;

/// Leaves an empty request behind: handlers that wait for the response have seen it.
pub(super) fn take_request(exchange: &mut Exchange) -> Request<Body> {
    let mut request = std::mem::take(&mut exchange.request);
    settle_request(&mut request);
    request
}

/// Makes the length that is said that of the body that a handler made.
pub(super) fn settle_request(request: &mut Request<Body>) {
    match request.body() {
        Body::Empty => drop(request.headers_mut().remove(CONTENT_LENGTH)),
        Body::Whole(bytes) => {
            let n_bytes = HeaderValue::from(bytes.len());
            request.headers_mut().insert(CONTENT_LENGTH, n_bytes);
        }
        Body::Incoming(_) | Body::Boxed(_) => {}
    }
}

/// Makes the length that is said that of the body that a handler made.
pub(super) fn settle_length(response: &mut Response<Body>, is_head: bool) {
    if let Body::Whole(bytes) = response.body()
        && !is_head
    {
        let n_bytes = HeaderValue::from(bytes.len());
        response.headers_mut().insert(CONTENT_LENGTH, n_bytes);
    }
}

/// Takes the body off the answer to a `HEAD`, and leaves its length.
///
/// Fact: the HTTP library does so for HTTP/1 and not for HTTP/2, where visitors take a body that must
/// not be there for a broken stream.
pub(super) fn leave_out_body(response: &mut Response<Body>) {
    let body = std::mem::take(response.body_mut());
    if let Some(n_bytes) = body.size_hint().exact().filter(|n_bytes| *n_bytes > 0) {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(n_bytes.into());
    }
}

/// Reads the whole body of a request, for handlers that need it.
pub(super) async fn buffer_request(
    exchange: &mut Exchange,
    limits: &Limits,
) -> Result<(), Refusal> {
    let body = std::mem::take(exchange.request.body_mut());
    let limit = limits.max_buffered_body;
    let whole = match timeout(limits.response_timeout, body.into_whole(limit)).await {
        Ok(Ok(whole)) => whole,
        Ok(Err(error)) if is_too_long(&error) => {
            let message = format!("The request's body is longer than {limit} bytes.");
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message));
        }
        Ok(Err(_)) => return Err(Refusal::close()),
        Err(_) => {
            let message = "The request's body did not arrive in time.";
            return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, message));
        }
    };
    *exchange.request.body_mut() = whole.into();
    Ok(())
}

/// Reads the whole body of a response, for handlers that need it.
pub(super) async fn buffered(
    response: Response<Body>,
    limit: usize,
) -> Result<Response<Body>, Refusal> {
    let (mut head, body) = response.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS || http_body::Body::is_end_stream(&body) {
        return Ok(Response::from_parts(head, body));
    }
    match body.into_whole(limit).await {
        Ok(whole) => {
            head.headers.insert(CONTENT_LENGTH, HeaderValue::from(whole.len()));
            Ok(Response::from_parts(head, whole.into()))
        }
        Err(error) => {
            let message = if is_too_long(&error) {
                "The service's answer is too long for a handler of this endpoint."
            } else {
                "The service broke off its answer."
            };
            let refusal = Refusal::new(StatusCode::BAD_GATEWAY, message);
            Err(refusal.with_code(code::BAD_UPSTREAM_RESPONSE))
        }
    }
}

fn is_too_long(error: &BoxError) -> bool {
    error.is::<BodyTooLong>()
}
