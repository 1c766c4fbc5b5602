use super::*;

/// What is an error whatever the request is.
const ERROR: &str = "(1 / 0 == 1)";

#[test]
fn a_deciding_side_absorbs_an_error_of_the_other() {
    let scope = plain();
    for (source, expected) in [
        ("true || ERROR", true),
        ("ERROR || true", true),
        ("false && ERROR", false),
        ("ERROR && false", false),
        ("(ERROR || true) && true", true),
        ("ERROR || ERROR || true", true),
        ("true || ERROR || ERROR", true),
        ("ERROR && ERROR && false", false),
        ("!(ERROR && false)", true),
        ("actions.ngrok.basic_auth.credentials.authorized || req.method == 'GET'", true),
        ("req.method == 'GET' || actions.ngrok.basic_auth.credentials.authorized", true),
        ("vars.nope == 1 || true", true),
        ("vars.nope.deep && false", false),
        ("[1, 0, 2].exists(x, 4 / x == 2)", true),
        ("[0, 2].exists(x, 4 / x == 2)", true),
        ("[0, 3].all(x, 4 / x == 2)", false),
    ] {
        let source = source.replace("ERROR", ERROR);
        assert_eq!(eval(&scope, &source), Ok(Value::Bool(expected)), "{source}");
    }
}

#[test]
fn an_error_that_decides_stays_one() {
    let scope = plain();
    for source in [
        "ERROR",
        "ERROR || false",
        "false || ERROR",
        "ERROR && true",
        "true && ERROR",
        "!ERROR",
        "ERROR ? true : true",
        "ERROR == ERROR",
        "[0, 1].exists(x, 4 / x == 2)",
        "[0, 2].all(x, 4 / x == 2)",
    ] {
        let source = source.replace("ERROR", ERROR);
        let error = eval(&scope, &source).expect_err(&source);
        assert_eq!(error.message, "division by zero", "{source}");
    }
}

#[test]
fn only_the_branch_that_is_taken_is_computed() {
    let scope = plain();
    values(&scope, [("true ? 1 : 1 / 0", 1_i64), ("false ? 1 / 0 : 2", 2)]);
}
