//! Many visitors at once, of all kinds, on several threads.

use std::time::Duration;

use adit_agent::EndpointSpec;
use adit_tests::{Upstream, Visitor, World, eventually, service, soon, visitor::Requests};
use http_body_util::BodyExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinSet,
};

const N_VISITORS: u64 = 48;
const N_VISITS: u64 = 12;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        let (len, first) = (self.roll(most), self.roll(251));
        (0..len).map(|n| u8::try_from((first + n) % 251).unwrap()).collect()
    }
}

/// Two endpoints that send back what they get: the first over HTTP, the second over TCP.
async fn world(web: &Upstream, echo: &Upstream) -> World {
    let specs = [EndpointSpec::http(&web.http_url()), EndpointSpec::tcp(&echo.tcp_url())];
    World::new().path(Duration::ZERO).agent(specs).up().await
}

/// Answers each request with its own body.
pub(crate) async fn web() -> Upstream {
    Upstream::http(|request| async move {
        let body = request.into_body().collect().await.map(|body| body.to_bytes());
        http::Response::new(service::body(body.unwrap_or_default()))
    })
    .await
}

/// One exchange over a connection that is kept. None: it broke.
async fn exchange(requests: &mut Requests, visitor: &Visitor, body: Vec<u8>) -> Option<Vec<u8>> {
    let request = match requests {
        Requests::Http1(_) => http::Request::post("/").header("host", visitor.authority()),
        Requests::Http2(_) => http::Request::post(format!("https://{}/", visitor.authority())),
    };
    let response = requests.send(request.body(service::body(body)).unwrap()).await.ok()?;
    if response.status() != 200 {
        return None;
    }
    Some(response.into_body().collect().await.ok()?.to_bytes().to_vec())
}

/// Sends bytes, ends, and returns what comes back; or breaks off in the middle.
async fn talk(visitor: &Visitor, body: &[u8], breaks_off: bool) -> Option<Vec<u8>> {
    let socket = visitor.try_tcp().await.ok()?;
    let (mut read, mut write) = socket.into_split();
    let send = async {
        write.write_all(body).await.ok()?;
        if !breaks_off {
            write.shutdown().await.ok()?;
        }
        Some(())
    };
    let mut all = Vec::new();
    if breaks_off {
        send.await?;
        return Some(body.to_vec());
    }
    let (sent, received) = tokio::join!(send, read.read_to_end(&mut all));
    sent?;
    received.ok()?;
    Some(all)
}

/// One visitor's day. Returns how many visits failed; a wrong answer is never fine.
async fn day(web: Visitor, raw: Visitor, seed: u64) -> u64 {
    let mut dice = Dice(seed);
    let mut n_failed = 0;
    let mut kept: Option<Requests> = None;
    for _ in 0..N_VISITS {
        let body = dice.bytes(200_000);
        let answer = match dice.roll(4) {
            0 => talk(&raw, &body, false).await,
            1 => talk(&raw, &body, true).await,
            kind => {
                let mut requests = match kept.take() {
                    Some(requests) => requests,
                    None if kind == 2 => web.http1().await,
                    None => web.http2().await,
                };
                let answer = exchange(&mut requests, &web, body.clone()).await;
                kept = answer.is_some().then_some(requests);
                answer
            }
        };
        match answer {
            Some(answer) => assert!(answer == body, "{} of {} bytes", answer.len(), body.len()),
            None => n_failed += 1,
        }
    }
    n_failed
}

/// Visitors of an HTTP and a TCP endpoint that send back what they get. Each tells how many of
/// his visits failed.
pub(crate) fn storm(web: &Visitor, raw: &Visitor) -> JoinSet<u64> {
    let mut visitors = JoinSet::new();
    for seed in 0..N_VISITORS {
        visitors.spawn(day(web.clone(), raw.clone(), seed));
    }
    visitors
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_a_storm_everybody_gets_his_own_bytes() {
    let (web, echo) = (web().await, Upstream::echo().await);
    let world = world(&web, &echo).await;
    let failed =
        soon("the storm", storm(&world.visitor_to(0), &world.visitor_to(1)).join_all()).await;
    assert_eq!(failed.iter().sum::<u64>(), 0);
    world.down().await.assert_no_task_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_over_a_path_that_breaks_passes() {
    let (web, echo) = (web().await, Upstream::echo().await);
    let world = world(&web, &echo).await;
    let storm = storm(&world.visitor_to(0), &world.visitor_to(1));
    for wanted in [60, 160, 260] {
        eventually("the storm goes on", async || {
            (web.hits() + echo.hits() >= wanted).then_some(())
        })
        .await;
        world.path().cut();
    }
    let failed: u64 = soon("the storm", storm.join_all()).await.iter().sum();
    assert!(failed < N_VISITORS * N_VISITS / 2, "{failed} visits failed");
    assert_eq!(world.get("/").await.status(), 200);
    world.down().await.assert_no_task_left();
}
