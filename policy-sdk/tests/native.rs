//! The guests of `component.rs`, tested as their authors would.

#[allow(dead_code)]
mod key_limit {
    include!("guests/key_limit.rs");

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
    }
}
