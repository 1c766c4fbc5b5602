//! Several agents, and who may have which address.

use std::{collections::BTreeMap, sync::Arc};

use adit_agent::{BindError, EndpointSpec};
use adit_chain::{Conn, Protocol};
use adit_net::{Io, Rewind};
use adit_proto::ErrorCode;
use adit_runtime::{ForwardCx, forward};
use adit_tests::{Upstream, World, soon};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const URL: &str = "https://shared.tunnel.test";

fn code(error: &BindError) -> Option<ErrorCode> {
    error.refusal().and_then(adit_proto::ErrorText::code)
}

#[tokio::test]
async fn agents_that_pool_share_the_load_of_one_url() {
    let (a, b) = (Upstream::counting("a").await, Upstream::counting("b").await);
    let spec = |upstream: &Upstream| EndpointSpec::http(&upstream.http_url()).url(URL).pooled();
    let world = World::new().agent(spec(&a)).agent(spec(&b)).up().await;
    assert_eq!(world.endpoint(0).url(), world.endpoint(1).url());
    for _ in 0..10 {
        assert_eq!(world.get("/").await.status(), 200);
    }
    assert_eq!((a.hits(), b.hits()), (5, 5));
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_pool_goes_on_without_a_member() {
    let (a, b) = (Upstream::counting("a").await, Upstream::counting("b").await);
    let spec = |upstream: &Upstream| EndpointSpec::http(&upstream.http_url()).url(URL).pooled();
    let mut world = World::new().agent(spec(&a)).agent(spec(&b)).up().await;
    world.unbind().await;
    for _ in 0..4 {
        assert_eq!(world.get("/").await.text(), "a");
    }
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_url_that_is_taken_is_refused_with_its_code() {
    let upstream = Upstream::counting("hello").await;
    let spec = EndpointSpec::http(&upstream.http_url()).url(URL);
    let mut world = World::new().agent(spec.clone()).up().await;
    world.join([]).await;
    for taken in [
        spec.clone(),
        spec.pooled(),
        EndpointSpec::tls(&upstream.tcp_url()).url("tls://shared.tunnel.test"),
    ] {
        let error = world.bind(1, taken).await.unwrap_err();
        assert_eq!(code(&error), Some(ErrorCode(334)), "{error}");
    }
    assert_eq!(world.get("/").await.text(), "hello");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_port_that_is_taken_is_refused_with_its_code() {
    let upstream = Upstream::echo().await;
    let spec = EndpointSpec::tcp(&upstream.tcp_url());
    let mut world = World::new().agent(spec.clone()).up().await;
    let error = world.bind(0, spec.url(&world.url())).await.unwrap_err();
    assert_eq!(code(&error), Some(ErrorCode(334)), "{error}");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn an_endpoint_that_was_given_back_is_offline_and_free() {
    let upstream = Upstream::counting("hello").await;
    let spec = EndpointSpec::http(&upstream.http_url()).url(URL);
    let mut world = World::new().agent(spec.clone()).up().await;
    let visitor = world.visitor();
    world.unbind().await;
    let reply = visitor.get("/").await;
    assert_eq!((reply.status().as_u16(), reply.code()), (404, "ERR_NGROK_3200"));
    world.join(spec).await;
    assert_eq!(visitor.get("/").await.text(), "hello");
    world.down().await.assert_clean();
}

#[tokio::test]
async fn a_labelled_tunnel_is_found_by_its_labels() {
    let upstream = Upstream::echo().await;
    let labels = [("team", "blue"), ("app", "echo")];
    let spec = EndpointSpec::tcp(&upstream.tcp_url()).labels(labels);
    let world = World::new().agent(spec).up().await;
    let find = |labels: &[(&str, &str)]| {
        let labels: BTreeMap<_, _> =
            labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        world.edge().route_labels("local", &labels, "tcp://tunnel.test:1", Protocol::Tcp)
    };
    assert!(find(&[("team", "red")]).is_none());
    assert!(find(&[("team", "blue"), ("x", "y")]).is_none());
    let route = find(&[("team", "blue")]).unwrap();

    let (mut visitor, server) = tokio::io::duplex(1024);
    let addr = "192.0.2.7:5555".parse().unwrap();
    let conn = Arc::new(Conn::new(addr, addr, Arc::clone(&route.endpoint)));
    let cx = ForwardCx::default();
    let forwarded = Box::pin(forward(conn, Rewind::new(Io::other(server)), route, &cx));
    let talk = async {
        visitor.write_all(b"by label").await.unwrap();
        visitor.shutdown().await.unwrap();
        let mut echo = String::new();
        visitor.read_to_string(&mut echo).await.unwrap();
        echo
    };
    let (echo, _) = soon("an echo", async { tokio::join!(talk, forwarded) }).await;
    assert_eq!(echo, "by label");
    world.down().await.assert_clean();
}
