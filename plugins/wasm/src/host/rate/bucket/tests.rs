use std::thread;

use adit_policy_rules::Kind;

use super::*;

const MS: u64 = 1_000_000;

const ONE_A_SECOND: Quota = Quota { burst: 1, per_ms: 1_000 };

fn bucket(max_keys: usize) -> Bucket {
    let bucket = Bucket::default();
    bucket.resize(max_keys);
    bucket
}

fn allowed(bucket: &Bucket, key: &str, now: u64) -> bool {
    bucket.take(key, now, ONE_A_SECOND, 1).unwrap().allowed
}

#[test]
fn each_key_has_tokens_of_its_own() {
    let bucket = bucket(10);
    assert!(allowed(&bucket, "a", MS));
    assert!(allowed(&bucket, "b", MS));
    assert!(!allowed(&bucket, "a", 2 * MS));
    assert!(allowed(&bucket, "a", 1_001 * MS));
}

#[test]
fn a_full_bucket_drops_what_has_refilled_and_only_then_refuses() {
    let bucket = bucket(100);
    for n in 0..100 {
        assert!(allowed(&bucket, &format!("key {n}"), MS + n));
    }
    let refused = bucket.take("one more", 900 * MS, ONE_A_SECOND, 1).unwrap_err();
    assert_eq!(refused.kind, Kind::Limit);
    assert_eq!(refused.message, "rate keys: the bucket has its 100 keys");
    // Keys that are known are judged as ever.
    assert!(!allowed(&bucket, "key 7", 900 * MS));
    // The first key has refilled at this moment, whichever shard it is in.
    assert!(allowed(&bucket, "one more", 1_001 * MS));
    assert_eq!(bucket.len(), 100);
    assert!(bucket.take("two more", 1_001 * MS, ONE_A_SECOND, 1).is_err());
}

#[test]
fn a_key_that_was_taken_from_again_is_not_dropped_early() {
    let bucket = bucket(2);
    let two = Quota { burst: 2, per_ms: 2_000 };
    bucket.take("a", MS, two, 1).unwrap();
    bucket.take("b", MS, two, 1).unwrap();
    // Its entry says that it is full after one second; now that is two.
    bucket.take("a", 2 * MS, two, 1).unwrap();
    assert!(bucket.take("c", 1_002 * MS, two, 1).unwrap().allowed);
    let again = bucket.take("a", 1_002 * MS, two, 2).unwrap();
    assert!(!again.allowed, "its tokens were forgotten");
}

#[test]
fn a_key_from_which_nothing_was_taken_is_not_remembered() {
    let bucket = bucket(1);
    for n in 0..10 {
        let asked = bucket.take(&format!("key {n}"), MS, ONE_A_SECOND, 0).unwrap();
        assert_eq!((asked.allowed, asked.remaining), (true, 1));
    }
    assert_eq!(bucket.len(), 0);
    let too_dear = bucket.take("key", MS, ONE_A_SECOND, 2).unwrap();
    assert_eq!((too_dear.allowed, too_dear.retry_after_ms), (false, u32::MAX));
    assert_eq!(bucket.len(), 0);
}

#[test]
fn a_bucket_shrinks_while_it_is_used() {
    let bucket = bucket(10_000);
    for n in 0..5_000 {
        allowed(&bucket, &format!("old {n}"), MS);
    }
    for n in 0..5_000 {
        allowed(&bucket, &format!("new {n}"), 2_000 * MS);
    }
    assert!(bucket.len() < 5_200, "{} keys", bucket.len());
}

#[test]
fn threads_share_one_key_without_a_token_too_many() {
    let bucket = bucket(1_000);
    let quota = Quota { burst: 100, per_ms: 1_000_000 };
    let allowed = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let decision = bucket.take("key", MS, quota, 1).unwrap();
                    allowed.fetch_add(usize::from(decision.allowed), Relaxed);
                }
            });
        }
    });
    assert_eq!(allowed.into_inner(), 100);
    assert_eq!(bucket.len(), 1);
}
