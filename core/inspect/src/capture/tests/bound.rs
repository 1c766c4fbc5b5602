//! The bound in bytes holds whatever happens.

use proptest::prelude::*;

use super::{super::gather::Gather, *};
use crate::model::{Kind, Message, Messages, Party};

#[derive(Clone, Debug)]
enum Step {
    Add {
        body: usize,
    },
    /// An entry gets a body: by its number among those that were added.
    Update {
        which: usize,
        body: usize,
    },
    /// A body passes: by its number.
    Pass {
        which: usize,
        n_bytes: usize,
    },
    Finish {
        which: usize,
    },
    Message {
        n_bytes: usize,
    },
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_usize..3000).prop_map(|body| Step::Add { body }),
        2 => (any::<usize>(), 0_usize..3000).prop_map(|(which, body)| Step::Update { which, body }),
        4 => (0_usize..4, 0_usize..3000).prop_map(|(which, n_bytes)| Step::Pass { which, n_bytes }),
        1 => (0_usize..4).prop_map(|which| Step::Finish { which }),
        2 => (0_usize..5000).prop_map(|n_bytes| Step::Message { n_bytes }),
        1 => Just(Step::Clear),
    ]
}

fn message(n_bytes: usize) -> Message {
    let excerpt = vec![0; n_bytes.min(crate::model::MAX_EXCERPT)].into();
    let (kind, len) = (Kind::Binary, n_bytes as u64);
    Message {
        seq: 0,
        from: Party::Visitor,
        kind,
        at: Duration::ZERO,
        is_compressed: false,
        len,
        excerpt,
    }
}

fn with_body(mut entry: Entry, n_bytes: usize) -> Entry {
    entry.request.body = Body::whole(vec![0; n_bytes]);
    entry
}

/// What the entries that are there cost.
fn entries_cost(store: &Store) -> usize {
    store.ring.lock().values().map(|slot| cost(&slot.entry)).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_more_is_held_than_may_be(
        limit in 1000_usize..40_000, steps in proptest::collection::vec(step(), 1..200),
    ) {
        let store = Store::new(limit);
        let mut added: Vec<Entry> = Vec::new();
        let new = || Gather::new(Arc::clone(store.budget()));
        let mut passing = [new(), new(), new(), new()];
        let messages = Messages::new(SystemTime::UNIX_EPOCH, Arc::clone(store.budget()));
        for step in steps {
            match step {
                Step::Add { body } => {
                    let entry = with_body(entry("/", 200, ""), body);
                    added.push(entry.clone());
                    store.add(entry);
                }
                Step::Update { which, body } if !added.is_empty() => {
                    let entry = with_body(added[which % added.len()].clone(), body);
                    store.update(Arc::new(entry), 0);
                }
                Step::Update { .. } => {}
                Step::Pass { which, n_bytes } => passing[which].push(&store, None, &vec![1; n_bytes]),
                Step::Finish { which } => {
                    let (body, carried) = std::mem::replace(&mut passing[which], new()).finish();
                    prop_assert!(body.bytes.len() <= carried);
                    prop_assert!(body.bytes.len() <= store.max_body());
                    let mut entry = entry("/", 200, "");
                    store.add(entry.clone());
                    entry.request.body = body;
                    store.update(Arc::new(entry), carried);
                }
                Step::Message { n_bytes } => messages.push(message(n_bytes), |n| store.reserve(n)),
                Step::Clear => store.clear(),
            }
            let fill = store.fill();
            prop_assert!(fill.bytes <= limit, "{} of {limit}", fill.bytes);
            prop_assert!(entries_cost(&store) <= fill.bytes);
        }
        // Whatever was lent comes back.
        drop((passing, messages));
        prop_assert_eq!(store.fill().bytes, entries_cost(&store));
        store.clear();
        prop_assert_eq!(store.fill().bytes, 0);
    }
}

#[test]
fn many_threads_do_not_pass_the_bound() {
    let store = Store::new(200_000);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for i in 0..2_000 {
                    let mut passing = Gather::new(Arc::clone(store.budget()));
                    let mut entry = entry("/", 200, "");
                    store.add(entry.clone());
                    passing.push(&store, Some(i * 7 % 9_000), &vec![1; (i * 13 % 9_000) as usize]);
                    let (body, carried) = passing.finish();
                    entry.request.body = body;
                    store.update(Arc::new(entry), carried);
                    assert!(store.fill().bytes <= 200_000);
                }
            });
        }
    });
    assert_eq!(store.fill().bytes, entries_cost(&store));
    assert!(store.fill().entries > 10);
}

#[test]
fn an_entry_that_grows_makes_others_go_and_not_itself() {
    let one = cost(&entry("/1", 200, ""));
    let store = Store::new(one * 3);
    let first = entry("/1", 200, "");
    store.add(first.clone());
    store.add(entry("/2", 200, ""));
    store.add(entry("/3", 200, ""));
    assert!(store.update(Arc::new(with_body(first.clone(), one)), 0));
    assert_eq!(paths(&store.page(&Filter::default(), None, 9)), ["/3", "/1"]);
    // What does not fit at all stays as it was.
    assert!(store.update(Arc::new(with_body(first.clone(), one * 3)), 0));
    assert_eq!(store.get(first.id).unwrap().request.body.total, one as u64);
    store.clear();
    assert!(!store.update(Arc::new(first), 0));
}

#[test]
fn a_body_is_cut_at_the_cap_and_its_length_is_known() {
    let store = Store::new(80_000);
    assert_eq!((store.max_body(), Store::new(1 << 30).max_body()), (10_000, MAX_BODY));
    for expected in [None, Some(25_000), Some(u64::MAX)] {
        let mut passing = Gather::new(Arc::clone(store.budget()));
        for _ in 0..25 {
            passing.push(&store, expected, &[7; 1_000]);
        }
        let (body, carried) = passing.finish();
        assert_eq!((body.bytes.len(), body.total, carried), (10_000, 25_000, 10_000));
        assert!(body.is_truncated());
        store.budget().give_back(carried);
    }
    assert_eq!(store.fill().bytes, 0);
}

#[test]
fn only_the_newest_messages_are_kept_where_there_is_no_room() {
    let store = Store::new(10_000);
    let messages = Messages::new(SystemTime::UNIX_EPOCH, Arc::clone(store.budget()));
    for _ in 0..100 {
        messages.push(message(1_000), |n| store.reserve(n));
    }
    let kept = messages.after(0, 1_000);
    assert_eq!(kept.last().unwrap().seq, 100);
    assert!((5..10).contains(&kept.len()), "{}", kept.len());
    assert!(kept.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq));
    assert_eq!((messages.total(), messages.bytes_from(Party::Visitor)), (100, 100_000));
    assert_eq!(messages.after(98, 1)[0].seq, 99);
    drop(messages);
    assert_eq!(store.fill().bytes, 0);
}
