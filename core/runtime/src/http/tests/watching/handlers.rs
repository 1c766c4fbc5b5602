//! Handlers between what is seen.

use adit_chain::{
    Body, BoxError, Exchange, Handler, Link, Needs, Notes, OnRequest, OnResponse, Origin, Refusal,
};
use http::{HeaderValue, Response};

use super::{FRESH, GET, OK, SEEN, UNSENT, next, rig};

/// Does as the path says, with notes.
#[derive(Debug)]
struct Noting(&'static str);

impl Handler for Noting {
    fn needs(&self) -> Needs {
        Needs::REQUEST_HEAD | Needs::RESPONSE_HEAD
    }

    async fn on_request(&self, exchange: &mut Exchange) -> Result<OnRequest, BoxError> {
        let id = HeaderValue::from_str(&exchange.id.to_string())?;
        let path = exchange.request.uri().path().to_owned();
        exchange.trace.note(format_args!("saw {path}"));
        exchange.request.headers_mut().insert("x-added", HeaderValue::from_static("1"));
        match (path.as_str(), self.0) {
            ("/answer", "b") => return Ok(OnRequest::Respond(Response::new(Body::from("mine")))),
            ("/hang-up", "b") => return Ok(OnRequest::Abort(Refusal::close())),
            ("/break", "b") => return Err("broken".into()),
            _ => {}
        }
        let then: Box<dyn OnResponse> = Box::new(move |mut response: Response<Body>| {
            let notes = Notes::of(&response);
            assert!(notes.are_wanted());
            notes.note("back");
            notes.note("again");
            response.headers_mut().insert("x-id", id);
            if path == "/break-later" {
                return Err("broken".into());
            }
            if path == "/replace" {
                let mut own = Response::new(Body::from("own"));
                Origin::Handler.mark(&mut own);
                return Ok(own);
            }
            Ok(response)
        });
        Ok(OnRequest::NextThen(then))
    }
}

#[tokio::test]
async fn handlers_stand_between_what_is_seen_and_say_what_they_did() {
    let links = vec![Link::new("a", Noting("a")), Link::new("b", Noting("b"))];
    let (mut rig, mut told) = rig(links).await;
    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    assert!(service.head().await.contains("x-added: 1\r\n"));
    service.send(OK).await;
    assert!(visitor.until("\r\n\r\nok").await.contains("x-id: "));
    let expected = [
        SEEN,
        "< 200 HTTP/1.1 [content-length x-id] by Upstream",
        "a to: NextThen saw /",
        "b to: NextThen saw /",
        "b back: Next back\nagain",
        "a back: Next back\nagain",
        FRESH,
        "same id",
        "< ok",
        "end Some(200) well",
    ];
    assert_eq!(next(&mut told).await, expected);

    visitor.send("GET /answer HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    visitor.until("mine").await;
    let lines = next(&mut told).await;
    assert!(lines[1].ends_with(" by Handler"), "{lines:?}");
    assert_eq!(
        lines[2..6],
        [
            "a to: NextThen saw /answer",
            "b to: Respond saw /answer",
            "a back: Next back\nagain",
            UNSENT
        ]
    );

    visitor.send("GET /break HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    visitor.until("\r\n\r\n").await;
    let lines = next(&mut told).await;
    assert!(lines[1].starts_with("< 500 ") && lines[1].ends_with(" by Agent"), "{lines:?}");
    assert_eq!(lines[3], "b to: Failed saw /break");
    assert_eq!(lines.last().unwrap(), "end Some(500) handler-failed");
}

#[tokio::test]
async fn continuations_that_replace_or_break_are_recorded_so() {
    let (mut rig, mut told) = rig(vec![Link::new("a", Noting("a"))]).await;
    let mut visitor = rig.visit().await;
    visitor.send("GET /replace HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let mut service = rig.served().await;
    service.head().await;
    service.send(OK).await;
    visitor.until("own").await;
    let lines = next(&mut told).await;
    assert!(lines[1].ends_with(" by Handler"), "{lines:?}");
    assert_eq!(lines[3], "a back: Respond back\nagain");
    visitor.send("GET /break-later HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    service.head().await;
    service.send(OK).await;
    visitor.head().await;
    let lines = next(&mut told).await;
    assert!(lines[1].starts_with("< 500 ") && lines[1].ends_with(" by Agent"), "{lines:?}");
    assert_eq!(lines[3], "a back: Failed back\nagain");
    assert_eq!(lines.last().unwrap(), "end Some(500) handler-failed");
}

#[tokio::test]
async fn a_handler_that_hangs_up_and_a_visitor_that_does_leave_an_end() {
    let links = vec![Link::new("a", Noting("a")), Link::new("b", Noting("b"))];
    let (mut rig, mut told) = rig(links).await;
    let mut visitor = rig.visit().await;
    visitor.send("GET /hang-up HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    assert_eq!(visitor.rest().await, "");
    let lines = next(&mut told).await;
    assert_eq!(lines, ["a.test: GET /hang-up HTTP/1.1 [host] body: false", "end None refused"]);

    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    drop(visitor);
    assert_eq!(next(&mut told).await, [SEEN, "end None reset"]);

    let mut visitor = rig.visit().await;
    visitor.send(GET).await;
    let mut service = rig.served().await;
    service.head().await;
    service.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc").await;
    visitor.until("abc").await;
    drop(visitor);
    let lines = next(&mut told).await;
    assert_eq!(lines[lines.len() - 2..], ["< abc", "end Some(200) reset"]);
}
