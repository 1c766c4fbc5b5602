//! What a service says before its response.

use adit_tests::{Socket, Upstream, World, service, soon};
use http::StatusCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::watch,
};

const HINT: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n";

async fn head(mut socket: impl tokio::io::AsyncRead + Unpin) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon("a head", socket.read_u8()).await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// Hints, and answers when it is told to.
async fn hinting(told: watch::Receiver<bool>) -> Upstream {
    let service = service::service(move |mut socket, hits| {
        let mut told = told.clone();
        async move {
            head(&mut socket).await;
            hits.add();
            socket.write_all(HINT.as_bytes()).await.unwrap();
            told.wait_for(|go| *go).await.unwrap();
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
            let _ = socket.read(&mut [0; 1]).await;
        }
    });
    Upstream::serve(service).await
}

async fn ask(world: &World) -> Socket {
    let mut socket = world.visitor().connect().await;
    let request = format!("GET / HTTP/1.1\r\nhost: {}\r\n\r\n", world.visitor().authority());
    socket.write_all(request.as_bytes()).await.unwrap();
    socket.flush().await.unwrap();
    socket
}

#[tokio::test]
async fn hints_are_with_the_visitor_before_the_service_has_answered() {
    // At the agent the bytes pass as they are, or as HTTP where a handler wants to see it.
    for handlers in ["", "  handlers:\n  - response-headers: {add: [\"x-back:1\"]}\n"] {
        let (tell, told) = watch::channel(false);
        let upstream = hinting(told).await;
        let url = upstream.http_url();
        let file = format!(
            "version: 3\nendpoints:\n- name: a\n  upstream: {{url: \"{url}\"}}\n{handlers}"
        );
        let world = World::new().agent(file).up().await;
        let mut socket = ask(&world).await;
        assert_eq!(head(&mut socket).await, HINT, "{handlers}");
        tell.send_replace(true);
        let head = head(&mut socket).await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert_eq!(head.contains("x-back: 1\r\n"), !handlers.is_empty(), "{head}");
        drop(socket);

        let reply = world.get("/").http2().await;
        assert_eq!((reply.status(), reply.text().as_str()), (StatusCode::OK, "ok"));
        world.down().await.assert_clean();
    }
}
