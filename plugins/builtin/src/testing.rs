//! What the tests of several handlers share.

use adit_chain::{
    Body, BoxError, BoxHandler, BuildCx, BuildError, Chain, Exchange, Link, OnError, Outcome,
    Refusal, Side, Unwind, conformance,
};
use http::{Request, Response};
use serde_json::Value;

/// What a factory knows in tests: the endpoint of the conformance kit, at the agent.
pub(crate) fn build_cx() -> BuildCx {
    BuildCx {
        endpoint: conformance::endpoint(),
        side: Side::Agent,
        certificates: None,
        on_error: OnError::Deny,
    }
}

pub(crate) fn build(kind: &str, options: &Value) -> Result<BoxHandler, BuildError> {
    let factory = crate::all().into_iter().find(|factory| factory.kind() == kind).unwrap();
    factory.build(options, &build_cx())
}

/// Why these options are refused: where, and with which code.
pub(crate) fn refused(kind: &str, options: &Value) -> (String, Option<u32>) {
    let error = build(kind, options).unwrap_err();
    (error.at.join("."), error.code.map(|code| code.0))
}

/// One handler, as a chain.
pub(crate) fn chain(kind: &str, options: &Value) -> Chain {
    Chain::new(vec![Link::boxed(kind, build(kind, options).unwrap())])
}

/// A request with these headers.
pub(crate) fn request(headers: &[(&str, &str)]) -> Request<Body> {
    let request = Request::builder().uri("/");
    let request =
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Body::Empty).unwrap()
}

/// A response with these headers.
pub(crate) fn response(headers: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
    let response = Response::builder();
    let response =
        headers.iter().fold(response, |response, (name, value)| response.header(*name, *value));
    response.body(body.into()).unwrap()
}

/// Where a chain left an exchange on its way in.
pub(crate) struct Passed {
    pub(crate) exchange: Exchange,
    pub(crate) outcome: Outcome,
    pub(crate) unwind: Unwind,
}

pub(crate) async fn pass(chain: &Chain, request: Request<Body>) -> Passed {
    let mut exchange = conformance::exchange(request);
    let mut unwind = Unwind::default();
    let outcome = chain.request(&mut exchange, &mut unwind).await;
    Passed { exchange, outcome, unwind }
}

impl Passed {
    /// The refusal that it ended in.
    pub(crate) fn refusal(self) -> Refusal {
        match self.outcome {
            Outcome::Abort(refusal) => refusal,
            _ => panic!("the request was not turned away"),
        }
    }

    pub(crate) fn forwarded(&self) -> bool {
        matches!(self.outcome, Outcome::Forward)
    }

    /// Takes the upstream's response back through the chain.
    pub(crate) async fn answered(mut self, response: Response<Body>) -> Response<Body> {
        assert!(self.forwarded());
        self.unwind.run(self.exchange.id, response).await.unwrap()
    }
}

/// A certificate for `app.example` and its key, PEM.
pub(crate) fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["app.example".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// A body of these chunks, each a frame of its own.
pub(crate) fn chunks(chunks: &[&'static str]) -> Body {
    use http_body::Frame;
    let frames: Vec<_> =
        chunks.iter().map(|chunk| Ok::<_, BoxError>(Frame::data((*chunk).into()))).collect();
    Body::boxed(http_body_util::StreamBody::new(futures_util::stream::iter(frames)))
}
