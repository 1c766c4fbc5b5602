use super::*;
use crate::bindings::adit::policy::types::ErrorKind;

fn answer(status: u16) -> http::Response<Body> {
    let response = http::Response::builder().status(status).header("x-one", "1");
    let mut response = response.body(Body::from("hello")).unwrap();
    Origin::Handler.mark(&mut response);
    response
}

#[test]
fn a_head_is_moved_out_and_back_with_its_edits() {
    let mut response = answer(200);
    let mut view = ResponseView::take(&mut response, Access::Open);
    assert!(response.headers().is_empty());
    assert_eq!((view.has_body, view.content_length()), (true, Some(5)));
    assert_eq!(view.origin, Origin::Handler);
    view.set_status(404).unwrap();
    view.edit_headers(|journal, headers| journal.remove(headers, "x-one")).unwrap();
    view.commit();
    view.put_back(&mut response);
    assert_eq!(response.status(), 404);
    assert!(response.headers().is_empty());
}

#[test]
fn edits_taken_back_leave_everything_as_it_was() {
    let mut response = answer(200);
    let mut view = ResponseView::take(&mut response, Access::Open);
    view.set_status(404).unwrap();
    view.set_status(500).unwrap();
    view.edit_headers(|journal, headers| journal.set(headers, "x-one", b"2".to_vec())).unwrap();
    view.ask(Hook::Response, BodyWish::Watch).unwrap();
    view.rollback();
    assert_eq!(view.wish(), None);
    view.put_back(&mut response);
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-one"], "1");
}

#[test]
fn a_status_is_a_final_one() {
    let mut view = ResponseView::take(&mut answer(200), Access::Open);
    for status in [0, 99, 100, 101, 199, 600, 700, 1_000, u16::MAX] {
        assert_eq!(view.set_status(status).unwrap_err().kind, ErrorKind::Invalid, "{status}");
    }
    view.set_status(599).unwrap();
}

#[test]
fn a_switch_of_protocols_stays_one_and_has_no_body() {
    let mut view = ResponseView::take(&mut answer(101), Access::Open);
    assert_eq!(view.set_status(200).unwrap_err().kind, ErrorKind::Invalid);
    let wish = view.ask(Hook::Response, BodyWish::Await { limit: 1 });
    assert_eq!(wish.unwrap_err().kind, ErrorKind::Invalid);
    view.edit_headers(|journal, headers| journal.set(headers, "x-one", b"2".to_vec())).unwrap();
}

#[test]
fn once_the_head_has_left_it_can_only_be_read() {
    let mut view = ResponseView::take(&mut answer(200), Access::Left);
    let late = [
        view.set_status(404),
        view.edit_headers(|journal, headers| journal.remove(headers, "x-one")),
        view.ask(Hook::Response, BodyWish::Watch),
    ];
    assert!(late.into_iter().all(|result| result.unwrap_err().kind == ErrorKind::TooLate));
    assert_eq!(view.snapshot().headers, view.headers);
}
