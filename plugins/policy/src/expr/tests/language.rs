use cel::Value;

use super::*;
use crate::value::list;

#[test]
fn literals_are_what_they_say() {
    let scope = plain();
    values(&scope, [("1", 1_i64), ("-7", -7), ("0x1f", 31)]);
    values(&scope, [("1u", 1_u64)]);
    values(&scope, [("1.5", 1.5), ("1e3", 1000.0)]);
    values(&scope, [("true", true), ("false", false)]);
    values(
        &scope,
        [
            ("'a'", "a"),
            ("\"a'b\"", "a'b"),
            ("'''a'b\n'''", "a'b\n"),
            ("\"\"\"a\"b\"\"\"", "a\"b"),
            (r"'a\n\u00e4\x41'", "a\näA"),
            (r"r'\d\n'", r"\d\n"),
            ("'こんにちは'", "こんにちは"),
            ("'a' // and a remark", "a"),
        ],
    );
    values(&scope, [("b'ab'", Value::from(b"ab".to_vec())), ("null", Value::Null)]);
    values(&scope, [("[1, 2]", list([1_i64, 2])), ("[]", list::<Value>([]))]);
    assert_eq!(eval(&scope, "{'a': 1, 'b': [2]}['b'][0]"), Ok(Value::Int(2)));
}

#[test]
fn operators_follow_the_language() {
    all_true(
        &plain(),
        &[
            "1 + 2 * 3 == 7",
            "7 / 2 == 3",
            "-7 / 2 == -3",
            "7 % 3 == 1",
            "-7 % 3 == -1",
            "1.5 + 1.5 == 3.0",
            "'a' + 'b' == 'ab'",
            "'a' + 'b' + 'c' + 'd' == 'abcd'",
            "1 + 2 + 3 + 4 == 10",
            "[1] + [2] + ['x'] == [1, 2, 'x']",
            "b'a' + b'b' == b'ab'",
            "1 == 1.0 && 1u == 1 && 1 < 1.5 && 2u > 1",
            "'1' != '2' && '10' < '9' && 'ä' > 'z'",
            "!('1' == 1)",
            "1 != 'x'",
            "true ? true : false",
            "(1 > 2 ? 'a' : 'b') == 'b'",
            "1 in [3, 2, 1] && !('x' in ['y']) && 'k' in {'k': null}",
            "!(1 in [])",
            "{'a': 1}.a == 1 && {'a': 1}['a'] == 1",
            "[[1, 2], [3]][0][1] == 2",
            "null == null",
            "type(1) == int && type('x') == string && type(type(1)) == type",
            "type(timestamp(0)) == google.protobuf.Timestamp",
            "size('こんにちは') == 5 && 'こんにちは'.size() == 5",
            "size([1, 2]) == 2 && {'a': 1}.size() == 1 && size(b'ab') == 2",
        ],
    );
}

#[test]
fn types_convert_when_asked() {
    all_true(
        &plain(),
        &[
            "int('42') == 42 && int(3.9) == 3 && int(2u) == 2",
            "uint(3) == 3u && uint('3') == 3u",
            "double('1.5') == 1.5 && double(2) == 2.0",
            "string(1) == '1' && string(1.5) == '1.5' && string(true) == 'true'",
            "string(b'ab') == 'ab' && bytes('ab') == b'ab'",
            "bool('true') && !bool('false')",
            "dyn(1) == 1",
            "string(timestamp('2031-05-06T09:08:09+02:00')) == '2031-05-06T07:08:09Z'",
            "string(duration('1m30s')) == '90s'",
        ],
    );
}

#[test]
fn loops_find_and_make() {
    all_true(
        &plain(),
        &[
            "[1, 2, 3].all(x, x > 0) && ![1, 2].all(x, x > 1)",
            "[].all(x, false) && ![].exists(x, true)",
            "[1, 2].exists(x, x == 2) && ![1].exists(x, x == 2)",
            "[1, 2, 1].exists_one(x, x == 2) && ![1, 1].exists_one(x, x == 1)",
            "![].exists_one(x, true)",
            "[1, 2, 3].filter(x, x % 2 == 1) == [1, 3]",
            "[1, 2, 3].map(x, x * 2) == [2, 4, 6]",
            "[1, 2, 3].map(x, x > 1, x * 2) == [4, 6]",
            "{'a': 1, 'b': 2}.all(k, k in ['a', 'b'])",
            "{'a': 1}.map(k, k) == ['a'] && {'a': 1, 'b': 2}.filter(k, k == 'b') == ['b']",
            "{'a': 1, 'b': 2}.exists(k, k == 'b')",
            "[[1, 2], [3]].map(l, l.map(x, x + 1)) == [[2, 3], [4]]",
            "[1, 2].map(x, [3, 4].map(y, x * y)).flatten() == [3, 4, 6, 8]",
            "[3, 1, 2].sortBy(x, -x) == [3, 2, 1]",
            "[{'n': 2}, {'n': 1}].sortBy(e, e.n).map(e, e.n) == [1, 2]",
            "[2, 1].map(x, x + 1).sortBy(x, x) == [2, 3]",
            "['a', 'b'].map(req, req + '!') == ['a!', 'b!']",
            "['x'].map(hash, hash.upper()) == ['X']",
            "['x'].exists(url, url.startsWith('x'))",
        ],
    );
}

#[test]
fn presence_is_told_of_fields_and_of_keys() {
    let mut scope = plain();
    scope.vars.push(("m".into(), map([("k", map([("deep", 1_i64)]))])));
    all_true(
        &scope,
        &[
            "has({'a': 1}.a) && !has({'a': 1}.b)",
            "has({'a': 1}['a']) && !has({'a': 1}['b'])",
            "has(vars.m) && has(vars['m']) && !has(vars.n) && !has(vars['n'])",
            "has(vars.m.k.deep) && has(vars['m']['k']['deep']) && !has(vars.m.k.nope)",
            "has({'a': null}.a)",
            "has([1][0]) && !has([1][1])",
            "!has({'a': 1}['b']) || has(vars.m)",
            "has(req.url.path) && has(req['method'])",
        ],
    );
    failures(
        &scope,
        &[
            ("has(vars.nope.k)", "there is no key \"nope\""),
            ("has(vars['nope']['k'])", "there is no key \"nope\""),
        ],
    );
}

#[test]
fn optionals_can_stand_for_what_is_absent() {
    let mut scope = asked(Request::get("/").header("x-there", "yes"));
    scope.vars.push(("m".into(), map([("k", "v")])));
    all_true(
        &scope,
        &[
            "vars.?m.?k.orValue('none') == 'v'",
            "vars.?n.?k.orValue('none') == 'none'",
            "{'a': 1}[?'b'].orValue(7) == 7",
            "optional.of(1).hasValue() && !optional.none().hasValue()",
            "optional.of(1).value() == 1",
            "req.headers[?'x-there'].orValue(['no']) == ['yes']",
            "req.headers[?'x-absent'].orValue(['no']) == ['no']",
            "req.headers.?nope.orValue(['no']) == ['no']",
        ],
    );
}

#[test]
fn what_cannot_be_computed_is_an_error() {
    failures(
        &plain(),
        &[
            ("1 / 0", "division by zero"),
            ("1 % 0", "division by zero"),
            ("9223372036854775807 + 1", "the number is too large"),
            ("-9223372036854775807 - 2", "the number is too large"),
            ("1 + 1.0", "cannot add int and float"),
            ("1 + dyn(1.0) + 1", "cannot add int and float"),
            ("5 < '9'", "found no matching overload for '_<_' applied to '(int, string)'"),
            ("[1, 2, 3][5]", "the list has no such element"),
            ("[1, 2, 3][-1]", "the list has no such element"),
            ("{'a': 1}['b']", "there is no key \"b\""),
            ("vars.nope", "there is no key \"nope\""),
            ("{'a': 1, 'a': 2}", "a map has the same key twice"),
            ("[1, 2].exists_one(x, 1 / (x - 1) == 1)", "division by zero"),
            ("[0].map(x, 1 / x)", "division by zero"),
            ("string(b'\\xff')", "string(): invalid UTF-8 in bytes, cannot convert to string"),
        ],
    );
    for source in ["int('x')", "double('x')", "timestamp('x')", "duration('x')", "bool('maybe')"] {
        assert_eq!(eval(&plain(), source).unwrap_err().code(), 2254, "{source}");
    }
}
