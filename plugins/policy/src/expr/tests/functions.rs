use cel::Value;

use super::*;
use crate::value::list;

#[test]
fn strings_are_looked_into_and_changed() {
    all_true(
        &plain(),
        &[
            "'abc'.startsWith('ab') && 'abc'.endsWith('bc') && 'abc'.contains('b')",
            "'abc'.startsWith('') && 'abc'.endsWith('') && ''.contains('')",
            "'abc'.charAt(0) == 'a' && 'abc'.charAt(3) == ''",
            "'abcb'.indexOf('b') == 1 && 'abcb'.indexOf('b', 2) == 3 && 'abc'.indexOf('x') == -1",
            "'abc'.indexOf('') == 0 && 'abc'.lastIndexOf('') == 3",
            "'abcb'.lastIndexOf('b') == 3 && 'abcb'.lastIndexOf('b', 2) == 1",
            "'abc'.substring(1) == 'bc' && 'abc'.substring(0, 2) == 'ab' && 'abc'.substring(3) == ''",
            "'a-b-a'.replace('a', 'x') == 'x-b-x' && 'a-b-a'.replace('a', 'x', 1) == 'x-b-a'",
            "'a-b'.replace('a', 'x', 0) == 'a-b' && 'aa'.replace('a', 'x', -1) == 'xx'",
            "'ab'.replace('', '-') == '-a-b-'",
            "' a\\u00a0\\n'.trim() == 'a' && 'äbc'.reverse() == 'cbä'",
            "'ÄBC'.lowerAscii() == 'Äbc' && 'äbc'.upperAscii() == 'äBC'",
            "'ÄBC'.lower() == 'äbc' && 'straße'.upper() == 'STRAßE' && 'İZMİR ΣΑΣ'.lower() == 'izmir σασ'",
            "'%s has %d and %.2f'.format(['x', 3, 1.5]) == 'x has 3 and 1.50'",
            "'%b %x %X %o %e'.format([true, 255, 255, 8, 1500.0]) == '1 ff FF 10 1.500000e+03'",
            "'%s'.format([[1, 'a']]) == '[1, a]'",
            "strings.quote('a\"b') == '\"a\\\\\"b\"'",
        ],
    );
    failures(
        &plain(),
        &[
            ("'abc'.charAt(4)", "charAt(): index out of range: 4"),
            ("'abc'.charAt(-1)", "charAt(): index out of range: -1"),
            ("'abc'.indexOf('a', -1)", "indexOf(): index out of range: -1"),
        ],
    );
    for source in ["'abc'.substring(2, 1)", "'abc'.substring(4)", "'abc'.substring(-1)"] {
        assert_eq!(eval(&plain(), source).unwrap_err().code(), 2254, "{source}");
    }
}

#[test]
fn splitting_keeps_the_first_parts() {
    values(
        &plain(),
        [
            ("' a  b\\tc '.split()", list(["a", "b", "c"])),
            ("''.split()", list::<Value>([])),
            ("'a-b-c'.split('-')", list(["a", "b", "c"])),
            ("'a-b-c'.split('-', 2)", list(["a", "b"])),
            ("'a-b-c'.split('-', 1)", list(["a"])),
            ("'a-b-c'.split('-', 9)", list(["a", "b", "c"])),
            ("'a-b-c'.split('-', 0)", list::<Value>([])),
            ("'a-b-c'.split('-', -1)", list(["a", "b", "c"])),
            ("'-a-'.split('-')", list(["", "a", ""])),
            ("''.split('-')", list([""])),
            ("'äb'.split('')", list(["ä", "b"])),
            ("'abc'.split('', 2)", list(["a", "b"])),
            ("'a, b'.split(', ').map(x, x.upper())", list(["A", "B"])),
        ],
    );
}

#[test]
fn patterns_match_anywhere() {
    let mut scope = plain();
    scope.vars.push(("re".into(), text("^a.c$")));
    all_true(
        &scope,
        &[
            "'xabcx'.matches('abc') && !'xabcx'.matches('^abc')",
            "matches('abc', '^a.c$') && 'abc'.matches(vars.re) && !matches('abcd', vars.re)",
            "'a\\nb'.matches('(?s)a.b') && 'ABC'.matches('(?i)abc') && 'x1'.matches(r'\\d')",
            "['a', 'b'].filter(x, x.matches('a|c')) == ['a']",
            "'ab'.matches('a' + 'b')",
        ],
    );
    failures(
        &scope,
        &[
            ("'a'.matches('(' + '')", "matches(): unclosed group"),
            (
                "'a'.matches(dyn(1))",
                "found no matching overload for 'matches' applied to '(string, int)'",
            ),
        ],
    );
}

#[test]
fn strings_are_told_apart() {
    all_true(
        &plain(),
        &[
            "'{\"a\":1}'.isJson() && '[]'.isJson() && '1'.isJson() && !'{'.isJson() && !''.isJson()",
            "'https://a.example/x'.isURL() && 'ftp://h'.isURL() && !'/x'.isURL() && !'a.example'.isURL()",
            "!'mailto:a@b'.isURL() && !'https://'.isURL()",
            "'a=b'.isQueryString() && 'a=b&c=%20d'.isQueryString() && 'a='.isQueryString()",
            "!'a'.isQueryString() && !'a=%2'.isQueryString() && !''.isQueryString() && !'=b'.isQueryString()",
            "'10.1.2.3'.isPrivateIp() && '172.16.0.1'.isPrivateIp() && '192.168.9.9'.isPrivateIp()",
            "'::ffff:10.0.0.1'.isPrivateIp()",
            "!'172.32.0.1'.isPrivateIp() && !'127.0.0.1'.isPrivateIp() && !'fd00::1'.isPrivateIp()",
            "!'nonsense'.isPrivateIp() && !''.isPrivateIp() && !'10.1.2.3/8'.isPrivateIp()",
        ],
    );
}

#[test]
fn base64_is_padded() {
    all_true(
        &plain(),
        &[
            "base64.encode(b'hello') == 'aGVsbG8=' && base64.decode('aGVsbG8=') == b'hello'",
            "'hello'.encodeBase64() == 'aGVsbG8=' && 'aGVsbG8='.decodeBase64() == 'hello'",
            "base64.encode(b'') == '' && ''.decodeBase64() == ''",
            "basic_auth.encode('ann', 'p:w') == 'Basic YW5uOnA6dw=='",
        ],
    );
    failures(
        &plain(),
        &[
            ("base64.decode('aGVsbG8')", "base64.decode(): not padded standard base64"),
            ("base64.decode('a-_=')", "base64.decode(): not padded standard base64"),
            ("'aGVsbG8'.decodeBase64()", "decodeBase64(): not padded standard base64"),
            ("'//4='.decodeBase64()", "decodeBase64(): what is encoded is not UTF-8"),
            (
                "base64.encode('text')",
                "found no matching overload for 'base64.encode' applied to '(string)'",
            ),
        ],
    );
}

#[test]
fn json_keeps_keys_in_order_and_whole_numbers_whole() {
    values(
        &plain(),
        [
            (
                "json.encode({'b': [1, 2.5, null], 'a': {'x': 'y\"'}})",
                r#"{"a":{"x":"y\""},"b":[1,2.5,null]}"#,
            ),
            ("[1, 'a', true].encodeJson()", r#"[1,"a",true]"#),
            (
                "{'t': timestamp('2031-05-06T07:08:09Z'), 'd': duration('90s')}.encodeJson()",
                r#"{"d":"1m30s","t":"2031-05-06T07:08:09Z"}"#,
            ),
            ("{}.encodeJson()", "{}"),
            ("{1: 'a', true: 'b'}.encodeJson()", r#"{"1":"a","true":"b"}"#),
        ],
    );
    all_true(
        &plain(),
        &[
            "json.decode('{\"a\": [1, 1.5, 2.0]}') == {'a': [1, 1.5, 2]}",
            "type(json.decode('[2.0]')[0]) == int && type(json.decode('[1.5]')[0]) == double",
            "'[\"x\"]'.decodeJson()[0] == 'x' && '{\"a\": {\"b\": null}}'.decodeJson().a.b == null",
        ],
    );
    failures(
        &plain(),
        &[
            ("json.decode('{')", "json.decode(): not JSON"),
            ("json.decode('1')", "json.decode(): neither a list nor a map"),
            ("json.encode('x')", "json.encode(): neither a list nor a map"),
        ],
    );
    let deep = format!("'{}1{}'.decodeJson()", "[".repeat(2_000), "]".repeat(2_000));
    assert_eq!(eval(&plain(), &deep).unwrap_err().message, "json.decode(): not JSON");
}

#[test]
fn query_strings_go_there_and_back() {
    values(
        &plain(),
        [
            (
                "queryString.encode({'c': 'd e', 'a': 'b&', 'l': ['1', '2']})",
                "a=b%26&c=d+e&l=1&l=2",
            ),
            ("{'n': 1, 'b': true}.encodeQueryString()", "b=true&n=1"),
            ("{}.encodeQueryString()", ""),
            ("url.escape('a b/ä?&=~-_.')", "a+b%2F%C3%A4%3F%26%3D~-_."),
            ("'a+b'.escapeUrl()", "a%2Bb"),
            ("url.unescape('a+b%2F%C3%A4')", "a b/ä"),
            ("'%41%2B'.unescapeUrl()", "A+"),
        ],
    );
    values(
        &plain(),
        [
            ("queryString.decode('a=b&c=d+e&a=z&f')", map([("a", "b"), ("c", "d e"), ("f", "")])),
            ("'?x=%20'.decodeQueryString()", map([("x", " ")])),
            ("''.decodeQueryString()", map::<&str, Value>([])),
        ],
    );
    failures(
        &plain(),
        &[
            ("'%zz'.unescapeUrl()", "url.unescape(): a bad escape"),
            ("'%4'.unescapeUrl()", "url.unescape(): a bad escape"),
            ("'%ff'.unescapeUrl()", "url.unescape(): a bad escape"),
            ("queryString.decode('a=%4')", "queryString.decode(): a bad escape"),
            ("queryString.encode(['a'])", "queryString.encode(): not a map"),
        ],
    );
}

#[test]
fn urls_fall_into_their_parts() {
    values(
        &plain(),
        [
            (
                "url.parse('https://ann:pw@a.example:8443/p/q?x=1&y#top')",
                map([
                    ("scheme", "https"),
                    ("host", "a.example:8443"),
                    ("path", "/p/q"),
                    ("query", "x=1&y"),
                    ("fragment", "top"),
                    ("user", "ann:pw"),
                ]),
            ),
            ("'http://h'.parseUrl()", map([("scheme", "http"), ("host", "h")])),
            ("'/only/path?q'.parseUrl()", map([("path", "/only/path"), ("query", "q")])),
            (
                "'http://[::1]:80/'.parseUrl()",
                map([("scheme", "http"), ("host", "[::1]:80"), ("path", "/")]),
            ),
        ],
    );
    failures(
        &plain(),
        &[
            ("url.parse('http://a b/')", "url.parse(): not a URL"),
            ("url.parse('/%zz')", "url.parse(): not a URL"),
        ],
    );
}

#[test]
fn hashes_have_their_known_values() {
    values(
        &plain(),
        [
            ("hash.crc32('hello')", "3610a686"),
            ("hash.crc64('hello')", "3c3eeee2d8100000"),
            ("hash.xxhash64('hello')", "26c7827d889f6da3"),
            ("hash.md5('hello')", "5d41402abc4b2a76b9719d911017c592"),
            ("hash.sha1('hello')", "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"),
            (
                "hash.sha256('hello')",
                "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
            ),
            ("hash.sha512('').substring(0, 16)", "cf83e1357eefb8bd"),
            ("hash.md5('hello', 'base64')", "XUFAKrxLKna5cZ2REBfFkg=="),
            ("hash.crc32('hello', 'hex')", "3610a686"),
            ("'hello'.crc32()", "3610a686"),
            ("'hello'.crc32('base64')", "NhCmhg=="),
            ("'hello'.md5()", "5d41402abc4b2a76b9719d911017c592"),
            ("'hello'.sha1('hex')", "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"),
            ("'hello'.xxhash64()", "26c7827d889f6da3"),
        ],
    );
    let message = "hash(): the format is neither 'hex' nor 'base64'";
    failures(&plain(), &[("hash.md5('x', 'HEX')", message), ("'x'.sha256('raw')", message)]);
}

#[test]
fn lists_are_cut_and_put_together() {
    all_true(
        &plain(),
        &[
            "['a', 'b'].join() == 'ab' && ['a', 'b'].join(', ') == 'a, b' && [].join('x') == ''",
            "[1, 2, 3].slice(1, 3) == [2, 3] && [1].slice(1, 1) == []",
            "[1, [2, [3]]].flatten() == [1, 2, [3]] && [1, [2, [3]]].flatten(2) == [1, 2, 3]",
            "[3, 1, 2].sort() == [1, 2, 3] && ['b', 'a'].sort() == ['a', 'b']",
            "[1, 2, 1, 3, 2].distinct() == [1, 2, 3] && [1, 1.0, 'a', 'a'].distinct() == [1, 'a']",
            "lists.range(3) == [0, 1, 2] && lists.range(0) == []",
            "[1, 2].reverse() == [2, 1]",
        ],
    );
    for source in [
        "[1].slice(0, 2)",
        "[1].slice(1, 0)",
        "[1].flatten(-1)",
        "[1, 'a'].sort()",
        "[1].join()",
        "lists.range(-1)",
    ] {
        assert_eq!(eval(&plain(), source).unwrap_err().code(), 2254, "{source}");
    }
}

#[test]
fn times_have_their_fields() {
    all_true(
        &plain(),
        &[
            "timestamp('2031-05-06T07:08:09.5Z').getFullYear() == 2031",
            "timestamp('2031-05-06T07:08:09Z').getMonth() == 4",
            "timestamp('2031-05-06T07:08:09Z').getDate() == 6",
            "timestamp('2031-05-06T07:08:09Z').getDayOfMonth() == 5",
            "timestamp('2031-05-06T07:08:09Z').getDayOfWeek() == 2",
            "timestamp('2031-05-06T07:08:09Z').getDayOfYear() == 125",
            "timestamp('2031-05-06T07:08:09Z').getHours() == 7",
            "timestamp('2031-05-06T07:08:09Z').getMinutes() == 8",
            "timestamp('2031-05-06T07:08:09Z').getSeconds() == 9",
            "timestamp('2031-05-06T07:08:09.234Z').getMilliseconds() == 234",
            "timestamp('2031-05-06T07:08:09Z').getHours('America/Los_Angeles') == 0",
            "timestamp('2031-05-06T03:08:09Z').getDate('America/Los_Angeles') == 5",
            "timestamp('2031-05-06T07:08:09.25Z').getMilliseconds('Europe/Berlin') == 250",
            "timestamp('2031-05-06T07:08:09Z').getHours('+02:00') == 9",
            "timestamp('2031-05-06T07:08:09Z') - timestamp('2031-05-06T07:00:00Z') == duration('489s')",
            "timestamp('2031-05-06T07:08:09Z') + duration('1h') > timestamp('2031-05-06T08:00:00Z')",
            "duration('1m30s').getSeconds() == 90 && duration('90m').getHours() == 1",
            "duration('90m').getMinutes() == 90",
            "duration('1.234s').getMilliseconds() == 234 && duration('2s').getMilliseconds() == 0",
            "duration('-1.234s').getMilliseconds() == -234",
            "timestamp(time.now) > timestamp('2020-01-01T00:00:00Z')",
        ],
    );
    assert!(eval(&plain(), "timestamp(time.now).getHours('Nowhere/Land')").is_err());
    assert!(eval(&plain(), "timestamp(time.now).getMilliseconds('Nowhere/Land')").is_err());
}

#[test]
fn addresses_are_found_in_ranges() {
    all_true(
        &plain(),
        &[
            "inCidrRange('10.9.8.7', '10.0.0.0/8') && !inCidrRange('11.0.0.1', '10.0.0.0/8')",
            "inCidrRange('10.1.1.1', '10.9.8.7/8')",
            "inCidrRange('2001:db8::1', '2001:db8::/32') && !inCidrRange('2001:db9::1', '2001:db8::/32')",
            "inCidrRange('::ffff:10.0.0.1', '10.0.0.0/8') && inCidrRange('10.0.0.1', '::ffff:10.0.0.0/104')",
            "inCidrRange('1.2.3.4', '0.0.0.0/0') && !inCidrRange('::1', '0.0.0.0/0')",
            "!inCidrRange('10.0.0.1', '10.0.0.0') && !inCidrRange('10.0.0.1', 'x/8')",
            "!inCidrRange('nonsense', '10.0.0.0/8') && !inCidrRange('10.0.0.1', '10.0.0.0/33')",
            "inCidrRanges('10.0.0.1', ['nonsense', '10.0.0.0/8']) && !inCidrRanges('10.0.0.1', [])",
            "!inCidrRanges('10.0.0.1', ['nonsense', '11.0.0.0/8']) && !inCidrRanges('x', ['0.0.0.0/0'])",
            "inCidrRange(conn.client_ip, '203.0.113.0/24') && inCidrRanges(conn.client_ip, ['203.0.113.9/32'])",
        ],
    );
}

#[test]
fn random_numbers_stay_within_their_bounds() {
    let scope = plain();
    all_true(
        &scope,
        &[
            "lists.range(200).all(x, rand.double() >= 0.0 && rand.double() < 1.0)",
            "lists.range(200).all(x, rand.int() in [0, 1])",
            "lists.range(300).map(x, rand.int(3, 5)).distinct().sort() == [3, 4, 5]",
            "rand.int(7, 7) == 7 && rand.int(0, 9223372036854775807) >= 0",
            "lists.range(20).map(x, rand.double()).distinct().size() > 1",
        ],
    );
    failures(
        &scope,
        &[
            ("rand.int(-1, 5)", "rand.int(): bounds cannot be negative"),
            ("rand.int(5, 1)", "rand.int(): the lower bound is above the upper one"),
        ],
    );
    assert_eq!(
        eval(&scope, "rand.int(1)").unwrap_err().message,
        "rand.int() takes 0 or 2 arguments, not 1 (column 9)"
    );
}

#[test]
fn there_are_no_secrets() {
    failures(
        &plain(),
        &[(
            "secrets.get('vault', 'name')",
            "secrets.get(): there is no secret \"name\" in the vault \"vault\": secrets are not kept here",
        )],
    );
}
