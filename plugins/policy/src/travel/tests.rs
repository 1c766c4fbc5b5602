#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use adit_chain::conformance;
use cel::Value;

use super::*;
use crate::value::{map, text, to_json};

fn left(travel: &Travel, found: &[(&'static str, Value)]) -> Arc<Conn> {
    let conn = conformance::conn();
    let mut scope = Scope::of_connection(&conn);
    for (namespace, value) in found {
        scope.set_result(namespace, value.clone());
    }
    travel.leave(&scope);
    conn
}

fn taken_up(travel: &Travel, conn: &Arc<Conn>) -> Vec<(&'static str, Json)> {
    let mut scope = Scope::of_connection(conn);
    travel.take_up(conn, &mut scope);
    scope.results.iter().map(|(name, value)| (*name, to_json(value))).collect()
}

#[test]
fn what_one_policy_left_no_other_takes_up() {
    let (one, other) = (Travel::new(), Travel::new());
    let conn = left(&one, &[("restrict_ips", map([("action", text("allow"))]))]);
    let found = serde_json::json!({"action": "allow"});
    assert_eq!(taken_up(&one, &conn), [("restrict_ips", found.clone())]);
    assert_eq!(taken_up(&one, &conn), [("restrict_ips", found)], "each request does");
    assert_eq!(taken_up(&other, &conn), []);
}

#[test]
fn nothing_is_kept_where_nothing_was_found_out_or_it_is_too_much() {
    let travel = Travel::new();
    assert_eq!(left(&travel, &[]).kept(travel.number), None);
    let much = map([("metadata", text(&"x".repeat(MAX_LEN)))]);
    assert_eq!(left(&travel, &[("log", much)]).kept(travel.number), None);
}
