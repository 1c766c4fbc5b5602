include!("../guests/text/canary.rs");

mod tests {
    use super::*;
    use adit_policy_sdk::testing::*;

    #[test]
    fn the_cases_of_the_component_hold_natively() {
        adit_policy_sdk::cases::check::<Canary>(include_str!("../guests/text/canary.yml"));
    }

    #[test]
    fn the_split_is_the_same_in_each_run_and_near_what_was_asked() {
        let count = |seed| {
            let setup = Harness::<Canary>::setup().seed(seed);
            let mut t = setup.start(json!({ "percent": 10 })).unwrap();
            let rerouted = Verdict::reroute("api-next");
            (0..1000).filter(|_| t.request(get("/")).verdict == rerouted).count()
        };
        assert_eq!(count(1), count(1));
        assert!((70..130).contains(&count(1)), "{}", count(1));
    }

    #[test]
    fn nothing_is_carried_in_the_instance() {
        let setup = Harness::<Canary>::setup().fresh_instances();
        let mut t = setup.start(json!({ "percent": 100 })).unwrap();
        let exchange = t.request(get("/"));
        let cookie = "group=b; Path=/; Max-Age=86400";
        assert_eq!(exchange.response_edits.header("set-cookie"), Some(cookie));
    }

    #[test]
    fn a_reroute_needs_its_grant() {
        let grants = Grants { reroute: Some(vec![]), ..Grants::default() };
        let mut t =
            Harness::<Canary>::setup().grants(grants).start(json!({ "percent": 100 })).unwrap();
        let fault = t.try_request(get("/")).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "answer of OnRequest: reroute \"api-next\" is not granted; see the policy's grants"
        );
    }
}
