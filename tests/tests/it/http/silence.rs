//! Who was silent when a request comes to nothing.

use adit_tests::{Upstream, World, eventually, service};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::test]
async fn a_visitor_that_keeps_its_body_to_itself_is_told_so() {
    // At the agent the bytes pass as they are, or as HTTP where a handler wants to see it.
    for handlers in ["", "  handlers:\n  - response-headers: {add: [\"x-back:1\"]}\n"] {
        for (body, code) in [("half", "408 Request Timeout"), ("complete", "504 Gateway Timeout")] {
            let upstream = Upstream::serve(service::never_answers()).await;
            let url = upstream.http_url();
            let file = format!(
                "version: 3\nendpoints:\n- name: a\n  upstream: {{url: \"{url}\"}}\n{handlers}"
            );
            let world = World::new().agent(file).up().await;
            let mut socket = world.visitor().connect().await;
            let request = format!(
                "POST / HTTP/1.1\r\nhost: {}\r\ncontent-length: 8\r\nconnection: close\r\n\r\n{body}",
                world.visitor().authority()
            );
            socket.write_all(request.as_bytes()).await.unwrap();
            socket.flush().await.unwrap();
            let hits = async || (upstream.hits() == 1).then_some(());
            eventually("the service is asked", hits).await;
            // The clock stands still except when everything waits for it.
            tokio::time::pause();
            let mut page = String::new();
            let _ = socket.read_to_string(&mut page).await;
            tokio::time::resume();
            assert!(page.starts_with(&format!("HTTP/1.1 {code}\r\n")), "{page}");
            assert_eq!(page.contains("request&#39;s body did not come"), body == "half", "{page}");
            assert!(!page.contains("adit-origin"), "{page}");
            drop(socket);
            world.down().await.assert_no_task_left();
        }
    }
}
