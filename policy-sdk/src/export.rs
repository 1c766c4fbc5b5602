//! From what the agent calls to the methods of [`Hooks`]. On `wasm32` only.

use std::cell::RefCell;
use std::thread::LocalKey;

use crate::bindings::imports::adit::policy::{connections, http, outcomes, types};
use crate::bindings::{
    close_hook, connection_hook, finish_hook, request_body_hook, request_hook, response_body_hook,
    response_hook, setup, stream_hook,
};
use crate::connection::Connection;
use crate::hooks::Hooks;
use crate::outcome::Outcome;
use crate::request::Request;
use crate::response::Response;

/// The one instance of a policy in its component instance.
pub type Slot<P> = RefCell<Option<P>>;

/// What `#[policy]` implements for the type that it exports.
pub trait Exported {
    /// The policy.
    type Policy: Hooks;

    /// Where it is kept.
    fn slot() -> &'static LocalKey<Slot<Self::Policy>>;
}

fn with<E: Exported, T>(call: impl FnOnce(&mut E::Policy) -> T) -> T {
    E::slot().with_borrow_mut(|policy| match policy {
        Some(policy) => call(policy),
        None => panic!("called before it was configured"),
    })
}

impl<E: Exported> setup::exports::adit::policy::setup::Guest for E {
    fn configure(config: String) -> Result<(), String> {
        std::panic::set_hook(Box::new(|panic| {
            let location = panic.location().map(ToString::to_string).unwrap_or_default();
            let message = panic.payload_as_str().unwrap_or("panicked");
            crate::backend::agent::panicked(message, &location);
        }));
        let policy = E::Policy::configure(&config)?;
        E::slot().set(Some(policy));
        Ok(())
    }
}

impl<E: Exported> connection_hook::exports::adit::policy::connection_hook::Guest for E {
    fn on_connection(conn: &connections::Connection) -> types::Admission {
        with::<E, _>(|policy| policy.on_connection(&Connection(conn))).into()
    }
}

impl<E: Exported> close_hook::exports::adit::policy::close_hook::Guest for E {
    fn on_close(conn: &connections::Connection, end: &outcomes::Outcome) {
        with::<E, _>(|policy| policy.on_close(&Connection(conn), &Outcome(end)));
    }
}

impl<E: Exported> stream_hook::exports::adit::policy::stream_hook::Guest for E {
    fn on_data(
        conn: &connections::Connection,
        way: types::Direction,
        chunk: Vec<u8>,
        last: bool,
    ) -> types::ChunkVerdict {
        with::<E, _>(|policy| policy.on_data(&Connection(conn), way, chunk, last)).into()
    }
}

impl<E: Exported> request_hook::exports::adit::policy::request_hook::Guest for E {
    fn on_request(conn: &connections::Connection, req: &http::Request) -> types::RequestVerdict {
        with::<E, _>(|policy| policy.on_request(&Connection(conn), &mut Request(req))).into()
    }
}

impl<E: Exported> request_body_hook::exports::adit::policy::request_body_hook::Guest for E {
    fn on_request_body(req: &http::Request, body: Vec<u8>, complete: bool) -> types::BodyVerdict {
        with::<E, _>(|policy| policy.on_request_body(&mut Request(req), body, complete)).into()
    }

    fn on_request_chunk(req: &http::Request, chunk: Vec<u8>, last: bool) -> types::ChunkVerdict {
        with::<E, _>(|policy| policy.on_request_chunk(&Request(req), chunk, last)).into()
    }
}

impl<E: Exported> response_hook::exports::adit::policy::response_hook::Guest for E {
    fn on_response(req: &http::Request, resp: &http::Response) -> types::ResponseVerdict {
        with::<E, _>(|policy| policy.on_response(&Request(req), &mut Response(resp))).into()
    }
}

impl<E: Exported> response_body_hook::exports::adit::policy::response_body_hook::Guest for E {
    fn on_response_body(
        req: &http::Request,
        resp: &http::Response,
        body: Vec<u8>,
        complete: bool,
    ) -> types::BodyVerdict {
        with::<E, _>(|policy| {
            policy.on_response_body(&Request(req), &mut Response(resp), body, complete)
        })
        .into()
    }

    fn on_response_chunk(
        req: &http::Request,
        resp: &http::Response,
        chunk: Vec<u8>,
        last: bool,
    ) -> types::ChunkVerdict {
        with::<E, _>(|policy| policy.on_response_chunk(&Request(req), &Response(resp), chunk, last))
            .into()
    }
}

impl<E: Exported> finish_hook::exports::adit::policy::finish_hook::Guest for E {
    fn on_finish(conn: &connections::Connection, req: &http::Request, end: &outcomes::Outcome) {
        with::<E, _>(|policy| policy.on_finish(&Connection(conn), &Request(req), &Outcome(end)));
    }
}
