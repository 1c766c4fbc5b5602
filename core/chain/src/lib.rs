//! The waist of adit: one trait, [`Handler`], through which every forwarded connection and every
//! HTTP exchange passes, and the [`Chain`] that runs a user's ordered list of them.
//!
//! ```text
//! visitor ── on_connect ──┬─ on_request: a ─ b ─ c ── upstream
//!                         └─ response:   a ─ b ─ c ──┘      (last in, first out)
//! ```
//!
//! The response side of a handler is a value that its request side returns ([`OnResponse`]). It
//! owns its state, exists only if it is wanted, runs only if the request side ran, and is dropped
//! when the visitor hangs up; so cleaning up is `Drop`, and there is no request-wide bag of values.
//!
//! What this crate leaves out: sockets, TLS handshakes, proxying (the runtime does them), and every
//! concrete handler (they are plugins, see [`Factory`] and [`Registry`]).

mod body;
mod chain;
pub mod conformance;
mod conn;
mod exchange;
mod factory;
mod finish;
mod handler;
mod id;
mod inside;
mod needs;
mod refusal;
mod trace;
mod vars;
mod verdict;

pub use self::{
    body::{Body, BodyTooLong},
    chain::{Chain, Connected, Link, OnError, Outcome, Unwind},
    conn::{Conn, End, Endpoint, Hello, Meter, Presented, Protocol, TlsInfo, Totals},
    exchange::{BodyLimits, Exchange, Identity, Origin},
    factory::{BuildCx, BuildError, Factory, LinkSpec, Registry, Side},
    finish::{Finished, Finishers, OnFinish, failure},
    handler::{BoxHandler, Handler},
    id::Id,
    inside::{Errand, Inside, InsideUrl, InsideUrlError, Nearby, is_internal},
    needs::Needs,
    refusal::{ErrorCode, Refusal, code},
    trace::{Notes, Trace, TraceEntry, Verdict, Way},
    vars::{VarLimit, Vars},
    verdict::{ByteStream, OnClose, OnConnect, OnRequest, OnResponse, RouteId, TlsMode, WrapIo},
};

/// The error of a handler that broke; a decision about a visitor is a verdict, never an error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A boxed future, for the object-safe twins of the author-facing traits.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
