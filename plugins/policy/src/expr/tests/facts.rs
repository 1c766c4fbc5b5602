use http::{Request, Response};

use super::*;
use crate::value::list;

fn visit() -> Scope {
    asked(
        Request::get("/a/../b?q=1&q=2&empty&plus=a+b")
            .header("Host", "app.example")
            .header("X-Api-Version", "2")
            .header("Cookie", "theme=dark; id=1; id=2")
            .header("Content-Type", "text/html; charset=utf-8")
            .header("User-Agent", "curl/8.5.0")
            .header("X-Many", "a")
            .header("X-Many", "b"),
    )
}

#[test]
fn facts_are_read_as_they_are_named() {
    all_true(
        &visit(),
        &[
            "req.method == 'GET' && req.host == 'app.example'",
            "req.url.path.startsWith('/') && req.url.contains('/b') && req.url.host == 'app.example'",
            "req.url.query_params['q'] == ['1', '2'] && req.url.query_params.q[1] == '2'",
            "conn.client_ip == '203.0.113.9' && '203.0.113.9' == conn.client_ip",
            "conn.client_ip in ['203.0.113.9', '::1']",
            "conn.client_ip.startsWith('203.') && conn.client_ip + '!' == '203.0.113.9!'",
            "conn.client_ip.size() == 11 && size(conn.client_ip) == 11",
            "[conn.client_ip].join() == '203.0.113.9' && '%s'.format([conn.client_ip]) == '203.0.113.9'",
            "string(conn.client_ip) == '203.0.113.9' && conn.client_ip.md5() == '203.0.113.9'.md5()",
            "!('com.github' in conn.client_ip.categories) && conn.client_ip.geo.location.country_code == ''",
            "conn.client_ip.as.number == 0 && !conn.client_ip.is_tor_node",
            "conn['client_ip']['geo'].location.is_eu == false",
            "conn.k8s.pod.metadata.namespace == '' && conn.k8s.pod.metadata.error_code == ''",
            "req.content_type == 'text/html' && req.content_type.parameters['charset'] == 'utf-8'",
            "req.user_agent.name == 'curl' && req.user_agent.contains('8.5')",
            "{conn.client_ip: 1}['203.0.113.9'] == 1 && {'203.0.113.9': 1}[conn.client_ip] == 1",
            "double(conn.geo.latitude == '' ? '1.5' : conn.geo.latitude) == 1.5",
            "conn.client_ip.matches('^203') && conn.client_ip.split('.') == ['203', '0', '113', '9']",
            "[conn.client_ip, '1.1.1.1'].sort()[0] == '1.1.1.1'",
            "json.encode([conn.client_ip]) == '[\"203.0.113.9\"]'",
        ],
    );
    values(&visit(), [("conn.client_ip", "203.0.113.9"), ("req.url.path", "/b")]);
}

#[test]
fn absent_headers_are_empty_lists_and_still_absent() {
    all_true(
        &visit(),
        &[
            "req.headers['x-api-version'] == ['2'] && req.headers['X-API-Version'][0] == '2'",
            "'X-Api-Version' in req.headers && 'x-many' in req.headers && !('nope' in req.headers)",
            "req.headers['nope'] == [] && !('beta' in req.headers['x-feature-flags'])",
            "!req.headers['authorization'].exists(v, v.startsWith('Bearer '))",
            "has(req.headers.host) && !has(req.headers.nope) && !has(req.headers['nope'])",
            "has(req.headers['X-Many']) && req.headers['x-many'].join(',') == 'a,b'",
            "req.headers.exists(name, name == 'x-many') && req.headers.all(name, name == name.lower())",
            "!(req.headers['x-api-version'] == '2')",
            "size(req.headers['x-many']) == 2 && req.headers.size() == 6",
            "req.url.query_params['nope'] == [] && req.cookies['nope'] == []",
            "req.trailers['x'] == []",
        ],
    );
}

#[test]
fn functions_of_requests_look_into_them() {
    all_true(
        &visit(),
        &[
            "getReqHeader('X-MANY') == ['a', 'b'] && getReqHeader('nope') == []",
            "hasReqHeader('x-Many') && !hasReqHeader('nope')",
            "getQueryParam('q') == ['1', '2'] && getQueryParam('plus') == ['a b'] && getQueryParam('Q') == []",
            "hasQueryParam('empty') && !hasQueryParam('Empty') && getQueryParam('empty') == ['']",
            "getReqCookie('id').value == '1' && getReqCookie('theme').name == 'theme'",
            "hasReqCookie('id') && !hasReqCookie('ID') && getReqCookie('nope') == null",
            "getReqCookie('id').domain == '' && !getReqCookie('id').secure && !has(getReqCookie('id').expires)",
            "getReqCookie('id').unparsed_attributes == {}",
            "['x-many'].exists(req, hasReqHeader(req))",
            "getReqHeader('x-' + 'many')[1] == 'b'",
        ],
    );
    let error = eval(&visit(), "getReqCookie('id').expires").unwrap_err();
    assert_eq!(error.message, "there is no key \"expires\"");
}

#[test]
fn functions_of_responses_look_into_them() {
    let scope = answered(
        Response::builder()
            .status(503)
            .header("X-A", "1")
            .header("Set-Cookie", "id=short; Path=/a; Secure")
            .header("Set-Cookie", "id=long; Path=/a/b; Max-Age=60"),
    );
    all_true(
        &scope,
        &[
            "res.status_code == 503 && res.status_code >= 500",
            "getResHeader('x-a') == ['1'] && hasResHeader('X-A') && !hasResHeader('nope')",
            "getResCookie('id').value == 'long' && getResCookie('id').max_age == duration('60s')",
            "hasResCookie('id') && getResCookie('nope') == null && !getResCookie('id').secure",
            "res.cookies['id'].map(c, c.value) == ['long', 'short']",
            "req.method == 'GET' && hasReqHeader('x') == false",
        ],
    );
}

#[test]
fn results_of_actions_are_there_once_they_ran() {
    let mut scope = plain();
    all_true(
        &scope,
        &[
            "!has(actions.ngrok.basic_auth) && has(actions.ngrok)",
            "!has(actions['ngrok']['basic_auth'])",
            "actions.ngrok.basic_auth.credentials.authorized || true",
        ],
    );
    assert_eq!(
        eval(&scope, "actions.ngrok.basic_auth.credentials.authorized").unwrap_err().code(),
        2254
    );
    let credentials = map([("authorized", Value::Bool(true)), ("username", text("ann"))]);
    scope.set_result("basic_auth", map([("credentials", credentials)]));
    all_true(
        &scope,
        &[
            "has(actions.ngrok.basic_auth) && actions.ngrok.basic_auth.credentials.authorized",
            "actions.ngrok.basic_auth.credentials.username == 'ann'",
            "!actions.ngrok.basic_auth.credentials.presented",
        ],
    );
}

#[test]
fn variables_keep_what_they_were_given() {
    let mut scope = plain();
    scope.vars.push(("n".into(), Value::Int(2)));
    scope.vars.push(("l".into(), list(["a", "b"])));
    scope.vars.push(("m".into(), map([("k", map([("deep", 1_i64)]))])));
    scope.vars.push(("with-dash".into(), text("x")));
    all_true(
        &scope,
        &[
            "vars.n + 1 == 3 && vars['n'] == 2",
            "vars.l.exists(x, x == 'b') && vars.l[1] == 'b' && 'a' in vars.l",
            "vars.m.k.deep == 1 && vars.m['k']['deep'] == 1 && vars['with-dash'] == 'x'",
            "'n' in vars && !('nope' in vars)",
            "json.encode(vars.m) == '{\"k\":{\"deep\":1}}'",
        ],
    );
}

#[test]
fn whole_objects_can_be_results() {
    let scope = visit();
    let Ok(Value::Map(headers)) = eval(&scope, "req.headers") else { panic!("headers are a map") };
    assert_eq!(headers.map.get(&cel::objects::Key::from("x-many")), Some(&list(["a", "b"])));
    assert_eq!(eval(&scope, "req.cookies['id'].map(c, c.value)"), Ok(list(["1", "2"])));
    for root in
        ["conn", "endpoint", "req", "time", "vars", "actions", "req.url", "conn.tls", "req.cookies"]
    {
        assert!(eval(&scope, root).is_ok(), "{root}");
    }
    assert!(matches!(eval(&scope, "json.encode(req.headers).isJson()"), Ok(Value::Bool(true))));
    assert!(matches!(eval(&scope, "json.encode(conn).isJson()"), Ok(Value::Bool(true))));
}
