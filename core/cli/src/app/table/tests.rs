use std::collections::BTreeSet;

use adit_agent::{Agent, Session};
use adit_config::{Layers, file::File};
use adit_inspect::control::Reloaded;
use adit_runtime::Route;

use super::*;
use crate::{app::reload, embedded::Embedded};

/// A table on an embedded edge.
struct World {
    table: Table,
    ground: Ground,
    session: Session,
    edge: Embedded,
}

impl World {
    async fn new() -> Self {
        let edge = Embedded::start(crate::registry()).await.unwrap();
        let builder = Agent::builder().registry(crate::registry());
        let agent = edge.attach(builder).unwrap().build().unwrap();
        let session = agent.start().await.unwrap();
        let handle = session.handle().clone();
        let table = Table::new(watch::channel(Changes::default()).0);
        let ground = Ground { agent, handle, store: None, is_blind: false };
        Self { table, ground, session, edge }
    }

    async fn start(&self, endpoints: &str) {
        self.want(endpoints).await;
        self.table.start(&self.ground).await.unwrap();
    }

    async fn want(&self, endpoints: &str) {
        self.table.change().await.want(wanted(endpoints, Origin::File), BTreeSet::new());
    }

    async fn apply(&self, endpoints: &str) -> Reloaded {
        let wanted = wanted(endpoints, Origin::File);
        self.table.change().await.apply(&self.ground, wanted, BTreeSet::new(), &[]).await.0
    }

    fn entry(&self, name: &str) -> Arc<Entry> {
        self.table.find(name).unwrap()
    }

    fn route(&self, name: &str) -> Arc<Route> {
        self.entry(name).endpoint.route()
    }

    fn names(&self) -> Vec<String> {
        self.table.served().iter().map(|entry| entry.name.clone()).collect()
    }

    async fn down(self) {
        drop((self.table, self.ground));
        let _ = self.session.shutdown(Duration::from_secs(1)).await;
        self.edge.shutdown().await;
    }
}

fn wanted(endpoints: &str, origin: Origin) -> Vec<Wanted> {
    let file = File::parse("adit.yml", format!("version: 3\nendpoints:\n{endpoints}").as_bytes());
    let config = Layers { files: vec![file], ..Layers::default() }.resolve().unwrap();
    reload::wanted(&config, origin).unwrap()
}

const TWO: &str = "- {name: same, url: http://, upstream: {url: 1}}\n\
                   - {name: other, url: http://, upstream: {url: 2}}\n";

#[tokio::test]
async fn what_is_the_same_keeps_its_route_and_what_differs_its_address() {
    let world = World::new().await;
    world.start(TWO).await;
    let (same, other) = (world.route("same"), world.route("other"));
    let (entry, url) = (world.entry("other"), world.entry("other").endpoint.url());

    let report =
        world.apply(&format!("# on another line\n{}", TWO.replace("url: 2", "url: 3"))).await;
    assert_eq!(
        (report.unchanged, report.changed),
        (vec!["same".to_owned()], vec!["other".to_owned()])
    );
    assert!(Arc::ptr_eq(&same, &world.route("same")));
    assert!(!Arc::ptr_eq(&other, &world.route("other")));
    assert!(Arc::ptr_eq(&other.metrics, &world.route("other").metrics), "the counters go on");

    // What the edge has to know of is told it, at the same address.
    let report = world.apply(&TWO.replace("name: other", "name: other, metadata: m")).await;
    assert_eq!((report.changed, report.failed), (vec!["other".to_owned()], Vec::new()));
    assert!(Arc::ptr_eq(&entry, &world.entry("other")));
    assert_eq!(world.entry("other").endpoint.url(), url);
    assert_eq!(entry.view(None).metadata, "m");
    drop((same, other, entry));
    world.down().await;
}

#[tokio::test]
async fn another_address_is_bound_before_the_old_one_goes_and_the_meter_goes_along() {
    let world = World::new().await;
    world.start(TWO).await;
    let (before, url) = (world.entry("other"), world.entry("other").endpoint.url());
    let report =
        world.apply(&TWO.replace("other, url: http://", "other, url: http://o.localhost")).await;
    assert_eq!(report.changed, ["other"], "{report:?}");
    let after = world.entry("other");
    assert_ne!(after.endpoint.url(), url);
    assert!(after.has_host("o.localhost") && Arc::ptr_eq(&before.meter, &after.meter));

    // One that somebody else has changes nothing.
    let taken = TWO.replace("same, url: http://", "same, url: http://o.localhost");
    let taken = taken.replace("other, url: http://", "other, url: http://o.localhost");
    let url = world.entry("same").endpoint.url();
    let report = world.apply(&taken).await;
    assert_eq!(report.unchanged, ["other"]);
    assert!(
        report.failed[0].starts_with("same: ") && report.failed[0].contains("334"),
        "{report:?}"
    );
    assert_eq!(world.entry("same").endpoint.url(), url);
    drop((before, after));
    world.down().await;
}

#[tokio::test]
async fn what_the_api_made_stays_and_what_is_gone_is_given_back() {
    let world = World::new().await;
    world.start(TWO).await;
    let api = wanted("- {name: mine, url: http://m.localhost, upstream: {url: 9}}\n", Origin::Api);
    world.table.change().await.create(&world.ground, api.clone()).await.unwrap();
    let report =
        world.apply("- {name: third, url: http://o.localhost, upstream: {url: 3}}\n").await;
    assert_eq!(
        (report.added, report.removed),
        (vec!["third".to_owned()], vec!["same".to_owned(), "other".to_owned()])
    );
    assert_eq!(world.names(), ["mine", "third"]);

    // A name, and then an address, that is taken leaves no trace.
    let refused = world.table.change().await.create(&world.ground, api.clone()).await;
    assert!(matches!(refused, Err(Refused::Name(_))));
    let taken = wanted("- {name: new, url: http://m.localhost, upstream: {url: 9}}\n", Origin::Api);
    let refused = world.table.change().await.create(&world.ground, taken.clone()).await;
    assert!(matches!(refused, Err(Refused::Bind(_))));
    assert_eq!(world.names(), ["mine", "third"]);
    let entry = world.entry("mine");
    world.table.change().await.remove(&entry).await;
    world.table.change().await.create(&world.ground, taken).await.unwrap();
    assert_eq!(world.names(), ["third", "new"]);
    drop(entry);
    world.down().await;
}

#[tokio::test]
async fn another_configuration_may_come_before_anything_is_served() {
    let world = World::new().await;
    world.want(TWO).await;
    let report = world.apply("- {name: other, url: http://, upstream: {url: 7}}\n").await;
    assert_eq!(
        (report.changed, report.removed),
        (vec!["other".to_owned()], vec!["same".to_owned()])
    );
    assert_eq!(world.names(), Vec::<String>::new());
    world.table.start(&world.ground).await.unwrap();
    assert_eq!(world.names(), ["other"]);
    assert_eq!(&*world.entry("other").endpoint.upstream(), "http://localhost:7");
    world.down().await;
}

#[tokio::test]
async fn the_first_that_is_refused_ends_the_start() {
    let world = World::new().await;
    let same = "- {name: a, url: http://o.localhost, upstream: {url: 1}}\n";
    world.want(&(same.to_owned() + &same.replace("name: a", "name: b"))).await;
    let (name, error) = world.table.start(&world.ground).await.unwrap_err();
    assert_eq!(name, "b");
    assert!(error.to_string().ends_with("ERR_NGROK_334"), "{error}");
    world.down().await;
}

#[tokio::test]
async fn what_is_added_while_the_edge_is_away_is_asked_for_later_and_is_in_nobodys_way() {
    let builder = Agent::builder().registry(crate::registry()).connect("localhost:1");
    let agent = builder.build().unwrap();
    let connecting = agent.begin();
    let handle = connecting.handle().clone();
    let table = Table::new(watch::channel(Changes::default()).0);
    let ground = Ground { agent, handle, store: None, is_blind: false };
    table.start(&ground).await.unwrap();
    let wanted = wanted(TWO, Origin::File);
    let mut changing = table.change().await;
    let (report, unheard) = changing.apply(&ground, wanted, BTreeSet::new(), &[]).await;
    drop(changing);
    assert_eq!(unheard, ["same", "other"]);
    assert_eq!(
        report.failed,
        [
            "same: the edge did not answer; it is asked again until it does",
            "other: the edge did not answer; it is asked again until it does"
        ]
    );
    let serving = table.serve(&ground, unheard);
    tokio::pin!(serving);
    assert!(futures_util::poll!(&mut serving).is_pending());
    assert!(table.state.try_lock().is_ok(), "it keeps others from changing anything");
    drop(connecting);
}
