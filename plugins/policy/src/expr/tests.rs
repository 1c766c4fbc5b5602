use std::sync::Arc;

use adit_chain::{Body, Conn, Exchange, conformance};
use cel::Value;
use http::Request;

use super::*;
use crate::value::{map, text};

mod absorbing;
mod documented;
mod facts;
mod functions;
mod hostile;
mod language;
mod limits;
mod mistakes;

/// What a request's phase sees.
fn asked(request: http::request::Builder) -> Scope {
    let client = "203.0.113.9:40000".parse().unwrap();
    let server = "192.0.2.1:443".parse().unwrap();
    let conn = Arc::new(Conn::new(client, server, conformance::endpoint()));
    let request = request.body(Body::Empty).unwrap();
    Scope::of_request(&mut Exchange::new(conn, request))
}

/// What a response's phase sees.
fn answered(response: http::response::Builder) -> Scope {
    let mut scope = asked(Request::get("/"));
    scope.enter(Phase::HttpResponse);
    scope.response = Some(response.body(Body::Empty).unwrap());
    scope
}

fn plain() -> Scope {
    asked(Request::get("https://app.example/a/b?x=1"))
}

fn eval(scope: &Scope, source: &str) -> Result<Value, ExprError> {
    Expr::compile(source, scope.phase)?.eval(scope)
}

/// Each expression has this value, of this type.
#[track_caller]
fn values<V: Into<Value>>(scope: &Scope, table: impl IntoIterator<Item = (&'static str, V)>) {
    for (source, expected) in table {
        let expected = expected.into();
        let value = eval(scope, source);
        assert_eq!(value.as_ref(), Ok(&expected), "{source}");
        // `1 == 1.0` for values, and these tests tell one from the other.
        let types = [value.unwrap(), expected].map(|value| value.type_of());
        assert!(matches!(types, [left, right] if left as u8 == right as u8), "{source}");
    }
}

#[track_caller]
fn all_true(scope: &Scope, sources: &[&str]) {
    for source in sources {
        assert_eq!(eval(scope, source), Ok(Value::Bool(true)), "{source}");
    }
}

/// The message of what goes wrong at run time.
#[track_caller]
fn failures(scope: &Scope, table: &[(&str, &str)]) {
    for (source, message) in table {
        let error = eval(scope, source).expect_err(source);
        assert_eq!((error.code(), error.message.as_str()), (2254, *message), "{source}");
    }
}
