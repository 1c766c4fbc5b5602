//! How a refusal looks to a visitor: a page, JSON, a gRPC status.

use std::fmt::Write as _;

use adit_chain::{Body, Id, Refusal};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName},
};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// Carries the code of a failure. Fact: tools of the service whose clients we serve match on it.
pub const ERROR_CODE: HeaderName = HeaderName::from_static("ngrok-error-code");

/// Carries the secret by which an answer of the far side is told from one of the service behind it.
pub const ORIGIN: HeaderName = HeaderName::from_static("adit-origin");

/// On an answer of the far side itself: it is none, and the visitor's connection is to be closed.
pub(crate) const HANG_UP: HeaderName = HeaderName::from_static("adit-hang-up");

/// What a visitor can read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Taste {
    /// A page.
    #[default]
    Html,
    /// `{"error_code", "status_code", "msg", "id"}`.
    Json,
    /// A status in headers that are trailers at once.
    Grpc,
}

impl Taste {
    /// Reads it off the headers of a request.
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let sent = text(CONTENT_TYPE).unwrap_or_default();
        let accepted = text(ACCEPT).unwrap_or_default();
        if sent.starts_with("application/grpc") {
            Self::Grpc
        } else if accepted.contains("text/html") {
            Self::Html
        } else if accepted.contains("application/json")
            || accepted.contains("+json")
            || sent.starts_with("application/json")
        {
            Self::Json
        } else {
            Self::Html
        }
    }
}

/// Draws a refusal. `origin` marks it as made by this side, for an edge further on.
pub fn render(refusal: Refusal, id: Id, taste: Taste, origin: Option<&str>) -> Response<Body> {
    let Refusal { status, code, message, headers, .. } = refusal;
    let code = code.map(|code| code.to_string());
    let (content_type, text) = match taste {
        Taste::Html => ("text/html; charset=utf-8", page(status, code.as_deref(), &message, id)),
        Taste::Json => ("application/json", json(status, code.as_deref(), &message, id)),
        Taste::Grpc => ("application/grpc", String::new()),
    };
    let body = Bytes::from(text);
    let n_bytes = body.len();
    let mut response = Response::new(Body::from(body));
    *response.headers_mut() = headers;
    let to = response.headers_mut();
    to.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    to.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(code) = code.and_then(|code| HeaderValue::try_from(code).ok()) {
        to.insert(ERROR_CODE, code);
    }
    if let Some(origin) = origin.and_then(|origin| HeaderValue::from_str(origin).ok()) {
        to.insert(ORIGIN, origin);
    }
    if taste == Taste::Grpc {
        to.insert("grpc-status", HeaderValue::from_static(grpc_status(status)));
        let message = utf8_percent_encode(&message, GRPC_MESSAGE).to_string();
        if let Ok(message) = HeaderValue::try_from(message) {
            to.insert("grpc-message", message);
        }
    } else {
        to.insert(CONTENT_LENGTH, HeaderValue::from(n_bytes));
        *response.status_mut() = status;
    }
    response
}

/// Asks the edge further on to close the visitor's connection. An edge that does not know of this
/// shows a bare status.
pub(crate) fn hang_up(refusal: &Refusal, origin: &str) -> Option<Response<Body>> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = refusal.status;
    response.headers_mut().insert(ORIGIN, HeaderValue::from_str(origin).ok()?);
    response.headers_mut().insert(HANG_UP, HeaderValue::from_static("1"));
    Some(response)
}

/// Fact: gRPC over HTTP/2 percent-encodes what is not printable ASCII, and `%`.
const GRPC_MESSAGE: &AsciiSet = &CONTROLS.add(b'%');

/// Fact: from the gRPC project's mapping of HTTP status codes; 14 is `UNAVAILABLE`.
const fn grpc_status(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "16",
        403 => "7",
        _ => "14",
    }
}

fn json(status: StatusCode, code: Option<&str>, message: &str, id: Id) -> String {
    let mut object = serde_json::Map::new();
    if let Some(code) = code {
        object.insert("error_code".into(), code.into());
    }
    object.insert("status_code".into(), status.as_u16().into());
    object.insert("msg".into(), message.into());
    object.insert("id".into(), id.to_string().into());
    serde_json::Value::Object(object).to_string()
}

fn page(status: StatusCode, code: Option<&str>, message: &str, id: Id) -> String {
    let (number, reason) = (status.as_u16(), status.canonical_reason().unwrap_or("Error"));
    let code = code.map(|code| format!("<p><code>{code}</code></p>\n")).unwrap_or_default();
    let message = escape(message);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{number} {reason}</title>\n\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:10vh auto;\
         padding:0 1em}}code,small{{color:#666}}</style>\n</head>\n<body>\n\
         <h1>{number} {reason}</h1>\n<p>{message}</p>\n{code}<p><small>{id}</small></p>\n\
         </body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '"' | '\'' => {
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use http::header::WWW_AUTHENTICATE;

    use super::*;

    fn refusal() -> Refusal {
        Refusal::new(StatusCode::BAD_GATEWAY, "no <b>\"luck\"</b>")
            .with_code(adit_chain::ErrorCode(8012))
    }

    async fn text(response: Response<Body>) -> String {
        let whole = response.into_body().into_whole(usize::MAX).await.unwrap();
        String::from_utf8(whole.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_page_carries_code_and_id_and_no_markup_of_others() {
        let id = Id::next();
        let response = render(refusal(), id, Taste::Html, None);
        assert_eq!(response.status(), 502);
        assert_eq!(response.headers()[ERROR_CODE], "ERR_NGROK_8012");
        assert!(!response.headers().contains_key(ORIGIN));
        let page = text(response).await;
        assert!(page.contains("no &#60;b&#62;&#34;luck&#34;&#60;/b&#62;"), "{page}");
        assert!(page.contains("ERR_NGROK_8012") && page.contains(&id.to_string()));
    }

    #[tokio::test]
    async fn json_has_the_fields_that_clients_read() {
        let id = Id::next();
        let response = render(refusal(), id, Taste::Json, Some("secret"));
        assert_eq!(response.headers()[ORIGIN], "secret");
        let value: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
        let expected = serde_json::json!({
            "error_code": "ERR_NGROK_8012", "status_code": 502,
            "msg": "no <b>\"luck\"</b>", "id": id.to_string(),
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn grpc_gets_its_status_in_the_head() {
        let response = render(refusal(), Id::next(), Taste::Grpc, None);
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["grpc-status"], "14");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/grpc");
        assert!(!response.headers().contains_key(CONTENT_LENGTH));
    }

    #[test]
    fn headers_of_the_refusal_are_kept() {
        let mut refusal = Refusal::new(StatusCode::UNAUTHORIZED, "who are you?");
        refusal.headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
        let response = render(refusal, Id::next(), Taste::Html, None);
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Basic");
        assert!(!response.headers().contains_key(ERROR_CODE));
    }

    #[test]
    fn taste_follows_accept_then_content_type() {
        let taste = |pairs: &[(HeaderName, &'static str)]| {
            let pairs = pairs.iter().map(|(n, v)| (n.clone(), HeaderValue::from_static(v)));
            Taste::of(&pairs.collect())
        };
        assert_eq!(taste(&[]), Taste::Html);
        assert_eq!(taste(&[(ACCEPT, "*/*")]), Taste::Html);
        assert_eq!(taste(&[(ACCEPT, "application/json")]), Taste::Json);
        assert_eq!(taste(&[(ACCEPT, "application/problem+json")]), Taste::Json);
        assert_eq!(taste(&[(ACCEPT, "text/html, application/json")]), Taste::Html);
        assert_eq!(taste(&[(CONTENT_TYPE, "application/json; charset=utf-8")]), Taste::Json);
        assert_eq!(taste(&[(CONTENT_TYPE, "application/grpc+proto")]), Taste::Grpc);
    }
}
