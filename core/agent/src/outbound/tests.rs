use std::{
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::*;

/// A service that answers each request with the same octets, and tells what it was asked.
struct Echo {
    addr: SocketAddr,
    asked: mpsc::Receiver<String>,
    connections: Arc<AtomicUsize>,
    _tasks: Tasks,
}

impl Echo {
    /// Closes each connection after so many answers.
    async fn start(answer: &'static str, per_connection: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (tell, asked) = mpsc::channel(16);
        let connections = Arc::new(AtomicUsize::new(0));
        let tasks = Tasks::new();
        let (spawner, count) = (tasks.spawner(), Arc::clone(&connections));
        drop(tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Relaxed);
                drop(spawner.spawn(serve(stream, answer, per_connection, tell.clone())));
            }
        }));
        Self { addr, asked, connections, _tasks: tasks }
    }

    fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: &'static str,
    answers: usize,
    tell: mpsc::Sender<String>,
) {
    let mut read = Vec::new();
    for _ in 0..answers {
        while !read.ends_with(b"\r\n\r\n") && !read.ends_with(b"END") {
            if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let text = String::from_utf8(std::mem::take(&mut read)).unwrap();
        tell.send(text).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\nx-a: 1\r\nkeep-alive: 5\r\ncontent-length: 3\r\n\r\nyes";

fn caller() -> Caller {
    Caller::new(RootCertStore::empty())
}

fn get(target: &str) -> Request<Bytes> {
    Request::get(target).body(Bytes::new()).unwrap()
}

async fn call(
    caller: &Caller,
    service: &str,
    request: Request<Bytes>,
) -> Result<Response<Bytes>, CallError> {
    caller.call(service, request, 1_000, Instant::now() + Duration::from_secs(10)).await
}

#[tokio::test]
async fn a_call_reaches_the_service_with_its_own_host_and_the_answer_comes_back_whole() {
    let mut echo = Echo::start(OK, 9).await;
    let request = Request::post("/check?x=1").header("x-b", "2").body("asked END".into()).unwrap();
    let response = call(&caller(), &echo.url(), request).await.unwrap();
    assert_eq!((response.status().as_u16(), response.body().as_ref()), (200, b"yes".as_slice()));
    assert_eq!(response.headers()["x-a"], "1");
    assert!(!response.headers().contains_key("keep-alive"));
    let asked = echo.asked.recv().await.unwrap();
    assert!(asked.starts_with("POST /check?x=1 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("host: {}\r\n", echo.addr)), "{asked}");
    assert!(asked.contains("content-length: 9\r\n"), "{asked}");
    assert!(asked.contains("user-agent: adit/"), "{asked}");
}

#[tokio::test]
async fn connections_are_kept_and_one_that_was_closed_costs_nothing_but_time() {
    let mut echo = Echo::start(OK, 2).await;
    let caller = caller();
    for _ in 0..4 {
        call(&caller, &echo.url(), get("/")).await.unwrap();
        echo.asked.recv().await.unwrap();
    }
    assert_eq!(echo.connections.load(Relaxed), 2);
}

#[tokio::test]
async fn redirects_are_answers() {
    let echo = Echo::start("HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n", 1);
    let echo = echo.await;
    let response = call(&caller(), &echo.url(), get("/")).await.unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(echo.connections.load(Relaxed), 1);
}

#[tokio::test]
async fn an_answer_has_as_many_octets_as_were_asked_for() {
    let echo = Echo::start(OK, 9).await;
    let deadline = Instant::now() + Duration::from_secs(10);
    let caller = caller();
    let result = caller.call(&echo.url(), get("/"), 2, deadline).await;
    assert_eq!(result.unwrap_err(), CallError::TooLong { most: 2 });
    assert!(caller.call(&echo.url(), get("/"), 3, deadline).await.is_ok());
}

#[tokio::test]
async fn a_service_that_is_silent_costs_no_more_than_the_deadline() {
    let echo = Echo::start("", 2).await;
    let began = Instant::now();
    let deadline = began + Duration::from_millis(50);
    let result = caller().call(&echo.url(), get("/"), 9, deadline).await;
    assert_eq!(result.unwrap_err(), CallError::Timeout);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn only_allowed_addresses_are_called_whatever_the_name_is() {
    let echo = Echo::start(OK, 9).await;
    let deadline = Instant::now() + Duration::from_secs(10);
    let (caller, by_name) = (caller(), format!("http://localhost:{}", echo.addr.port()));
    for url in [echo.url(), by_name] {
        let call =
            |allows: fn(IpAddr) -> bool| caller.call_where(&url, get("/"), 9, deadline, allows);
        let error = call(|ip| !ip.is_loopback()).await.unwrap_err();
        assert!(matches!(error, CallError::Forbidden { .. }), "{url}: {error}");
        assert_eq!(echo.connections.load(Relaxed), 0);
        let (response, address) = call(|ip| ip == IpAddr::from([127, 0, 0, 1])).await.unwrap();
        assert_eq!((response.status().as_u16(), address), (200, Some(echo.addr.ip())));
        echo.connections.store(0, Relaxed);
    }
}

#[tokio::test]
async fn names_stand_for_urls_until_they_are_set_anew() {
    let echo = Echo::start(OK, 9).await;
    let caller = caller();
    caller.set_names([("api".to_owned(), echo.url())]);
    assert!(call(&caller, "api", get("/")).await.is_ok());
    caller.set_names([]);
    let reason = r#""api" is no endpoint of this agent, and no URL"#.to_owned();
    let error = call(&caller, "api", get("/")).await.unwrap_err();
    assert_eq!(error, CallError::Unreachable { reason });
}

#[tokio::test]
async fn what_is_no_service_is_unreachable() {
    let refused = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    for url in [
        refused.as_str(),
        "ftp://127.0.0.1",
        "http://127.0.0.1/path",
        "http://user@127.0.0.1",
        "http://",
    ] {
        let error = call(&caller(), url, get("/")).await.unwrap_err();
        assert!(matches!(error, CallError::Unreachable { .. }), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_broken() {
    let echo = Echo::start("SSH-2.0-x\r\n\r\n", 1).await;
    let error = call(&caller(), &echo.url(), get("/")).await.unwrap_err();
    assert!(matches!(error, CallError::Broken { .. }), "{error:?}");
}

#[tokio::test]
async fn certificates_are_verified() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, private) = (key.cert.pem(), key.signing_key.serialize_pem());
    let mut roots = RootCertStore::empty();
    roots.add(key.cert.der().clone()).unwrap();
    let config = server_config(&cert, &private);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tasks = Tasks::new();
    let spawner = tasks.spawner();
    drop(tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(&config));
            drop(spawner.spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut read = Vec::new();
                while !read.ends_with(b"\r\n\r\n") {
                    if stream.read_buf(&mut read).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let _gone = stream.write_all(OK.as_bytes()).await;
            }));
        }
    }));
    let url = format!("https://localhost:{port}");
    let response = call(&Caller::new(roots), &url, get("/")).await.unwrap();
    assert_eq!(response.body().as_ref(), b"yes");
    let error = call(&caller(), &url, get("/")).await.unwrap_err();
    assert!(matches!(&error, CallError::Unreachable { .. }), "{error:?}");
}

fn server_config(cert: &str, private: &str) -> Arc<rustls::ServerConfig> {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
    let cert = CertificateDer::from_pem_slice(cert.as_bytes()).unwrap();
    let private = PrivateKeyDer::from_pem_slice(private.as_bytes()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::clone(tls::provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert], private)
        .unwrap();
    Arc::new(config)
}
