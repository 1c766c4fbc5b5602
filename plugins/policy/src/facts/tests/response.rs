use super::*;

#[test]
fn a_response_tells_its_head() {
    let response = Response::builder().status(404).header("content-length", "3");
    let response = response.header("content-type", "text/plain;charset=x");
    let response = response.header("location", "/there").header("content-encoding", "br");
    let scope = of_response(response);
    all_true(
        &scope,
        &[
            "res.status_code == 404",
            "res.content_length == 3",
            "res.content_type == 'text/plain'",
            "res.content_type.parameters.charset == 'x'",
            "res.content_encoding == ['br']",
            "res.location == '/there'",
            "res.headers['Location'] == ['/there']",
            "res.headers['x-none'] == []",
            "size(res.trailers) == 0",
        ],
    );
}

#[test]
fn the_request_stays_readable_beside_the_response() {
    is(&of_response(Response::builder()), "req.method", "GET");
}

#[test]
fn cookies_are_told_with_all_that_belongs_to_them() {
    let cookie = "id=\"a=b\"; Domain=app.example; Path=/a; Expires=Wed, 21 Oct 2015 07:28:00 GMT; \
                  Max-Age=90; Secure; HttpOnly; SameSite=Lax; Priority=High; Partitioned";
    let scope = of_response(Response::builder().header("set-cookie", cookie));
    all_true(
        &scope,
        &[
            "res.cookies['id'][0].name == 'id'",
            "res.cookies['id'][0].value == 'a=b'",
            "res.cookies['id'][0].domain == 'app.example'",
            "res.cookies['id'][0].path == '/a'",
            "res.cookies['id'][0].expires == timestamp('2015-10-21T07:28:00Z')",
            "res.cookies['id'][0].max_age == duration('90s')",
            "res.cookies['id'][0].secure && res.cookies['id'][0].http_only",
            "res.cookies['id'][0].same_site == 'Lax'",
            "res.cookies['id'][0].unparsed_attributes == {'Priority': 'High', 'Partitioned': ''}",
        ],
    );
}

#[test]
fn what_a_cookie_does_not_say_is_zero() {
    let scope = of_response(Response::builder().header("set-cookie", "a=1; Max-Age=soon"));
    all_true(
        &scope,
        &[
            "res.cookies['a'][0].domain == ''",
            "!res.cookies['a'][0].secure && !res.cookies['a'][0].http_only",
            "res.cookies['a'][0].same_site == ''",
        ],
    );
    has_no_value(&scope, "res.cookies['a'][0].expires");
    has_no_value(&scope, "res.cookies['a'][0].max_age");
}

#[test]
fn of_cookies_of_one_name_the_longest_path_is_first() {
    let response = Response::builder().header("set-cookie", "a=1; Path=/");
    let response = response.header("set-cookie", "a=2; Path=/x/y").header("set-cookie", "b=3");
    let scope = of_response(response.header("set-cookie", "a=4; Path=/x"));
    is(&scope, "res.cookies['a'].map(c, c.value)", list(["2", "4", "1"]));
    is(&scope, "size(res.cookies)", Value::Int(2));
}

#[test]
fn older_dates_are_read_too() {
    let cookie = "a=1; expires=Wed, 21-Oct-2015 07:28:00 GMT";
    let scope = of_response(Response::builder().header("set-cookie", cookie));
    is(&scope, "res.cookies['a'][0].expires == timestamp('2015-10-21T07:28:00Z')", true);
}
