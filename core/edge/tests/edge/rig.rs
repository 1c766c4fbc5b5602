//! An edge on loopback, agents driven by hand, and visitors that speak bytes.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use adit_chain::{BoxHandler, BuildCx, BuildError, Factory, Handler, Needs, Refusal, Registry};
use adit_edge::{
    Account, Accounts, Edge, FileAccounts, Settings, account::Credential, acl::Acl, settings::Ports,
};
use adit_mux::{self as mux, Stream};
use adit_net::{Rewind, tls};
use adit_proto::{
    ErrorCode, ErrorText, StreamType,
    message::{Auth, AuthExtra, AuthResp, Bind, BindResp, Proto, Request, StopTunnel, Unbind},
    options::Options,
    proxy::ProxyHeader,
    rpc::{self, Answered, CallError},
    session::{self, TypedStreams},
};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};

/// No test waits longer for anything.
pub const PATIENCE: Duration = Duration::from_secs(10);
pub const DOMAIN: &str = "edge.test";
pub const TOKEN: &str = "tok_good";

pub fn settings() -> Settings {
    let loopback = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut settings = Settings::new(DOMAIN);
    settings.tls = loopback;
    settings.http = loopback;
    settings.tcp.ip = [127, 0, 0, 1].into();
    settings.tcp.ports = Ports::Any;
    settings.public.tls = Some(443);
    settings.public.http = Some(80);
    settings
}

fn credential(token: &str, id: &str, rules: &[&str]) -> Credential {
    use sha2::Digest as _;
    let hash = adit_config::edge::TokenHash::new(sha2::Sha256::digest(token).into());
    let acl = Acl::parse(rules).unwrap();
    let account =
        Account { id: id.into(), credential: id.into(), acl, max_sessions: 3, ..Account::local() };
    Credential { hash, account }
}

/// `tok_good` of account `good`, `tok_other` of `other`, `tok_narrow` with rules.
pub fn accounts() -> Arc<dyn Accounts> {
    Arc::new(FileAccounts::new(vec![
        credential(TOKEN, "good", &[]),
        credential("tok_other", "other", &[]),
        credential("tok_narrow", "narrow", &["bind:only.edge.test", "bind:app=web"]),
    ]))
}

/// Handlers that stand in for the real ones: `ip-restriction` turns everybody away. Traffic policies
/// are real.
pub fn registry() -> Registry {
    #[derive(Debug)]
    struct Door;
    impl Handler for Door {
        fn needs(&self) -> Needs {
            Needs::CONNECT
        }
        async fn on_connect(
            &self,
            _: &Arc<adit_chain::Conn>,
        ) -> Result<adit_chain::OnConnect, adit_chain::BoxError> {
            let refusal = Refusal::new(http::StatusCode::FORBIDDEN, "not you");
            Ok(adit_chain::OnConnect::Refuse(refusal.with_code(adit_chain::code::IP_RESTRICTED)))
        }
    }
    struct Doors;
    impl Factory for Doors {
        fn kind(&self) -> &str {
            "ip-restriction"
        }
        fn build(&self, options: &Value, _: &BuildCx) -> Result<BoxHandler, BuildError> {
            if options["allow"][0] == "nonsense" {
                return Err(BuildError::new("not a network").at(["allow", "0"]));
            }
            Ok(BoxHandler::new(Door))
        }
    }
    let policies = adit_policy::factory(adit_policy::Services::default());
    Registry::default().with([Arc::new(Doors) as Arc<dyn Factory>, policies])
}

pub async fn edge() -> Edge {
    start(settings()).await
}

pub async fn start(settings: Settings) -> Edge {
    Edge::start(settings, registry(), accounts()).await.unwrap()
}

/// One connection of an agent.
pub struct Agent {
    pub mux: mux::Session,
    pub streams: TypedStreams,
    /// Heartbeat streams that were not looked at.
    pub held: Vec<Stream>,
    tasks: JoinSet<()>,
}

impl Agent {
    /// Over an in-memory link; not authenticated yet.
    pub fn join(edge: &Edge) -> Self {
        Self::over(edge.join())
    }

    pub fn over(io: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        let (mux, accept, driver) = mux::session(io, mux::Config::agent());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let _ = driver.await;
        });
        Self { mux, streams: TypedStreams::new(accept), held: Vec::new(), tasks }
    }

    /// Over TLS, as agents elsewhere do.
    pub async fn dial(edge: &Edge) -> Self {
        Self::over(tls_to(edge, &format!("connect.{DOMAIN}"), &[]).await)
    }

    /// Over an in-memory link, and in.
    pub async fn enter(edge: &Edge) -> (Self, AuthResp) {
        let agent = Self::join(edge);
        let answer = agent.auth(&auth("", "")).await.unwrap();
        (agent, answer)
    }

    /// Over TLS with a token, and in.
    pub async fn enter_as(edge: &Edge, token: &str) -> (Self, AuthResp) {
        let agent = Self::dial(edge).await;
        let mut auth = auth("", "");
        auth.extra.authtoken = token.into();
        let answer = agent.auth(&auth).await.unwrap();
        (agent, answer)
    }

    pub async fn call<Q: Request>(
        &self,
        request: &Q,
    ) -> Result<Answered<Q::Answer, Stream>, ErrorText> {
        match session::call(&self.mux, request, PATIENCE).await {
            Ok(answered) => Ok(answered),
            Err(CallError::Refused(error)) => Err(error),
            Err(error) => panic!("{error:?}"),
        }
    }

    pub async fn auth(&self, auth: &Auth) -> Result<AuthResp, ErrorText> {
        Ok(self.call(auth).await?.finish().await)
    }

    /// Binds and says that it is ready.
    pub async fn bind(&self, bind: &Bind) -> Result<BindResp, ErrorText> {
        Ok(self.call(bind).await?.finish().await)
    }

    pub async fn refused(&self, bind: &Bind) -> u32 {
        self.call(bind).await.map(|_| ()).unwrap_err().code().unwrap().0
    }

    pub async fn unbind(&self, id: &str) {
        self.call(&Unbind { id: id.to_owned(), extra: Value::Null }).await.unwrap().finish().await;
    }

    /// The next stream that is no heartbeat.
    pub async fn next(&mut self) -> (StreamType, Stream) {
        loop {
            let next = timeout(PATIENCE, self.streams.next()).await.expect("a stream in time");
            match next.expect("the session lives") {
                (StreamType::HEARTBEAT, stream) => self.held.push(stream),
                other => return other,
            }
        }
    }

    /// The next visitor.
    pub async fn visitor(&mut self) -> (ProxyHeader, Stream) {
        let (stream_type, mut stream) = self.next().await;
        assert_eq!(stream_type, StreamType::PROXY);
        (ProxyHeader::read(&mut stream).await.unwrap(), stream)
    }

    /// The next word that a tunnel has ended.
    pub async fn told(&mut self) -> StopTunnel {
        let (stream_type, mut stream) = self.next().await;
        assert_eq!(stream_type, StreamType::STOP_TUNNEL);
        rpc::request(&mut stream, PATIENCE).await.unwrap()
    }

    /// Waits until the edge has ended the connection.
    pub async fn ended(&self) -> mux::SessionError {
        timeout(PATIENCE, self.mux.closed()).await.expect("the edge ends it");
        self.mux.ended().unwrap()
    }

    /// Breaks the connection without a word.
    pub async fn vanish(mut self) {
        self.tasks.shutdown().await;
    }
}

pub fn auth(client_id: &str, cookie: &str) -> Auth {
    Auth {
        version: vec!["3".to_owned(), "2".to_owned()],
        client_id: client_id.to_owned(),
        extra: AuthExtra {
            authtoken: TOKEN.into(),
            cookie: cookie.into(),
            client_type: "adit".to_owned(),
            ..AuthExtra::default()
        },
    }
}

/// The `Auth` with which an agent comes back.
pub fn again(answer: &AuthResp) -> Auth {
    auth(&answer.client_id, answer.extra.cookie.expose())
}

pub fn bind(proto: Proto, opts: Value) -> Bind {
    Bind::new(proto, Options::try_from(opts).unwrap())
}

/// The bind with which an agent comes back.
pub fn rebind(answer: &BindResp) -> Bind {
    let mut bind = Bind::new(answer.proto, answer.opts.clone());
    bind.id = answer.id.clone();
    bind.extra.token = answer.extra.token.clone();
    bind
}

pub fn code(error: &ErrorText) -> ErrorCode {
    error.code().unwrap()
}

pub async fn tls_to(
    edge: &Edge,
    name: &str,
    alpn: &[&[u8]],
) -> impl AsyncRead + AsyncWrite + Send + Unpin + use<> {
    try_tls(edge, name, alpn).await.unwrap()
}

pub async fn try_tls(
    edge: &Edge,
    name: &str,
    alpn: &[&[u8]],
) -> Result<tokio_rustls::client::TlsStream<Rewind<TcpStream>>, tls::HandshakeError> {
    let mut roots = rustls::RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(edge.ca_pem().unwrap().as_bytes()).unwrap();
    roots.add(root).unwrap();
    let config = tls::client::verified(roots, alpn);
    let tcp = TcpStream::connect(edge.addresses().tls.unwrap()).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    tls::connect(Rewind::new(tcp), config, name, PATIENCE).await
}

/// Sends a request to the plain HTTP port and reads the answer to its end.
pub async fn get(edge: &Edge, host: &str, target: &str) -> String {
    let mut io = TcpStream::connect(edge.addresses().http.unwrap()).await.unwrap();
    request(&mut io, host, target).await;
    rest(&mut io).await
}

pub async fn request(io: &mut (impl AsyncWrite + Unpin), host: &str, target: &str) {
    let text = format!("GET {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    io.write_all(text.as_bytes()).await.unwrap();
    io.flush().await.unwrap();
}

pub async fn rest(io: &mut (impl AsyncRead + Unpin)) -> String {
    let mut all = Vec::new();
    // A close without a TLS goodbye is one as well.
    let _ = timeout(PATIENCE, io.read_to_end(&mut all)).await.expect("an answer in time");
    String::from_utf8(all).unwrap()
}

/// Reads until the text has come.
pub async fn until(io: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut all = Vec::new();
    let read = async {
        while !all.ends_with(end.as_bytes()) {
            all.push(io.read_u8().await.unwrap());
        }
    };
    timeout(PATIENCE, read).await.expect("the text in time");
    String::from_utf8(all).unwrap()
}

/// Answers one HTTP request on a visitor's stream, and ends it as an agent does.
pub async fn answer(stream: &mut Stream, body: &str) -> String {
    let head = until(stream, "\r\n\r\n").await;
    let text = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    head
}

/// Waits for what no event tells, with a deadline.
pub async fn eventually(mut done: impl FnMut() -> bool) {
    let poll = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, poll).await.expect("it happens in time");
}
