use adit_policy_sdk::prelude::*;
use adit_policy_sdk::testing::*;

struct Idle;

#[policy]
impl Idle {
    fn configure(_: Json) -> Result<Self> {
        Ok(Self)
    }

    fn on_finish(&mut self, conn: &Connection, req: &Request, end: &Outcome) {
        let status = end.status().unwrap_or(0).to_string();
        metrics::add("exchanges", 1, &[("status", &status)]);
        metrics::observe("seconds", end.duration().as_secs_f64(), &[]);
        metrics::set("bad-name", 1.0, &[]);
        if let Some(failure) = end.failure() {
            log::warn!(id = req.id(), endpoint = conn.endpoint(); "{failure}");
        }
    }
}

fn idle() -> Harness<Idle> {
    let answer = Answer { status: 200, headers: vec![], body: b"{\"allow\":true}".to_vec() };
    let setup = Harness::<Idle>::setup().secret("key", "hunter2").outbound("decider", answer);
    setup.start(json!({})).unwrap()
}

#[test]
fn on_finish_is_told_how_it_ended() {
    let mut t = idle();
    t.request(get("/").answer(response(204).after(Duration::from_millis(250))));
    t.request(get("/").answer(response(502).failure("upstream-unreachable")));
    assert_eq!(t.metric("exchanges", &[("status", "204")]), Some(1.0));
    assert_eq!(t.metric("exchanges", &[("status", "502")]), Some(1.0));
    assert_eq!(t.metric("seconds", &[]), Some(0.25));
    assert_eq!(t.metric("bad-name", &[]), None);
    assert_eq!(t.logs()[0].message, "upstream-unreachable");
    assert_eq!(t.logs()[0].level, Level::Warn);
}

#[test]
fn keys_and_values_live_as_long_as_they_were_given() {
    let mut t = idle();
    t.within(|_| {
        kv::set("seen", "a", &["x"], Duration::from_secs(1)).unwrap();
        kv::set_bytes("seen", "b", b"y", kv::Ttl::UntilEvicted).unwrap();
        assert_eq!(kv::get::<Vec<String>>("seen", "a").unwrap(), Some(vec!["x".to_owned()]));
        assert_eq!(kv::increment("seen", "n", 2, Duration::from_secs(1)).unwrap(), 2);
        assert_eq!(kv::increment("seen", "n", 3, Duration::from_secs(9)).unwrap(), 5);
        assert_eq!(
            kv::increment("seen", "b", 1, kv::Ttl::UntilEvicted).unwrap_err().kind(),
            ErrorKind::Invalid
        );
        assert!(kv::swap("seen", "b", Some(b"y"), b"z", kv::Ttl::UntilEvicted).unwrap());
        assert!(!kv::swap("seen", "b", None, b"w", kv::Ttl::UntilEvicted).unwrap());
    });
    t.advance(Duration::from_secs(1));
    t.within(|_| {
        assert_eq!(kv::get_bytes("seen", "a").unwrap(), None);
        assert_eq!(kv::get_bytes("seen", "n").unwrap(), None);
        assert_eq!(kv::get_bytes("seen", "b").unwrap(), Some(b"z".to_vec()));
        assert!(kv::delete("seen", "b").unwrap());
        assert!(!kv::delete("seen", "b").unwrap());
        let long = "k".repeat(257);
        assert_eq!(kv::get_bytes("seen", &long).unwrap_err().kind(), ErrorKind::Limit);
    });
}

#[test]
fn upstreams_answer_what_was_scripted_and_then_nothing() {
    let mut t = idle();
    let allowed = t.within(|_| {
        let answer = outbound::post("decider", "/check").json("ann").send().unwrap();
        answer.json::<Json>().unwrap()["allow"].as_bool()
    });
    assert_eq!(allowed, Some(true));
    assert_eq!(t.sent()[0].body, b"\"ann\"");
    t.within(|_| {
        let kind = |call: outbound::Call| call.send().unwrap_err().kind();
        assert_eq!(kind(outbound::get("other", "/")), ErrorKind::Denied);
        assert_eq!(kind(outbound::get("decider", "elsewhere")), ErrorKind::Invalid);
        for _ in 0..4 {
            assert_eq!(kind(outbound::get("decider", "/")), ErrorKind::Unavailable);
        }
        assert_eq!(kind(outbound::get("decider", "/")), ErrorKind::Limit);
    });
}

#[test]
fn digests_and_keyed_hashes_are_real() {
    idle().within(|_| {
        let digest = crypto::sha256(b"abc");
        assert_eq!(digest[..4], [0xba, 0x78, 0x16, 0xbf]);
        let key = secrets::get("key").unwrap();
        let signature = crypto::sign("hs256", key.as_bytes(), b"message").unwrap();
        assert!(crypto::verify("hs256", key.as_bytes(), b"message", &signature).unwrap());
        assert!(!crypto::verify("hs256", key.as_bytes(), b"other", &signature).unwrap());
        assert!(crypto::equal("a", b"a"));
        assert_eq!(crypto::digest("md5", b"").unwrap_err().kind(), ErrorKind::Invalid);
    });
}

#[test]
fn time_stands_still_until_it_is_moved() {
    let mut t = idle();
    assert_eq!(t.within(|_| clock::unix_seconds()), 1_767_225_600);
    let before = t.within(|_| clock::monotonic());
    t.advance(Duration::from_millis(1));
    assert_eq!(t.within(|_| clock::monotonic()) - before, Duration::from_millis(1));
}

#[test]
fn randomness_is_the_same_in_each_run() {
    let draw = || idle().within(|_| (random::bytes(5_000), random::number(), random::below(10)));
    assert_eq!(draw(), draw());
    assert_eq!(draw().0.len(), 5_000);
    let mut map = idle().within(|_| SeededMap::default());
    map.insert("a", 1);
    assert_eq!(map.get("a"), Some(&1));
}

#[test]
#[should_panic(expected = "there is no agent in a native build")]
fn outside_a_harness_there_is_no_agent() {
    clock::now();
}
