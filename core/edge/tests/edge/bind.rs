use adit_edge::settings::{CustomHosts, Ports};
use adit_proto::{
    ErrorCode,
    message::{PatchTunnelState, Proto, StartTunnelWithLabel},
};
use serde_json::{Value, json};

use crate::rig::*;

#[tokio::test]
async fn an_answer_has_every_member_that_the_clients_require() {
    let edge = edge().await;
    let (agent, _) = Agent::enter(&edge).await;
    let asked = json!({"Domain": "a.edge.test", "ProxyProto": 2, "Compression": null,
        "LocalURLScheme": null, "Unknown": {"x": 1}});
    let answer = agent.bind(&bind(Proto::Https, asked)).await.unwrap();
    assert_eq!((answer.url.as_str(), answer.proto), ("https://a.edge.test", Proto::Https));
    assert!(!answer.id.is_empty() && !answer.extra.token.is_empty());
    assert!(!answer.extra.tunnel_id.is_empty());
    let opts = Value::Object(answer.opts.as_map().clone());
    for (member, value) in [
        ("Hostname", json!("a.edge.test")),
        ("Domain", json!("a.edge.test")),
        ("URL", json!("https://a.edge.test")),
        ("Auth", json!("")),
        ("Subdomain", json!("")),
        ("HostHeaderRewrite", json!(false)),
        ("ProxyProto", json!(2)),
        ("Unknown", json!({"x": 1})),
    ] {
        assert_eq!(opts[member], value, "{member}");
    }
    let answer = agent.bind(&bind(Proto::Tls, json!({"TLSTermination": {}}))).await.unwrap();
    assert_eq!(answer.opts.as_map()["TLSTermination"], json!({}));
    assert_eq!(answer.opts.as_map()["MutualTLSAtAgent"], json!(false));
    let answer = agent.bind(&bind(Proto::Tcp, json!({"Addr": ""}))).await.unwrap();
    let addr = answer.opts.as_map()["Addr"].as_str().unwrap();
    assert_eq!(answer.url, format!("tcp://{addr}"));
    assert!(addr.starts_with("edge.test:"));
}

#[tokio::test]
async fn who_names_nothing_gets_two_words() {
    let edge = edge().await;
    let (agent, _) = Agent::enter(&edge).await;
    for opts in [json!({}), json!({"URL": "https://"}), json!({"Domain": "", "Hostname": ""})] {
        let url = agent.bind(&bind(Proto::Https, opts)).await.unwrap().url;
        let name = url.strip_prefix("https://").unwrap().strip_suffix(".edge.test").unwrap();
        assert!(name.contains('-'), "{name}");
    }
}

#[tokio::test]
async fn what_may_not_be_had_is_refused_with_its_code() {
    let mut settings = settings();
    settings.tcp.ports = Ports::Range(1..=1);
    let edge = start(settings).await;
    let (agent, _) = Agent::enter_as(&edge, TOKEN).await;
    for (proto, opts, code) in [
        (Proto::Https, json!({"Domain": "app.example"}), 319),
        (Proto::Https, json!({"Domain": "*.edge.test"}), 318),
        (Proto::Https, json!({"Domain": "connect.edge.test"}), 319),
        (Proto::Https, json!({"Domain": "a_b.edge.test"}), 326),
        (Proto::Https, json!({"URL": "https://a.edge.test/x"}), 9037),
        (Proto::Https, json!({"URL": "https://a.edge.test/"}), 9038),
        (Proto::Https, json!({"URL": "tcp://a.edge.test:1"}), 301),
        (Proto::Https, json!({"OAuth": {"provider": "google"}}), 7166),
        (Proto::Https, json!({"OAuth": {"client_id": "i", "client_secret": "s"}}), 365),
        (Proto::Https, json!({"TrafficPolicy": "inbound: [{}]"}), 9026),
        (Proto::Https, json!({"IPRestriction": {"allow_cidrs": ["nonsense"]}}), 301),
        (Proto::Http, json!({"ProxyProto": 3}), 301),
        (Proto::Tcp, json!({"Addr": "edge.test:22"}), 307),
    ] {
        assert_eq!(agent.refused(&bind(proto, opts.clone())).await, code, "{opts}");
    }
    let mut odd = bind(Proto::Http, json!({}));
    odd.extra.metadata = "x".repeat(4097);
    assert_eq!(agent.refused(&odd).await, 100);
    let mut odd = bind(Proto::Http, json!({}));
    odd.extra.name = "x".repeat(4097);
    assert_eq!(agent.refused(&odd).await, 301);
    let bound_to = |opts: Value, bindings: &[&str]| {
        let mut odd = bind(Proto::Http, opts);
        odd.extra.bindings = bindings.iter().map(|&binding| binding.to_owned()).collect();
        odd
    };
    let internal = json!({"URL": "http://a.internal"});
    assert_eq!(agent.refused(&bound_to(json!({}), &["kubernetes"])).await, 301);
    assert_eq!(agent.refused(&bound_to(json!({}), &["public", "internal"])).await, 301);
    assert_eq!(agent.refused(&bound_to(json!({}), &["internal"])).await, 9029);
    assert_eq!(agent.refused(&bound_to(internal, &["public"])).await, 9029);
}

#[tokio::test]
async fn an_internal_endpoint_is_served_to_nobody_outside() {
    let edge = edge().await;
    let (agent, _) = Agent::enter(&edge).await;
    let named = bind(Proto::Http, json!({"URL": "http://a.internal"}));
    let answer = agent.bind(&named).await.unwrap();
    assert_eq!(answer.url, "http://a.internal");
    let with_port = bind(Proto::Tcp, json!({"URL": "tcp://db.internal:5432"}));
    assert_eq!(agent.bind(&with_port).await.unwrap().url, "tcp://db.internal:5432");
    assert_eq!(agent.refused(&named).await, ErrorCode::ALREADY_ONLINE.0);
    for host in ["a.internal", "a.internal:80"] {
        let page = get(&edge, host, "/").await;
        assert!(page.starts_with("HTTP/1.1 404"), "{page}");
    }
    agent.unbind(&answer.id).await;
    agent.bind(&named).await.unwrap();
}

#[tokio::test]
async fn the_rules_of_a_credential_bind_it() {
    let edge = edge().await;
    let (agent, _) = Agent::enter_as(&edge, "tok_narrow").await;
    let host = |host: &str| bind(Proto::Https, json!({"Domain": host}));
    agent.bind(&host("only.edge.test")).await.unwrap();
    assert_eq!(agent.refused(&host("other.edge.test")).await, 316);
    assert_eq!(agent.refused(&bind(Proto::Https, json!({}))).await, 316);
    assert_eq!(agent.refused(&bind(Proto::Tcp, json!({}))).await, 356);
    assert_eq!(agent.refused(&bind(Proto::Tcp, json!({"Addr": ":2000"}))).await, 308);
    let label = |value: &str| StartTunnelWithLabel {
        labels: [("app".to_owned(), value.to_owned())].into(),
        ..StartTunnelWithLabel::default()
    };
    agent.call(&label("web")).await.unwrap().finish().await;
    let error = agent.call(&label("db")).await.map(|_| ()).unwrap_err();
    assert_eq!(code(&error), ErrorCode(399));
}

#[tokio::test]
async fn a_tunnel_has_so_many_labels_and_so_much_metadata() {
    let edge = edge().await;
    let (agent, _) = Agent::enter(&edge).await;
    let start = async |n_labels: usize, metadata_len: usize| {
        let start = StartTunnelWithLabel {
            labels: (0..n_labels).map(|n| (n.to_string(), "x".to_owned())).collect(),
            metadata: "x".repeat(metadata_len),
            ..StartTunnelWithLabel::default()
        };
        agent.call(&start).await.map(drop).map_err(|error| code(&error).0)
    };
    assert_eq!(start(32, 4096).await, Ok(()));
    assert_eq!(start(0, 0).await, Err(301));
    assert_eq!(start(33, 0).await, Err(301));
    assert_eq!(start(1, 4097).await, Err(301));
}

#[tokio::test]
async fn an_address_is_for_one_unless_all_share_it() {
    let edge = edge().await;
    let (one, _) = Agent::enter_as(&edge, TOKEN).await;
    let (two, _) = Agent::enter_as(&edge, TOKEN).await;
    let (other, _) = Agent::enter_as(&edge, "tok_other").await;
    let asked = |host: &str, pooling: bool| {
        let mut bind = bind(Proto::Https, json!({"Domain": host}));
        bind.extra.pooling_enabled = pooling;
        bind
    };
    one.bind(&asked("a.edge.test", false)).await.unwrap();
    assert_eq!(two.refused(&asked("a.edge.test", true)).await, 334);
    one.bind(&asked("b.edge.test", true)).await.unwrap();
    assert_eq!(two.refused(&asked("b.edge.test", false)).await, 334);
    assert_eq!(other.refused(&asked("b.edge.test", true)).await, 334);
    two.bind(&asked("b.edge.test", true)).await.unwrap();
    // https and tls share a port, http has its own.
    assert_eq!(two.refused(&bind(Proto::Tls, json!({"Domain": "a.edge.test"}))).await, 334);
    two.bind(&bind(Proto::Http, json!({"Domain": "a.edge.test"}))).await.unwrap();
}

#[tokio::test]
async fn unbinding_twice_is_fine_and_frees_the_address() {
    let edge = edge().await;
    let (one, _) = Agent::enter_as(&edge, TOKEN).await;
    let (two, _) = Agent::enter_as(&edge, "tok_other").await;
    let bound = one.bind(&bind(Proto::Tcp, json!({}))).await.unwrap();
    let addr = bound.opts.as_map()["Addr"].clone();
    one.unbind(&bound.id).await;
    one.unbind(&bound.id).await;
    one.unbind("never").await;
    // The listener that had the port may still be closing: that is waited for.
    let again = two.bind(&bind(Proto::Tcp, json!({"Addr": addr}))).await.unwrap();
    assert_eq!(again.url, bound.url);
}

#[tokio::test]
async fn a_session_has_so_many_endpoints() {
    let mut settings = settings();
    settings.limits.binds_per_session = 2;
    let edge = start(settings).await;
    let (agent, _) = Agent::enter(&edge).await;
    agent.bind(&bind(Proto::Http, json!({}))).await.unwrap();
    let second = agent.bind(&bind(Proto::Http, json!({}))).await.unwrap();
    assert_eq!(agent.refused(&bind(Proto::Http, json!({}))).await, 324);
    // One that is there already is not one more.
    agent.bind(&rebind(&second)).await.unwrap();
}

#[tokio::test]
async fn patches_change_what_is_said_and_who_may_join() {
    let edge = edge().await;
    let (one, _) = Agent::enter_as(&edge, TOKEN).await;
    let (two, _) = Agent::enter_as(&edge, TOKEN).await;
    let bound = one.bind(&bind(Proto::Https, json!({"Domain": "a.edge.test"}))).await.unwrap();
    let patch = PatchTunnelState {
        tunnel_id: bound.extra.tunnel_id,
        name: Some("web".into()),
        pooling_enabled: Some(true),
        ..PatchTunnelState::default()
    };
    one.call(&patch).await.unwrap().finish().await;
    let named = |edge: &adit_edge::Edge| {
        edge.sessions().iter().flat_map(|s| s.tunnels.clone()).any(|t| t.name == "web")
    };
    assert!(named(&edge));
    let mut pooled = bind(Proto::Https, json!({"Domain": "a.edge.test"}));
    pooled.extra.pooling_enabled = true;
    two.bind(&pooled).await.unwrap();
    assert_eq!(code(&two.call(&patch).await.map(|_| ()).unwrap_err()).0, 3209);
}

#[tokio::test]
async fn a_policy_changes_while_its_tunnel_is_served() {
    let edge = edge().await;
    let (mut agent, _) = Agent::enter_as(&edge, TOKEN).await;
    let bound = agent.bind(&bind(Proto::Http, json!({"Domain": "a.edge.test"}))).await.unwrap();
    let patch = |policy: &str| PatchTunnelState {
        tunnel_id: bound.extra.tunnel_id.clone(),
        traffic_policy: Some(policy.into()),
        ..PatchTunnelState::default()
    };
    let says = |text: &str| {
        let action = format!("{{type: custom-response, config: {{body: {text}}}}}");
        patch(&format!("on_http_request: [{{actions: [{action}]}}]"))
    };
    for text in ["one", "two"] {
        agent.call(&says(text)).await.unwrap().finish().await;
        assert!(get(&edge, "a.edge.test", "/").await.ends_with(text));
    }
    for wrong in ["on_http_request: [{actions: [{type: none}]}]", "a: ["] {
        assert_eq!(code(&agent.call(&patch(wrong)).await.map(|_| ()).unwrap_err()).0, 9026);
        assert!(get(&edge, "a.edge.test", "/").await.ends_with("two"));
    }
    agent.call(&patch("")).await.unwrap().finish().await;
    let served = async {
        let (_, mut stream) = agent.visitor().await;
        answer(&mut stream, "the agent").await
    };
    let (seen, _) = tokio::join!(get(&edge, "a.edge.test", "/"), served);
    assert!(seen.ends_with("the agent"), "{seen}");
}

#[tokio::test]
async fn any_host_may_be_had_where_the_edge_says_so() {
    let mut settings = settings();
    settings.custom_hosts = CustomHosts::Any;
    let edge = start(settings).await;
    let (agent, _) = Agent::enter(&edge).await;
    agent.bind(&bind(Proto::Https, json!({"Domain": "app.example"}))).await.unwrap();
}
