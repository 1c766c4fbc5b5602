use super::*;

fn with(name: &str, value: &str) -> Scope {
    of_request(Request::get("/").header(name, value))
}

#[test]
fn a_request_tells_its_first_line() {
    let scope = of_request(Request::patch("/x?y").header("host", "App.example:8443"));
    all_true(
        &scope,
        &[
            "req.method == 'PATCH'",
            "req.host == 'App.example:8443'",
            "req.version == 'HTTP/1.1'",
            "req.content_length == 0",
            "req.location == ''",
            "req.content_encoding == []",
            "size(req.trailers) == 0",
        ],
    );
    let scope = of_request(Request::get("/").version(http::Version::HTTP_2));
    is(&scope, "req.version", "HTTP/2.0");
}

#[test]
fn the_version_is_that_of_the_visitor_whatever_the_edge_speaks() {
    let scope = of_request(Request::get("/").version(http::Version::HTTP_11));
    let tls = TlsInfo { alpn: Some(b"h2".to_vec()), ..TlsInfo::default() };
    scope.conn.tls.set(tls).unwrap();
    is(&scope, "req.version", "HTTP/2.0");
}

#[test]
fn headers_are_lists_under_names_in_any_case() {
    let request = Request::get("/").header("X-Api-Version", "2").header("accept", "a");
    let scope = of_request(request.header("accept", "b"));
    all_true(
        &scope,
        &[
            "req.headers['x-api-version'][0] == '2'",
            "req.headers['X-Api-Version'][0] == '2'",
            "'X-API-VERSION' in req.headers",
            "'2' in req.headers['x-api-version']",
            "req.headers['accept'] == ['a', 'b']",
            "req.headers.accept == ['a', 'b']",
            "req.headers['x-api-version'] != '2'",
            "req.headers.map(name, name) == ['x-api-version', 'accept']",
            "req.headers.exists(name, req.headers[name] == ['2'])",
            "size(req.headers) == 2",
        ],
    );
}

#[test]
fn an_absent_header_is_the_empty_list_and_is_not_there() {
    let scope = of_request(Request::get("/"));
    all_true(
        &scope,
        &[
            "req.headers['x-none'] == []",
            "!('beta' in req.headers['x-feature-flags'])",
            "!req.headers['authorization'].exists(v, v.startsWith('Bearer '))",
            "!('x-none' in req.headers)",
            "req.cookies['none'] == []",
            "!('none' in req.cookies)",
            "req.url.query_params['none'] == []",
            "!('none' in req.url.query_params)",
            "req.headers['no such name'] == []",
        ],
    );
    assert!(eval(&scope, "req.headers['x-none'][0]").is_err());
    assert!(eval(&scope, "req.headers[1]").is_err());
}

#[test]
fn a_header_that_is_no_text_is_one_as_far_as_it_is() {
    let request = Request::get("/").header("x", &b"a\xffb"[..]);
    is(&of_request(request), "req.headers['x'][0]", "a\u{fffd}b");
}

#[test]
fn cookies_are_told_in_order_by_their_name() {
    let scope = with("cookie", "a=1; B=2; a=\"3\"; =x; junk; c=x=y");
    all_true(
        &scope,
        &[
            "req.cookies['a'].map(c, c.value) == ['1', '3']",
            "req.cookies['B'][0].name == 'B'",
            "!('b' in req.cookies)",
            "req.cookies['c'][0].value == 'x=y'",
            "req.cookies.map(name, name) == ['a', 'B', 'c']",
        ],
    );
}

#[test]
fn bodies_are_described() {
    let request = Request::post("/").header("content-length", "12");
    let request = request.header("content-encoding", "gzip, br").header("content-encoding", "x");
    let kind = "Text/HTML; Charset=UTF-8; boundary=\"a\\\"; b\"; empty=";
    let scope = of_request(request.header("content-type", kind));
    all_true(
        &scope,
        &[
            "req.content_length == 12",
            "req.content_encoding == ['gzip', 'br', 'x']",
            "req.content_type == 'text/html'",
            "req.content_type.raw.startsWith('Text/HTML; ')",
            "req.content_type.parameters['charset'] == 'UTF-8'",
            "req.content_type.parameters.boundary == 'a\"; b'",
            "req.content_type.parameters.size() == 3",
            "req.content_type.parameters['empty'] == ''",
        ],
    );
    let scope = with("content-type", "application/json");
    is(&scope, "req.content_type.parameters.size()", Value::Int(0));
    is(&scope, "req.content_type", "application/json");
    is(&with("content-length", "many"), "req.content_length", Value::Int(0));
}

#[test]
fn the_url_is_told_in_parts() {
    let scope = of_request(Request::get("/a%2fb/./c/../d?q=1&q=a%20b&e=&f").header("host", "H:81"));
    all_true(
        &scope,
        &[
            "req.url == 'https://h:81/a%2Fb/d?q=1&q=a%20b&e=&f'",
            "req.url.scheme == 'https'",
            "req.url.authority == 'h:81'",
            "req.url.host == 'h'",
            "req.url.port == 81",
            "req.url.path == '/a%2Fb/d'",
            "req.url.query == 'q=1&q=a%20b&e=&f'",
            "req.url.uri == '/a%2Fb/d?q=1&q=a%20b&e=&f'",
            "req.url.user_password == ''",
            "req.url.raw == 'https://H:81/a%2fb/./c/../d?q=1&q=a%20b&e=&f'",
            "req.url.raw_path == '/a%2fb/./c/../d'",
            "req.url.query_params['q'] == ['1', 'a b']",
            "req.url.query_params['e'] == ['']",
            "'f' in req.url.query_params",
            "!('Q' in req.url.query_params)",
        ],
    );
}

#[test]
fn a_rewritten_url_is_told_and_its_origin_remembered() {
    let mut scope = of_request(Request::get("/old?x").header("host", "h"));
    let Asked { head, .. } = scope.request.as_mut().unwrap();
    head.uri = "/new".parse().unwrap();
    is(&scope, "req.url", "https://h/new");
    is(&scope, "req.url.raw", "https://h/old?x");
    is(&scope, "req.url.raw_path", "/old");
}

#[test]
fn many_parameters_are_found_at_once() {
    let query: String = (0..9_000).map(|n| format!("k{n}&")).collect();
    let scope = of_request(Request::get(format!("/?{query}")));
    is(&scope, "size(req.url.query_params)", Value::Int(9_000));
    is(&scope, "'k8999' in req.url.query_params", true);
}

#[test]
fn the_user_agent_is_a_text_with_fields() {
    let scope = with("user-agent", "curl/8.5.0");
    all_true(
        &scope,
        &[
            "req.user_agent == 'curl/8.5.0'",
            "req.user_agent.matches('^curl/')",
            "req.user_agent.name == 'curl'",
            "req.user_agent.version == '8.5.0'",
            "!req.user_agent.is_bot && !req.user_agent.is_desktop",
        ],
    );
    let scope = of_request(Request::get("/"));
    is(&scope, "req.user_agent", "");
    is(&scope, "req.user_agent.name", "");
}

#[test]
fn a_request_tells_when_it_came() {
    let mut scope = of_request(Request::get("/"));
    let asked = scope.request.as_mut().unwrap();
    asked.head_received = SystemTime::UNIX_EPOCH + Duration::from_secs(60);
    is(&scope, "req.ts.header_received == timestamp('1970-01-01T00:01:00Z')", true);
    has_no_value(&scope, "req.ts.body_received");
    let asked = scope.request.as_mut().unwrap();
    asked.body_received = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(61));
    is(&scope, "req.ts.body_received - req.ts.header_received == duration('1s')", true);
}
