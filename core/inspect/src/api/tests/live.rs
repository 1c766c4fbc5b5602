//! The stream of events.

use serde_json::json;

use super::Rig;
use crate::{
    api::limits::{MAX_EVENT_STREAMS, MAX_GATHERED},
    control::SessionStatus,
};

#[tokio::test]
async fn a_stream_begins_with_how_things_stand() {
    let rig = Rig::up().await;
    rig.fake.has("web", "https://app.test", "http://localhost:80");
    let id = rig.captured("web", "/", 200).to_string();
    let mut events = rig.events().await;
    let hello = json!({"version": "0.1.0", "newest": id, "count": 1});
    assert_eq!(events.next().await, ("hello".to_owned(), hello));
    let (name, session) = events.next().await;
    assert_eq!((name.as_str(), &session["status"]), ("session", &json!("online")));
    let (name, endpoints) = events.next().await;
    assert_eq!((name.as_str(), &endpoints["endpoints"][0]["name"]), ("endpoints", &json!("web")));
}

#[tokio::test]
async fn exchanges_come_as_they_are_captured() {
    let rig = Rig::up().await;
    let mut events = rig.events().await;
    events.next_of("endpoints").await;
    let id = rig.captured("web", "/new", 404).to_string();
    let row = events.next_of("exchange").await;
    assert_eq!(
        (&row["id"], &row["path"], &row["status"]),
        (&json!(id), &json!("/new"), &json!(404))
    );
    assert_eq!(row, rig.get("/api/exchanges").await.json()["exchanges"][0]);
    rig.store.clear();
    assert_eq!(events.next_of("cleared").await, json!({}));
}

#[tokio::test]
async fn several_changes_of_one_exchange_are_one_event() {
    let rig = Rig::up().await;
    let mut events = rig.events().await;
    events.next_of("endpoints").await;
    let entry = crate::api::rig::entry("web", "/x", 200);
    for _ in 0..20 {
        assert!(rig.store.add(entry.clone()));
    }
    rig.captured("web", "/last", 200);
    assert_eq!(events.next_of("exchange").await["path"], "/x");
    assert_eq!(events.next_of("exchange").await["path"], "/last");
}

#[tokio::test]
async fn changes_of_the_session_and_of_endpoints_are_told() {
    let rig = Rig::up().await;
    let mut events = rig.events().await;
    events.next_of("endpoints").await;
    rig.fake.session_is(SessionStatus::Reconnecting("reset".to_owned()));
    let (name, session) = events.next().await;
    assert_eq!((name.as_str(), &session["reason"]), ("session", &json!("reset")));
    rig.fake.has("web", "https://app.test", "http://localhost:80");
    let (name, endpoints) = events.next().await;
    assert_eq!(
        (name.as_str(), &endpoints["endpoints"][0]["origin"]),
        ("endpoints", &json!("file"))
    );
}

#[tokio::test]
async fn a_browser_that_does_not_read_is_told_how_much_it_lost() {
    let rig = Rig::up().await;
    let mut events = rig.events().await;
    events.next_of("endpoints").await;
    // More than its socket and the notices hold, before it reads the next one.
    let mut n_sent = 0_u64;
    let target = format!("/{}", "x".repeat(2000));
    for _ in 0..60 {
        for _ in 0..500 {
            rig.captured("web", &target, 200);
            n_sent += 1;
        }
        tokio::task::yield_now().await;
    }
    let lost = events.next_of("lost").await["n"].as_u64().unwrap();
    // Each may have pushed another one out, which is a change too.
    assert!((1..2 * n_sent).contains(&lost), "{lost} of {n_sent}");
    let last = rig.captured("web", "/last", 200).to_string();
    while events.next_of("exchange").await["id"] != json!(last) {}
}

#[tokio::test]
async fn of_a_flood_the_newest_are_told() {
    let rig = Rig::up().await;
    let mut events = rig.events().await;
    events.next_of("endpoints").await;
    for i in 0..MAX_GATHERED + 50 {
        rig.captured("web", &format!("/{i}"), 200);
    }
    assert_eq!(events.next().await, ("lost".to_owned(), json!({"n": 50})));
    for i in 50..MAX_GATHERED + 50 {
        assert_eq!(events.next_of("exchange").await["path"], format!("/{i}"));
    }
}

#[tokio::test]
async fn streams_are_limited_and_freed() {
    let rig = Rig::up().await;
    let mut open = Vec::new();
    for _ in 0..MAX_EVENT_STREAMS {
        open.push(rig.events().await);
    }
    let error = rig.get("/api/events").await.error();
    assert_eq!(error["details"]["err"], "there are 64 streams of events already");
    assert_eq!(error["status_code"], 503);
    // Everything else is answered.
    assert_eq!(rig.get("/api/status").await.status, 200);
    drop(open);
    let freed = tokio::time::timeout(crate::api::rig::PATIENCE, async {
        loop {
            let head = rig.head_of("/api/events").await;
            if head.starts_with("HTTP/1.1 200 ") {
                break;
            }
        }
    });
    freed.await.unwrap();
}
