//! What a request may cost whoever reads it.

use std::time::Duration;

use super::BODY_TIMEOUT;
use crate::{StreamType, json::JsonLimit};

/// What a request may cost whoever reads it. Lengths are bytes of JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// Of an `Auth`: it comes from strangers.
    pub auth_len: usize,
    /// Of a `Bind` and of a `PatchTunnelState`: they carry certificates and policies.
    pub bind_len: usize,
    /// Of every other.
    pub other_len: usize,
    /// Objects and arrays inside each other, at most [`MAX_DEPTH`](crate::json::MAX_DEPTH).
    pub max_depth: u32,
    /// Time for all of it to come.
    pub within: Duration,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            auth_len: JsonLimit::SMALL.max_len,
            bind_len: JsonLimit::BIND.max_len,
            other_len: JsonLimit::SMALL.max_len,
            max_depth: JsonLimit::SMALL.max_depth,
            within: BODY_TIMEOUT,
        }
    }
}

impl RequestLimits {
    /// The limit for requests on a stream of this type.
    pub fn json(&self, stream_type: StreamType) -> JsonLimit {
        let max_len = match stream_type {
            StreamType::AUTH => self.auth_len,
            StreamType::BIND | StreamType::PATCH_TUNNEL_STATE => self.bind_len,
            _ => self.other_len,
        };
        JsonLimit { max_len, max_depth: self.max_depth }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{
        message::{Auth, Bind, PatchTunnelState, Unbind},
        rpc::request_within,
    };

    const LIMITS: RequestLimits = RequestLimits {
        auth_len: 10,
        bind_len: 20,
        other_len: 30,
        max_depth: 2,
        within: Duration::from_secs(3),
    };

    async fn refusal<M: crate::message::Message>(text: &str) -> String {
        let read = request_within::<M, _>(&mut text.as_bytes(), &LIMITS).await;
        let error = read.err().unwrap();
        error.refusal(M::TYPE).unwrap().message().to_owned()
    }

    #[tokio::test]
    async fn each_kind_of_request_has_its_length() {
        let long = format!("{{\"x\":\"{}\"}}", "x".repeat(40));
        for (text, n) in [
            (refusal::<Auth>(&long).await, 10),
            (refusal::<Bind>(&long).await, 20),
            (refusal::<PatchTunnelState>(&long).await, 20),
            (refusal::<Unbind>(&long).await, 30),
        ] {
            assert!(text.ends_with(&format!("message longer than {n} bytes.")), "{text}");
        }
        let short = br#"{"Id":"t1"}"#;
        assert_eq!(request_within::<Unbind, _>(&mut &short[..], &LIMITS).await.unwrap().id, "t1");
    }

    #[tokio::test]
    async fn nesting_has_its_limit() {
        let text = refusal::<Unbind>(r#"{"a":{"b":{}}}"#).await;
        assert_eq!(text, "Invalid unbind request: nested more than 2 deep.");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_does_not_come_is_given_up() {
        let (mut near, _far) = tokio::io::duplex(64);
        let since = tokio::time::Instant::now();
        let read = request_within::<Unbind, _>(&mut near, &LIMITS).await;
        assert!(
            matches!(read, Err(crate::rpc::RequestError::Timeout { after }) if after == LIMITS.within)
        );
        assert_eq!(since.elapsed(), LIMITS.within);
    }
}
