use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use adit_chain::{Body, Conn, Endpoint, Exchange, Hello, Protocol, TlsInfo};
use cel::Value;
use http::{Request, Response};

use super::*;
use crate::{
    expr::{Expr, ExprError, Field, Type},
    phase::Phase,
    scope::Asked,
    value::{list, map, text},
};

mod connection;
mod request;
mod response;
mod results;

fn eval(scope: &Scope, source: &str) -> Result<Value, ExprError> {
    Expr::compile(source, scope.phase)?.eval(scope)
}

/// What an expression gives.
#[track_caller]
fn is(scope: &Scope, source: &str, expected: impl Into<Value>) {
    assert_eq!(eval(scope, source), Ok(expected.into()), "{source}");
}

#[track_caller]
fn all_true(scope: &Scope, sources: &[&str]) {
    for source in sources {
        is(scope, source, true);
    }
}

#[track_caller]
fn has_no_value(scope: &Scope, source: &str) {
    let expression = Expr::compile(source, scope.phase).unwrap();
    let error = expression.eval(scope).unwrap_err();
    assert!(error.to_string().contains("there is no key "), "{source}: {error}");
}

fn endpoint(url: &str, protocol: Protocol) -> Arc<Endpoint> {
    let template = Endpoint::clone(&adit_chain::conformance::endpoint());
    Arc::new(Endpoint { url: url.to_owned(), protocol, ..template })
}

fn conn() -> Conn {
    let client = "203.0.113.9:40000".parse().unwrap();
    let server = "[2001:db8::1]:443".parse().unwrap();
    Conn::new(client, server, endpoint("https://app.example", Protocol::Https))
}

fn of_conn(conn: Conn) -> Scope {
    Scope::of_connection(&Arc::new(conn))
}

fn of_request(request: http::request::Builder) -> Scope {
    let request = request.body(Body::Empty).unwrap();
    Scope::of_request(&mut Exchange::new(Arc::new(conn()), request))
}

fn of_response(response: http::response::Builder) -> Scope {
    let mut scope = of_request(Request::get("/"));
    scope.enter(Phase::HttpResponse);
    scope.response = Some(response.body(Body::Empty).unwrap());
    scope
}

#[test]
fn every_name_has_a_value_of_its_type_from_the_start() {
    let mut scope = of_response(Response::builder());
    // An action that found out nothing leaves its names at zero.
    let Some(Type::Object(&[Field { ty: Type::Object(namespaces), .. }])) = schema::root("actions")
    else {
        panic!("actions has namespaces");
    };
    for namespace in namespaces {
        scope.set_result(namespace.name, map::<&str, Value>([]));
    }
    let mut n = 0;
    for root in SCHEMA {
        check(&scope, root.name, root.ty, &mut n);
    }
    assert!(n > 250, "only {n} names");
}

fn check(scope: &Scope, path: &str, ty: Type, n: &mut usize) {
    *n += 1;
    let expected = match ty {
        Type::Bool => "bool",
        Type::Bytes => "bytes",
        Type::Double => "double",
        Type::Int => "int",
        Type::String | Type::Text(_) => "string",
        Type::List(_) => "list",
        Type::Map(_) | Type::Multi(_) | Type::Object(_) => "map",
        Type::Any | Type::Null => "null_type",
        Type::Timestamp | Type::Duration => {
            // One without a value cannot be read; these have one.
            match path {
                "conn.ts.start" | "req.ts.header_received" => {
                    assert!(eval(scope, path).is_ok(), "{path}");
                }
                _ => has_no_value(scope, path),
            }
            return;
        }
    };
    is(scope, &format!("type({path}) == {expected}"), true);
    if let Type::Object(fields) | Type::Text(fields) = ty {
        for field in fields {
            check(scope, &format!("{path}.{}", field.name), field.ty, n);
        }
    }
}

#[test]
fn objects_are_maps_of_what_they_have() {
    let scope = of_request(Request::get("/"));
    all_true(
        &scope,
        &[
            "'start' in conn.ts",
            "'end' in conn.ts == false",
            "size(conn.ts) == 1",
            "conn.ts.map(name, name) == ['start']",
            "req.ts.map(name, name) == ['header_received']",
            "!('body_received' in req.ts)",
            "conn.geo == conn.geo",
            "conn.geo != conn.ts",
            "conn.geo['city'] == ''",
            "has(conn.geo.city)",
            "[conn.ts][0].start == conn.ts.start",
            "[req].map(r, r.method) == ['GET']",
        ],
    );
    has_no_value(&scope, "conn.geo[true ? 'town' : 'city']");
    assert!(eval(&scope, "conn[1]").is_err());
}

#[test]
fn texts_with_fields_are_strings_too() {
    let scope = of_request(Request::get("/a/b?x=1").header("host", "app.example"));
    all_true(
        &scope,
        &[
            "req.url == 'https://app.example/a/b?x=1'",
            "'https://app.example/a/b?x=1' == req.url",
            "req.url != 'https://app.example/'",
            "req.url.contains('/b')",
            "req.url.startsWith('https:')",
            "req.url.matches('^https://[a-z.]+/a')",
            "req.url.path.startsWith('/a')",
            "req.url + '!' == 'https://app.example/a/b?x=1!'",
            "'!' + req.url == '!https://app.example/a/b?x=1'",
            "req.url < 'https://b'",
            "size(req.url) == 27",
            "req.url.size() == 27",
            "string(req.url) == req.url",
            "{req.url: 1}['https://app.example/a/b?x=1'] == 1",
            "{'https://app.example/a/b?x=1': 1}[req.url] == 1",
            "req.url in ['https://app.example/a/b?x=1']",
            "conn.client_ip in ['203.0.113.9']",
            "'com.github' in conn.client_ip.categories == false",
            "[req.url].exists(u, u.path == '/a/b')",
            "type(req.url) == string",
            "(true ? req.url : '').host == 'app.example'",
        ],
    );
    is(&scope, "req.url", "https://app.example/a/b?x=1");
    is(&scope, "[req.url]", list([text("https://app.example/a/b?x=1")]));
}

#[test]
fn the_time_is_now() {
    let scope = of_request(Request::get("/"));
    let Ok(Value::Timestamp(now)) = eval(&scope, "timestamp(time.now)") else { panic!("no time") };
    let age = chrono::Utc::now().signed_duration_since(now);
    assert!(age >= chrono::TimeDelta::zero() && age < chrono::TimeDelta::minutes(1), "{age}");
}

#[test]
fn actions_are_told_the_url() {
    let scope = of_request(Request::get("/a/../%62?q").header("host", "APP.example:443"));
    assert_eq!(url(&scope), "https://app.example/b?q");
    assert_eq!(url(&of_conn(conn())), "");
}
