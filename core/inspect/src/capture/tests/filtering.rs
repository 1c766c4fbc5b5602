//! What filters let through.

use super::*;

fn found(store: &Store, filter: Filter) -> Vec<String> {
    let page = store.page(&filter, None, 99);
    let mut paths: Vec<_> = paths(&page).into_iter().map(str::to_owned).collect();
    paths.reverse();
    paths
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn store() -> Arc<Store> {
    let store = Store::new(1_000_000);
    let mut first = entry("/Users?page=1", 200, "hello");
    first.endpoint = "api".into();
    store.add(first);
    let mut second = entry("/users/7", 404, "not found");
    second.request.method = Method::DELETE;
    second.timing.total = Some(Duration::from_millis(500));
    second.request.headers = Headers::collect([("x-trace", &b"Abc-1"[..])]);
    store.add(second);
    let mut third = entry("/wait", 503, "");
    (third.response, third.timing.total, third.state) = (None, None, State::Open);
    third.request.body = Body::whole("{\"name\":\"GR\u{dc}SSE\"}");
    store.add(third);
    store
}

#[test]
fn each_filter_lets_its_own_through() {
    let store = store();
    let none = Filter::default();
    let is = |filter: Filter, expected: &[&str]| {
        let text = format!("{filter:?}");
        assert_eq!(found(&store, filter), expected, "{text}");
    };
    let (users, user, wait) = ("/Users?page=1", "/users/7", "/wait");
    is(none.clone(), &[users, user, wait]);
    is(Filter { endpoint: some("api"), ..none.clone() }, &[users]);
    is(Filter { endpoint: some("ap"), ..none.clone() }, &[]);
    is(Filter { path: some("USERS"), ..none.clone() }, &[users, user]);
    is(Filter { path: some("page="), ..none.clone() }, &[users]);
    is(Filter { method: some("delete"), ..none.clone() }, &[user]);
    let status = |text: &str| Filter { status: Some(text.parse().unwrap()), ..none.clone() };
    is(status("200"), &[users]);
    is(status("4xx"), &[user]);
    is(status("200-404"), &[users, user]);
    is(status("500-599"), &[]);
    let ms = Duration::from_millis;
    is(Filter { min_duration: Some(ms(10)), ..none.clone() }, &[users, user]);
    is(Filter { min_duration: Some(ms(11)), ..none.clone() }, &[user]);
    is(Filter { max_duration: Some(ms(499)), ..none.clone() }, &[users]);
    is(Filter { min_size: Some(6), ..none.clone() }, &[user]);
    is(Filter { max_size: Some(5), ..none.clone() }, &[users, wait]);
    let header = |text: &str| Filter { header: Some(text.into()), ..none.clone() };
    is(header("x-trace:abc"), &[user]);
    is(header("X-Trace:"), &[user]);
    is(header("abc-1"), &[user]);
    is(header("Host:APP"), &[users, wait]);
    is(header("content-type:text/"), &[users, user]);
    is(header("x-trace:nothing"), &[]);
    let text = |text: &str| Filter { text: some(text), ..none.clone() };
    is(text("HELLO"), &[users]);
    is(text("gr\u{fc}sse"), &[wait]);
    is(text("x-trace: abc"), &[user]);
    is(text("page=1"), &[users]);
    is(Filter { path: some("users"), status: "404".parse().ok(), ..none }, &[user]);
}

#[test]
fn compressed_bodies_are_searched_as_they_read() {
    // Gzip of "hello\n".
    let gzip =
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\0\x20\x30\x3a\x36\x06\0\0\0";
    let mut entry = entry("/", 200, "");
    let response = entry.response.as_mut().unwrap();
    response.headers = Headers::collect([("content-encoding", &b"gzip"[..])]);
    response.body = Body::whole(&gzip[..]);
    assert!(Filter { text: some("ello"), ..Filter::default() }.matches(&entry));
    assert!(!Filter { text: some("jello"), ..Filter::default() }.matches(&entry));
}

#[test]
fn statuses_are_numbers_classes_or_ranges() {
    let parse = |text: &str| text.parse::<StatusFilter>();
    assert_eq!(parse("200"), Ok(StatusFilter { from: 200, to: 200 }));
    assert_eq!(parse(" 5XX "), Ok(StatusFilter { from: 500, to: 599 }));
    assert_eq!(parse("400-499"), Ok(StatusFilter { from: 400, to: 499 }));
    for wrong in ["", "x", "4x", "2000", "-1", "400-", "xx4", "\u{e4}xx"] {
        assert_eq!(
            parse(wrong).unwrap_err().to_string(),
            format!("{:?} is no status: write 200, 4xx or 400-499", wrong)
        );
    }
}

#[test]
fn a_header_may_be_named() {
    let header = |text: &str| {
        let HeaderFilter { name, part } = HeaderFilter::from(text);
        (name, part)
    };
    assert_eq!(header("Accept: text/html"), (some("Accept"), "text/html".into()));
    assert_eq!(header("gzip"), (None, "gzip".into()));
    assert_eq!(header("two words: x"), (None, "two words: x".into()));
    assert_eq!(header(":443"), (None, ":443".into()));
}
