//! What may be asked twice.
//!
//! A service closes a connection that was idle for long enough for it, and the next request may be
//! on its way to it then: the longer the way, the more often. Nobody is to blame, and where nothing
//! can come of asking twice, nobody has to know.

use adit_chain::Body;
use http::{Method, Request};
use http_body::Body as _;

use super::pipe::session_ended;

/// A copy of a request, if it may be sent once more should the pipe break that it is sent over.
///
/// Fact: RFC 9110, section 9.2.2: what these methods ask for may be asked for again.
pub(super) fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let may_repeat = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !may_repeat || !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Request::new(Body::Empty);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy.extensions_mut().clone_from(request.extensions());
    *copy.version_mut() = request.version();
    Some(copy)
}

/// Whether a pipe may have broken because the service did not want to be asked any more. Where its
/// agent left, there is nobody to ask.
pub(super) fn has_left(error: &hyper::Error) -> bool {
    !error.is_parse() && !error.is_user() && !session_ended(error)
}
