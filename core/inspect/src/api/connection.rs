//! One connection of a client.

use std::{convert::Infallible, future::poll_fn, pin::Pin, sync::Arc};

use adit_net::ConnStop;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tracing::debug;

use super::{
    limits::{HEAD_TIMEOUT, LINGER, MAX_HEAD, MAX_LINGER},
    service::Service,
    steady::Steady,
};

/// Answers requests until the client leaves, or the service stops.
pub(super) async fn serve(service: Arc<Service>, stream: TcpStream, signals: ConnStop) {
    let handler = service_fn(move |request| {
        let service = Arc::clone(&service);
        let answering: Pin<Box<dyn Future<Output = _> + Send>> =
            Box::pin(async move { Ok::<_, Infallible>(service.answer(request).await) });
        answering
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_header_size(MAX_HEAD);
    let mut connection = builder.serve_connection(TokioIo::new(Steady::new(stream)), handler);
    let served = tokio::select! {
        biased;
        served = poll_fn(|cx| connection.poll_without_shutdown(cx)) => served,
        () = signals.stop.cancelled() => {
            Pin::new(&mut connection).graceful_shutdown();
            poll_fn(|cx| connection.poll_without_shutdown(cx)).await
        }
    };
    if let Err(error) = served {
        debug!(obj = "web", %error, "a connection ended early");
        if error.is_incomplete_message() || error.is_closed() {
            return;
        }
    }
    let io = connection.into_parts().io.into_inner();
    linger(io, &signals).await;
}

/// Lets the client read the last answer: closing a socket that has unread bytes would reset it. It
/// is not worth waiting for when the service stops.
async fn linger(mut io: Steady<TcpStream>, signals: &ConnStop) {
    if io.shutdown().await.is_err() {
        return;
    }
    let mut rest = io.take(MAX_LINGER);
    let mut nowhere = tokio::io::sink();
    tokio::select! {
        biased;
        _ = timeout(LINGER, tokio::io::copy(&mut rest, &mut nowhere)) => {}
        () = signals.stop.cancelled() => {}
    }
}
