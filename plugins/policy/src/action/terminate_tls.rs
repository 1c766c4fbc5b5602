//! `terminate-tls`: ends the visitor's TLS on this side.
//!
//! The handshake follows once the rules of the connection have run, so what it agrees on is known
//! to the rules of the requests: `actions.ngrok.terminate_tls` reads it from the connection.

mod cache;
mod setup;

use adit_chain::BoxFuture;
use cel::Value;

use self::setup::Setup;
use super::{Action, BuildCx, Done, Failure, Kind, outcome};
use crate::{fields::Fields, phase::Phase, scope::Scope, value};

pub(super) const KIND: Kind = Kind {
    name: "terminate-tls",
    namespace: NAMESPACE,
    phases: &[Phase::TcpConnect],
    is_terminating: false,
    build,
};

const NAMESPACE: &str = "terminate_tls";

/// What broke, if a configuration cannot be made.
const FAILED: &str = "TLS could not be set up";

fn build(fields: &mut Fields<'_>, cx: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    Some(Box::new(TerminateTls(Setup::read(fields, cx)?)))
}

#[derive(Debug)]
struct TerminateTls(Setup);

impl TerminateTls {
    fn terminate(&self, scope: &mut Scope) -> Result<Done, Failure> {
        // Bytes are decrypted once.
        if scope.tls.is_some() {
            tell(scope, outcome::no_error(), &["TLS of this connection ends already"]);
            return Ok(Done::Next);
        }
        let mode = match self.0.mode(scope) {
            Ok(mode) => mode,
            Err(failure) => {
                tell(scope, outcome::error(failure.code.0, FAILED), &[]);
                return Err(failure);
            }
        };
        tell(scope, outcome::no_error(), &[]);
        Ok(Done::Terminate(mode))
    }
}

fn tell(scope: &mut Scope, error: Value, warnings: &[&str]) {
    let hello = scope.conn.hello.get();
    let sni = hello.and_then(|hello| hello.sni.as_deref()).unwrap_or_default();
    let result = value::map([
        ("sni", value::text(sni)),
        ("warnings", value::list(warnings.iter().map(|warning| value::text(warning)))),
        ("error", error),
    ]);
    scope.set_result(NAMESPACE, result);
}

impl Action for TerminateTls {
    fn run<'a>(&'a self, scope: &'a mut Scope) -> BoxFuture<'a, Result<Done, Failure>> {
        Box::pin(std::future::ready(self.terminate(scope)))
    }
}

#[cfg(test)]
mod tests;
