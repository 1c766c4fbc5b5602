use std::thread;

use super::*;

const MS: u64 = NS_PER_MS;

fn bucket(max_entries: usize, max_octets: usize) -> Bucket {
    let bucket = Bucket::default();
    bucket.resize(KvQuota { max_entries, max_octets });
    bucket
}

fn set(bucket: &Bucket, key: &str, value: &str) {
    bucket.set(key, value.into(), 0, 0).unwrap();
}

fn get(bucket: &Bucket, key: &str, now: u64) -> Option<String> {
    bucket.get(key, now).map(|value| String::from_utf8(value).unwrap())
}

#[test]
fn a_value_is_there_until_its_time_is_over_or_it_is_deleted() {
    let bucket = bucket(10, 1_000);
    bucket.set("a", b"1".to_vec(), 5, 100 * MS).unwrap();
    set(&bucket, "b", "2");
    assert_eq!(get(&bucket, "a", 105 * MS - 1).as_deref(), Some("1"));
    assert_eq!(get(&bucket, "a", 105 * MS), None);
    assert!(!bucket.delete("a", 105 * MS));
    assert_eq!(get(&bucket, "b", u64::MAX - 1).as_deref(), Some("2"));
    assert!(bucket.delete("b", 0));
    assert!(!bucket.delete("b", 0));
    assert_eq!(bucket.entries.load(Relaxed), 0);
    assert_eq!(bucket.octets.load(Relaxed), 0);
}

#[test]
fn the_key_that_was_not_used_for_longest_makes_room_whichever_shard_it_is_in() {
    let bucket = bucket(100, 1_000_000);
    for n in 0..100 {
        set(&bucket, &n.to_string(), "x");
    }
    assert!(get(&bucket, "0", 0).is_some());
    for n in 100..150 {
        set(&bucket, &n.to_string(), "x");
    }
    let kept: Vec<usize> = (0..150).filter(|n| get(&bucket, &n.to_string(), 0).is_some()).collect();
    let expected: Vec<usize> = std::iter::once(0).chain(51..150).collect();
    assert_eq!(kept, expected);
}

#[test]
fn octets_count_keys_and_values_and_make_room_too() {
    let bucket = bucket(1_000, 100);
    set(&bucket, "first", &"x".repeat(45));
    set(&bucket, "other", &"x".repeat(45));
    assert_eq!(bucket.octets.load(Relaxed), 100);
    set(&bucket, "other", &"x".repeat(44));
    set(&bucket, "t", "");
    assert!(get(&bucket, "first", 0).is_some());
    set(&bucket, "u", "");
    assert_eq!(get(&bucket, "other", 0), None);
    assert_eq!(bucket.octets.load(Relaxed), 52);
    let refused = bucket.set("whole", vec![0; 96], 0, 0).unwrap_err();
    assert_eq!(refused.kind, Kind::Limit);
    assert_eq!(refused.message, "kv octets: key and value have 101, the bucket has 100");
}

#[test]
fn increments_begin_at_nothing_and_keep_the_lifetime_that_the_first_began() {
    let bucket = bucket(10, 1_000);
    assert_eq!(bucket.increment("n", 5, 10, 0), Ok(5));
    assert_eq!(bucket.increment("n", -7, 10, 9 * MS), Ok(-2));
    assert_eq!(get(&bucket, "n", 9 * MS).as_deref(), Some("-2"));
    assert_eq!(bucket.increment("n", 1, 10, 10 * MS), Ok(1));
    bucket.set("n", i64::MAX.to_string().into(), 0, 0).unwrap();
    assert_eq!(bucket.increment("n", 1, 0, 0).unwrap_err().kind, Kind::Invalid);
    assert_eq!(get(&bucket, "n", 0), Some(i64::MAX.to_string()));
    set(&bucket, "n", "text");
    let refused = bucket.increment("n", 1, 0, 0).unwrap_err();
    assert_eq!(refused.message, "the stored value is not a number");
}

#[test]
fn a_swap_writes_only_over_what_it_expects() {
    let bucket = bucket(10, 1_000);
    let swap = |expected: Option<&str>, value: &str| {
        bucket.swap("k", expected.map(str::as_bytes), value.into(), 5, 0).unwrap()
    };
    assert!(!swap(Some("a"), "b"));
    assert!(swap(None, "a"));
    assert!(!swap(None, "b"));
    assert!(!swap(Some("b"), "c"));
    assert!(swap(Some("a"), "b"));
    assert_eq!(get(&bucket, "k", 0).as_deref(), Some("b"));
    // What has expired is not there.
    assert!(bucket.swap("k", None, b"c".to_vec(), 0, 5 * MS).unwrap());
}

#[test]
fn threads_lose_no_increment_and_leave_the_limits_kept() {
    let bucket = bucket(50, 1_000_000);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..1_000 {
                    bucket.increment("sum", 1, 0, 0).unwrap();
                    bucket.set(&format!("key {}", n % 40), vec![0; n % 7], 0, 0).unwrap();
                }
            });
        }
    });
    assert_eq!(get(&bucket, "sum", 0).as_deref(), Some("4000"));
    assert_eq!(bucket.entries.load(Relaxed), 41);
    thread::scope(|scope| {
        for t in 0..4 {
            let bucket = &bucket;
            scope.spawn(move || {
                for n in 0..500 {
                    bucket.set(&format!("{t}:{n}"), Vec::new(), 0, 0).unwrap();
                }
            });
        }
    });
    assert!(bucket.entries.load(Relaxed) <= 50);
}
