use super::*;

#[test]
fn what_an_action_found_out_is_read_below_its_name() {
    let mut scope = of_request(Request::get("/"));
    let credentials = map([("presented", Value::Bool(true)), ("username", text("ann"))]);
    scope.set_result("basic_auth", map([("credentials", credentials)]));
    all_true(
        &scope,
        &[
            "has(actions.ngrok.basic_auth)",
            "actions.ngrok.basic_auth.credentials.presented",
            "actions.ngrok.basic_auth.credentials.username == 'ann'",
            "actions.ngrok['basic_auth'].credentials['username'] == 'ann'",
            // Not told, so zero.
            "actions.ngrok.basic_auth.credentials.authorized == false",
            "size(actions.ngrok) == 1",
        ],
    );
}

#[test]
fn what_did_not_run_found_out_nothing() {
    let scope = of_request(Request::get("/"));
    is(&scope, "has(actions.ngrok.basic_auth)", false);
    is(&scope, "'basic_auth' in actions.ngrok", false);
    has_no_value(&scope, "actions.ngrok.basic_auth");
    has_no_value(&scope, "actions.ngrok.basic_auth.credentials.authorized");
    is(&scope, "actions.ngrok.basic_auth.credentials.authorized || true", true);
    is(&scope, "true || actions.ngrok.basic_auth.credentials.authorized", true);
}

#[test]
fn lists_of_findings_have_all_their_fields() {
    let mut scope = of_request(Request::get("/"));
    let found = map([("replacement_index", Value::Int(1))]);
    scope.set_result("request_body_find_replace", map([("replacements", list([found]))]));
    let first = "actions.ngrok.request_body_find_replace.replacements[0]";
    is(&scope, &format!("{first}.replacement_index"), Value::Int(1));
    is(&scope, &format!("{first}.matched_content"), "");
}

#[test]
fn headers_that_were_found_are_headers() {
    let mut scope = of_request(Request::get("/"));
    let header = map([("content-type", list(["a"])), ("x-one", text("1"))]);
    scope.set_result("http_request", map([("res", map([("header", header)]))]));
    let of = |rest: &str| format!("actions.ngrok.http_request.res.header{rest}");
    is(&scope, &of("['Content-Type'][0]"), "a");
    is(&scope, &of("['x-one']"), list(["1"]));
    is(&scope, &of("['x-none'] == []"), true);
    is(&scope, &format!("'X-One' in {}", of("")), true);
    is(&scope, &format!("has({}) || 'x-none' in {}", of("['x-none']"), of("")), false);
}

#[test]
fn a_finding_that_is_null_is_not_known() {
    let mut scope = of_request(Request::get("/"));
    scope.set_result("rate_limit", map([("error", Value::Null), ("bucket_key", Value::Null)]));
    is(&scope, "actions.ngrok.rate_limit.error.code", "");
    is(&scope, "actions.ngrok.rate_limit.bucket_key", "");
}

#[test]
fn what_tls_agreed_on_is_found_out_after_its_action_ran() {
    let conn = conn();
    let tls = TlsInfo { version: "1.2", sni: Some("a.example".into()), ..TlsInfo::default() };
    conn.tls.set(tls).unwrap();
    let mut scope = of_conn(conn);
    has_no_value(&scope, "actions.ngrok.terminate_tls.version");
    scope.set_result("terminate_tls", map([("warnings", list(["w"]))]));
    is(&scope, "actions.ngrok.terminate_tls.version", "1.2");
    is(&scope, "actions.ngrok.terminate_tls.sni", "a.example");
    is(&scope, "actions.ngrok.terminate_tls.warnings", list(["w"]));
    is(&scope, "actions.ngrok.terminate_tls.client.subject.common_name", "");
    is(&scope, "actions.ngrok.terminate_tls.error.code", "");
}

#[test]
fn variables_keep_their_types() {
    let mut scope = of_request(Request::get("/"));
    scope.vars.push(("n".to_owned(), Value::Int(3)));
    scope.vars.push(("m".to_owned(), map([("k", list([1_i64, 2]))])));
    scope.vars.push(("n".to_owned(), Value::Int(4)));
    is(&scope, "vars.n + 1", Value::Int(5));
    is(&scope, "vars['m'].k[1]", Value::Int(2));
    is(&scope, "has(vars.n) && !has(vars.o)", true);
    has_no_value(&scope, "vars.o");
}
