//! What options become.

#![allow(clippy::unwrap_used)]

use adit_proto::options::Options;

use super::*;

fn lowered(proto: Proto, opts: Value) -> Result<Lowered, String> {
    refused(proto, opts).map_err(|(code, message)| {
        assert_eq!(code, adit_proto::ErrorCode::BIND_INVALID.0);
        message
    })
}

fn refused(proto: Proto, opts: Value) -> Result<Lowered, (u32, String)> {
    let bind = Bind::new(proto, Options::try_from(opts).unwrap());
    lower(&bind).map_err(|error| (error.code().unwrap().0, error.message().to_owned()))
}

fn specs(proto: Proto, opts: Value) -> Vec<(String, Value)> {
    lowered(proto, opts).unwrap().links.into_iter().map(|s| (s.kind, s.options)).collect()
}

#[test]
fn middleware_becomes_links_in_the_order_of_the_path() {
    let opts = json!({
        "Compression": {}, "CircuitBreaker": {"error_threshold": 0.5},
        "IPRestriction": {"allow_cidrs": ["10.0.0.0/8"]},
        "BasicAuth": {"credentials": [
            {"username": "u", "cleartext_password": "p"},
            {"username": "h", "hashed_password": "JDJi"}]},
        "MutualTLSCA": {"mutual_tls_ca": "TUNB"},
        "RequestHeaders": {"add": ["x-a:b"], "remove": ["x-e"], "addParsed": {"x": "y"}},
        "ResponseHeaders": {"add": ["x-c:d"]}, "WebsocketTCPConverter": {},
        "UserAgentFilter": {"allow": ["a"], "deny": ["b"]}, "HostHeaderRewrite": true,
        "TrafficPolicy": "{}", "Policy": {"inbound": []},
    });
    let expected = [
        ("ip-restriction", json!({"allow": ["10.0.0.0/8"], "deny": []})),
        ("terminate-tls", json!({"mutual_tls_certificate_authorities": ["MCA"]})),
        ("user-agent-filter", json!({"allow": ["a"], "deny": ["b"]})),
        (
            "basic-auth",
            json!({"credentials": [
            {"username": "u", "password": "p"}, {"username": "h", "hashed": "$2b"}]}),
        ),
        ("circuit-breaker", json!({"error_threshold": 0.5})),
        ("compression", json!({})),
        ("host-header", json!({"value": "rewrite"})),
        ("request-headers", json!({"add": ["x-a:b", "x:y"], "remove": ["x-e"]})),
        ("response-headers", json!({"add": ["x-c:d"], "remove": []})),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    assert_eq!(specs(Proto::Https, opts), expected);
}

#[test]
fn what_this_edge_cannot_do_is_refused_by_name() {
    for (member, value) in [
        ("OAuth.sealed_client_secret", json!({"OAuth": {"sealed_client_secret": "AAAA"}})),
        ("OIDC.sealed_client_secret", json!({"OIDC": {"sealed_client_secret": "AAAA"}})),
        (
            "WebhookVerification.sealed_secret",
            json!({"WebhookVerification": {"sealed_secret": "AAAA"}}),
        ),
    ] {
        let error = lowered(Proto::Http, value).unwrap_err();
        assert_eq!(error, format!("{member} is not supported by this edge; remove it."));
    }
    let sealed = json!({"TLSTermination": {"sealed_key": "AAAA"}});
    assert!(lowered(Proto::Tls, sealed).unwrap_err().starts_with("TLSTermination.sealed_key"));
}

#[test]
fn tls_ends_where_the_bind_says() {
    let tls = |opts| lowered(Proto::Tls, opts).unwrap();
    assert_eq!(tls(json!({"TLSTermination": null})).tls, Termination::Pass);
    let own = tls(json!({"TLSTermination": {}, "ProxyProto": 2}));
    assert_eq!((own.tls, own.links.len()), (Termination::Here, 0));
    assert_eq!(own.proxy_proto, ProxyProto::V2);
    let pair = specs(Proto::Tls, json!({"TLSTermination": {"cert": "Q0VSVA==", "key": "S0VZ"}}));
    let options = json!({"server_certificate": "CERT", "server_private_key": "KEY"});
    assert_eq!(pair, [("terminate-tls".to_owned(), options)]);
    let error = lowered(Proto::Tls, json!({"MutualTLSAtEdge": {"mutual_tls_ca": "TUNB"}}));
    assert!(error.unwrap_err().starts_with("MutualTLSAtEdge needs"));
}

#[test]
fn a_legacy_login_is_basic_auth() {
    let login = specs(Proto::Http, json!({"Auth": "u:p"}));
    assert_eq!(login, [("basic-auth".to_owned(), json!({"credentials": ["u:p"]}))]);
}

#[test]
fn a_policy_comes_behind_what_the_options_ask_for() {
    let text = "on_http_request:\n- actions:\n  - type: deny\n";
    let json = r#"{"on_http_request":[{"actions":[{"type":"deny"}]}]}"#;
    for policy in [text, json] {
        let opts = json!({"TrafficPolicy": policy, "Compression": {}, "WebsocketTCPConverter": {}});
        let lowered = lowered(Proto::Https, opts).unwrap();
        assert_eq!(lowered.links.len(), 1);
        assert_eq!(lowered.last.unwrap().kind, "websocket-tcp-converter");
        let policy = lowered.policy.unwrap();
        assert_eq!(
            (policy.kind.as_str(), policy.options.to_string().as_str()),
            ("traffic-policy", json)
        );
    }
    for nothing in ["", "{}", "null"] {
        for proto in [Proto::Http, Proto::Tcp, Proto::Tls] {
            let opts = json!({"TrafficPolicy": nothing, "Policy": {"inbound": []}});
            assert!(lowered(proto, opts).unwrap().policy.is_none());
        }
    }
    assert!(lowered(Proto::Http, json!({"TrafficPolicy": null})).unwrap().policy.is_none());
}

#[test]
fn the_structure_of_older_clients_is_the_same_document() {
    // {"status_code":403}
    let action = json!({"type": "deny", "config": "eyJzdGF0dXNfY29kZSI6NDAzfQ=="});
    let rule = json!({"name": "n", "expressions": ["true"], "actions": [action]});
    let opts = json!({"Policy": {"inbound": [rule], "outbound": []}});
    let policy = lowered(Proto::Http, opts).unwrap().policy.unwrap();
    let deny = json!({"type": "deny", "config": {"status_code": 403}});
    let rule = json!({"name": "n", "expressions": ["true"], "actions": [deny]});
    assert_eq!(policy.options, json!({"inbound": [rule]}));
    let broken = json!({"Policy": {"inbound": [{"actions": [{"type": "x", "config": "AAAA"}]}]}});
    assert_eq!(refused(Proto::Http, broken).unwrap_err().0, 9026);
}

#[test]
fn a_policy_that_is_no_document_is_refused_with_its_line() {
    let (code, text) = refused(Proto::Tcp, json!({"TrafficPolicy": "a: [1\nb: "})).unwrap_err();
    assert_eq!(code, 9026);
    assert!(text.starts_with("The traffic policy is not valid:\nTrafficPolicy:2:"), "{text}");
    let both =
        json!({"TrafficPolicy": "on_tcp_connect: []", "Policy": {"inbound": [{"name": "n"}]}});
    assert_eq!(refused(Proto::Tcp, both).unwrap_err().0, 9025);
}

#[test]
fn signatures_and_logins_are_policies_of_their_own() {
    let opts = json!({
        "BasicAuth": {"credentials": []}, "UserAgentFilter": {"deny": ["b"]},
        "OAuth": {"provider": "github", "client_id": "i", "client_secret": "s"},
        "WebhookVerification": {"provider": "github", "secret": "s"},
    });
    let links = specs(Proto::Http, opts);
    let kinds: Vec<_> = links.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["user-agent-filter", "traffic-policy", "basic-auth", "traffic-policy"]);
    let action = &links[1].1["on_http_request"][0]["actions"][0];
    let config = json!({"provider": "github", "secret": "s"});
    assert_eq!(*action, json!({"type": "verify-webhook", "config": config}));
    let (code, text) =
        refused(Proto::Http, json!({"OIDC": {"issuer_url": "https://i"}})).unwrap_err();
    assert_eq!((code, text.as_str()), (386, "oidc has no client_id; add it (--oidc-client-id)."));
}
