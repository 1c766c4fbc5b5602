//! The trait behind `#[policy]`.

use crate::connection::Connection;
use crate::outcome::Outcome;
use crate::request::Request;
use crate::response::Response;
use crate::verdict::{Admission, BodyVerdict, ChunkVerdict, Direction, Verdict};

/// A hook that a policy may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each is the method of the same name")]
pub enum Hook {
    OnConnection,
    OnClose,
    OnData,
    OnRequest,
    OnRequestBody,
    OnRequestChunk,
    OnResponse,
    OnResponseBody,
    OnResponseChunk,
    OnFinish,
}

/// What [`#[policy]`](macro@crate::policy) implements, on every target. The methods that the block
/// does not have answer as if the policy were not there.
///
/// Nobody writes this by hand: what each hook may do is described at the
/// [macro](macro@crate::policy).
#[allow(unused_variables, reason = "the defaults look at nothing")]
pub trait Hooks: Sized + 'static {
    /// The hooks that were written.
    const HOOKS: &'static [Hook];

    /// Reads the configuration, a JSON document. The error is for the operator.
    fn configure(config: &str) -> Result<Self, String>;

    /// A connection was accepted, nothing is read yet.
    fn on_connection(&mut self, conn: &Connection<'_>) -> Admission {
        Admission::Accept
    }

    /// A connection has ended.
    fn on_close(&mut self, conn: &Connection<'_>, end: &Outcome<'_>) {}

    /// A piece of a raw connection.
    fn on_data(
        &mut self,
        conn: &Connection<'_>,
        way: Direction,
        chunk: Vec<u8>,
        last: bool,
    ) -> ChunkVerdict {
        ChunkVerdict::Pass
    }

    /// A request head.
    fn on_request(&mut self, conn: &Connection<'_>, req: &mut Request<'_>) -> Verdict {
        Verdict::Next
    }

    /// A request body that was awaited.
    fn on_request_body(
        &mut self,
        req: &mut Request<'_>,
        body: Vec<u8>,
        complete: bool,
    ) -> BodyVerdict {
        BodyVerdict::Next
    }

    /// A piece of a request body that is watched.
    fn on_request_chunk(&mut self, req: &Request<'_>, chunk: Vec<u8>, last: bool) -> ChunkVerdict {
        ChunkVerdict::Pass
    }

    /// A response head.
    fn on_response(&mut self, req: &Request<'_>, resp: &mut Response<'_>) -> Verdict {
        Verdict::Next
    }

    /// A response body that was awaited.
    fn on_response_body(
        &mut self,
        req: &Request<'_>,
        resp: &mut Response<'_>,
        body: Vec<u8>,
        complete: bool,
    ) -> BodyVerdict {
        BodyVerdict::Next
    }

    /// A piece of a response body that is watched.
    fn on_response_chunk(
        &mut self,
        req: &Request<'_>,
        resp: &Response<'_>,
        chunk: Vec<u8>,
        last: bool,
    ) -> ChunkVerdict {
        ChunkVerdict::Pass
    }

    /// An exchange is over.
    fn on_finish(&mut self, conn: &Connection<'_>, req: &Request<'_>, end: &Outcome<'_>) {}
}

/// Reads a configuration, and says which field is wrong.
#[doc(hidden)]
pub fn parse_config<T: serde::de::DeserializeOwned>(config: &str) -> Result<T, String> {
    let mut document = serde_json::Deserializer::from_str(config);
    serde_path_to_error::deserialize(&mut document).map_err(|error| {
        let path = error.path().to_string();
        let text = error.into_inner().to_string();
        // The document is made from a file that the operator wrote: its lines are not theirs.
        let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
        match path.as_str() {
            "." => text.to_owned(),
            path => format!("{path}: {text}"),
        }
    })
}
