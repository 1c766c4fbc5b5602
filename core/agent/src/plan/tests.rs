//! What a description becomes.

#![allow(clippy::unwrap_used)]

use adit_chain::{BoxHandler, BuildCx, BuildError, Factory, Handler, Needs};
use adit_config::{Config, Layers, file::File};
use adit_proto::message::Proto;
use serde_json::{Value, json};

use super::*;

#[path = "tests/policy.rs"]
mod policy;

fn plan(spec: EndpointSpec) -> Result<Plan, PlanError> {
    Plan::new(spec, &tools())
}

fn asked(spec: EndpointSpec) -> Bind {
    match plan(spec).unwrap().request {
        Request::Bind(bind) => bind,
        Request::Labelled(start) => panic!("{start:?}"),
    }
}

fn refused(spec: EndpointSpec) -> String {
    plan(spec).unwrap_err().to_string()
}

/// A handler that does nothing but need something.
#[derive(Debug)]
struct Idle(Needs);

impl Handler for Idle {
    fn needs(&self) -> Needs {
        self.0
    }
}

struct Idles(&'static str, Needs);

impl Factory for Idles {
    fn kind(&self) -> &str {
        self.0
    }

    fn build(&self, options: &Value, _: &BuildCx) -> Result<BoxHandler, BuildError> {
        match options["allow"][1].as_str() {
            Some("bad") => Err(BuildError::new("\"bad\" is not a network").at(["allow", "1"])),
            Some("odd") => Err(BuildError::new("allow[1]: expected a network")),
            _ => Ok(BoxHandler::new(Idle(self.1))),
        }
    }
}

fn tools() -> Tools {
    let idles = [
        Idles("basic-auth", Needs::REQUEST_HEAD),
        Idles("ip-restriction", Needs::CONNECT),
        Idles("terminate-tls", Needs::CONNECT),
    ];
    Tools::default().with_registry(registry(idles))
}

fn registry<F: Factory>(kinds: impl IntoIterator<Item = F>) -> Registry {
    Registry::default().with(kinds.into_iter().map(|f| Arc::new(f) as Arc<dyn Factory>))
}

fn kinds(plan: &Plan) -> Vec<String> {
    kinds_with(plan, &tools())
}

fn kinds_with(plan: &Plan, tools: &Tools) -> Vec<String> {
    let route = plan.route("https://a.edge.test", tools).unwrap();
    route.chain.links().iter().map(|link| link.name().to_owned()).collect()
}

#[test]
fn an_http_endpoint_is_https_and_its_options_stay_empty_of_handlers() {
    let spec =
        EndpointSpec::http("8080").basic_auth("ann", "a password").basic_auth("bob", "other pw");
    let bind = asked(spec.pooled().metadata("m").description("d"));
    assert_eq!((bind.proto, bind.forwards_to.as_str()), (Proto::Https, "http://localhost:8080"));
    assert_eq!(
        Value::Object(bind.opts.as_map().clone()),
        json!({"URL": "https://", "Domain": "", "Hostname": "", "Auth": "", "Subdomain": "",
            "HostHeaderRewrite": false, "LocalUrlScheme": "http", "ProxyProto": 0,
            "TrafficPolicy": ""})
    );
    assert!(bind.extra.pooling_enabled);
    assert_eq!((bind.extra.metadata.as_str(), bind.extra.description.as_str()), ("m", "d"));
}

#[test]
fn addresses_are_asked_for_in_both_spellings() {
    let bind = asked(EndpointSpec::http("https://localhost:8443").url("app.example.org"));
    assert_eq!(bind.opts.as_map()["URL"], "https://app.example.org");
    assert_eq!(bind.opts.as_map()["Domain"], "app.example.org");
    assert_eq!(bind.opts.as_map()["LocalUrlScheme"], "https");
    let bind = asked(EndpointSpec::http("8080").url("http://"));
    assert_eq!((bind.proto, &bind.opts.as_map()["URL"]), (Proto::Http, &json!("http://")));
    let bind = asked(EndpointSpec::tcp("22").url("tcp://edge.test:2022"));
    assert_eq!(bind.opts.as_map()["URL"], "tcp://edge.test:2022");
    assert_eq!(bind.opts.as_map()["Addr"], "edge.test:2022");
    let bind = asked(EndpointSpec::tcp("22"));
    assert_eq!(
        (&bind.opts.as_map()["URL"], &bind.opts.as_map()["Addr"]),
        (&json!("tcp://"), &json!(""))
    );
}

#[test]
fn http2_is_announced() {
    assert_eq!(asked(EndpointSpec::http("8080").upstream_http2()).forwards_proto, "http2");
    assert_eq!(asked(EndpointSpec::tcp("8080")).forwards_proto, "");
}

#[test]
fn tls_ends_where_it_shall() {
    let spec = || EndpointSpec::tls("443").url("a.example.org");
    let at = |at| asked(spec().terminate_at(at));
    assert_eq!(at(TerminateAt::Edge).opts.as_map()["TLSTermination"], json!({}));
    for place in [TerminateAt::Agent, TerminateAt::Upstream] {
        let bind = at(place);
        assert_eq!(bind.proto, Proto::Tls);
        assert!(!bind.opts.as_map().contains_key("TLSTermination"));
    }
    let pair = spec().terminate_at(TerminateAt::Edge);
    let pair = pair.certificate("-----BEGIN CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----");
    assert_eq!(
        asked(pair).opts.as_map()["TLSTermination"],
        json!({"cert": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
            "key": "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0t"})
    );
}

#[test]
fn https_that_ends_at_the_agent_is_asked_for_as_tls_and_shown_as_https() {
    let spec = EndpointSpec::http("8080")
        .url("https://a.example.org")
        .handler("ip-restriction", json!({}))
        .basic_auth("ann", "a password")
        .terminate_at(TerminateAt::Agent);
    let plan = plan(spec).unwrap();
    let Request::Bind(bind) = &plan.request else { panic!() };
    assert_eq!(
        (bind.proto, &bind.opts.as_map()["URL"]),
        (Proto::Tls, &json!("tls://a.example.org"))
    );
    assert_eq!(plan.public_url("tls://a.example.org"), "https://a.example.org");
    assert_eq!(kinds(&plan), ["ip-restriction", "terminate-tls", "basic-auth"]);
    let route = plan.route("https://a.example.org", &tools()).unwrap();
    assert_eq!(route.endpoint.protocol, Protocol::Https);
    assert_eq!((route.forwarded, route.relay), (Forwarded::Set, adit_runtime::Relay::Http));
}

#[test]
fn only_what_needs_http_is_relayed_as_http() {
    let relay = |spec| plan(spec).unwrap().route("https://a", &tools()).unwrap().relay;
    assert_eq!(relay(EndpointSpec::http("8080")), adit_runtime::Relay::Raw);
    let spec = EndpointSpec::http("8080").handler("ip-restriction", json!({}));
    assert_eq!(relay(spec), adit_runtime::Relay::Raw);
    let spec = EndpointSpec::http("8080").basic_auth("ann", "a password");
    assert_eq!(relay(spec), adit_runtime::Relay::Http);
    let dir = tempfile::tempdir().unwrap();
    let spec = EndpointSpec::http(&format!("file://{}", dir.path().display()));
    assert_eq!(relay(spec), adit_runtime::Relay::Http);
}

#[test]
fn handlers_that_could_not_work_are_refused() {
    let text = refused(EndpointSpec::tcp("22").basic_auth("ann", "a password"));
    assert!(text.contains("handler \"basic-auth\" works on HTTP"), "{text}");
    let spec = EndpointSpec::http("8080").basic_auth("ann", "a password");
    let text = refused(spec.terminate_at(TerminateAt::Upstream));
    assert!(text.contains("handler \"basic-auth\" works on HTTP"), "{text}");
    let text = refused(EndpointSpec::http("8080").handler("no-such", json!({})));
    assert_eq!(
        text,
        "http endpoint: endpoint \"http\": handler \"no-such\": no handler \"no-such\"; \
         there are basic-auth, ip-restriction, terminate-tls"
    );
}

#[test]
fn texts_have_a_longest_length() {
    let spec =
        || EndpointSpec::http("8080").metadata("m".repeat(4096)).description("d".repeat(255));
    assert!(plan(spec()).is_ok());
    let text = refused(spec().metadata("m".repeat(4097)));
    assert!(text.contains("metadata has more than 4096 bytes; shorten it"), "{text}");
    let text = refused(spec().description("d".repeat(256)));
    assert!(text.contains("description has more than 255 bytes; shorten it"), "{text}");
}

#[test]
fn without_tls_no_certificates_can_be_asked_for() {
    let with_authority = |url| {
        let mut spec = EndpointSpec::http("80").url(url);
        let authority = adit_config::endpoint::PemSource::Text("PEM".to_owned());
        spec.tls.client_cas = vec![adit_config::At::from_flag(authority, "--mutual-tls-cas")];
        spec
    };
    assert!(plan(with_authority("https://a.example.org")).is_ok());
    let text = refused(with_authority("http://a.example.org"));
    let told = "visitors show certificates over TLS only; leave http out of its schemes";
    assert!(text.starts_with("--mutual-tls-cas: ") && text.contains(told), "{text}");
}

#[test]
fn mistakes_are_reported_when_the_endpoint_is_planned() {
    let text = refused(EndpointSpec::http("ftp://x"));
    assert!(text.starts_with("http endpoint: upstream address \"ftp://x\": "), "{text}");
    let error = plan(EndpointSpec::http("80").url("https://a.example/path")).unwrap_err();
    assert_eq!(error.code().unwrap().0, 9037);
    let text = refused(EndpointSpec::http("file:///no/such/directory"));
    assert!(text.starts_with("http endpoint: cannot serve /no/such/directory: "), "{text}");
    let text = refused(EndpointSpec::http("80").url("http://").terminate_at(TerminateAt::Agent));
    assert!(text.contains("has no TLS that could end at the agent"), "{text}");
    let pair = EndpointSpec::http("80").certificate("-----BEGIN X", "-----BEGIN Y");
    assert!(refused(pair).contains("use terminate_at: agent"));
    let missing = EndpointSpec::tls("443")
        .terminate_at(TerminateAt::Agent)
        .certificate("no/such.pem", "no/such.key");
    assert!(refused(missing).contains("could not read a PEM file: no/such.pem: "));
}

fn config(yaml: &str) -> Config {
    let file = File::parse("adit.yml", yaml.as_bytes());
    let layers = Layers { files: vec![file], ..Layers::default() };
    layers.resolve().unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn from_config(yaml: &str) -> Result<Vec<Plan>, PlanError> {
    let config = config(yaml);
    let specs = EndpointSpec::from_config(config.endpoints.first().unwrap())?;
    specs.into_iter().map(plan).collect()
}

#[test]
fn a_mistake_in_a_handler_points_at_its_line() {
    let yaml = "version: 3\nendpoints:\n  - name: web\n    upstream: {url: 8080}\n    handlers:\n      \
                - ip-restriction:\n          allow:\n            - 10.0.0.0/8\n            - bad\n";
    let error = from_config(yaml).unwrap_err();
    assert_eq!(
        error.to_string(),
        "adit.yml:9:15: endpoint \"web\": handler \"ip-restriction\": \"bad\" is not a network"
    );
    let error = from_config(&yaml.replace("bad", "odd")).unwrap_err().to_string();
    assert!(error.starts_with("adit.yml:9:15: ") && error.ends_with(": expected a network"));
}

#[test]
fn an_entry_with_two_schemes_is_two_endpoints() {
    let yaml = "version: 2\ntunnels:\n  web:\n    proto: http\n    addr: 8080\n    \
                subdomain: app\n    schemes: [http, https]\n";
    let plans = from_config(yaml).unwrap();
    let binds: Vec<_> = plans
        .iter()
        .map(|plan| match &plan.request {
            Request::Bind(bind) => (bind.extra.name.as_str(), bind.proto),
            Request::Labelled(_) => panic!(),
        })
        .collect();
    assert_eq!(binds, [("web", Proto::Https), ("web (http)", Proto::Http)]);
    let Request::Bind(bind) = &plans[0].request else { panic!() };
    assert_eq!(bind.opts.as_map()["Subdomain"], "app");
}

#[test]
fn handlers_and_upstreams_can_be_replaced_and_addresses_cannot() {
    let old = plan(EndpointSpec::http("8080").url("a.example.org")).unwrap();
    let new = |spec: EndpointSpec| Plan::in_place_of(&old, spec.named("http"));
    let spec = EndpointSpec::http("https://localhost:8443").url("a.example.org");
    let changed = new(spec.basic_auth("ann", "a password")).unwrap();
    assert_eq!(kinds(&changed), ["basic-auth"]);
    let at = |url| EndpointSpec::http("8080").url(url);
    for spec in [
        at("b.example.org"),
        at("http://a.example.org"),
        at("a.example.org").terminate_at(TerminateAt::Agent),
        at("a.example.org").metadata("other"),
        EndpointSpec::tcp("8080"),
    ] {
        let text = new(spec).unwrap_err().to_string();
        assert!(text.contains("cannot change while it is served"), "{text}");
    }
}

#[test]
fn plugins_are_refused_by_name_where_nobody_makes_handlers_of_them() {
    let config = config("version: 3\nplugins:\n  mine: {wasm: mine.wasm}\n");
    let build = |registry| {
        crate::Agent::builder().config(&config).connect("localhost:1").registry(registry).build()
    };
    let text = build(Registry::default()).unwrap_err().to_string();
    assert!(text.starts_with("adit.yml:3:3: plugins"), "{text}");
    assert!(build(registry([Idles("mine", Needs::CONNECT)])).is_ok());
}
