use std::sync::atomic::AtomicUsize;

use adit_chain::{BoxError, Chain, Exchange, Handler, Link, OnConnect, Side};
use tokio::net::TcpListener;

use super::*;
use crate::{
    HttpVersion, RouteOptions,
    rig::{Dialled, Peer, Plan, Rig, endpoint, within},
};

/// Endpoints by URL.
#[derive(Debug, Default)]
pub(crate) struct Known(pub(crate) parking_lot::Mutex<Vec<(String, Arc<Route>)>>);

impl Known {
    pub(crate) fn add(&self, url: &str, route: &Arc<Route>) {
        self.0.lock().push((url.to_owned(), Arc::clone(route)));
    }
}

impl Neighbours for Known {
    fn internal(&self, url: &InsideUrl) -> Option<Arc<Route>> {
        let known = self.0.lock();
        let found = known.iter().find(|(name, _)| *name == url.to_string());
        found.map(|(_, route)| Arc::clone(route))
    }
}

/// Leads connections elsewhere, if there is such an endpoint.
#[derive(Debug)]
struct Leads(&'static str);

impl Handler for Leads {
    fn needs(&self) -> Needs {
        Needs::CONNECT | Needs::INSIDE
    }

    async fn on_connect(&self, conn: &Arc<Conn>) -> Result<OnConnect, BoxError> {
        let to = InsideUrl::parse(self.0)?;
        let near = conn.nearby.get().ok_or("no way inside")?;
        Ok(if near.find(&to).is_ok() { OnConnect::Divert(to) } else { OnConnect::Next })
    }

    async fn on_request(&self, _: &mut Exchange) -> Result<adit_chain::OnRequest, BoxError> {
        Err("bytes are not asked about".into())
    }
}

/// A service of its own, and a route to it.
pub(crate) async fn other(
    host: &str,
    protocol: Protocol,
    links: Vec<Link>,
    options: RouteOptions,
) -> (TcpListener, Arc<Route>) {
    let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = service.local_addr().unwrap();
    let (n_connects, version) = (AtomicUsize::new(0), HttpVersion::Http1);
    let upstream = Arc::new(Dialled { addr, n_connects, version, origin: None });
    let endpoint = endpoint(host, protocol);
    (service, Arc::new(Route::new(endpoint, Chain::new(links), upstream, options)))
}

fn options(known: &Arc<Known>) -> RouteOptions {
    let neighbours = Some(Arc::<Known>::clone(known) as Arc<dyn Neighbours>);
    RouteOptions { neighbours, ..RouteOptions::new(Side::Edge) }
}

async fn rig(known: &Arc<Known>, to: &'static str) -> Rig {
    let links = vec![Link::new("test", Leads(to))];
    Rig::with(Plan { protocol: Protocol::Tcp, links, options: options(known), ..Plan::default() })
        .await
}

#[tokio::test]
async fn a_connection_goes_where_it_is_led_and_halves_end_by_themselves() {
    let known = Arc::new(Known::default());
    let (service, route) =
        other("db.internal", Protocol::Tcp, Vec::new(), RouteOptions::new(Side::Edge)).await;
    known.add("tcp://db.internal:5432", &route);
    let mut rig = rig(&known, "tcp://db.internal:5432").await;
    let mut visitor = rig.visit().await;
    visitor.send("to the other").await;
    let mut served = Peer(within(service.accept()).await.unwrap().0);
    served.until("to the other").await;
    visitor.close_half().await;
    assert_eq!(served.rest().await, "");
    served.send("and back").await;
    drop(served);
    assert_eq!(visitor.rest().await, "and back");
    let closed = rig.closed().await;
    assert_eq!((closed.totals.bytes_in, closed.totals.bytes_out), (12, 8));
    assert_eq!(rig.n_connects(), 0);
    assert_eq!((route.metrics.connections(), route.metrics.open()), (1, 0));
}

#[tokio::test]
async fn where_there_is_nothing_to_lead_to_handlers_learn_it() {
    let known = Arc::new(Known::default());
    let (_service, web) =
        other("web.internal", Protocol::Http, Vec::new(), RouteOptions::new(Side::Edge)).await;
    known.add("http://web.internal", &web);
    for to in ["tcp://db.internal:5432", "http://web.internal"] {
        let mut rig = rig(&known, to).await;
        let mut visitor = rig.visit().await;
        let mut served = rig.served().await;
        visitor.send("here").await;
        served.until("here").await;
        assert_eq!(web.metrics.connections(), 0);
    }
}

#[tokio::test]
async fn a_circle_ends() {
    let known = Arc::new(Known::default());
    let links = || vec![Link::new("test", Leads("tcp://a.internal:1"))];
    let (service, route) = other("a.internal", Protocol::Tcp, links(), options(&known)).await;
    known.add("tcp://a.internal:1", &route);
    let mut rig = rig(&known, "tcp://a.internal:1").await;
    let mut visitor = rig.visit().await;
    visitor.send("round").await;
    // The fifth finds no further way, and goes on to its own service.
    Peer(within(service.accept()).await.unwrap().0).until("round").await;
    assert_eq!(route.metrics.connections(), u64::from(MAX_FORWARDS));
}
