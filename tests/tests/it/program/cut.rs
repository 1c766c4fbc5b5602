//! What visitors are told whose request is cut when the program ends.

use adit_tests::{Upstream, eventually, service, soon, visitor::until_the_end};
use tokio::io::AsyncWriteExt as _;

use super::{Program, Signal, here};

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
        let hits = async || (upstream.hits() == 1).then_some(());
        eventually("the service is asked", hits).await;
        program.send(Signal::Int).await;
        if n_signals == 2 {
            soon("the first", program.line("received stop request")).await;
            program.send(Signal::Int).await;
        }
        let page = until_the_end(&mut socket).await;
        let told = format!("{inspect}, {n_signals}: {page}");
        assert!(page.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{told}");
        assert!(page.contains("ngrok-error-code: ERR_NGROK_3210\r\n"), "{told}");
        assert!(page.contains("The tunnel was shut down"), "{told}");
        assert_eq!(program.exit().await, (Some(0), String::new()));
    }
}
