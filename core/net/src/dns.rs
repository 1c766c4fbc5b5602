//! Asking what addresses a name has.
//!
//! The system's resolver does this, unless the user named DNS servers. For those there is a small
//! stub resolver: A and AAAA at the same time over UDP, again over TCP if the answer was cut.
//! It caches nothing and does not follow aliases itself; recursive servers do.

mod message;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::limits;
use message::{Answer, Kind, Query};

/// Who answers.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Resolver {
    /// The system, with all it knows: the hosts file, DNS, and whatever else it was told to ask.
    #[default]
    System,
    /// These DNS servers; the next one is asked when one does not answer.
    Servers(Arc<[SocketAddr]>),
}

impl Resolver {
    /// Asks these servers at the usual port, or the system if there is none.
    pub fn servers(ips: impl IntoIterator<Item = IpAddr>) -> Self {
        const PORT: u16 = 53;
        let servers: Arc<[_]> = ips.into_iter().map(|ip| SocketAddr::new(ip, PORT)).collect();
        if servers.is_empty() { Self::System } else { Self::Servers(servers) }
    }

    /// The addresses of `host`, at least one.
    ///
    /// # Errors
    ///
    /// If the name does not exist, has no address, or nobody answered.
    pub async fn lookup(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let addrs: Vec<_> = match self {
            Self::System => tokio::net::lookup_host((host, port)).await?.collect(),
            Self::Servers(servers) => {
                let ips = ask_in_turn(servers, host).await?;
                ips.into_iter().map(|ip| SocketAddr::new(ip, port)).collect()
            }
        };
        if addrs.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        Ok(addrs)
    }
}

/// Ours: a server that says that the name does not exist is believed; the others are not asked.
async fn ask_in_turn(servers: &[SocketAddr], host: &str) -> io::Result<Vec<IpAddr>> {
    let mut first_error = None;
    for &server in servers {
        let (v4, v6) = tokio::join!(ask(server, host, Kind::A), ask(server, host, Kind::Aaaa));
        match (v4, v6) {
            // One family is enough: some servers do not answer for the other at all.
            (Ok(a), Ok(b)) => return Ok(b.into_iter().chain(a).collect()),
            (Ok(ips), Err(_)) | (Err(_), Ok(ips)) if !ips.is_empty() => return Ok(ips),
            (Err(error), _) | (_, Err(error)) => {
                tracing::debug!(%server, %error, "DNS server gave no answer");
                if error.kind() == io::ErrorKind::NotFound {
                    return Err(error);
                }
                first_error.get_or_insert(error);
            }
        }
    }
    Err(first_error.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
}

async fn ask(server: SocketAddr, host: &str, kind: Kind) -> io::Result<Vec<IpAddr>> {
    let query = Query::new(host, kind, random_id()?)?;
    let exchange = async {
        match over_udp(server, &query).await? {
            Answer::Addresses(ips) => Ok(ips),
            Answer::Truncated => match over_tcp(server, &query).await? {
                Answer::Addresses(ips) => Ok(ips),
                Answer::Truncated => Err(io::ErrorKind::InvalidData.into()),
            },
        }
    };
    match timeout(limits::DNS_QUERY_TIMEOUT, exchange).await {
        Ok(result) => result,
        Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer from {server}"))),
    }
}

/// The port is random as well: the system chooses one for each question.
fn random_id() -> io::Result<u16> {
    let mut id = [0; 2];
    let random = crate::tls::provider().secure_random;
    random.fill(&mut id).map_err(|_| io::Error::other("no random bytes"))?;
    Ok(u16::from_be_bytes(id))
}

async fn over_udp(server: SocketAddr, query: &Query) -> io::Result<Answer> {
    let local: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((local, 0)).await?;
    socket.connect(server).await?;
    socket.send(query.as_bytes()).await?;
    let mut buf = [0; message::MAX_UDP];
    loop {
        let n = socket.recv(&mut buf).await?;
        // Datagrams that do not answer this question are somebody else's, or a forger's.
        if let Some(answer) = query.parse(&buf[..n]) {
            return answer;
        }
    }
}

async fn over_tcp(server: SocketAddr, query: &Query) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(server).await?;
    let len = u16::try_from(query.as_bytes().len()).expect("a question has at most 271 bytes");
    let mut framed = len.to_be_bytes().to_vec();
    framed.extend_from_slice(query.as_bytes());
    stream.write_all(&framed).await?;
    let len = usize::from(stream.read_u16().await?);
    let mut answer = vec![0; len.min(limits::MAX_DNS_MESSAGE)];
    stream.read_exact(&mut answer).await?;
    query.parse(&answer).unwrap_or_else(|| Err(io::ErrorKind::InvalidData.into()))
}

#[cfg(test)]
#[path = "dns/tests.rs"]
mod tests;
