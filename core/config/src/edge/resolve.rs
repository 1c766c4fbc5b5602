//! From files and flags to an [`EdgeConfig`].

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    ops::RangeInclusive,
    path::PathBuf,
    time::Duration,
};

use super::{
    CertificateFiles, EdgeConfig, EdgeFile, EdgeLimits, Heartbeat, TcpPorts, Token, file, range,
};
use crate::{
    addr::{check_host, parse_listen, parse_port},
    config::{Log, LogTarget},
    diagnostic::{Diagnostic, Diagnostics},
    place::{At, Place},
};

/// What the edge accepts of agents' heartbeats by default holds for its own too: more often would be
/// a flood, more rarely would find nobody dead.
const HEARTBEAT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(600);

/// Everything that an edge's configuration is made of. Later beats earlier.
#[derive(Clone, Debug, Default)]
pub struct EdgeLayers {
    /// The files, in the order they were given, with what is wrong with each.
    pub files: Vec<(EdgeFile, Diagnostics)>,
    /// What the flags say.
    pub flags: EdgeFile,
}

impl EdgeLayers {
    /// Reads the file at `path` as the next layer.
    ///
    /// # Errors
    /// Only if it cannot be read; [`resolve`](Self::resolve) reports what is wrong inside.
    pub fn load(&mut self, path: &std::path::Path) -> Result<(), Diagnostics> {
        let bytes = crate::file::read_limited(path)?;
        self.files.push(EdgeFile::parse(&path.display().to_string(), &bytes));
        Ok(())
    }

    /// What all layers together mean.
    ///
    /// # Errors
    /// Every problem of every layer, in the order of the files and their lines.
    pub fn resolve(self) -> Result<EdgeConfig, Diagnostics> {
        let mut problems = Diagnostics::default();
        let mut merged = EdgeFile::default();
        let whole = if self.files.is_empty() { "--domain" } else { "the edge's configuration" };
        for (file, found) in self.files {
            merged.merge(file);
            problems.append(found);
        }
        merged.merge(self.flags);
        match resolve(merged, &Place::of(whole), &mut problems) {
            Some(config) => problems.into_result(config),
            // Whatever is missing has been noted.
            None => Err(problems.into_result(()).err().unwrap_or_default()),
        }
    }
}

fn resolve(file: EdgeFile, whole: &Place, problems: &mut Diagnostics) -> Option<EdgeConfig> {
    let domain = match &file.domain {
        Some(at) => check(problems, &at.place, check_host(&at.value)),
        // A file that could not be read has no domain either, and that is not what is wrong with it.
        None if !problems.is_empty() => None,
        None => {
            let d = Diagnostic::new(whole.clone(), "the edge has no domain");
            problems.push(d.hint("add domain: tunnel.example.com, or --domain"));
            None
        }
    };
    let connect_host = match &file.connect_host {
        Some(at) => check(problems, &at.place, check_host(&at.value)),
        None => domain.as_ref().map(|domain| format!("connect.{domain}")),
    };
    let defaults = EdgeConfig::new(domain.clone().unwrap_or_default());
    let http_addr = match &file.http_addr {
        None => defaults.http_addr,
        Some(at) if at.value == "false" => None,
        Some(at) => listen(at, problems),
    };
    let tls_addr = file.tls_addr.and_then(|at| listen(&at, problems));
    let tls_addr = tls_addr.unwrap_or(defaults.tls_addr);
    // Who comes by IPv6 to the one port comes so to the others. The wildcard takes IPv4 as well.
    let tcp_addr = match tls_addr.is_ipv6() {
        true => Ipv6Addr::UNSPECIFIED.into(),
        false => defaults.tcp_addr,
    };
    let log_target = file.log.map(|at| match at.value.as_str() {
        "stdout" => LogTarget::Stdout,
        "stderr" => LogTarget::Stderr,
        "false" => LogTarget::Off,
        _ => LogTarget::File(at.map(PathBuf::from)),
    });
    let heartbeat = file.heartbeat.unwrap_or_default();
    for written in heartbeat.interval.iter().chain(&heartbeat.tolerance) {
        range::check(written, &HEARTBEAT, problems);
    }
    Some(EdgeConfig {
        tls_addr,
        http_addr,
        tcp_addr: or(file.tcp_addr, tcp_addr),
        tcp_ports: file.tcp_ports.and_then(|at| tcp_ports(&at, problems)),
        certificates: certificates(file.cert, file.key, file.certificates, whole, problems),
        state_dir: file.state_dir,
        tokens: tokens(file.tokens, problems),
        region: or(file.region, defaults.region),
        public_tls_port: public_port(file.public_tls_port, problems),
        public_http_port: public_port(file.public_http_port, problems),
        limits: EdgeLimits::resolve(file.limits.unwrap_or_default(), problems),
        heartbeat: Heartbeat {
            interval: or(heartbeat.interval, defaults.heartbeat.interval),
            tolerance: or(heartbeat.tolerance, defaults.heartbeat.tolerance),
        },
        policy_requests: or(file.policy_requests, defaults.policy_requests),
        reconnect_grace: or(file.reconnect_grace, defaults.reconnect_grace),
        drain: or(file.drain, defaults.drain),
        log: Log {
            target: log_target.unwrap_or(defaults.log.target),
            format: or(file.log_format, defaults.log.format),
            level: or(file.log_level, defaults.log.level),
        },
        domain: domain?,
        connect_host: connect_host?,
    })
}

fn or<T>(written: Option<At<T>>, default: T) -> T {
    written.map_or(default, |at| at.value)
}

fn check<T, E: ToString>(problems: &mut Diagnostics, at: &Place, r: Result<T, E>) -> Option<T> {
    r.map_err(|e| problems.push(Diagnostic::new(at.clone(), e.to_string()))).ok()
}

/// An address to listen at must be an address: a name could mean several.
fn listen(written: &At<String>, problems: &mut Diagnostics) -> Option<SocketAddr> {
    let addr = check(problems, &written.place, parse_listen(&written.value))?;
    let ip = match addr.host.as_str() {
        "localhost" => Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        host => host.parse().map_err(|_| format!("{host:?} is not an IP address to listen at")),
    };
    Some((check(problems, &written.place, ip)?, addr.port).into())
}

fn public_port(written: Option<At<u16>>, problems: &mut Diagnostics) -> Option<u16> {
    let At { value: port, place } = written?;
    if port == 0 {
        problems.push(Diagnostic::new(place, "visitors cannot see port 0"));
        return None;
    }
    Some(port)
}

fn tcp_ports(written: &At<String>, problems: &mut Diagnostics) -> Option<TcpPorts> {
    let text = written.value.trim();
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (parse_port(first.trim()), parse_port(last.trim())) {
        (Ok(first), Ok(last)) if first <= last => Some(TcpPorts { first, last }),
        _ => {
            let message = format!("{text:?} is not a range of ports");
            let d = Diagnostic::new(written.place.clone(), message);
            problems.push(d.hint("write it as 20000-20100"));
            None
        }
    }
}

fn certificates(
    cert: Option<At<PathBuf>>,
    key: Option<At<PathBuf>>,
    more: Option<At<Vec<At<file::Pair>>>>,
    whole: &Place,
    problems: &mut Diagnostics,
) -> Vec<CertificateFiles> {
    let mut pairs = Vec::new();
    let first =
        (cert.is_some() || key.is_some()).then(|| At::new(file::Pair { cert, key }, whole.clone()));
    for At { value: pair, place } in first.into_iter().chain(more.into_iter().flat_map(|l| l.value))
    {
        match (pair.cert, pair.key) {
            (Some(cert), Some(key)) => pairs.push(CertificateFiles { cert, key }),
            (Some(At { place, .. }), None) | (None, Some(At { place, .. })) => {
                problems.push(Diagnostic::new(place, "cert and key need each other"));
            }
            (None, None) => {
                problems.push(Diagnostic::new(place, "the entry has neither cert nor key"));
            }
        }
    }
    pairs
}

fn tokens(written: Option<At<Vec<At<file::Token>>>>, problems: &mut Diagnostics) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut ids: BTreeMap<String, Place> = BTreeMap::new();
    for At { value: token, place } in written.into_iter().flat_map(|list| list.value) {
        let (Some(id), Some(hash)) = (token.id, token.hash) else {
            let d = Diagnostic::new(place, "a token needs an id and a hash");
            problems.push(d.hint("write {id: NAME, hash: \"sha256:…\"}"));
            continue;
        };
        if let Some(first) = ids.insert(id.value.clone(), id.place.clone()) {
            let message = format!("token {:?} is also defined at {first}", id.value);
            problems.push(Diagnostic::new(id.place, message));
        }
        let Some(hash) = check(problems, &hash.place, hash.value.parse()) else { continue };
        tokens.push(Token {
            id: id.value,
            hash,
            description: token.description.map_or_else(String::new, |at| at.value),
            max_sessions: token.max_sessions.map(|at| at.value),
            acl: token.acl.map_or_else(Vec::new, |at| at.value),
        });
    }
    tokens
}
