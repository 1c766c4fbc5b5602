//! The methods that a policy may have.

/// How the value of a parameter is handed over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// As it is: references, and values that are copied.
    AsIs,
    /// Octets: by value, or borrowed if the method takes a reference.
    Octets,
}

/// One hook.
pub(crate) struct Hook {
    /// Name of the method, here and in the trait.
    pub(crate) method: &'static str,
    /// Its case in the SDK's list of hooks.
    pub(crate) case: &'static str,
    /// The module whose interface exports it.
    pub(crate) export: &'static str,
    /// Names and types in the trait, without `self`.
    pub(crate) parameters: &'static [(&'static str, &'static str, Pass)],
    /// The type that the trait's method returns.
    pub(crate) returns: &'static str,
    /// The trait and function that make it from what the method returns.
    pub(crate) converts: Option<(&'static str, &'static str)>,
}

const CONN: (&str, &str, Pass) = ("conn", "&::adit_policy_sdk::Connection<'_>", Pass::AsIs);
const REQ: (&str, &str, Pass) = ("req", "&::adit_policy_sdk::Request<'_>", Pass::AsIs);
const REQ_MUT: (&str, &str, Pass) = ("req", "&mut ::adit_policy_sdk::Request<'_>", Pass::AsIs);
const RESP: (&str, &str, Pass) = ("resp", "&::adit_policy_sdk::Response<'_>", Pass::AsIs);
const RESP_MUT: (&str, &str, Pass) = ("resp", "&mut ::adit_policy_sdk::Response<'_>", Pass::AsIs);
const END: (&str, &str, Pass) = ("end", "&::adit_policy_sdk::Outcome<'_>", Pass::AsIs);
const WAY: (&str, &str, Pass) = ("way", "::adit_policy_sdk::Direction", Pass::AsIs);
const BODY: (&str, &str, Pass) = ("body", "::std::vec::Vec<u8>", Pass::Octets);
const CHUNK: (&str, &str, Pass) = ("chunk", "::std::vec::Vec<u8>", Pass::Octets);
const COMPLETE: (&str, &str, Pass) = ("complete", "bool", Pass::AsIs);
const LAST: (&str, &str, Pass) = ("last", "bool", Pass::AsIs);

const ADMISSION: &str = "::adit_policy_sdk::Admission";
const VERDICT: &str = "::adit_policy_sdk::Verdict";
const BODY_VERDICT: &str = "::adit_policy_sdk::BodyVerdict";
const CHUNK_VERDICT: &str = "::adit_policy_sdk::ChunkVerdict";

const TO_ADMISSION: (&str, &str) = ("IntoAdmission", "into_admission");
const TO_VERDICT: (&str, &str) = ("IntoVerdict", "into_verdict");
const TO_BODY_VERDICT: (&str, &str) = ("IntoBodyVerdict", "into_body_verdict");
const TO_CHUNK_VERDICT: (&str, &str) = ("IntoChunkVerdict", "into_chunk_verdict");

/// Every hook, in the order in which an exchange meets them.
pub(crate) const HOOKS: [Hook; 10] = [
    Hook {
        method: "on_connection",
        case: "OnConnection",
        export: "connection_hook",
        parameters: &[CONN],
        returns: ADMISSION,
        converts: Some(TO_ADMISSION),
    },
    Hook {
        method: "on_data",
        case: "OnData",
        export: "stream_hook",
        parameters: &[CONN, WAY, CHUNK, LAST],
        returns: CHUNK_VERDICT,
        converts: Some(TO_CHUNK_VERDICT),
    },
    Hook {
        method: "on_close",
        case: "OnClose",
        export: "close_hook",
        parameters: &[CONN, END],
        returns: "()",
        converts: None,
    },
    Hook {
        method: "on_request",
        case: "OnRequest",
        export: "request_hook",
        parameters: &[CONN, REQ_MUT],
        returns: VERDICT,
        converts: Some(TO_VERDICT),
    },
    Hook {
        method: "on_request_body",
        case: "OnRequestBody",
        export: "request_body_hook",
        parameters: &[REQ_MUT, BODY, COMPLETE],
        returns: BODY_VERDICT,
        converts: Some(TO_BODY_VERDICT),
    },
    Hook {
        method: "on_request_chunk",
        case: "OnRequestChunk",
        export: "request_body_hook",
        parameters: &[REQ, CHUNK, LAST],
        returns: CHUNK_VERDICT,
        converts: Some(TO_CHUNK_VERDICT),
    },
    Hook {
        method: "on_response",
        case: "OnResponse",
        export: "response_hook",
        parameters: &[REQ, RESP_MUT],
        returns: VERDICT,
        converts: Some(TO_VERDICT),
    },
    Hook {
        method: "on_response_body",
        case: "OnResponseBody",
        export: "response_body_hook",
        parameters: &[REQ, RESP_MUT, BODY, COMPLETE],
        returns: BODY_VERDICT,
        converts: Some(TO_BODY_VERDICT),
    },
    Hook {
        method: "on_response_chunk",
        case: "OnResponseChunk",
        export: "response_body_hook",
        parameters: &[REQ, RESP, CHUNK, LAST],
        returns: CHUNK_VERDICT,
        converts: Some(TO_CHUNK_VERDICT),
    },
    Hook {
        method: "on_finish",
        case: "OnFinish",
        export: "finish_hook",
        parameters: &[CONN, REQ, END],
        returns: "()",
        converts: None,
    },
];

/// The hook whose method has that name.
pub(crate) fn named(method: &str) -> Option<&'static Hook> {
    HOOKS.iter().find(|hook| hook.method == method)
}

/// All names, for the message that tells them.
pub(crate) fn names() -> String {
    HOOKS.map(|hook| hook.method).join(", ")
}
