//! What private services do with a connection. [`Upstream`](crate::Upstream) listens for them.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::Socket;

/// The body of a service's answer.
pub type Answer = BoxBody<Bytes, Infallible>;

/// Counts requests, or connections where no HTTP is spoken.
#[derive(Clone, Debug, Default)]
pub struct Hits(Arc<AtomicUsize>);

/// What is done with each connection.
pub type Service =
    Arc<dyn Fn(Socket, Hits) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

impl Hits {
    /// One more.
    pub fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A service that is a function.
pub fn service<F, S>(serve: F) -> Service
where
    F: Fn(Socket, Hits) -> S + Send + Sync + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    Arc::new(move |socket, hits| Box::pin(serve(socket, hits)))
}

/// A body that is a text.
pub fn body(text: impl Into<Bytes>) -> Answer {
    Full::from(text.into()).boxed()
}

/// Answers every request with this text.
pub fn counting(text: &'static str) -> Service {
    http(move |_| async move { Response::new(body(text)) })
}

/// Answers with the request as it arrived: one line a header, a blank line, and the body.
/// The answer has `x-mirror: yes`.
pub fn mirror() -> Service {
    http(|request| async move {
        let (head, incoming) = request.into_parts();
        let mut text = format!("{} {} {:?}\n", head.method, head.uri, head.version);
        for (name, value) in &head.headers {
            text += &format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
        }
        let bytes = incoming.collect().await.map(|b| b.to_bytes()).unwrap_or_default();
        text += &format!("\n{}", String::from_utf8_lossy(&bytes));
        let mut response = Response::new(body(text));
        response.headers_mut().insert("x-mirror", http::HeaderValue::from_static("yes"));
        response
    })
}

/// Serves HTTP/1 and HTTP/2 with a function.
pub fn http<F, A>(answer: F) -> Service
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Answer>> + Send + 'static,
{
    service(move |socket, hits| {
        let answer = answer.clone();
        async move {
            let service = service_fn(move |request| {
                hits.add();
                let answer = answer(request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            let server = auto::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection_with_upgrades(TokioIo::new(socket), service).await;
        }
    })
}

/// Sends back what it gets, and ends when the sender does.
pub fn echo() -> Service {
    service(|socket, hits| async move {
        hits.add();
        let (mut read, mut write) = tokio::io::split(socket);
        let _ = tokio::io::copy(&mut read, &mut write).await;
        let _ = write.shutdown().await;
    })
}

/// Sends back WebSocket messages until the visitor closes.
pub fn websocket_echo() -> Service {
    service(|socket, hits| async move {
        let Ok(mut socket) = tokio_tungstenite::accept_async(socket).await else { return };
        hits.add();
        while let Some(Ok(message)) = socket.next().await {
            let is_data = message.is_text() || message.is_binary();
            if is_data && socket.send(message).await.is_err() {
                return;
            }
        }
    })
}

/// Speaks first, before a byte arrives.
pub fn greeting(text: &'static str) -> Service {
    service(move |mut socket, hits| async move {
        hits.add();
        let _ = socket.write_all(text.as_bytes()).await;
        let _ = socket.read(&mut [0; 1]).await;
    })
}

/// Reads everything, and answers how many bytes it was only when the sender ended.
pub fn counts_to_the_end() -> Service {
    service(|mut socket, hits| async move {
        hits.add();
        let (mut buffer, mut total) = (vec![0; 64 * 1024], 0_usize);
        while let Ok(n @ 1..) = socket.read(&mut buffer).await {
            total += n;
        }
        let _ = socket.write_all(total.to_string().as_bytes()).await;
        let _ = socket.shutdown().await;
    })
}

/// Sends so many zero bytes and ends.
pub fn sends(total: usize) -> Service {
    service(move |mut socket, hits| async move {
        hits.add();
        let (chunk, mut left) = (vec![0; 64 * 1024], total);
        while left > 0 {
            let n = left.min(chunk.len());
            if socket.write_all(&chunk[..n]).await.is_err() {
                return;
            }
            left -= n;
        }
        let _ = socket.shutdown().await;
    })
}

/// Accepts and then does nothing at all, until the visitor leaves.
pub fn never_answers() -> Service {
    service(|mut socket, hits| async move {
        hits.add();
        let mut buffer = [0; 4096];
        while let Ok(1..) = socket.read(&mut buffer).await {}
    })
}

/// Answers the first bytes with these, whatever they are, and closes.
pub fn raw(bytes: &'static [u8]) -> Service {
    service(move |mut socket, hits| async move {
        hits.add();
        let _ = socket.read(&mut [0; 4096]).await;
        let _ = socket.write_all(bytes).await;
        let _ = socket.shutdown().await;
        while let Ok(1..) = socket.read(&mut [0; 4096]).await {}
    })
}

/// Answers with the first `n` bytes of a connection, as they came.
pub fn shows_the_first(n: usize) -> Service {
    service(move |mut socket, hits| async move {
        hits.add();
        let mut first = vec![0; n];
        if socket.read_exact(&mut first).await.is_ok() {
            let _ = socket.write_all(&first).await;
        }
        let _ = socket.shutdown().await;
    })
}
