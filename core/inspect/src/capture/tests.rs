//! The store, and what tapes put into it.

mod bound;
mod filtering;
mod recording;

use std::time::{Duration, SystemTime};

use adit_chain::Origin;
use http::{Method, StatusCode, Version};

use super::*;
use crate::model::{Request, Response, Source, State, Timing, fixture};

/// An exchange that is over.
fn entry(path: &str, status: u16, body: &str) -> Entry {
    let plain = fixture::entry();
    let request = Request {
        target: path.into(),
        headers: Headers::collect([("host", &b"app.example"[..])]),
        ..plain.request
    };
    let response = Response {
        status: StatusCode::from_u16(status).unwrap(),
        version: Version::HTTP_11,
        origin: Origin::Upstream,
        headers: Headers::collect([("content-type", &b"text/plain"[..])]),
        body: Body::whole(body.to_owned()),
        trailers: None,
    };
    let timing = Timing { total: Some(Duration::from_millis(10)), ..Timing::default() };
    Entry { request, response: Some(response), timing, ..plain }
}

fn paths(page: &Page) -> Vec<&str> {
    page.entries.iter().map(|entry| &*entry.request.target).collect()
}

#[test]
fn the_newest_come_first_in_pages() {
    let store = Store::new(1_000_000);
    let ids: Vec<_> = ["/1", "/2", "/3", "/4", "/5"]
        .into_iter()
        .map(|path| {
            let entry = entry(path, 200, "");
            let id = entry.id;
            assert!(store.add(entry));
            id
        })
        .collect();
    let all = Filter::default();
    let page = store.page(&all, None, 2);
    assert_eq!((paths(&page), page.more), (vec!["/5", "/4"], true));
    let page = store.page(&all, Some(ids[3]), 2);
    assert_eq!((paths(&page), page.more), (vec!["/3", "/2"], true));
    let page = store.page(&all, Some(ids[1]), 2);
    assert_eq!((paths(&page), page.more), (vec!["/1"], false));
    assert_eq!(store.page(&all, Some(ids[0]), 2).entries.len(), 0);
    assert_eq!(store.get(ids[2]).unwrap().request.path(), "/3");
    assert!(store.get(Id::next()).is_none());
}

#[test]
fn the_oldest_go_first_and_somebody_is_told() {
    let one = cost(&entry("/1", 200, "body"));
    let store = Store::new(one * 3);
    let mut changes = store.subscribe();
    let ids: Vec<_> = (1..=5)
        .map(|i| {
            let entry = entry(&format!("/{i}"), 200, "body");
            let id = entry.id;
            assert!(store.add(entry));
            id
        })
        .collect();
    assert_eq!(paths(&store.page(&Filter::default(), None, 9)), ["/5", "/4", "/3"]);
    assert_eq!(store.fill(), Fill { entries: 3, bytes: one * 3, limit: one * 3 });
    let mut told = Vec::new();
    while let Some(Some(change)) = crate::view::now(changes.next()) {
        told.push(change);
    }
    let expected = [
        Change::Added(ids[0]),
        Change::Added(ids[1]),
        Change::Added(ids[2]),
        Change::Evicted(ids[0]),
        Change::Added(ids[3]),
        Change::Evicted(ids[1]),
        Change::Added(ids[4]),
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_is_too_big_takes_nothing_from_others() {
    let store = Store::new(4 * OVERHEAD);
    assert!(store.add(entry("/small", 200, "")));
    assert!(!store.add(entry("/big", 200, &"x".repeat(4 * OVERHEAD))));
    assert_eq!(paths(&store.page(&Filter::default(), None, 9)), ["/small"]);
}

#[test]
fn clearing_gives_everything_back() {
    let store = Store::new(1_000_000);
    let mut changes = store.subscribe();
    store.add(entry("/1", 200, "body"));
    store.clear();
    assert_eq!(store.fill(), Fill { entries: 0, bytes: 0, limit: 1_000_000 });
    assert!(matches!(crate::view::now(changes.next()), Some(Some(Change::Added(_)))));
    assert_eq!(crate::view::now(changes.next()), Some(Some(Change::Cleared)));
}

#[test]
fn a_receiver_that_is_slow_is_told_how_much_it_lost() {
    let store = Store::new(1_000_000);
    let mut changes = store.subscribe();
    let id = Id::next();
    for _ in 0..5_000 {
        store.touch(id);
    }
    let Some(Some(Change::Lost(n))) = crate::view::now(changes.next()) else { panic!() };
    let mut left = 0;
    while let Some(Some(change)) = crate::view::now(changes.next()) {
        assert_eq!(change, Change::Updated(id));
        left += 1;
    }
    assert_eq!(n + left, 5_000);
    drop(store);
    assert_eq!(crate::view::now(changes.next()), Some(None));
}
