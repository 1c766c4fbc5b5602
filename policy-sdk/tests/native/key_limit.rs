include!("../guests/text/key_limit.rs");

mod tests {
    use super::*;
    use adit_policy_sdk::testing::*;

    #[test]
    fn the_third_call_is_refused() {
        let mut t = Harness::<KeyLimit>::new(json!({ "burst": 2, "per_ms": 1000 })).unwrap();
        for _ in 0..2 {
            assert_eq!(t.request(get("/").from("203.0.113.9")).verdict, Verdict::Next);
        }
        assert_eq!(t.request(get("/").from("203.0.113.9")).reply().status, 429);
        t.advance(Duration::from_secs(1));
        assert_eq!(t.request(get("/").from("203.0.113.9")).verdict, Verdict::Next);
    }

    #[test]
    fn edits_are_a_value() {
        let mut t = Harness::<KeyLimit>::new(json!({ "burst": 2, "per_ms": 1000 })).unwrap();
        let exchange = t.request(get("/a").header("X-Api-Key", "ann"));
        assert_eq!(exchange.edits.header("X-RateLimit-Remaining"), Some("1"));
        assert_eq!(exchange.edits.set.len(), 1);
        assert_eq!(exchange.request.unwrap().header("x-api-key").as_deref(), Some("ann"));
    }

    #[test]
    fn a_bucket_that_is_not_granted_is_denied() {
        let grants = Grants { rate: Some(vec!["other".into()]), ..Grants::default() };
        let setup = Harness::<KeyLimit>::setup().grants(grants);
        let mut t = setup.start(json!({ "burst": 2, "per_ms": 1000 })).unwrap();
        assert_eq!(t.request(get("/")).reply().status, 503);
    }

    #[test]
    fn the_cases_of_the_component_hold_natively() {
        adit_policy_sdk::cases::check::<KeyLimit>(include_str!("../guests/text/key_limit.yml"));
    }
}
