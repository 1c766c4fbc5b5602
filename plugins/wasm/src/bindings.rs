//! What the compiler of interfaces makes of the contract: types of every message between a policy
//! and the agent, the traits that the agent implements, and the calls of the hooks.
//!
//! Resources are our own marker types, and their number is always 0: a call is about exactly one
//! connection, one request, one response and one outcome, and those are in the store's
//! `Current`. So there is no table of resources to look things up in, and
//! none that a guest could fill.

#![allow(missing_docs, unreachable_pub, clippy::all, unused_qualifications)]

wasmtime::component::bindgen!({
    path: "../../policy-sdk/wit/policy.wit",
    world: "everything",
    exports: { default: async },
    imports: {
        "adit:policy/outbound.send": async,
        "adit:policy/connections": trappable,
        "adit:policy/http": trappable,
        "adit:policy/outcomes": trappable,
        "adit:policy/random": trappable,
    },
    with: {
        "adit:policy/connections.connection": crate::host::Connection,
        "adit:policy/http.request": crate::host::Request,
        "adit:policy/http.response": crate::host::Response,
        "adit:policy/outcomes.outcome": crate::host::Outcome,
    },
});
