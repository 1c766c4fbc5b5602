//! What visitors are told whose request is cut when the program ends.

use adit_tests::{Upstream, eventually, identity::Identity, service, soon, visitor::until_the_end};
use tokio::io::AsyncWriteExt as _;

use super::{Program, Signal, here, visitor};

/// Asks the program to end, once or twice, as soon as the service was asked.
async fn interrupt(program: &mut Program, upstream: &Upstream, n_signals: usize) {
    let hits = async || (upstream.hits() == 1).then_some(());
    eventually("the service is asked", hits).await;
    program.send(Signal::Int).await;
    if n_signals == 2 {
        soon("the first", program.line("received stop request")).await;
        program.send(Signal::Int).await;
    }
}

#[tokio::test]
async fn a_request_that_the_end_cuts_is_not_blamed_on_the_service() {
    // At the agent the bytes pass as they are watched, or unseen.
    for (inspect, n_signals) in [("true", 1), ("false", 1), ("true", 2), ("false", 2)] {
        let home = tempfile::tempdir().unwrap();
        let upstream = Upstream::serve(service::never_answers()).await;
        let addr = upstream.addr().to_string();
        let mut program = Program::start(&home, &["http", &addr, &format!("--inspect={inspect}")]);
        let visitor = here(&program.url().await);
        let mut socket = visitor.connect().await;
        let request =
            format!("GET / HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", visitor.authority());
        socket.write_all(request.as_bytes()).await.unwrap();
        interrupt(&mut program, &upstream, n_signals).await;
        let page = until_the_end(&mut socket).await;
        let told = format!("{inspect}, {n_signals}: {page}");
        assert!(page.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{told}");
        assert!(page.contains("ngrok-error-code: ERR_NGROK_3210\r\n"), "{told}");
        assert!(page.contains("The tunnel was shut down"), "{told}");
        assert_eq!(program.exit().await, (Some(0), String::new()));
    }
}

#[tokio::test]
async fn so_it_is_where_the_agent_ends_tls() {
    let ours = Identity::new("app.localhost");
    for (inspect, n_signals, http2) in [("true", 1, false), ("false", 2, false), ("true", 1, true)]
    {
        let home = tempfile::tempdir().unwrap();
        for (name, pem) in [("cert.pem", &ours.cert), ("key.pem", &ours.key)] {
            std::fs::write(home.path().join(name), pem).unwrap();
        }
        let upstream = Upstream::serve(service::never_answers()).await;
        let addr = upstream.addr().to_string();
        let inspect = format!("--inspect={inspect}");
        let mut args = vec!["http", &addr, &inspect, "--url=https://app.localhost"];
        args.extend(["--terminate-at=agent", "--crt=cert.pem", "--key=key.pem"]);
        let mut program = Program::start(&home, &args);
        let asking =
            visitor(&program.url().await, [127, 0, 0, 1].into(), Some(&ours.root)).get("/");
        let asking = if http2 { asking.http2() } else { asking };
        let ending = interrupt(&mut program, &upstream, n_signals);
        let (reply, ()) = tokio::join!(async { asking.await }, ending);
        let told = format!("{inspect}, {n_signals}, {http2}: {}", reply.text());
        assert_eq!((reply.status().as_u16(), reply.code()), (502, "ERR_NGROK_3210"), "{told}");
        assert!(told.contains("The tunnel was shut down"), "{told}");
        assert_eq!(program.exit().await, (Some(0), String::new()));
    }
}
