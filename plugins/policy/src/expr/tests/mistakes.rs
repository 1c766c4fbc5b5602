use super::*;

#[track_caller]
fn refused(phase: Phase, table: &[(&str, &str)]) {
    for (source, message) in table {
        let error = Expr::compile(source, phase).expect_err(source);
        assert_eq!((error.code(), error.message.as_str()), (2200, *message), "{source}");
    }
}

#[test]
fn unknown_names_are_found_before_anything_runs() {
    refused(
        Phase::HttpRequest,
        &[
            ("reg.method", "unknown name reg; did you mean req? (column 1)"),
            (
                "nothing",
                "unknown name nothing; names start with one of actions, conn, endpoint, req, res, \
                 time, vars (column 1)",
            ),
            ("req.metod == 'GET'", "unknown name req.metod; did you mean req.method? (column 4)"),
            (
                "req.url.fragment",
                "unknown name req.url.fragment; there are authority, host, path, \
                 port, query, query_params, raw, raw_path, scheme, uri, user_password (column 8)",
            ),
            ("conn.ts.end", "unknown name conn.ts.end; there are start (column 8)"),
            (
                "conn['client_up']",
                "unknown name conn.client_up; did you mean conn.client_ip? (column 5)",
            ),
        ],
    );
    for source in [
        "req.nope",
        "has(req.nope)",
        "has(req['nope'])",
        "true || req.nope == 1",
        "false ? req.nope : 1",
        "[1].exists(x, req.nope == x)",
        "[req.nope]",
        "{'a': req.nope}",
        "{req.nope: 1}",
        "string(req.nope)",
        "'a'.contains(req.nope)",
        "req.nope.contains('a')",
        "req.url.nope.deeper",
        "conn.client_ip.geo.location.nope",
        "actions.ngrok.nope",
        "actions.ngrok.compress_response.x",
        "actions.ngrok.basic_auth.nope",
        "[1].map(x, x) == y",
        "[1].map(x, x).exists(y, x == y)",
        "-req.nope",
        "!req.nope",
        "'a' + 'b' + req.nope",
        "req.nope + 'a' + 'b'",
        "vars.?a.orValue(req.nope)",
        "req.?nope",
    ] {
        let error = Expr::compile(source, Phase::HttpRequest).expect_err(source);
        assert!(error.message.starts_with("unknown name "), "{source}: {error}");
    }
}

#[test]
fn names_are_known_in_their_phases_only() {
    refused(
        Phase::TcpConnect,
        &[
            ("req.method == 'GET'", "req is not known in on_tcp_connect (column 1)"),
            ("hasReqHeader('x')", "hasReqHeader() is not known in on_tcp_connect (column 13)"),
            (
                "getQueryParam('x') == []",
                "getQueryParam() is not known in on_tcp_connect (column 14)",
            ),
        ],
    );
    refused(
        Phase::HttpRequest,
        &[
            ("res.status_code > 1", "res is not known in on_http_request (column 1)"),
            ("hasResHeader('x')", "hasResHeader() is not known in on_http_request (column 13)"),
            (
                "getResCookie('x') == null",
                "getResCookie() is not known in on_http_request (column 13)",
            ),
        ],
    );
    for source in
        ["conn.client_port > 1", "req.method == 'x'", "res.status_code == 1", "hasReqHeader('x')"]
    {
        assert!(Expr::compile(source, Phase::HttpResponse).is_ok(), "{source}");
    }
}

#[test]
fn unknown_functions_are_found_before_anything_runs() {
    refused(
        Phase::HttpRequest,
        &[
            (
                "getReqHeaders('x')",
                "unknown function getReqHeaders(); did you mean getReqHeader()? (column 14)",
            ),
            (
                "'a'.starts_with('a')",
                "unknown function starts_with(); did you mean startsWith()? (column 16)",
            ),
            ("'a'.includes('a')", "unknown function includes() (column 13)"),
            ("req.headers.get('x')", "unknown function get() (column 16)"),
            (
                "hash.sha224('x')",
                "unknown function hash.sha224(); did you mean hash.sha256()? (column 12)",
            ),
            ("http.get('x')", "unknown function get() (column 9)"),
            ("hash == 1", "hash is no value but a group of functions (column 1)"),
            ("startsWith('a', 'b')", "startsWith() is called as in x.startsWith() (column 11)"),
            (
                "'1.2.3.4'.inCidrRange('x')",
                "inCidrRange() is called as in inCidrRange(x) (column 22)",
            ),
            ("[1].sort(x, y, x < y)", "sort() takes 0 arguments, not 3 (column 9)"),
            ("'a'.split('b', 1, 2)", "split() takes 0, 1 or 2 arguments, not 3 (column 10)"),
            ("getReqHeader()", "getReqHeader() takes 1 argument, not 0 (column 13)"),
            ("has(req.method, 1)", "has() takes 1 argument, not 2 (column 4)"),
        ],
    );
    for source in ["@tick()", "@sized(1)", "'a'.@lower()"] {
        assert_eq!(Expr::compile(source, Phase::HttpRequest).unwrap_err().code(), 2200, "{source}");
    }
}

#[test]
fn types_that_cannot_fit_are_found_before_anything_runs() {
    refused(
        Phase::HttpRequest,
        &[
            (
                "inCidrRange(getReqHeader('x'), '10.0.0.0/8')",
                "inCidrRange() takes a text, and this is a list (column 12)",
            ),
            (
                "req.method.startsWith(1)",
                "startsWith() takes a text, and this is a number (column 22)",
            ),
            ("hash.md5(req.headers)", "hash.md5() takes a text, and this is a map (column 9)"),
            ("url.parse(req)", "url.parse() takes a text, and this is an object (column 10)"),
            ("req.method && true", "&& needs true or false, and this is a text (column 12)"),
            ("true || 1", "|| needs true or false, and this is a number (column 6)"),
            ("!req.url", "! needs true or false, and this is a text (column 1)"),
            ("req.method ? 1 : 2", "? needs true or false, and this is a text (column 12)"),
            (
                "'a' in req.method",
                "in looks into a list or a map, and this is a text; use contains() (column 5)",
            ),
            ("req.method.nope", "req.method is a text, which has no field nope (column 11)"),
            (
                "req.headers['x']['y']",
                "an element of a list is found by its number, not by a text (column 17)",
            ),
            ("req.method['x']", "a text has no elements (column 11)"),
            (
                "req.method.exists(c, true)",
                "exists() goes over a list or a map, and this is a text (column 18)",
            ),
            ("[1].all(x, 'a')", "all() needs true or false, and this is a text (column 8)"),
            ("[1].map(x, 'a', 1)", "map() needs true or false, and this is a text (column 8)"),
            (
                "[1].map('x', 1)",
                "the first argument of map() is a name for the elements (column 8)",
            ),
            ("req.headers.sort()", "sort() is not for a map (column 17)"),
            ("req.headers['x'].contains('a')", "contains() is not for a list (column 26)"),
            (
                "has(req)",
                "has() takes a field or a key, as in has(x.field) or has(x['key']) (column 4)",
            ),
            ("getReqHeader(5)", "getReqHeader() takes a name, and this is a number (column 13)"),
            ("Point{x: 1}", "there is no type Point; a map is written {'key': value} (column 6)"),
            ("req.method.matches('(')", "a bad pattern: unclosed group (column 19)"),
            (
                "matches(req.method, 'a(?=b)')",
                "a bad pattern: look-around, including look-ahead and look-behind, is not supported (column 8)",
            ),
        ],
    );
}

#[test]
fn a_mistake_of_syntax_is_told_with_its_place() {
    for source in [
        "1 +",
        "(",
        "req.",
        "'a",
        "a b",
        "1 = 1",
        "[x for x in xs]",
        "req.method == GET'",
        "}",
        "&&",
        "\u{0}",
        "a..b",
    ] {
        let error = Expr::compile(source, Phase::HttpRequest).expect_err(source);
        assert_eq!(error.code(), 2200, "{source}");
        assert!(error.message.contains("(column "), "{source}: {error}");
        assert!(error.message.len() < 120, "{source}: {error}");
    }
    refused(
        Phase::HttpRequest,
        &[(" ", "the expression is empty"), ("", "the expression is empty")],
    );
    refused(
        Phase::HttpRequest,
        &[(
            "true &&\n  !req.method",
            "! needs true or false, and this is a text (line 2, column 3)",
        )],
    );
}

#[test]
fn what_can_never_be_true_is_known() {
    let compiled = |source| Expr::compile(source, Phase::HttpRequest).unwrap();
    for source in [
        "req.method",
        "'true'",
        "1",
        "req.headers['x']",
        "getReqHeader('x')",
        "req.url",
        "[true]",
        "1 + 1",
        "'a' + 'b' + 'c'",
        "req.url.path.split('/')",
        "time.now",
        "null",
        "{'a': true}",
        "[1].map(x, true)",
        "true ? 'a' : 'b'",
        "hash.md5('x')",
        "timestamp(time.now)",
        "-1",
        "req.content_length - 1",
        "conn.client_ip",
        "getReqCookie('x')",
    ] {
        assert!(compiled(source).is_surely_not_bool(), "{source}");
    }
    for source in [
        "true",
        "req.method == 'GET'",
        "vars.x",
        "vars.x.y",
        "[true][0]",
        "json.decode('[]')",
        "dyn('x')",
        "req.method in ['GET']",
        "!vars.x",
        "[1].all(x, x > 0)",
        "has(vars.x)",
        "hasReqHeader('x')",
        "true ? vars.x : false",
        "conn.client_ip.is_tor_node",
        "actions.ngrok.basic_auth.credentials.authorized",
        "optional.of(true).orValue(false)",
        "getReqCookie('x').secure",
        "true ? true : 'x'",
    ] {
        assert!(!compiled(source).is_surely_not_bool(), "{source}");
    }
}

#[test]
fn what_nests_too_deeply_is_told_in_words() {
    for source in ["(".repeat(2_000), "[".repeat(2_000)] {
        let error = Expr::compile(&source, Phase::HttpRequest).unwrap_err();
        assert!(error.message.starts_with("nests too deeply"), "{}", error.message);
    }
}
