use super::*;
use crate::value::list;

#[track_caller]
fn too_large(source: &str, message: &str) {
    let error = Expr::compile(source, Phase::HttpRequest).expect_err("too large");
    assert_eq!((error.code(), error.message.as_str()), (2200, message));
}

#[track_caller]
fn too_dear(scope: &Scope, source: &str, message: &str) {
    let error = eval(scope, source).expect_err(source);
    assert_eq!((error.code(), error.message.as_str()), (2249, message), "{source}");
}

const STEPS: &str = "it takes more than 100000 steps";
const VALUE: &str = "it makes a value of more than 1 MiB";
const TOTAL: &str = "it makes more than 16 MiB of values";

#[test]
fn long_sources_are_refused() {
    let longest = format!("'{}'", "x".repeat(8 * 1024 - 2));
    assert!(Expr::compile(&longest, Phase::HttpRequest).is_ok());
    too_large(&format!("{longest} "), "the expression has more than 8192 bytes");
}

#[test]
fn large_expressions_are_refused() {
    let list = |n| format!("[{}]", vec!["1"; n].join(","));
    assert!(Expr::compile(&list(1_999), Phase::HttpRequest).is_ok());
    too_large(&list(2_000), "the expression has more than 2000 parts");
}

#[test]
fn loops_nest_three_deep() {
    let loops =
        |n: usize| (0..n).fold("true".to_owned(), |body, n| format!("[1].all(x{n}, {body})"));
    assert!(Expr::compile(&loops(3), Phase::HttpRequest).is_ok());
    let error = Expr::compile(&loops(4), Phase::HttpRequest).unwrap_err();
    assert!(error.message.starts_with("loops nest more than 3 deep"), "{error}");
    let chain = "[1].map(a, a).map(b, b).map(c, c).map(d, d).map(e, e) == [1]";
    assert_eq!(eval(&plain(), chain), Ok(Value::Bool(true)), "one after the other is not nested");
}

/// On a thread with as little stack as the program's own have.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .name("small".into())
        .stack_size(2 * 1024 * 1024)
        .spawn(test)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn deep_expressions_neither_compile_nor_overflow_the_stack() {
    on_a_small_stack(|| {
        let phase = Phase::HttpRequest;
        for (open, inner, close) in [
            ("(", "1", ")"),
            ("[", "1", "]"),
            ("{'a': ", "1", "}"),
            ("!", "true", ""),
            ("-", "vars.x", ""),
            ("!(", "true", ")"),
            ("string(", "'a'", ")"),
            ("true ? ", "1", " : 1"),
            ("true || (", "true", ")"),
            ("[1].map(x, ", "1", ")"),
            ("", "vars", ".a"),
            ("", "vars", "['a']"),
            ("", "'a'", ".trim()"),
            ("", "1", " + 1"),
            ("", "1", " - 1"),
            ("", "1", " * 1"),
            ("", "true", " && true"),
            ("", "true", " == true"),
            ("", "true", " ? true : false"),
        ] {
            let n = 8_000 / (open.len() + close.len());
            let source = format!("{}{inner}{}", open.repeat(n), close.repeat(n));
            // Either is fine; what counts is that it comes back.
            let _ = Expr::compile(&source, phase).map(|expr| expr.eval(&plain()));
        }
    });
}

#[test]
fn the_deepest_that_compiles_can_be_evaluated() {
    on_a_small_stack(|| {
        let mut scope = plain();
        scope.vars.push(("x".into(), Value::Bool(true)));
        for (open, inner, close) in [
            ("(", "true", ")"),
            ("[", "true", "]"),
            ("!(", "vars.x", ")"),
            ("string(", "'a'", ")"),
            ("true ? ", "1", " : 1"),
            ("", "'a'", ".trim()"),
            ("", "1", " - 1"),
            ("", "1", " + 1"),
            ("", "'a'", " + 'b'"),
            ("", "true", " == true"),
            ("", "true", " && vars.x"),
            ("vars.x && (", "true", ")"),
        ] {
            let compiles = |n: usize| {
                let source = format!("{}{inner}{}", open.repeat(n), close.repeat(n));
                Expr::compile(&source, scope.phase).ok()
            };
            let deepest = (1..=96).rev().find_map(compiles).unwrap();
            deepest.eval(&scope).unwrap();
        }
    });
}

#[test]
fn long_sums_and_conditions_are_no_depth() {
    let scope = plain();
    let sum = vec!["req.method"; 200].join(" + ");
    assert_eq!(eval(&scope, &sum), Ok(text(&"GET".repeat(200))));
    let all = vec!["true"; 200].join(" && ");
    assert_eq!(eval(&scope, &all), Ok(Value::Bool(true)));
}

#[test]
fn loops_end_after_their_steps() {
    let scope = plain();
    let ten = "lists.range(10)";
    let thousand = "lists.range(1000)";
    all_true(
        &scope,
        &[
            "lists.range(60000).all(x, x >= 0)",
            "lists.range(300).all(x, lists.range(300).all(y, true))",
        ],
    );
    too_dear(&scope, &format!("{thousand}.all(x, {thousand}.all(y, true))"), STEPS);
    too_dear(&scope, &format!("{thousand}.exists(x, {thousand}.exists(y, false))"), STEPS);
    too_dear(&scope, &format!("{thousand}.map(x, {thousand}.map(y, x))  == []"), STEPS);
    too_dear(&scope, &format!("{thousand}.filter(x, {thousand}.filter(y, false) == [])"), STEPS);
    too_dear(&scope, &format!("{thousand}.map(x, {thousand}.exists_one(y, y == x), x)"), STEPS);
    too_dear(&scope, &format!("{thousand}.exists_one(x, {thousand}.exists_one(y, false))"), STEPS);
    too_dear(&scope, &format!("{thousand}.sortBy(x, {thousand}.sortBy(y, y).size())"), STEPS);
    too_dear(&scope, &format!("{thousand}.all(x, {thousand}.all(y, {ten}.all(z, true)))"), STEPS);
    too_dear(&scope, "lists.range(50000).distinct()", STEPS);
}

#[test]
fn looking_through_large_values_over_and_over_takes_steps() {
    let mut scope = plain();
    scope.vars.push(("big".into(), text(&"x".repeat(900 * 1024))));
    scope.vars.push(("list".into(), list(vec!["x"; 50_000])));
    for body in [
        "vars.big.contains('y')",
        "vars.big.startsWith('y')",
        "vars.big.charAt(921599) == 'y'",
        "vars.big.indexOf('y') == 0",
        "vars.big.matches('y')",
        "vars.big.isJson()",
        "vars.big.size() == 1",
        "size(vars.big) == 1",
        "vars.big == vars.big + 'y'",
        "vars.big < vars.big",
        "'y' in vars.list",
        "vars.list == ['x']",
        "vars.list.exists(y, false)",
        "[vars.big].exists(y, false)",
    ] {
        assert_eq!(
            eval(&scope, &format!("{body} || true")),
            Ok(Value::Bool(true)),
            "once is fine: {body}"
        );
        let again = format!("lists.range(1000).exists(x, {body} && false)");
        let error = eval(&scope, &again).expect_err(&again);
        assert_eq!(error.code(), 2249, "{again}");
    }
    // What is short costs nothing beside the step.
    all_true(
        &scope,
        &["!lists.range(30000).exists(x, req.url.contains('y') || req.method == 'y')"],
    );
}

#[test]
fn no_operator_absorbs_a_limit() {
    let thousand = "lists.range(1000)";
    let dear = format!("{thousand}.all(x, {thousand}.all(y, true))");
    let scope = plain();
    too_dear(&scope, &format!("{dear} || true"), STEPS);
    too_dear(&scope, &format!("false && true || {dear} || true"), STEPS);
    too_dear(&scope, &format!("{thousand}.exists(x, {dear})"), STEPS);
    too_dear(&scope, &format!("{thousand}.all(x, {dear} || true)"), STEPS);
    too_dear(&scope, &format!("[{{'a': 1}}[?{dear} ? 'a' : 'b']]"), STEPS);
    assert_eq!(eval(&scope, &format!("true || {dear}")), Ok(Value::Bool(true)), "never computed");
    assert_eq!(eval(&scope, "1 + 1"), Ok(Value::Int(2)), "the count starts anew");
}

#[test]
fn values_stay_small() {
    let scope = plain();
    let kib = "x".repeat(1024);
    let grow = format!("'{kib}'.replace('x', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')");
    all_true(&scope, &[&format!("{grow}.size() == 32768")]);
    for source in [
        format!("{grow}.replace('x', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')"),
        format!("{grow}.replace('', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')"),
        format!("lists.range(1000).map(x, '').join({grow}) == ''"),
        format!("{grow}.split('').map(x, {grow}) == []"),
        "lists.range(100000) == []".to_owned(),
        "lists.range(9223372036854775807) == []".to_owned(),
    ] {
        let error = eval(&scope, &source).expect_err(&source);
        assert_eq!(error.code(), 2249, "{error}");
        assert!([VALUE, TOTAL].contains(&error.message.as_str()), "{error}");
    }
}

#[test]
fn many_large_values_are_too_many() {
    let mut scope = plain();
    scope.vars.push(("big".into(), text(&"x".repeat(900 * 1024))));
    all_true(
        &scope,
        &["vars.big.size() == 921600", "vars.big.startsWith('x')", "[vars.big].size() == 1"],
    );
    too_dear(&scope, "vars.big + vars.big == ''", VALUE);
    too_dear(&scope, "vars.big + vars.big + vars.big == ''", VALUE);
    too_dear(&scope, &format!("{} == ''", vec!["vars.big"; 300].join(" + ")), TOTAL);
    too_dear(&scope, "lists.range(100).map(x, vars.big).size() == 1", TOTAL);
    too_dear(&scope, "lists.range(100).filter(x, vars.big.upper() == '').size() == 1", TOTAL);
    too_dear(&scope, "lists.range(100).all(x, [vars.big] != [])", TOTAL);
    too_dear(&scope, "lists.range(100).all(x, {'a': vars.big} != {})", TOTAL);
    too_dear(&scope, "[vars.big, vars.big, vars.big].join(vars.big) == ''", VALUE);
    too_dear(&scope, "vars.big.split('') == []", VALUE);
    too_dear(&scope, "vars.big.escapeUrl().encodeBase64().encodeBase64() == ''", VALUE);
    too_dear(&scope, "'%s%s'.format([vars.big, vars.big]) == ''", VALUE);
}

#[test]
fn patterns_that_explode_are_refused() {
    let mut scope = plain();
    scope.vars.push(("re".into(), text(r"(\w{500}){500}")));
    failures(&scope, &[("'a'.matches(vars.re)", "matches(): the pattern is too large")]);
    scope.vars[0].1 = text("(");
    failures(&scope, &[("'a'.matches(vars.re)", "matches(): unclosed group")]);
}
