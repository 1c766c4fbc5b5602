#![allow(clippy::unwrap_used, reason = "tests")]

use std::{net::SocketAddr, sync::Arc};

use adit_chain::{Body, Conn, Exchange, conformance};
use http::Request;
use serde_json::{Value as Json, json};

use crate::{
    phase::Phase,
    testing::{Rig, get, policy, refused, refused_in, request, request_action, response},
};

fn from(address: &str) -> Arc<Conn> {
    let client = SocketAddr::new(address.parse().unwrap(), 5555);
    let server = SocketAddr::from(([198, 51, 100, 1], 443));
    Arc::new(Conn::new(client, server, conformance::endpoint()))
}

async fn passes(rig: &Rig, address: &str, request: Request<Body>) -> bool {
    rig.exchange(Exchange::new(from(address), request)).await.is_forwarded()
}

fn restricted(config: Json) -> Rig {
    request_action("restrict-ips", config)
}

#[tokio::test]
async fn an_address_must_be_allowed_and_not_denied() {
    let rig = restricted(json!({"allow": ["10.0.0.0/8"], "deny": ["10.1.0.0/16"]}));
    assert!(passes(&rig, "10.2.0.1", get("/")).await);
    assert!(passes(&rig, "::ffff:10.2.0.1", get("/")).await, "the same address, mapped");
    assert!(!passes(&rig, "10.1.0.1", get("/")).await);
    assert!(!passes(&rig, "192.0.2.1", get("/")).await);
}

#[tokio::test]
async fn denial_alone_blocks_everyone_until_the_rest_is_allowed() {
    let rig = restricted(json!({"deny": ["10.0.0.0/8"]}));
    assert!(!passes(&rig, "192.0.2.1", get("/")).await);
    let rig = restricted(json!({"deny": ["10.0.0.0/8"], "allow": ["0.0.0.0/0", "::/0"]}));
    assert!(passes(&rig, "192.0.2.1", get("/")).await);
    assert!(passes(&rig, "2001:db8::1", get("/")).await);
    assert!(!passes(&rig, "10.0.0.1", get("/")).await);
}

#[tokio::test]
async fn all_of_one_world_says_nothing_about_the_other() {
    let rig = restricted(json!({"allow": ["0.0.0.0/0"]}));
    assert!(!passes(&rig, "2001:db8::1", get("/")).await);
}

#[tokio::test]
async fn no_header_changes_the_address() {
    let rig = restricted(json!({"allow": ["10.0.0.0/8"]}));
    let claims = [("x-forwarded-for", "10.0.0.1"), ("forwarded", "for=10.0.0.1")];
    assert!(!passes(&rig, "192.0.2.1", request("GET", "/", &claims, "")).await);
}

#[tokio::test]
async fn the_refusal_is_a_403_with_its_code_and_the_result_says_why() {
    let rig = restricted(json!({"allow": ["10.0.0.0/8", "10.9.0.0/16"], "deny": ["10.1.2.3/16"]}));
    let refused = rig.exchange(Exchange::new(from("10.1.2.3"), get("/"))).await.refused();
    assert_eq!(refused, (403, Some(3203)));
    let result = rig.result("restrict_ips");
    assert_eq!(result["action"], "deny");
    assert_eq!(result["matched_cidr"], "10.1.0.0/16");
    assert_eq!(result["error"]["code"], "ERR_NGROK_3203");
    assert!(passes(&rig, "10.9.0.1", get("/")).await);
    let error = json!({"code": "", "message": ""});
    let result = json!({"action": "allow", "matched_cidr": "10.0.0.0/8", "error": error});
    assert_eq!(rig.result("restrict_ips"), result);
    passes(&rig, "192.0.2.1", get("/")).await;
    assert_eq!(rig.result("restrict_ips")["matched_cidr"], "");
}

#[tokio::test]
async fn without_enforcement_it_only_tells() {
    let rig = restricted(json!({"enforce": false, "allow": ["10.0.0.0/8"]}));
    assert!(passes(&rig, "192.0.2.1", get("/")).await);
    assert_eq!(rig.result("restrict_ips")["action"], "deny");
}

#[tokio::test]
async fn a_connection_is_closed_without_an_answer() {
    let config = json!({"allow": ["10.0.0.0/8"]});
    let rule = json!([{"actions": [{"type": "restrict-ips", "config": config}]}]);
    let rig = policy(json!({"on_tcp_connect": rule}));
    assert!(rig.connect_with(&from("10.0.0.1")).await.is_ok());
    assert!(rig.connect_with(&from("192.0.2.1")).await.err().unwrap().close);
}

#[tokio::test]
async fn requests_know_what_was_found_out_about_their_connection() {
    let config = json!({"allow": ["10.0.0.0/8"], "enforce": false});
    let rule = json!([{"actions": [{"type": "restrict-ips", "config": config}]}]);
    let vars = json!({"vars": [{"found": "${actions.ngrok.restrict_ips.matched_cidr}"}]});
    let rig = policy(json!({
        "on_tcp_connect": rule,
        "on_http_request": [{"actions": [{"type": "set-vars", "config": vars}]}],
    }));
    let conn = from("10.0.0.1");
    rig.connect_with(&conn).await.unwrap();
    for _ in 0..2 {
        rig.exchange(Exchange::new(Arc::clone(&conn), get("/"))).await;
        assert_eq!(rig.vars(Phase::HttpRequest), json!({"found": "10.0.0.0/8"}));
    }
    let other = rig.exchange(Exchange::new(from("10.0.0.2"), get("/"))).await;
    assert_eq!(other.refused(), (500, Some(2238)), "nothing was found out about another one");
}

#[tokio::test]
async fn a_response_is_withheld_from_those_who_may_not_have_it() {
    let config = json!({"allow": ["10.0.0.0/8"]});
    let rule = json!([{"actions": [{"type": "restrict-ips", "config": config}]}]);
    let rig = policy(json!({"on_http_response": rule}));
    let answered = async |address| {
        let passed = rig.exchange(Exchange::new(from(address), get("/"))).await;
        passed.answered_or_refused(response(200, &[], "secret")).await
    };
    assert_eq!(answered("10.0.0.1").await.unwrap().status(), 200);
    let refusal = answered("192.0.2.1").await.unwrap_err();
    assert_eq!((refusal.status.as_u16(), refusal.code.unwrap().0), (403, 3203));
}

#[tokio::test]
async fn networks_may_come_from_expressions() {
    let rig = restricted(json!({
        "allow": ["10.0.0.0/8", "${req.headers['x-net'][0]}"],
        "deny": ["${req.headers['x-not'][0]}"],
    }));
    let asks = |net: &str, not: &str| request("GET", "/", &[("x-net", net), ("x-not", not)], "");
    assert!(passes(&rig, "10.0.0.1", asks("192.0.2.0/24", "192.0.2.7")).await);
    assert!(passes(&rig, "192.0.2.1", asks("192.0.2.0/24", "192.0.2.7")).await);
    assert!(!passes(&rig, "192.0.2.7", asks("192.0.2.0/24", "192.0.2.7")).await);
    assert!(!passes(&rig, "10.0.0.1", asks("192.0.2.0/24", "10.0.0.1")).await);
}

#[tokio::test]
async fn what_is_no_network_at_run_time_fails_the_request() {
    let rig = restricted(json!({"allow": ["0.0.0.0/0", "${req.headers['x-net'][0]}"]}));
    let of = async |headers: &[(&str, &str)]| {
        let exchange = Exchange::new(from("10.0.0.1"), request("GET", "/", headers, ""));
        rig.exchange(exchange).await.refused()
    };
    assert_eq!(of(&[("x-net", "everyone")]).await, (500, Some(2300)));
    assert_eq!(of(&[]).await, (500, Some(2238)));
}

#[test]
fn what_is_no_network_or_not_known_here_is_refused() {
    let refused = |config| refused("restrict-ips", config);
    assert_eq!(refused(json!({})), Vec::<String>::new());
    assert_eq!(refused(json!({"allow": ["::1", "10.0.0.0/33"]})), ["allow.1: 2217"]);
    assert_eq!(
        refused(json!({"deny": ["localhost"], "allow": ["x"]})),
        ["allow.0: 2217", "deny.0: 2217"]
    );
    assert_eq!(refused(json!({"ip_policies": ["ipp_2oFg"]})), ["ip_policies: 2216"]);
    assert_eq!(refused(json!({"ip_policies": [], "allow": []})), Vec::<String>::new());
    assert_eq!(refused(json!({"allow": "10.0.0.0/8"})), Vec::<String>::new());
    assert_eq!(refused(json!({"allow": [{}]})), ["allow.0: 2203"]);
    assert_eq!(refused(json!({"enforce": 1})), ["enforce: 2203"]);
    assert_eq!(refused(json!({"allow": vec!["::1"; 10_001]})), ["allow: 2218"]);
}

#[test]
fn it_may_stand_in_three_phases() {
    for phase in [Phase::TcpConnect, Phase::HttpRequest, Phase::HttpResponse] {
        assert_eq!(refused_in(phase, "restrict-ips", json!({})), Vec::<String>::new());
    }
    assert_eq!(refused_in(Phase::EventStreamMessage, "restrict-ips", json!({})), ["type: 2202"]);
}
