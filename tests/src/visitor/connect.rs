//! Connections of a visitor.

use std::{io, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::WebSocketStream;

use super::Visitor;
use crate::{Socket, service::Answer, soon};

/// A WebSocket connection.
pub type WebSocket = WebSocketStream<Socket>;

/// Sends requests over one connection.
#[derive(Debug)]
pub enum Requests {
    /// One at a time.
    Http1(http1::SendRequest<Answer>),
    /// Any number at once.
    Http2(http2::SendRequest<Answer>),
}

impl Requests {
    /// Sends a request; the response's body is still to come.
    ///
    /// # Errors
    /// The connection ended before the response.
    pub async fn send(&mut self, request: Request<Answer>) -> hyper::Result<Response<Incoming>> {
        match self {
            Self::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
            Self::Http2(sender) => {
                sender.ready().await?;
                sender.send_request(request).await
            }
        }
    }
}

impl Visitor {
    /// A connection as the URL's scheme asks for: with TLS or without.
    ///
    /// # Panics
    /// If it cannot be had.
    pub async fn connect(&self) -> Socket {
        self.try_connect().await.expect("the edge takes the visitor")
    }

    /// Tries to connect as the URL's scheme asks for.
    ///
    /// # Errors
    /// Whoever terminates TLS refused, or nobody accepts.
    pub async fn try_connect(&self) -> io::Result<Socket> {
        match self.scheme.as_str() {
            "https" | "tls" => Ok(Box::new(self.try_tls(&[]).await?)),
            _ => Ok(Box::new(self.try_tcp().await?)),
        }
    }

    /// A TLS connection that offers these protocols.
    ///
    /// # Errors
    /// Whoever terminates TLS refused, or nobody accepts.
    pub async fn try_tls(&self, alpn: &[&[u8]]) -> io::Result<TlsStream<TcpStream>> {
        let mut config = ClientConfig::clone(&self.tls);
        config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
        let name = self.sni.as_ref().unwrap_or(&self.host).clone();
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        let tcp = self.try_tcp().await?;
        soon("a TLS handshake", TlsConnector::from(Arc::new(config)).connect(name, tcp)).await
    }

    /// A connection for HTTP/1.1.
    ///
    /// # Panics
    /// If it cannot be had.
    pub async fn http1(&self) -> Requests {
        let (sender, connection) = http1::handshake(TokioIo::new(self.connect().await))
            .await
            .expect("no bytes are needed");
        let connection = connection.with_upgrades();
        self.spawn(async {
            let _ = connection.await;
        });
        Requests::Http1(sender)
    }

    /// A connection for HTTP/2: by ALPN, or with prior knowledge where there is no TLS.
    ///
    /// # Panics
    /// If it cannot be had.
    pub async fn http2(&self) -> Requests {
        let socket: Socket = match self.scheme.as_str() {
            "https" => {
                let tls = self.try_tls(&[b"h2"]).await.expect("the edge takes the visitor");
                assert_eq!(tls.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
                Box::new(tls)
            }
            _ => self.connect().await,
        };
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
            .await
            .expect("the edge speaks HTTP/2");
        self.spawn(async {
            let _ = connection.await;
        });
        Requests::Http2(sender)
    }

    /// A WebSocket at a path.
    ///
    /// # Panics
    /// If it cannot be had.
    pub async fn websocket(&self, path: &str) -> WebSocket {
        let url = format!("ws://{}{path}", self.authority());
        let socket = self.connect().await;
        let opened = soon("a WebSocket", tokio_tungstenite::client_async(url, socket)).await;
        opened.expect("the service speaks WebSocket").0
    }

    /// Sends these bytes, and returns what comes until the other side closes.
    pub async fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut socket = self.connect().await;
        // Who refuses early may close before it has read all.
        let _ = socket.write_all(bytes.as_ref()).await;
        let _ = socket.flush().await;
        until_the_end(&mut socket).await
    }

    /// Runs something until the world goes down.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().expect("no test panics with it");
        tasks.spawn(task);
    }
}

/// What is left to read; a reset counts as the end.
pub async fn until_the_end(socket: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut all = Vec::new();
    let _ = soon("the end of a connection", socket.read_to_end(&mut all)).await;
    String::from_utf8_lossy(&all).into_owned()
}

/// Reads a body with its trailers.
pub(super) async fn whole(mut body: Incoming) -> (Bytes, Option<HeaderMap>, Option<hyper::Error>) {
    use http_body_util::BodyExt as _;
    let (mut bytes, mut trailers) = (Vec::new(), None);
    while let Some(frame) = soon("a body", body.frame()).await {
        match frame.map(hyper::body::Frame::into_data) {
            Ok(Ok(data)) => bytes.extend_from_slice(&data),
            Ok(Err(frame)) => trailers = frame.into_trailers().ok(),
            Err(error) => return (bytes.into(), trailers, Some(error)),
        }
    }
    (bytes.into(), trailers, None)
}
