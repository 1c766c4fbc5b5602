//! Every policy that the guide and the examples show is one.

use std::{fs, path::Path};

use adit_agent::check_policy;
use adit_config::{
    Endpoint, EndpointUrl, Layers, UpstreamAddr,
    endpoint::TrafficPolicy,
    endpoint_url::{Kind, Scheme},
    file::File,
};

fn check(name: &str, endpoint: &Endpoint) {
    let checked = check_policy(endpoint, &adit_cli::registry());
    assert!(checked.is_ok(), "{name}: {}", checked.unwrap_err());
}

fn check_document(name: &str, text: &str) {
    let upstream = UpstreamAddr::parse("80", Kind::Http).unwrap();
    let mut endpoint = Endpoint::new("guide", EndpointUrl::any(Scheme::Https), upstream);
    endpoint.traffic_policy = Some(TrafficPolicy::fetched(name, text.as_bytes()).unwrap());
    check(name, &endpoint);
}

fn check_file(name: &str, text: &str) {
    let files = vec![File::parse(name, text.as_bytes())];
    let config = Layers { files, ..Layers::default() }.resolve().unwrap();
    for endpoint in &config.endpoints {
        check(name, endpoint);
    }
}

#[test]
fn every_policy_that_is_shown_is_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let guide = fs::read_to_string(root.join("docs/traffic-policy.md")).unwrap();
    let snippets = guide.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let (mut n_documents, mut n_files) = (0, 0);
    for (n, text) in snippets.enumerate() {
        let name = format!("snippet {}", n + 1);
        if text.starts_with("on_") {
            n_documents += 1;
            check_document(&name, text);
        } else {
            n_files += 1;
            check_file(&name, text);
        }
    }
    assert_eq!((n_documents, n_files), (4, 2));
    let example = root.join("examples/traffic-policy");
    let read = |name: &str| fs::read_to_string(example.join(name)).unwrap();
    check_document("shop.yml", &read("shop.yml"));
    check_file("adit.yml", &read("adit.yml"));
}

#[test]
fn every_action_is_in_the_guide() {
    let guide = include_str!("../../../docs/traffic-policy.md");
    let upstream = UpstreamAddr::parse("80", Kind::Http).unwrap();
    let mut endpoint = Endpoint::new("guide", EndpointUrl::any(Scheme::Https), upstream);
    let unknown = b"on_http_request: [{actions: [{type: there-is-none}]}]";
    endpoint.traffic_policy = Some(TrafficPolicy::fetched("p", unknown).unwrap());
    let error = check_policy(&endpoint, &adit_cli::registry()).unwrap_err().to_string();
    let (_, list) = error.split_once("there are ").unwrap();
    let names: Vec<_> = list.split(" (").next().unwrap().split(", ").collect();
    assert!(names.len() >= 20, "{names:?}");
    for name in names {
        assert!(guide.contains(&format!("| `{name}` |")), "{name} is not in the guide");
    }
}
