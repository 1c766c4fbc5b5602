//! One connection, as handlers see it.

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::{Duration, Instant, SystemTime},
};

use parking_lot::Mutex;
use rustls::sign::CertifiedKey;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{Id, Nearby, VarLimit, Vars, vars};

/// What is spoken between the visitor and the public address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP without TLS.
    Http,
    /// HTTP inside TLS.
    Https,
    /// Bytes.
    Tcp,
    /// Bytes inside TLS, routed by SNI.
    Tls,
}

impl Protocol {
    /// The scheme of a public URL: `http`, `https`, `tcp`, `tls`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// Whether exchanges can be seen on it.
    pub const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }
}

/// What a handler may know of the endpoint it serves. The same for all its connections.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The name in the agent's file, or the bind's id at the edge.
    pub name: String,
    /// The public URL.
    pub url: String,
    /// Protocol of the public URL.
    pub protocol: Protocol,
    /// Where it leads, for people: `http://localhost:8080`.
    pub upstream: String,
    /// `host[:port]` that an HTTP upstream expects in `Host`, if there is one; the port is left
    /// out when it is the scheme's default.
    pub upstream_host: Option<String>,
}

/// Facts of the TLS session that was terminated for a connection.
#[derive(Clone, Debug, Default)]
pub struct TlsInfo {
    /// Server name that the visitor asked for, lower case.
    pub sni: Option<String>,
    /// Protocol chosen by ALPN.
    pub alpn: Option<Vec<u8>>,
    /// `1.2` or `1.3`.
    pub version: &'static str,
    /// Cipher suite, by its standard name.
    pub cipher_suite: String,
    /// Certificates that the visitor presented, leaf first, DER.
    pub client_certificates: Vec<Vec<u8>>,
    /// Distinguished name in the first of them: `C=SE, O=Example, CN=ann`.
    pub client_subject: Option<String>,
    /// What we presented, where that is known.
    pub presented: Option<Presented>,
}

/// The certificate that we presented, shared by all sessions with it.
#[derive(Clone)]
pub struct Presented(pub Arc<CertifiedKey>);

impl Presented {
    /// The certificate itself, DER.
    pub fn leaf(&self) -> Option<&[u8]> {
        self.0.cert.first().map(AsRef::as_ref)
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Presented({} certificates)", self.0.cert.len())
    }
}

/// What the visitor's first TLS message asked for, whoever answers it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// Server name, lower case.
    pub sni: Option<String>,
    /// Fingerprint of the message, in the form JA4; empty if it was not taken.
    pub ja4: String,
}

/// Knows what a connection has carried so far.
pub trait Meter: Send + Sync {
    /// What it has carried so far.
    fn carried(&self) -> Totals;
}

/// One visitor's connection to one endpoint.
#[derive(Debug)]
pub struct Conn {
    /// Identity, for logs and the inspector.
    pub id: Id,
    /// The visitor.
    pub client: SocketAddr,
    /// The public address that the visitor reached; at the agent, where it is not known, the
    /// unspecified address.
    pub server: SocketAddr,
    /// The endpoint that it came for.
    pub endpoint: Arc<Endpoint>,
    /// The TLS session, once one was terminated on this side.
    pub tls: OnceLock<TlsInfo>,
    /// What it asked for in its first TLS message, where that was looked at.
    pub hello: OnceLock<Hello>,
    /// Where the server is that it reached, in the operator's words.
    pub region: OnceLock<Arc<str>>,
    /// When it was accepted.
    pub started: Instant,
    /// When it was accepted, by the calendar.
    pub opened_at: SystemTime,
    /// The way to internal endpoints, for chains that need
    /// [`Needs::INSIDE`](crate::Needs::INSIDE).
    pub nearby: OnceLock<Arc<dyn Nearby>>,
    vars: Mutex<Vars>,
    /// What handlers keep for themselves, by their number.
    kept: Mutex<Vec<(u64, Vec<u8>)>>,
    meter: Metered,
}

/// Says nothing of what a meter is.
#[derive(Clone, Default)]
struct Metered(OnceLock<Arc<dyn Meter>>);

impl fmt::Debug for Metered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metered")
    }
}

impl Conn {
    /// A connection that has just been accepted.
    pub fn new(client: SocketAddr, server: SocketAddr, endpoint: Arc<Endpoint>) -> Self {
        Self {
            id: Id::next(),
            client,
            server,
            endpoint,
            tls: OnceLock::new(),
            hello: OnceLock::new(),
            region: OnceLock::new(),
            started: Instant::now(),
            opened_at: SystemTime::now(),
            nearby: OnceLock::new(),
            vars: Mutex::default(),
            kept: Mutex::default(),
            meter: Metered::default(),
        }
    }

    /// The same connection at another endpoint, or at what takes the place of its own.
    #[must_use]
    pub fn moved(&self, endpoint: Arc<Endpoint>) -> Self {
        Self {
            id: self.id,
            client: self.client,
            server: self.server,
            endpoint,
            tls: self.tls.clone(),
            hello: self.hello.clone(),
            region: self.region.clone(),
            started: self.started,
            opened_at: self.opened_at,
            nearby: OnceLock::new(),
            vars: Mutex::new(self.vars.lock().clone()),
            kept: Mutex::new(self.kept.lock().clone()),
            meter: self.meter.clone(),
        }
    }

    /// Settles who knows what the connection has carried. The first word counts.
    pub fn set_meter(&self, meter: Arc<dyn Meter>) {
        let _ = self.meter.0.set(meter);
    }

    /// What it has carried so far, where that is known.
    pub fn carried(&self) -> Totals {
        self.meter.0.get().map(|meter| meter.carried()).unwrap_or_default()
    }

    /// Keeps a value for the handler of that number: no other handler sees it, and it goes with the
    /// connection. The handler bounds its length.
    pub fn keep(&self, owner: u64, value: Vec<u8>) {
        let mut kept = self.kept.lock();
        match kept.iter_mut().find(|(other, _)| *other == owner) {
            Some((_, old)) => *old = value,
            None => kept.push((owner, value)),
        }
    }

    /// What the handler of that number kept.
    pub fn kept(&self, owner: u64) -> Option<Vec<u8>> {
        let kept = self.kept.lock();
        kept.iter().find(|(other, _)| *other == owner).map(|(_, value)| value.clone())
    }

    /// Sets a variable, which its exchanges see too.
    ///
    /// # Errors
    /// The limit that forbids it.
    pub fn set_var(&self, name: &str, value: impl Into<Value>) -> Result<(), VarLimit> {
        vars::set(&mut self.vars.lock(), name, value.into())
    }

    /// How many variables there are.
    pub fn n_vars(&self) -> usize {
        self.vars.lock().len()
    }

    /// A variable that a handler left.
    pub fn var(&self, name: &str) -> Option<Value> {
        self.vars.lock().get(name).cloned()
    }

    /// A fact under its dotted name, if it is known: `tls.version`, `tls.cipher-suite`, `tls.sni`,
    /// `tls.alpn`, `tls.client.subject`, the name in the visitor's certificate, and
    /// `tls.client.sha256`, the certificate's fingerprint in hex.
    pub fn attribute(&self, name: &str) -> Option<String> {
        let tls = self.tls.get()?;
        match name.strip_prefix("tls.")? {
            "version" => Some(tls.version.to_owned()),
            "cipher-suite" => Some(tls.cipher_suite.clone()),
            "sni" => tls.sni.clone(),
            "alpn" => tls.alpn.as_deref().map(|alpn| String::from_utf8_lossy(alpn).into_owned()),
            "client.subject" => tls.client_subject.clone(),
            "client.sha256" => tls.client_certificates.first().map(|der| hex(&Sha256::digest(der))),
            _ => None,
        }
    }
}

/// What a connection carried, told when it is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Bytes from the visitor to the upstream.
    pub bytes_in: u64,
    /// Bytes from the upstream to the visitor.
    pub bytes_out: u64,
}

/// The end of a connection, as handlers are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// What it carried.
    pub totals: Totals,
    /// From accept to the end.
    pub took: Duration,
    /// Why it failed, if it did; see [`failure`](crate::failure).
    pub failure: Option<&'static str>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_the_tls_session_have_dotted_names() {
        let conn = crate::conformance::conn();
        assert_eq!(conn.attribute("tls.version"), None);
        let tls = TlsInfo {
            sni: Some("app.example".into()),
            alpn: Some(b"h2".to_vec()),
            version: "1.3",
            cipher_suite: "TLS13_AES_128_GCM_SHA256".into(),
            client_certificates: vec![b"abc".to_vec()],
            client_subject: Some("O=Example, CN=ann".into()),
            presented: None,
        };
        conn.tls.set(tls).unwrap();
        let fact = |name| conn.attribute(name);
        assert_eq!(fact("tls.version").as_deref(), Some("1.3"));
        assert_eq!(fact("tls.cipher-suite").as_deref(), Some("TLS13_AES_128_GCM_SHA256"));
        assert_eq!(fact("tls.sni").as_deref(), Some("app.example"));
        assert_eq!(fact("tls.alpn").as_deref(), Some("h2"));
        assert_eq!(fact("tls.client.subject").as_deref(), Some("O=Example, CN=ann"));
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(fact("tls.client.sha256").as_deref(), Some(abc));
        assert_eq!(fact("geo.country"), None);
    }

    #[test]
    fn what_was_carried_is_asked_of_the_meter() {
        struct Half(u64);
        impl Meter for Half {
            fn carried(&self) -> Totals {
                Totals { bytes_in: self.0, bytes_out: 2 * self.0 }
            }
        }
        let conn = crate::conformance::conn();
        assert_eq!(conn.carried(), Totals::default());
        conn.set_meter(Arc::new(Half(4)));
        conn.set_meter(Arc::new(Half(5)));
        assert_eq!(conn.carried(), Totals { bytes_in: 4, bytes_out: 8 });
        let moved = conn.moved(crate::conformance::endpoint());
        assert_eq!(moved.carried(), conn.carried());
    }
}
