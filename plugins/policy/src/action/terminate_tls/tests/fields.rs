//! What is checked while loading.

use adit_chain::Protocol;
use serde_json::{Value as Json, json};

use super::wire::Pair;
use crate::{
    phase::Phase,
    testing::{Site, refused_in},
};

fn refused(config: Json) -> Vec<String> {
    refused_in(Phase::TcpConnect, "terminate-tls", config)
}

fn with(pair: &Pair, more: Json) -> Json {
    let mut config =
        json!({"server_certificate": pair.certificate, "server_private_key": pair.key});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

#[test]
fn bad_material_is_refused_with_the_name_of_its_field() {
    let (pair, other) = (Pair::own("app.example"), Pair::own("app.example"));
    assert_eq!(refused(with(&pair, json!({}))), Vec::<String>::new());
    assert_eq!(refused(json!({})), ["server_certificate: 2223"], "and none on this side");
    let certificate = json!({"server_certificate": pair.certificate});
    assert_eq!(refused(certificate), ["server_private_key: 2240"]);
    assert_eq!(refused(json!({"server_private_key": pair.key})), ["server_certificate: 2240"]);
    let garbage = json!({"server_certificate": "garbage"});
    assert_eq!(refused(with(&pair, garbage)), ["server_certificate: 2228"]);
    let garbage = json!({"server_private_key": "garbage"});
    assert_eq!(refused(with(&pair, garbage)), ["server_private_key: 2228"]);
    let swapped = json!({"server_private_key": other.key});
    assert_eq!(refused(with(&pair, swapped)), ["server_private_key: 2228"]);
}

#[test]
fn versions_are_known_and_in_order() {
    let pair = Pair::own("app.example");
    let bounds = |more: Json| refused(with(&pair, more));
    assert_eq!(bounds(json!({"min_version": "1.1"})), ["min_version: 2222"]);
    assert_eq!(bounds(json!({"max_version": "1.4"})), ["max_version: 2222"]);
    assert_eq!(bounds(json!({"min_version": 1.3, "max_version": 1.2})), ["min_version: 2204"]);
    assert_eq!(bounds(json!({"min_version": 1.3, "max_version": "1.3"})), Vec::<String>::new());
}

#[test]
fn authorities_are_authorities() {
    let (pair, root) = (Pair::own("app.example"), Pair::authority("ours"));
    let list = "mutual_tls_certificate_authorities";
    let authorities = |these: Json| refused(with(&pair, json!({ list: these })));
    assert_eq!(authorities(json!([root.certificate])), Vec::<String>::new());
    let both = format!("{}{}", root.certificate, Pair::authority("theirs").certificate);
    assert_eq!(authorities(json!(both)), Vec::<String>::new(), "one text, with several");
    assert_eq!(
        authorities(json!([root.certificate, pair.certificate])),
        [format!("{list}.1: 2228")]
    );
    assert_eq!(authorities(json!(["ca_2oFg"])), [format!("{list}.0: 2228")]);
    assert_eq!(authorities(json!(vec![root.certificate; 101])), [format!("{list}: 2218")]);
}

#[test]
fn strategies_are_known_and_have_what_they_need() {
    let pair = Pair::own("app.example");
    let strategy = |strategy: &str| {
        refused(with(&pair, json!({"mutual_tls_verification_strategy": strategy})))
    };
    assert_eq!(strategy("require-any"), Vec::<String>::new());
    assert_eq!(strategy("request"), Vec::<String>::new());
    assert_eq!(strategy("trust-me"), ["mutual_tls_verification_strategy: 2222"]);
    let missing = ["mutual_tls_certificate_authorities: 2240"];
    assert_eq!(strategy("require-and-verify"), missing);
}

#[test]
fn it_stands_where_connections_are_made() {
    assert_eq!(refused_in(Phase::HttpRequest, "terminate-tls", json!({})), ["type: 2202"]);
    let pair = Pair::own("app.example");
    let action = json!({"type": "terminate-tls", "config": with(&pair, json!({}))});
    let document = json!({"on_tcp_connect": [{"actions": [action]}]});
    for (protocol, url) in [
        (Protocol::Https, "https://app.example"),
        (Protocol::Tls, "tls://app.example"),
        (Protocol::Tcp, "tcp://app.example:7"),
    ] {
        assert_eq!(Site::at(protocol, url).problems(&document), Vec::<String>::new());
    }
    let plain = Site::at(Protocol::Http, "http://app.example").problems(&document);
    assert_eq!(plain, ["on_tcp_connect.0.actions.0.type: 2205"]);
}
