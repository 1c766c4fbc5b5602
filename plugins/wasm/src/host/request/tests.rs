use adit_chain::Body;
use http::{HeaderName, Request};

use super::*;
use crate::{
    bindings::adit::policy::types::ErrorKind,
    host::testing::{conn, exchange},
};

fn posted() -> Exchange {
    let request = Request::post("/a?b=c")
        .header("host", "api.example")
        .header("content-length", "5")
        .header("x-one", "1")
        .body(Body::from("hello"))
        .unwrap();
    let mut exchange = exchange(request);
    exchange.set_var("theirs", "old").unwrap();
    exchange
}

fn taken(exchange: &mut Exchange) -> RequestView {
    RequestView::take(exchange, Access::Open, Some(b"before".to_vec()))
}

/// Changes everything that can be changed.
fn change(view: &mut RequestView) {
    view.set_method("PUT").unwrap();
    view.set_target("/new".into()).unwrap();
    view.set_authority("other.example:8443".into()).unwrap();
    view.edit_headers(|journal, headers| journal.set(headers, "x-one", b"2".to_vec())).unwrap();
    view.set_identity("p".into(), "ann".into()).unwrap();
    view.set_var("theirs".into(), "new".into()).unwrap();
    view.set_var("mine".into(), "1".into()).unwrap();
    view.set_var("mine".into(), "2".into()).unwrap();
    view.keep(b"after".to_vec()).unwrap();
    view.ask(Hook::Request, BodyWish::Await { limit: 10 }).unwrap();
}

#[test]
fn a_head_is_moved_out_and_back() {
    let mut exchange = posted();
    let view = taken(&mut exchange);
    assert!(exchange.request.headers().is_empty());
    assert_eq!(view.method(), "POST");
    assert_eq!(view.target(), "/a?b=c");
    assert_eq!(view.authority(), "api.example");
    assert_eq!((view.has_body, view.content_length()), (true, Some(5)));
    assert_eq!(view.kept(), Some(b"before".as_slice()));
    assert_eq!(view.put_back(&mut exchange).as_deref(), Some(b"before".as_slice()));
    assert_eq!(exchange.request.headers().len(), 3);
    assert_eq!(exchange.request.method(), "POST");
    assert_eq!(exchange.request.uri(), "/a?b=c");
    assert_eq!(exchange.var("theirs"), Some("old".into()));
}

#[test]
fn committed_edits_are_in_the_exchange() {
    let mut exchange = posted();
    let mut view = taken(&mut exchange);
    change(&mut view);
    view.commit();
    assert_eq!(view.wish(), Some(BodyWish::Await { limit: 10 }));
    assert_eq!(view.put_back(&mut exchange).as_deref(), Some(b"after".as_slice()));
    let Exchange { request, identity, .. } = &exchange;
    assert_eq!(request.method(), "PUT");
    assert_eq!(request.uri(), "/new");
    assert_eq!(request.headers()["host"], "other.example:8443");
    assert_eq!(request.headers()["x-one"], "2");
    assert_eq!(identity.as_ref().unwrap().subject, "ann");
    assert_eq!(identity.as_ref().unwrap().provider, "p");
    assert_eq!(exchange.var("theirs"), Some("new".into()));
    assert_eq!(exchange.var("mine"), Some("2".into()));
}

#[test]
fn edits_taken_back_leave_everything_as_it_was() {
    let mut exchange = posted();
    let mut view = taken(&mut exchange);
    change(&mut view);
    view.rollback();
    assert_eq!(view.wish(), None);
    assert_eq!(view.edits(), []);
    assert_eq!(view.put_back(&mut exchange).as_deref(), Some(b"before".as_slice()));
    let Exchange { request, identity, .. } = &exchange;
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), "/a?b=c");
    assert_eq!(request.headers()["host"], "api.example");
    assert_eq!(request.headers()["x-one"], "1");
    assert_eq!(*identity, None);
    assert_eq!(exchange.var("theirs"), Some("old".into()));
    assert_eq!(exchange.var("mine"), None);
}

#[test]
fn only_the_edits_since_the_last_commit_are_taken_back() {
    let mut view = taken(&mut posted());
    view.set_method("PUT").unwrap();
    view.commit();
    view.set_method("PATCH").unwrap();
    view.rollback();
    assert_eq!(view.method(), "PUT");
}

#[test]
fn edits_are_told_to_people() {
    let mut view = taken(&mut posted());
    change(&mut view);
    let header = HeaderName::from_static("x-one");
    let mut edits = view.edits();
    edits.sort_by_key(|edit| format!("{edit:?}"));
    let expected = [
        Edit::Authority("other.example:8443".into()),
        Edit::Header(header, vec![HeaderValue::from_static("2")]),
        Edit::Identity("ann".into()),
        Edit::Method(Method::PUT),
        Edit::Target("/new".into()),
        Edit::Var("mine".into(), "2".into()),
        Edit::Var("theirs".into(), "new".into()),
    ];
    assert_eq!(edits, expected);
}

#[test]
fn once_the_head_has_left_it_can_only_be_read() {
    let mut view = RequestView::take(&mut posted(), Access::Left, None);
    let late = [
        view.set_method("PUT"),
        view.set_target("/".into()),
        view.set_authority("a".into()),
        view.edit_headers(|journal, headers| journal.remove(headers, "x-one")),
        view.set_identity("p".into(), "ann".into()),
        view.set_var("n".into(), "v".into()),
        view.ask(Hook::Request, BodyWish::Watch),
    ];
    assert!(late.into_iter().all(|result| result.unwrap_err().kind == ErrorKind::TooLate));
    view.keep(b"still mine".to_vec()).unwrap();
    assert_eq!(view.target(), "/a?b=c");
    assert_eq!(view.snapshot().headers, view.headers);
}

#[test]
fn values_that_make_no_sense_are_refused() {
    let mut view = taken(&mut posted());
    let kind = |result: Answer<()>| result.unwrap_err().kind;
    for method in ["", "GE T", "CONNECT", "G\r\n"] {
        assert_eq!(kind(view.set_method(method)), ErrorKind::Invalid, "{method:?}");
    }
    for target in ["", "a", "http://evil/", "/a b", "/a\r\nx: y", "/a#b", "//\n"] {
        assert_eq!(kind(view.set_target(target.into())), ErrorKind::Invalid, "{target:?}");
    }
    for authority in ["", "user@host", "a b", "a:b", "a/b", "a\r\n"] {
        assert_eq!(kind(view.set_authority(authority.into())), ErrorKind::Invalid, "{authority:?}");
    }
    assert_eq!(kind(view.set_identity("p".into(), String::new())), ErrorKind::Invalid);
    assert_eq!(kind(view.set_identity("p".into(), "x".repeat(1_025))), ErrorKind::Limit);
    assert_eq!(kind(view.keep(vec![0; 16 * 1024 + 1])), ErrorKind::Limit);
    assert_eq!(kind(view.set_var("v".into(), "x".repeat(4_097))), ErrorKind::Limit);
    assert_eq!(view.edits(), []);
    view.set_target("*".into()).unwrap();
    assert_eq!(view.target(), "*");
    view.set_target("/%2e%2E/x?%".into()).unwrap();
    assert_eq!(view.target(), "/%2e%2E/x?%");
}

#[test]
fn an_exchange_has_so_many_variables_and_known_ones_can_be_set_again() {
    let mut view = taken(&mut posted());
    for n in 1..64 {
        view.set_var(format!("n{n}"), "v".into()).unwrap();
    }
    assert_eq!(view.set_var("more".into(), "v".into()).unwrap_err().kind, ErrorKind::Limit);
    view.set_var("theirs".into(), "again".into()).unwrap();
    assert_eq!(view.var("theirs").as_deref(), Some("again"));
}

#[test]
fn a_body_is_asked_for_once_and_in_the_heads_hook() {
    let mut view = taken(&mut posted());
    let refused = |result: Answer<()>| assert_eq!(result.unwrap_err().kind, ErrorKind::Invalid);
    refused(view.ask(Hook::RequestBody, BodyWish::Await { limit: 1 }));
    view.ask(Hook::Request, BodyWish::Watch).unwrap();
    refused(view.ask(Hook::Request, BodyWish::Watch));
    refused(view.ask(Hook::Request, BodyWish::Await { limit: 1 }));
    let upgrade = Request::get("/").header("upgrade", "websocket").body(Body::default()).unwrap();
    let mut view = taken(&mut exchange(upgrade));
    refused(view.ask(Hook::Request, BodyWish::Watch));
}

#[test]
fn variables_that_are_no_text_read_as_json() {
    let mut exchange = posted();
    exchange.set_var("list", serde_json::json!([1, "a"])).unwrap();
    assert_eq!(taken(&mut exchange).var("list").as_deref(), Some(r#"[1,"a"]"#));
}

#[test]
fn writes_to_a_connection_wait_for_the_commit() {
    use crate::host::ConnView;
    let conn = conn();
    let mut view = ConnView::new(conn.clone(), None);
    view.set_var("a".into(), "1".into()).unwrap();
    view.keep(b"k".to_vec()).unwrap();
    assert_eq!(view.var("a").as_deref(), Some("1"));
    assert_eq!(conn.var("a"), None);
    view.rollback();
    assert_eq!((view.var("a"), view.kept()), (None, None));
    view.set_var("a".into(), "2".into()).unwrap();
    view.keep(b"k".to_vec()).unwrap();
    view.commit();
    assert_eq!(conn.var("a"), Some("2".into()));
    for n in 1..61 {
        conn.set_var(&format!("theirs {n}"), "x").unwrap();
    }
    for name in ["b", "c", "d", "e", "a"] {
        view.set_var(name.into(), "3".into())
            .map_err(|error| (name, error.kind))
            .unwrap_or_else(|refused| assert_eq!(refused, ("e", ErrorKind::Limit)));
    }
    view.commit();
    assert_eq!((conn.n_vars(), conn.var("a")), (64, Some("3".into())));
    assert_eq!(view.into_kept().as_deref(), Some(b"k".as_slice()));
}
