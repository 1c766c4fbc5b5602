//! Rules that lead to internal endpoints, from visitors to services.

use adit_tests::{Upstream, World, service, soon, visitor::until_the_end};
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderValue, Response};
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::Message;

/// A file of an agent with endpoints: name, URL, upstream, and further lines of each.
fn file(endpoints: &[(&str, &str, &str, &str)]) -> String {
    let mut text = "version: 3\nendpoints:\n".to_owned();
    for (name, url, upstream, more) in endpoints {
        text += &format!("- name: {name}\n  url: {url}\n  upstream: {{url: \"{upstream}\"}}\n");
        for line in more.lines() {
            text += &format!("  {line}\n");
        }
    }
    text
}

/// Lines of an endpoint whose requests meet these actions, at one side.
fn rules(side: &str, phase: &str, actions: &str) -> String {
    format!("enforce: {side}\ntraffic_policy: {{{phase}: [{{actions: [{actions}]}}]}}")
}

fn forward(url: &str) -> String {
    format!("{{type: forward-internal, config: {{url: \"{url}\"}}}}")
}

fn forward_or(url: &str) -> String {
    format!("{{type: forward-internal, config: {{url: \"{url}\", on_error: continue}}}}")
}

const WEB: &str = "https://web.tunnel.test";

#[tokio::test]
async fn the_closest_endpoint_answers_at_either_side_and_sees_the_visitors_host() {
    let front = Upstream::counting("front").await;
    let (one, any) = (Upstream::mirror().await, Upstream::counting("any").await);
    let to = forward("https://${req.url.path.substring(1)}.apps.internal");
    for side in ["edge", "agent"] {
        let rules = rules(side, "on_http_request", &to);
        let web = ("web", WEB, &*front.http_url(), &*rules);
        let back = "traffic_policy: {on_http_response: [{actions: [{type: add-headers, config: \
                    {headers: {x-inner: \"${res.status_code}\"}}}]}]}";
        let (one_url, any_url) = (one.http_url(), any.http_url());
        let inner = [
            ("one", "https://one.apps.internal", &*one_url, back),
            ("any", "https://*.apps.internal", &*any_url, ""),
        ];
        let world = match side {
            "edge" => World::new().agent(file(&[web])).agent(file(&inner)),
            _ => World::new().agent(file(&[web, inner[0], inner[1]])),
        };
        let world = world.up().await;
        let visitor = world.visitor_of(WEB);
        let reply = visitor.post("/one", "body").await;
        let seen = reply.text();
        assert!(seen.starts_with("POST /one "), "{side}: {seen}");
        assert!(seen.contains(&format!("\nhost: {}\n", visitor.authority())), "{side}: {seen}");
        assert!(seen.contains("\nx-forwarded-proto: https\n"), "{side}: {seen}");
        assert!(seen.ends_with("\n\nbody"), "{side}: {seen}");
        assert_eq!(reply.header("x-inner"), "200", "{side}");
        assert_eq!(visitor.get("/two").await.text(), "any", "{side}");
        assert_eq!(visitor.get("/two").http2().await.text(), "any", "{side}");
        world.down().await.assert_no_task_left();
    }
    assert_eq!(front.hits(), 0);
}

#[tokio::test]
async fn an_agent_finds_its_own_endpoints_by_name_too() {
    let (front, side) = (Upstream::counting("front").await, Upstream::counting("side").await);
    let rules = rules("agent", "on_http_request", &forward_or("https://${req.method}.internal"));
    let (front_url, side_url) = (front.http_url(), side.http_url());
    let world = World::new().agent(file(&[
        ("web", WEB, &front_url, &rules),
        ("post", "https://side.tunnel.test", &side_url, ""),
        ("put", "http://other.tunnel.test", &side_url, ""),
    ]));
    let world = world.up().await;
    let visitor = world.visitor_of(WEB);
    assert_eq!(visitor.post("/", "").await.text(), "side");
    let put = visitor.get("/").method(http::Method::PUT).await;
    assert_eq!(put.text(), "front", "a name has one scheme");
    assert_eq!(visitor.get("/").await.text(), "front");
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn endpoints_of_a_pool_take_turns() {
    let front = Upstream::counting("front").await;
    let inner = [Upstream::counting("a").await, Upstream::counting("b").await];
    let rules = rules("edge", "on_http_request", &forward("https://pool.internal"));
    let urls = inner.each_ref().map(Upstream::http_url);
    let world = World::new().agent(file(&[("web", WEB, &front.http_url(), &rules)]));
    let pooled =
        |url: &str| file(&[("pool", "https://pool.internal", url, "pooling_enabled: true")]);
    let world = world.agent(pooled(&urls[0])).agent(pooled(&urls[1])).up().await;
    let visitor = world.visitor_of(WEB);
    for _ in 0..6 {
        visitor.get("/").await;
    }
    assert_eq!(inner.each_ref().map(Upstream::hits), [3, 3]);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn what_cannot_be_reached_is_told_or_the_next_action_has_the_body() {
    let front = Upstream::mirror().await;
    let nobody = format!("http://{}", Upstream::nobody().await);
    for side in ["edge", "agent"] {
        let halts = forward("https://${req.url.path.substring(6)}.internal");
        let goes_on = forward_or("https://${req.url.path.substring(6)}.internal");
        let policy = format!(
            "enforce: {side}\ntraffic_policy: {{on_http_request: [\
             {{expressions: [\"req.url.path.startsWith('/halt/')\"], actions: [{halts}]}}, \
             {{actions: [{goes_on}, {{type: add-headers, config: {{headers: {{x-error: \
             \"${{actions.ngrok.forward_internal.error.code}}\"}}}}}}]}}]}}"
        );
        let front_url = front.http_url();
        let web = ("web", WEB, &*front_url, &*policy);
        let down = ("down", "https://down.internal", &*nobody, "");
        let world = World::new().agent(file(&[web, down])).up().await;
        let visitor = world.visitor_of(WEB);
        for (name, status, code) in
            [("none", 404, "ERR_NGROK_3200"), ("down", 502, "ERR_NGROK_8012")]
        {
            let reply = visitor.get(&format!("/halt/{name}")).await;
            assert_eq!((reply.status().as_u16(), reply.code()), (status, code), "{side}");
            let seen = visitor.post(&format!("/more/{name}"), "all of it").await.text();
            assert!(seen.contains(&format!("\nx-error: {code}\n")), "{side}: {seen}");
            assert!(seen.ends_with("\n\nall of it"), "{side}: {seen}");
        }
        world.down().await.assert_no_task_left();
    }
}

#[tokio::test]
async fn circles_of_endpoints_end() {
    let front = Upstream::counting("front").await;
    let url = front.http_url();
    let to_a = rules("edge", "on_http_request", &forward("https://a.internal"));
    let to_b = rules("edge", "on_http_request", &forward("https://b.internal"));
    let asks = rules(
        "edge",
        "on_http_request",
        "{type: http-request, config: {url: \"http://c.internal\", on_error: halt}}",
    );
    let world = World::new().agent(file(&[
        ("web", WEB, &url, &to_a),
        ("a", "https://a.internal", &url, &to_b),
        ("b", "https://b.internal", &url, &to_a),
        ("asks", "https://asks.tunnel.test", &url, &asks),
        ("c", "http://c.internal", &url, &asks),
    ]));
    let world = world.up().await;
    let reply = world.visitor_of(WEB).get("/").await;
    assert_eq!((reply.status().as_u16(), reply.code()), (508, "ERR_NGROK_3501"));
    // Only the innermost finds that there are too many; to the others, that is an answer.
    let reply = world.visitor_of("https://asks.tunnel.test").get("/").await;
    assert_eq!((reply.status().as_u16(), reply.text().as_str()), (200, "front"));
    assert_eq!(front.hits(), 3);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn websockets_and_streams_pass() {
    let front = Upstream::counting("front").await;
    let echo = Upstream::serve(service::websocket_echo()).await;
    for side in ["edge", "agent"] {
        let rules = rules(side, "on_http_request", &forward("https://ws.internal"));
        let (front_url, echo_url) = (front.http_url(), echo.http_url());
        let web = ("web", WEB, &*front_url, &*rules);
        let ws = ("ws", "https://ws.internal", &*echo_url, "");
        let world = World::new().agent(file(&[web, ws])).up().await;
        let mut socket = world.visitor_of(WEB).websocket("/chat").await;
        for text in ["hello", "again"] {
            socket.send(Message::text(text)).await.unwrap();
            let echoed = soon("an echo", socket.next()).await.unwrap().unwrap();
            assert_eq!(echoed.into_text().unwrap().as_str(), text, "{side}");
        }
        drop(socket);
        world.down().await.assert_no_task_left();
    }
}

#[tokio::test]
async fn connections_go_to_an_internal_endpoint_and_end_by_halves() {
    let front = Upstream::counting("front").await;
    let inner = Upstream::counts_to_the_end().await;
    for side in ["edge", "agent"] {
        let actions = [
            forward_or("tcp://none.internal:1"),
            forward_or("https://${'none'}.internal"),
            forward("tcp://db.internal:5432"),
        ];
        let rules = rules(side, "on_tcp_connect", &actions.join(", "));
        let (front_url, inner_url) = (front.tcp_url(), inner.tcp_url());
        let front = ("front", "tcp://", &*front_url, &*rules);
        let db = ("db", "tcp://db.internal:5432", &*inner_url, "");
        let world = World::new().agent(file(&[front, db])).up().await;
        let mut socket = world.visitor().connect().await;
        socket.write_all(&vec![0; 100_000]).await.unwrap();
        socket.shutdown().await.unwrap();
        assert_eq!(until_the_end(&mut socket).await, "100000", "{side}");
        world.down().await.assert_no_task_left();
    }
    assert_eq!(front.hits(), 0);
}

#[tokio::test]
async fn a_connection_that_leads_nowhere_is_closed() {
    let front = Upstream::echo().await;
    for side in ["edge", "agent"] {
        let rules = rules(side, "on_tcp_connect", &forward("tcp://none.internal:1"));
        let url = front.tcp_url();
        let world = World::new().agent(file(&[("front", "tcp://", &url, &rules)])).up().await;
        let mut socket = world.visitor().connect().await;
        assert_eq!(until_the_end(&mut socket).await, "", "{side}");
        world.down().await.assert_no_task_left();
    }
    assert_eq!(front.hits(), 0);
}

#[tokio::test]
async fn tls_passes_or_ends_before_a_connection_goes_on() {
    let (front, inner) = (Upstream::echo().await, Upstream::counts_to_the_end().await);
    let ends = format!("{{type: terminate-tls}}, {}", forward("tcp://db.internal:1"));
    // The other endpoint ends it.
    let passes = forward("tls://db.internal");
    let (front_url, inner_url) = (front.tcp_url(), inner.tcp_url());
    let world = World::new().agent(file(&[
        ("ends", "tls://ends.tunnel.test", &front_url, &rules("edge", "on_tcp_connect", &ends)),
        (
            "passes",
            "tls://passes.tunnel.test",
            &front_url,
            &rules("edge", "on_tcp_connect", &passes),
        ),
        ("https", WEB, &front.http_url(), &rules("edge", "on_tcp_connect", &passes)),
        ("plain", "tcp://db.internal:1", &inner_url, ""),
        (
            "tls",
            "tls://db.internal",
            &inner_url,
            &rules("edge", "on_tcp_connect", "{type: terminate-tls}"),
        ),
    ]));
    let world = world.up().await;
    for url in ["tls://ends.tunnel.test", "tls://passes.tunnel.test", "tls://web.tunnel.test"] {
        let mut socket = world.visitor_of(url).connect().await;
        socket.write_all(b"inside of TLS").await.unwrap();
        socket.shutdown().await.unwrap();
        assert_eq!(until_the_end(&mut socket).await, "13", "{url}");
    }
    assert_eq!(front.hits(), 0);
    world.down().await.assert_no_task_left();
}

#[tokio::test]
async fn a_rule_asks_an_endpoint_and_uses_its_answer() {
    let front = Upstream::counting("front").await;
    let inner = Upstream::http(|request: http::Request<hyper::body::Incoming>| async move {
        let who = request.uri().query().unwrap_or_default().to_owned();
        Response::new(service::body(format!("{{\"plan\": \"{who}\"}}")))
    })
    .await;
    let actions = "{type: http-request, config: {url: \"https://plans.internal/of?ann\"}}, \
                   {type: custom-response, config: {body: \
                   \"${actions.ngrok.http_request.res.body.decodeJson().plan} \
                   ${actions.ngrok.http_request.res.status_code}\"}}";
    for side in ["edge", "agent"] {
        let rules = rules(side, "on_http_request", actions);
        let (front_url, inner_url) = (front.http_url(), inner.http_url());
        let web = ("web", WEB, &*front_url, &*rules);
        let plans = ("plans", "https://plans.internal", &*inner_url, "");
        let world = World::new().agent(file(&[web, plans])).up().await;
        assert_eq!(world.visitor_of(WEB).get("/").await.text(), "ann 200", "{side}");
        world.down().await.assert_no_task_left();
    }
    assert_eq!((front.hits(), inner.hits()), (0, 2));
}

#[tokio::test]
async fn only_our_own_answers_carry_our_codes() {
    let liar = Upstream::http(|_| async {
        let mut response = Response::new(service::body("lies"));
        let code = HeaderValue::from_static("ERR_NGROK_3200");
        response.headers_mut().insert("ngrok-error-code", code);
        response
    })
    .await;
    let nobody = format!("http://{}", Upstream::nobody().await);
    let rules = rules("edge", "on_http_request", &forward("https://liar.internal"));
    let url = liar.http_url();
    let world = World::new().agent(file(&[
        ("plain", WEB, &url, ""),
        ("led", "https://led.tunnel.test", &url, &rules),
        ("liar", "https://liar.internal", &url, ""),
        ("down", "https://down.tunnel.test", &nobody, ""),
    ]));
    let world = world.up().await;
    for url in [WEB, "https://led.tunnel.test"] {
        let reply = world.visitor_of(url).get("/").await;
        assert_eq!((reply.text().as_str(), reply.code()), ("lies", ""), "{url}");
    }
    let reply = world.visitor_of("https://down.tunnel.test").get("/").await;
    assert_eq!((reply.status().as_u16(), reply.code()), (502, "ERR_NGROK_8012"));
    world.down().await.assert_no_task_left();
}
