//! Host and port, as every address in a configuration ends up.

use std::{fmt, net::Ipv6Addr, str::FromStr};

/// Longest host name, in bytes (RFC 1035).
pub(crate) const MAX_HOST_LEN: usize = 253;
/// Longest part of a host name between dots, in bytes (RFC 1035).
const MAX_LABEL_LEN: usize = 63;

/// A host name or IP address with a port. IPv6 addresses are held without brackets and printed with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// Host name in lower case, or IP address.
    pub host: String,
    /// Port, never 0 when it was parsed by [`FromStr`].
    pub port: u16,
}

/// Where an agent dials its edge.
pub type ConnectAddr = HostPort;

/// Why an address was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostPortError {
    /// The host is empty or has characters that no host has.
    #[error("{}", if host.is_empty() {
        "there is no host; this machine is localhost".to_owned()
    } else {
        format!("{host:?} is not a host name or address")
    })]
    Host {
        /// What stood in the host's place.
        host: String,
    },
    /// No port where one is needed.
    #[error("{text:?} has no port; write host:port")]
    NoPort {
        /// What was written.
        text: String,
    },
    /// Not a port.
    #[error("{port:?} is not a port; write a number from 1 to 65535")]
    Port {
        /// What stood in the port's place.
        port: String,
    },
    /// An IPv6 address whose end cannot be told from a port.
    #[error("{text:?} is ambiguous; write an IPv6 address in brackets, as in [::1]:80")]
    Brackets {
        /// What was written.
        text: String,
    },
}

impl HostPort {
    /// A host with a port. The host is not checked.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }
}

impl FromStr for HostPort {
    type Err = HostPortError;

    fn from_str(text: &str) -> Result<Self, HostPortError> {
        let (host, port) = split(text)?;
        let port = port.ok_or_else(|| HostPortError::NoPort { text: text.to_owned() })?;
        Ok(Self { host, port })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Splits `host`, `host:port`, `[v6]`, `[v6]:port`; checks the host and puts it in lower case.
pub(crate) fn split(text: &str) -> Result<(String, Option<u16>), HostPortError> {
    if let Some(rest) = text.strip_prefix('[') {
        let bad = || HostPortError::Host { host: text.to_owned() };
        let (host, tail) = rest.split_once(']').ok_or_else(bad)?;
        // A zone such as %eth0 names an interface; the system's resolver understands it.
        let (address, _zone) = host.split_once('%').unwrap_or((host, ""));
        address.parse::<Ipv6Addr>().map_err(|_| bad())?;
        let port = match tail.strip_prefix(':') {
            Some(port) => Some(parse_port(port)?),
            None if tail.is_empty() => None,
            None => return Err(bad()),
        };
        return Ok((host.to_ascii_lowercase(), port));
    }
    if text.matches(':').count() > 1 {
        let text = text.to_owned();
        let is_address = text.bytes().all(|b| b.is_ascii_hexdigit() || b".:%".contains(&b));
        return Err(match is_address {
            true => HostPortError::Brackets { text },
            false => HostPortError::Host { host: text },
        });
    }
    match text.split_once(':') {
        None => Ok((check_host(text)?, None)),
        Some((host, port)) => Ok((check_host(host)?, Some(parse_port(port)?))),
    }
}

/// Reads an address to listen at: `host:port`, a bare port (this machine only), `:port` (every
/// interface). Port 0 lets the system choose.
pub(crate) fn parse_listen(text: &str) -> Result<HostPort, HostPortError> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return parse_listen(&format!("127.0.0.1:{text}"));
    }
    if text.starts_with(':') && text.matches(':').count() == 1 {
        return parse_listen(&format!("0.0.0.0{text}"));
    }
    match text.strip_suffix(":0") {
        Some(host) => Ok(HostPort { port: 0, ..format!("{host}:1").parse()? }),
        None => text.parse(),
    }
}

/// Reads a port from 1 to 65535.
pub(crate) fn parse_port(text: &str) -> Result<u16, HostPortError> {
    let bad = || HostPortError::Port { port: text.to_owned() };
    match text.parse() {
        Ok(port) if port > 0 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(port),
        _ => Err(bad()),
    }
}

/// The name in lower case (in punycode, if it is not ASCII), if it can be one.
pub(crate) fn check_host(host: &str) -> Result<String, HostPortError> {
    let bad = || HostPortError::Host { host: host.to_owned() };
    let ascii = if host.is_ascii() {
        host.to_ascii_lowercase()
    } else {
        url::Host::parse(host).map_err(|_| bad())?.to_string()
    };
    let name = ascii.strip_suffix('.').unwrap_or(&ascii);
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= MAX_LABEL_LEN
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    match name.len() <= MAX_HOST_LEN && name.split('.').all(label) {
        true => Ok(ascii),
        false => Err(bad()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn addresses_print_as_they_are_read() {
        for text in ["edge.example.com:443", "127.0.0.1:4443", "[::1]:80", "my_host:1"] {
            assert_eq!(text.parse::<HostPort>().unwrap().to_string(), text);
        }
        let idn: HostPort = "bücher.example:443".parse().unwrap();
        assert_eq!(idn.to_string(), "xn--bcher-kva.example:443");
    }

    #[test]
    fn bad_addresses_say_what_is_wrong() {
        let error = |text: &str| text.parse::<HostPort>().unwrap_err().to_string();
        assert_eq!(error("edge.example.com"), r#""edge.example.com" has no port; write host:port"#);
        assert_eq!(error("a:0"), r#""0" is not a port; write a number from 1 to 65535"#);
        assert_eq!(error("a:70000"), r#""70000" is not a port; write a number from 1 to 65535"#);
        assert_eq!(error("a:+80"), r#""+80" is not a port; write a number from 1 to 65535"#);
        assert_eq!(error("a b:80"), r#""a b" is not a host name or address"#);
        let nobody = "there is no host; this machine is localhost";
        assert_eq!(error(":80"), nobody);
        assert_eq!(error("http:a:80"), r#""http:a:80" is not a host name or address"#);
        assert_eq!(error("a:1,b:2"), r#""a:1,b:2" is not a host name or address"#);
        assert!(error("::1").ends_with("write an IPv6 address in brackets, as in [::1]:80"));
    }
}
