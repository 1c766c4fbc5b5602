//! `request-headers` and `response-headers`: removes headers, then adds some.
//!
//! Adding appends a line; to replace a header, remove it as well. The one exception is `host` of a
//! request, of which there is one: adding it replaces it, and `Location` headers that point at it
//! are mapped back. Headers that belong to one connection, or that frame a message, are not for
//! users to change.

use std::fmt;

use adit_chain::{
    Body, BoxError, BoxHandler, BuildCx, BuildError, Exchange, Handler, Needs, OnRequest,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use serde::Deserialize;

use crate::{framing::is_framing, host::HostRewrite, options::mistake};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
}

/// The codes of one direction.
struct Codes {
    no_colon: u32,
    name: u32,
    value: u32,
    casing: u32,
}

const REQUEST: Codes = Codes { no_colon: 370, name: 372, value: 374, casing: 375 };
const RESPONSE: Codes = Codes { no_colon: 371, name: 373, value: 374, casing: 375 };
const HOST_REMOVED: u32 = 398;

pub(crate) fn build_request(options: Options, cx: &BuildCx) -> Result<BoxHandler, BuildError> {
    let mut edits = Edits::read(&options, &REQUEST)?;
    let host = match edits.add.iter().rposition(|(name, _)| name == header::HOST) {
        Some(last) => Some(host(&edits.add[last].1, last, cx)?),
        None => None,
    };
    if let (None, Some(i)) = (&host, edits.remove.iter().position(|name| name == header::HOST)) {
        let message = "a request cannot be without host; add another one as well";
        return Err(mistake("remove", i, HOST_REMOVED, message.into()));
    }
    edits.add.retain(|(name, _)| name != header::HOST);
    edits.remove.retain(|name| name != header::HOST);
    Ok(BoxHandler::new(RequestHeaders { edits, host }))
}

pub(crate) fn build_response(options: Options, _: &BuildCx) -> Result<BoxHandler, BuildError> {
    let edits = std::sync::Arc::new(Edits::read(&options, &RESPONSE)?);
    Ok(BoxHandler::new(ResponseHeaders { edits }))
}

fn host(value: &HeaderValue, index: usize, cx: &BuildCx) -> Result<HostRewrite, BuildError> {
    let text = value.to_str().unwrap_or_default();
    HostRewrite::new(text, &cx.endpoint)
        .map_err(|error| mistake("add", index, REQUEST.value, error.message))
}

/// What is done to the headers of a message.
struct Edits {
    remove: Vec<HeaderName>,
    add: Vec<(HeaderName, HeaderValue)>,
}

impl Edits {
    fn read(options: &Options, codes: &Codes) -> Result<Self, BuildError> {
        let mut spellings: Vec<&str> = Vec::new();
        let mut add = Vec::new();
        for (i, line) in options.add.iter().enumerate() {
            let fail = |code, message| mistake("add", i, code, message);
            let (written, value) = line
                .split_once(':')
                .ok_or_else(|| fail(codes.no_colon, "no colon; write name:value".into()))?;
            let written = written.trim();
            let name = name(written).map_err(|message| fail(codes.name, message))?;
            // The value may be a secret, so the message does not repeat it.
            let value = HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|_| {
                fail(codes.value, format!("the value of {name} holds control characters"))
            })?;
            let twin = spellings.iter().find(|other| other.eq_ignore_ascii_case(written));
            if let Some(other) = twin.filter(|other| **other != written) {
                let message =
                    format!("{written:?} and {other:?} are the same header; keep one spelling");
                return Err(fail(codes.casing, message));
            }
            spellings.push(written);
            add.push((name, value));
        }
        let remove = |(i, written): (usize, &String)| {
            name(written.trim()).map_err(|message| mistake("remove", i, codes.name, message))
        };
        let remove = options.remove.iter().enumerate().map(remove).collect::<Result<_, _>>()?;
        Ok(Self { remove, add })
    }

    fn apply(&self, headers: &mut HeaderMap) -> Result<(), BoxError> {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.add {
            headers.try_append(name, value.clone())?;
        }
        Ok(())
    }
}

fn name(written: &str) -> Result<HeaderName, String> {
    let name = HeaderName::from_bytes(written.as_bytes())
        .map_err(|_| format!("{written:?} is not the name of a header"))?;
    if is_framing(&name) {
        return Err(format!("{name} belongs to one connection and cannot be changed"));
    }
    Ok(name)
}

impl fmt::Debug for Edits {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let add: Vec<_> = self.add.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Edits").field("remove", &self.remove).field("add", &add).finish()
    }
}

#[derive(Debug)]
struct RequestHeaders {
    edits: Edits,
    host: Option<HostRewrite>,
}

impl Handler for RequestHeaders {
    fn needs(&self) -> Needs {
        let response = if self.host.is_some() { Needs::RESPONSE_HEAD } else { Needs::empty() };
        Needs::REQUEST_HEAD | response
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        self.edits.apply(exchange.request.headers_mut())?;
        let Some(host) = &self.host else { return Ok(OnRequest::Next) };
        let back = host.apply(&mut exchange.request);
        Ok(OnRequest::NextThen(Box::new(move |mut response: Response<_>| {
            back.map(response.headers_mut());
            Ok(response)
        })))
    }
}

#[derive(Debug)]
struct ResponseHeaders {
    edits: std::sync::Arc<Edits>,
}

impl Handler for ResponseHeaders {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD | Needs::RESPONSE_HEAD
    }

    async fn on_request(&self, _: &mut Exchange) -> Result<OnRequest, BoxError> {
        let edits = std::sync::Arc::clone(&self.edits);
        Ok(OnRequest::NextThen(Box::new(move |mut response: Response<Body>| {
            edits.apply(response.headers_mut())?;
            Ok(response)
        })))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{build, chain, pass, refused, request, response};

    fn lines<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
        headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    async fn sent(options: Value, headers: &[(&str, &str)]) -> HeaderMap {
        let passed = pass(&chain("request-headers", &options), request(headers)).await;
        passed.exchange.request.headers().clone()
    }

    #[tokio::test]
    async fn adding_keeps_what_was_there_and_the_order_of_the_list() {
        let headers = sent(json!({"add": ["x-a:2", "x-a: 3"]}), &[("x-a", "1")]).await;
        assert_eq!(lines(&headers, "x-a"), ["1", "2", "3"]);
    }

    #[tokio::test]
    async fn removing_comes_first_so_both_together_replace() {
        let options = json!({"add": ["x-a:new"], "remove": ["X-A"]});
        let headers = sent(options, &[("x-a", "1"), ("x-a", "2")]).await;
        assert_eq!(lines(&headers, "x-a"), ["new"]);
    }

    #[tokio::test]
    async fn only_the_first_colon_separates() {
        let headers = sent(json!({"add": ["x-url:http://a:80/"]}), &[]).await;
        assert_eq!(lines(&headers, "x-url"), ["http://a:80/"]);
    }

    #[tokio::test]
    async fn adding_host_replaces_it_and_maps_locations_back() {
        let options = json!({"add": ["Host: intra.example"], "remove": ["host"]});
        let passed =
            pass(&chain("request-headers", &options), request(&[("host", "app.example")])).await;
        assert_eq!(lines(passed.exchange.request.headers(), "host"), ["intra.example"]);
        let answer = passed.answered(response(&[("location", "http://intra.example/a")], "")).await;
        assert_eq!(lines(answer.headers(), "location"), ["https://app.example/a"]);
    }

    #[tokio::test]
    async fn responses_lose_and_gain_headers() {
        let options = json!({"add": ["x-a:1"], "remove": ["server"]});
        let passed = pass(&chain("response-headers", &options), request(&[])).await;
        let answer = passed.answered(response(&[("server", "secret/1.0")], "hi")).await;
        assert_eq!(lines(answer.headers(), "x-a"), ["1"]);
        assert_eq!(lines(answer.headers(), "server"), [""; 0]);
    }

    #[test]
    fn bad_lines_are_refused_with_their_place_and_the_code_of_their_direction() {
        let add = |line: &str| {
            let options = json!({"add": ["x-a:1", line]});
            let (at, request) = refused("request-headers", &options);
            assert_eq!(at, "add.1");
            (request.unwrap(), refused("response-headers", &options).1.unwrap())
        };
        assert_eq!(add("x-b"), (370, 371));
        assert_eq!(add("x b:1"), (372, 373));
        assert_eq!(add(":1"), (372, 373));
        assert_eq!(add("Transfer-Encoding:chunked"), (372, 373));
        assert_eq!(add("content-length:0"), (372, 373));
        assert_eq!(add("x-b:a\r\nx-c:d"), (374, 374));
        assert_eq!(add("X-A:1"), (375, 375));
    }

    #[test]
    fn bad_removals_are_refused_with_their_place_and_code() {
        let remove = |name| refused("request-headers", &json!({"remove": ["x-a", name]}));
        assert_eq!(remove("x b"), ("remove.1".into(), Some(372)));
        assert_eq!(remove("connection"), ("remove.1".into(), Some(372)));
        assert_eq!(remove("Host"), ("remove.1".into(), Some(398)));
    }

    #[test]
    fn a_host_that_is_none_is_refused_as_a_value() {
        let refused = refused("request-headers", &json!({"add": ["x-a:1", "host:a b"]}));
        assert_eq!(refused, ("add.1".into(), Some(374)));
    }

    #[test]
    fn values_are_not_shown() {
        let handler = build("request-headers", &json!({"add": ["authorization:secret"]})).unwrap();
        assert!(!format!("{handler:?}").contains("secret"));
    }

    proptest! {
        #[test]
        fn no_line_makes_the_reading_panic(add in ".{0,40}|[a-zA-Z-]{0,9}:.{0,20}", remove in ".{0,20}") {
            let options = Options { add: vec![add.clone(), add], remove: vec![remove] };
            let _ = Edits::read(&options, &REQUEST);
        }
    }
}
