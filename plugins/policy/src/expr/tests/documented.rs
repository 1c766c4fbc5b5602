//! What people find when they look a function up, and what they paste from recipes.

use super::*;
use crate::value::list;

#[test]
fn functions_do_what_their_reference_shows() {
    all_true(
        &plain(),
        &[
            "base64.decode('d29ybGQ=') == b'world' && base64.encode(b'world') == 'd29ybGQ='",
            "basic_auth.encode('ann', 'secret') == 'Basic YW5uOnNlY3JldA=='",
            "b'world'.size() == 5 && size(b'worlds!') == 7",
            "hash.crc64('hello', 'base64') == 'PD7u4tgQAAA=' && 'hello'.crc64('hex') == hash.crc64('hello')",
            "hash.xxhash64('hello', 'base64') == 'JseCfYifbaM='",
            "hash.sha1('hello', 'base64') == 'qvTGHdzF6KLavt4PO0gs2a6pQ00='",
            "hash.sha256('hello', 'base64') == 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ='",
            "'hello'.sha512('base64').startsWith('m3HSJL1i83hdltRq0+o9czGb')",
            "json.decode('{\"a\":\"b\"}') == {'a': 'b'} && json.decode('[\"a\",\"b\"]') == ['a', 'b']",
            "json.encode({'a': 'b'}) == '{\"a\":\"b\"}' && json.encode(['a', 'b']) == '[\"a\",\"b\"]'",
            "['good', 'wood'].join() == 'goodwood' && ['good', 'wood'].join(' ') == 'good wood'",
            "[5, 6, 7, 8].slice(1, 3) == [6, 7] && [5, 6, 7, 8].slice(2, 4) == [7, 8]",
            "[5, [6, 7], [8]].flatten() == [5, 6, 7, 8] && [5, [6, [7, 8]]].flatten() == [5, 6, [7, 8]]",
            "[5, 6, [], [], [7]].flatten() == [5, 6, 7] && [5, [6, [7, [8]]]].flatten(2) == [5, 6, 7, [8]]",
            "[{'name': 'x', 'score': 0}, {'name': 'y', 'score': -10}, {'name': 'z', 'score': 99}] \
             .sortBy(e, e.score).map(e, e.name) == ['y', 'x', 'z']",
            "{'one': 1, 'two': 2}.all(x, x.startsWith('o')) == false",
            "{'one': 1, 'two': 2}.exists(x, x.startsWith('o'))",
            "{'one': 1, 'two': 2}.exists_one(x, x == 'one')",
            "{'one': 1, 'two': 2}.filter(x, x.startsWith('o')) == ['one']",
            "{'one': 1, 'two': 2}.map(k, k).sort() == ['one', 'two']",
            "{'one': 1, 'two': 2, 'three': 3}.map(k, k.startsWith('t'), k.upper()).sort() == ['THREE', 'TWO']",
            "{'a': 'b', 'c': 'd'}.encodeQueryString() == 'a=b&c=d' && 'a=b&c=d'.decodeQueryString() == {'a': 'b', 'c': 'd'}",
            "rand.double() < 1.0 && rand.int() in [0, 1] && rand.int(0, 10) <= 10",
            "matches('goodwood', 'good.*') && 'goodwood'.matches('^g.*d$') && !matches('test', 'fail')",
            "'hello'.charAt(4) == 'o' && 'hello'.charAt(5) == ''",
            "'good wood'.indexOf('') == 0 && 'good wood'.indexOf('ood') == 1 && 'good wood'.indexOf('x') == -1",
            "'good wood'.indexOf('', 2) == 2 && 'good wood'.indexOf('ood', 2) == 6",
            "'good wood'.lastIndexOf('') == 9 && 'good wood'.lastIndexOf('ood') == 6",
            "'good wood'.lastIndexOf('ood', 5) == 1",
            "'hi %s'.format(['you']) == 'hi you' && 'n: %d'.format([42]) == 'n: 42'",
            "'%f'.format([3.14]) == '3.140000' && '%x'.format([26]) == '1a'",
            "'b: %b'.format([5]) == 'b: 101' && 'b: %b'.format([true]) == 'b: 1'",
            "'good wood'.split() == ['good', 'wood'] && 'good wood'.split(' ', 1) == ['good']",
            "'a,b,c'.split(',') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b']",
            "'good wood'.replace('o', '0', 2) == 'g00d wood' && 'good wood'.replace('x', 'X') == 'good wood'",
            "'i;md/r/$y'.escapeUrl() == 'i%3Bmd%2Fr%2F%24y' && 'i%3Bmd%2Fr%2F%24y'.unescapeUrl() == 'i;md/r/$y'",
            "'Ärger, ÉCOLE, İSTANBUL, ЙОГА'.lower() == 'ärger, école, istanbul, йога'",
            "'ärger, école, İstanbul, йога'.upper() == 'ÄRGER, ÉCOLE, İSTANBUL, ЙОГА'",
            "'TacoCÆt Xii'.lowerAscii() == 'tacocÆt xii' && 'TacoCÆt Xii'.upperAscii() == 'TACOCÆT XII'",
            "'https://a.example'.parseUrl() == {'host': 'a.example', 'scheme': 'https'}",
            "strings.quote('two escapes \\a\\n') == '\"two escapes \\\\a\\\\n\"'",
            "timestamp('2023-12-25T00:00:00Z').getDate('America/Los_Angeles') == 24",
            "timestamp('2024-01-01T10:00:00Z').getDate('Asia/Tokyo') == 1",
            "timestamp('2023-12-25T00:00:00Z').getDayOfMonth('America/Los_Angeles') == 23",
            "timestamp('2023-12-25T12:00:00Z').getDayOfWeek() == 1",
            "timestamp('2023-12-25T12:00:00Z').getDayOfYear() == 358",
            "duration('3h').getHours() == 3 && duration('1h30m').getMinutes() == 90",
            "inCidrRange('192.168.1.100', '192.168.1.0/24')",
            "inCidrRanges('192.168.1.100', ['192.168.1.0/24', '10.0.0.0/8'])",
        ],
    );
    for source in [
        "'good wood'.lastIndexOf('ood', 20)",
        "'good wood'.lastIndexOf('ood', -1)",
        "[[1, 2]].sort()",
    ] {
        assert_eq!(eval(&plain(), source).unwrap_err().code(), 2254, "{source}");
    }
}

#[test]
fn recipes_compile_and_decide() {
    let request = Request::get("/robots.txt?debug=true&q=hello")
        .header("host", "tenant.app.example")
        .header("user-agent", "Mozilla/5.0 Google-Images")
        .header("content-type", "application/json; charset=UTF-8")
        .header("cookie", "session=premium-1; ab_test=A")
        .header("x-json", "[\"first\", \"second\"]");
    let mut scope = asked(request);
    scope
        .vars
        .push(("models".into(), list([map([("id", text("a")), ("latency", Value::Int(90))])])));
    scope.vars.push(("accepted".into(), list(["a"])));
    all_true(
        &scope,
        &[
            "req.host.split('.app.example')[0] == 'tenant'",
            "'session' in req.cookies && req.cookies['session'][0].value.contains('premium')",
            "'ab_test' in req.cookies && req.cookies['ab_test'][0].value == 'A'",
            "'debug' in req.url.query_params && req.url.query_params['debug'][0] == 'true'",
            "getReqHeader('User-Agent').exists(v, v.matches('(?i)google-images'))",
            "size(getQueryParam('nope')) == 0 && hasQueryParam('q')",
            "size(getReqHeader('Content-Type').filter(v, v.matches('application/json'))) > 0",
            "json.decode(getReqHeader('x-json')[0])[0] == \"first\"",
            "json.encode(req.content_type.parameters) == '{\"charset\":\"UTF-8\"}'",
            "queryString.decode(req.url.query)[\"q\"] == \"hello\"",
            "req.url.contains('/robots.txt') && url.parse(req.url).path == '/robots.txt'",
            "!('authorization' in req.headers) && !has(req.headers['x-custom-header'])",
            "!(conn.geo.country_code in ['XX', 'YY']) && !conn.client_ip.geo.location.is_eu",
            "conn.client_ip.geo.location.continent != 'Asia' || conn.client_ip.as.organization.contains('X')",
            "req.method == 'POST' || req.content_length < 1000",
            "req.user_agent.contains('Mozilla') && !(req.user_agent.is_mobile == true)",
            "vars.models.filter(m, m.id in vars.accepted).filter(m, m.latency < 100).size() == 1",
            "int(string(req.url.query_params['debug'].size())) >= 1",
            "timestamp(time.now).getHours('America/New_York') < 24",
            "!inCidrRange(conn.client_ip, '66.249.66.1/24')",
            "req.content_type == 'application/json' && !req.content_type.startsWith('multipart/')",
            "conn.client_ip.matches('203[.].*') && conn.ts.start <= timestamp(time.now)",
        ],
    );
    for source in [
        "actions.ngrok.oauth.identity != null && actions.ngrok.oauth.identity.email.endsWith('@a.example')",
        "!(actions.ngrok.oauth.identity.email in [\"ann@a.example\"])",
        "int(actions.ngrok.log.metadata['n']) >= 3 && int(actions.ngrok.log.metadata['n']) <= 5",
        "actions.ngrok.verify_webhook.verified == false",
        "actions.ngrok.jwt_validation.tokens[0].payload.sub == 'x'",
        "actions.ngrok.http_request.res.status_code == 200",
        "actions.ngrok.http_request.res.body.decodeJson().allowed == true",
        "actions.ngrok.redirect.matches[0] == '1'",
    ] {
        let expr = Expr::compile(source, Phase::HttpRequest).map_err(|error| error.to_string());
        assert!(expr.is_ok_and(|expr| !expr.is_surely_not_bool()), "{source}");
        assert_eq!(
            eval(&scope, source).unwrap_err().code(),
            2254,
            "the action did not run: {source}"
        );
    }
}
