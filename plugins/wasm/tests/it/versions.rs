//! What was built for a release of the contract goes on working.

use adit_chain::OnError;
use adit_wasm::{PluginSpec, inspect};
use wit_parser::Resolve;

use crate::rig::{Rig, get, request};

/// Each release of the contract, and a component that was built for it.
const RELEASES: [(&str, &str, &str); 1] = [(
    "0.1.0",
    include_str!("../../../../policy-sdk/wit/0.1.0/policy.wit"),
    include_str!("../frozen/0.1.0.wat"),
)];

#[tokio::test]
async fn components_of_every_release_load_and_run() {
    for (version, _, text) in RELEASES {
        let rig = Rig::new();
        let bytes = wat::parse_str(text).unwrap();
        assert_eq!(inspect(&bytes).unwrap().abi.as_deref(), Some(version));
        let chain = rig.chain(PluginSpec::new("frozen", rig.file(&bytes)), OnError::Deny);
        let mut run = request(&chain, get()).await;
        assert!(run.is_next());
        assert_eq!(run.header("x-frozen"), Some("1"));
        let response = run.answer(http::Response::new("".into())).await.unwrap();
        assert_eq!(response.status(), 200);
    }
}

#[test]
fn the_contract_takes_nothing_back() {
    let current = include_str!("../../../../policy-sdk/wit/policy.wit");
    for (version, frozen, _) in RELEASES {
        // Two packages of one name and version cannot stand beside each other.
        let frozen = frozen.replacen(&format!("@{version}"), "@0.1.0-frozen", 1);
        for world in ["base", "request-policy"] {
            let mut resolve = Resolve::default();
            let old = resolve.push_str("frozen.wit", &frozen).unwrap();
            let new = resolve.push_str("policy.wit", current).unwrap();
            let old = resolve.select_world(&[old], Some(world)).unwrap();
            let new = resolve.select_world(&[new], Some(world)).unwrap();
            let checked = wit_component::semver_check(resolve, old, new);
            checked.unwrap_or_else(|error| panic!("{version} {world}: {error:#}"));
        }
    }
}
