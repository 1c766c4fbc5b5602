use std::sync::Arc;

use adit_chain::{Body, Conn, Exchange, conformance};
use http::Request;
use proptest::prelude::*;

use super::*;
use crate::value::{list, map, text};

fn scope() -> Scope {
    let client = "203.0.113.9:40000".parse().unwrap();
    let server = "192.0.2.1:443".parse().unwrap();
    let conn = Arc::new(Conn::new(client, server, conformance::endpoint()));
    let request = Request::get("https://app.example/a?x=1").header("x-evil", "${conn.client_ip}");
    let mut scope = Scope::of_request(&mut Exchange::new(conn, request.body(Body::Empty).unwrap()));
    scope.vars.push(("n".into(), Value::Int(7)));
    scope.vars.push(("m".into(), map([("k", list(["a", "b"]))])));
    scope
}

fn compile(source: &str) -> Template {
    Template::compile(source, Phase::HttpRequest).unwrap()
}

#[test]
fn values_go_into_the_text() {
    let scope = scope();
    for (source, expected) in [
        ("", ""),
        ("plain", "plain"),
        ("$5 {x} }{ $", "$5 {x} }{ $"),
        ("${req.method}", "GET"),
        ("<${req.method} ${vars.n}>", "<GET 7>"),
        ("${conn.client_ip}:${conn.client_port}", "203.0.113.9:40000"),
        ("${1.5}|${2.0}|${true}|${null}|${1u}", "1.5|2|true||1"),
        ("${vars.m} ${[1, 'x']}", r#"{"k":["a","b"]} [1,"x"]"#),
        ("${timestamp('2031-05-06T09:08:09+02:00')}", "2031-05-06T07:08:09Z"),
        ("${duration('90m')}", "1h30m0s"),
        ("${b'ab'}${b'\\xff'}", "ab/w=="),
        ("${ {'a': 1}.size() }${'}'}", "1}"),
        ("${'$'}{x}", "${x}"),
        ("${1}", "1"),
        ("$1 $name", "$1 $name"),
        ("${req.method // why not }\n}", "GET"),
        ("${req.headers['x']}", "[]"),
        ("${optional.of('x')}${optional.none()}", "x"),
    ] {
        assert_eq!(compile(source).text(&scope).as_deref(), Ok(expected), "{source}");
    }
}

#[test]
fn one_expression_keeps_its_type() {
    let scope = scope();
    for (source, expected) in [
        ("${vars.n}", Value::Int(7)),
        ("${ vars.n + 1 }", Value::Int(8)),
        ("${vars.m}", map([("k", list(["a", "b"]))])),
        ("${null}", Value::Null),
        ("${true}", Value::Bool(true)),
        ("${conn.client_ip}", text("203.0.113.9")),
        (" ${vars.n}", text(" 7")),
        ("${vars.n}${vars.n}", text("77")),
        ("7", text("7")),
    ] {
        assert_eq!(compile(source).value(&scope), Ok(expected), "{source}");
    }
}

#[test]
fn results_are_not_looked_into() {
    let mut scope = scope();
    scope.vars.push(("evil".into(), text("${req.method} ${")));
    let header = compile("${req.headers['x-evil'][0]}!");
    assert_eq!(header.text(&scope).as_deref(), Ok("${conn.client_ip}!"));
    assert_eq!(compile("${vars.evil}").text(&scope).as_deref(), Ok("${req.method} ${"));
    assert_eq!(compile("<${vars.evil}>").text(&scope).as_deref(), Ok("<${req.method} ${>"));
    assert_eq!(compile("${'${vars.n}'}").value(&scope), Ok(text("${vars.n}")));
}

#[test]
fn only_texts_without_expressions_are_literals() {
    assert_eq!(compile("").literal(), Some(""));
    assert_eq!(compile("$ {x}").literal(), Some("$ {x}"));
    assert_eq!(compile("${'a'}").literal(), None);
    assert_eq!(compile("a${'a'}").literal(), None);
}

#[test]
fn mistakes_say_in_which_expression() {
    for (source, message) in [
        (
            "a ${req.nethod}",
            "${req.nethod}: unknown name req.nethod; did you mean req.method? (column 4)",
        ),
        ("${}", "${}: the expression is empty"),
        (
            "${ res.status_code }",
            "${res.status_code}: res is not known in on_http_request (column 2)",
        ),
        ("x ${vars.n", "the ${ at character 3 is never closed"),
    ] {
        let error = Template::compile(source, Phase::HttpRequest).unwrap_err();
        assert_eq!((error.code(), error.message.as_str()), (2200, message));
    }
}

#[test]
fn what_fails_when_it_runs_has_its_own_code() {
    let scope = scope();
    let error = compile("a ${vars.nope} ${vars.n}").text(&scope).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        (2238, "${vars.nope}: there is no key \"nope\"")
    );
    assert_eq!(compile("${vars.nope}").value(&scope).unwrap_err().code(), 2238);
    let dear = "lists.range(1000).all(x, lists.range(1000).all(y, true))";
    assert_eq!(compile(&format!("${{{dear}}}")).text(&scope).unwrap_err().code(), 2249);
}

#[test]
fn the_whole_text_stays_small() {
    let mut scope = scope();
    scope.vars.push(("big".into(), text(&"x".repeat(600 * 1024))));
    assert_eq!(compile("${vars.big}").text(&scope).map(|text| text.len()), Ok(600 * 1024));
    assert_eq!(compile("${vars.big} ${vars.big}").text(&scope).unwrap_err().code(), 2249);
}

proptest! {
    #[test]
    fn no_text_breaks_it(source in "(\\$\\{|\\{|\\}|'|\"|/|r|vars|\\.n|\\+|1| |\\PC){0,30}") {
        if let Ok(template) = Template::compile(&source, Phase::HttpRequest) {
            let _ = template.text(&scope());
        }
    }

    #[test]
    fn literals_come_out_as_they_went_in(text in "[^'\\\\\\n\\r]{0,20}", before in "[^$]{0,5}") {
        let template = compile(&format!("{before}${{'{text}'}}"));
        prop_assert_eq!(template.text(&scope()), Ok(format!("{before}{text}")));
    }
}
