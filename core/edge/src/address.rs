//! Which public address a bind gets: what was asked for, and whether it may have it.

use std::sync::Arc;

use adit_proto::{
    ErrorCode, ErrorText,
    message::{Bind, Proto},
};

use crate::{
    account::Account,
    host::HostName,
    settings::{CustomHosts, Ports, Settings},
};

/// What internal names end with. Fact: the public documentation of the ngrok service.
const INTERNAL: &str = ".internal";

/// The address of an endpoint: a public one, or an internal one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    pub(crate) proto: Proto,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Where an address is looked up. `https` and `tls` share the port, so they share the names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Plain(String),
    Secure(String),
    Port(u16),
    /// `host:port` of an account, which no visitor can ask for.
    Internal(Arc<str>, String),
}

/// What an agent asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Whatever is free.
    Any,
    Host(HostName),
    Port(u16),
    /// A name that only handlers reach, which has all ports.
    Internal(HostName, u16),
}

/// The names and ports that this edge has, once its listeners are bound.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) domain: String,
    pub(crate) tcp_host: String,
    pub(crate) ports: Ports,
    pub(crate) http_port: Option<u16>,
    pub(crate) tls_port: Option<u16>,
    pub(crate) custom: CustomHosts,
    pub(crate) connect: Vec<String>,
}

impl Address {
    /// `https://host`, with the port where it is not the scheme's.
    pub(crate) fn url(&self) -> String {
        let Self { proto, host, port } = self;
        let default = match proto {
            Proto::Http => Some(80),
            Proto::Https | Proto::Tls => Some(443),
            Proto::Tcp => None,
        };
        if default == Some(*port) {
            format!("{proto}://{host}")
        } else {
            format!("{proto}://{host}:{port}")
        }
    }

    /// What the answer to a bind calls it: `host`, or `host:port` for tcp.
    pub(crate) fn short(&self) -> String {
        match self.proto {
            Proto::Tcp => format!("{}:{}", self.host, self.port),
            _ => self.host.clone(),
        }
    }

    /// Whether visitors cannot reach it: only handlers of its account send there.
    pub(crate) fn is_internal(&self) -> bool {
        self.host.ends_with(INTERNAL)
    }

    /// Whether it is a port of this edge, with a listener of its own.
    pub(crate) fn has_listener(&self) -> bool {
        self.proto == Proto::Tcp && !self.is_internal()
    }

    /// Where it is looked up. Each account has internal names of its own.
    pub(crate) fn key(&self, account: &Arc<str>) -> Key {
        match self.proto {
            _ if self.is_internal() => {
                Key::Internal(Arc::clone(account), format!("{}:{}", self.host, self.port))
            }
            Proto::Http => Key::Plain(self.host.clone()),
            Proto::Https | Proto::Tls => Key::Secure(self.host.clone()),
            Proto::Tcp => Key::Port(self.port),
        }
    }
}

impl Places {
    pub(crate) fn new(settings: &Settings, http: Option<u16>, tls: Option<u16>) -> Self {
        let mut connect = settings.connect_names.clone();
        connect.push(settings.connect_name());
        connect.push(settings.domain.clone());
        let tcp_host = match settings.tcp.host.as_str() {
            "" => settings.domain.clone(),
            host => host.to_ascii_lowercase(),
        };
        Self {
            domain: settings.domain.clone(),
            tcp_host,
            ports: settings.tcp.ports.clone(),
            http_port: http.map(|own| settings.public.http.unwrap_or(own)),
            tls_port: tls.map(|own| settings.public.tls.unwrap_or(own)),
            custom: settings.custom_hosts,
            connect,
        }
    }

    /// The address of an internal name.
    pub(crate) fn internal(&self, proto: Proto, host: &HostName, port: u16) -> Address {
        Address { proto, host: host.as_str().to_owned(), port }
    }

    /// The address of a name.
    pub(crate) fn named(&self, proto: Proto, host: &HostName) -> Result<Address, ErrorText> {
        let port = if proto == Proto::Http { self.http_port } else { self.tls_port };
        let port = port
            .ok_or_else(|| invalid(format!("This edge has no listener for {proto} endpoints.")))?;
        Ok(Address { proto, host: host.as_str().to_owned(), port })
    }

    /// The address of a port.
    pub(crate) fn numbered(&self, port: u16) -> Address {
        Address { proto: Proto::Tcp, host: self.tcp_host.clone(), port }
    }

    /// What a request asks for. Order: URL, Domain, Hostname, Subdomain; for tcp URL, Addr.
    pub(crate) fn wanted(&self, bind: &Bind) -> Result<Wanted, ErrorText> {
        let decode = |error: adit_proto::json::DecodeError| invalid(format!("Opts: {error}."));
        let (url, names, subdomain) = match bind.proto {
            Proto::Http | Proto::Https => {
                let opts = bind.opts.http().map_err(decode)?;
                (opts.url, [opts.domain, opts.hostname], opts.subdomain)
            }
            Proto::Tls => {
                let opts = bind.opts.tls().map_err(decode)?;
                (opts.url, [opts.domain, opts.hostname], opts.subdomain)
            }
            Proto::Tcp => {
                let opts = bind.opts.tcp().map_err(decode)?;
                (opts.url, [opts.addr, String::new()], String::new())
            }
        };
        let from_url = self.parse_url(bind.proto, &url)?;
        if from_url != Wanted::Any {
            return Ok(from_url);
        }
        if let Some(name) = names.iter().find(|name| !name.is_empty()) {
            return match bind.proto {
                Proto::Tcp => self.parse_port(name),
                _ => HostName::parse(name).and_then(|host| named_or_internal(bind.proto, host)),
            };
        }
        if subdomain.is_empty() {
            return Ok(Wanted::Any);
        }
        HostName::parse(&format!("{subdomain}.{}", self.domain)).map(Wanted::Host)
    }

    /// The address that a URL of ours names: that of a bind token.
    pub(crate) fn of_url(&self, proto: Proto, url: &str) -> Option<Address> {
        match self.parse_url(proto, url).ok()? {
            Wanted::Any => None,
            Wanted::Host(host) => self.named(proto, &host).ok(),
            Wanted::Port(port) => Some(self.numbered(port)),
            Wanted::Internal(host, port) => Some(self.internal(proto, &host, port)),
        }
    }

    fn parse_url(&self, proto: Proto, url: &str) -> Result<Wanted, ErrorText> {
        let rest = match url.split_once("://") {
            None => url,
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case(proto.as_str()) => rest,
            Some((scheme, _)) => {
                return Err(invalid(format!(
                    "The URL {url:?} has the scheme {scheme:?}, but the endpoint is {proto}."
                )));
            }
        };
        if rest.is_empty() {
            return Ok(Wanted::Any);
        }
        if rest.len() > 1 && rest.ends_with('/') && !rest[..rest.len() - 1].contains('/') {
            let message = format!("The URL {url:?} ends in a slash; leave it out.");
            return Err(ErrorText::new(ErrorCode::URL_TRAILING_SLASH, message));
        }
        let refuse = |part: &str| {
            let message = format!("The URL {url:?} has {part}, which an endpoint cannot have.");
            Err(ErrorText::new(ErrorCode::URL_PART, message))
        };
        for (mark, part) in
            [('/', "a path"), ('?', "a query"), ('#', "a fragment"), ('@', "a user")]
        {
            if rest.contains(mark) {
                return refuse(part);
            }
        }
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        };
        let is_internal = host.to_ascii_lowercase().ends_with(INTERNAL);
        if proto == Proto::Tcp && !is_internal {
            return self.parse_port(rest);
        }
        let host = HostName::parse(host)?;
        if is_internal {
            return match port.map(str::parse::<u16>) {
                None => named_or_internal(proto, host),
                Some(Ok(port)) if port != 0 => Ok(Wanted::Internal(host, port)),
                Some(_) => refuse("a port that is not one of 1 to 65535"),
            };
        }
        let ours = self.named(proto, &host)?.port;
        match port.map(str::parse::<u16>) {
            None => Ok(Wanted::Host(host)),
            Some(Ok(port)) if port == ours => Ok(Wanted::Host(host)),
            Some(_) => refuse(&format!("another port than {ours}")),
        }
    }

    /// `host:port`, `:port` or `port`; a port of 0 asks for any.
    fn parse_port(&self, text: &str) -> Result<Wanted, ErrorText> {
        let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
        let Ok(port) = port.parse::<u16>() else {
            return Err(invalid(format!("The address {text:?} is not \"host:port\".")));
        };
        let ours = host.is_empty() || host.eq_ignore_ascii_case(&self.tcp_host);
        let free = match &self.ports {
            Ports::Any => true,
            Ports::None => false,
            Ports::Range(range) => port == 0 || range.contains(&port),
        };
        if !ours || !free {
            let message = match &self.ports {
                Ports::None => "This edge has no tcp endpoints.".to_owned(),
                Ports::Any => {
                    format!("{text:?} is not an address of this edge; use {}:PORT.", self.tcp_host)
                }
                Ports::Range(range) => format!(
                    "{text:?} is not an address of this edge; use {}:{} to {}.",
                    self.tcp_host,
                    range.start(),
                    range.end()
                ),
            };
            return Err(ErrorText::new(ErrorCode::TCP_NOT_RESERVED, message));
        }
        Ok(if port == 0 { Wanted::Any } else { Wanted::Port(port) })
    }

    /// Whether an account may have an address. `covered` tells whether a configured certificate
    /// names the host. Rules come before reservations, so a refusal does not tell what is taken.
    pub(crate) fn permit(
        &self,
        account: &Account,
        address: &Address,
        covered: impl Fn(&str) -> bool,
    ) -> Result<(), ErrorText> {
        let Address { proto, host, port } = address;
        let credential = &account.credential;
        if !account.acl.allows_host(host, *port) {
            return Err(if *proto == Proto::Tcp {
                let message = format!(
                    "The rules of credential {credential} do not allow the address {host}:{port}."
                );
                ErrorText::new(ErrorCode::ACL_ADDRESS, message)
            } else {
                let message =
                    format!("The rules of credential {credential} do not allow the name {host}.");
                ErrorText::new(ErrorCode::ACL_NAME, message)
            });
        }
        if *proto == Proto::Tcp || address.is_internal() {
            return Ok(());
        }
        if self.connect.iter().any(|name| name == host) {
            let message = format!("The name {host} is used by the edge itself.");
            return Err(ErrorText::new(ErrorCode::HOST_NOT_RESERVED, message));
        }
        let below = host.strip_suffix(&self.domain).and_then(|rest| rest.strip_suffix('.'));
        let free = match below {
            // Every name of the edge at once is not for whoever asks first.
            Some("*") => false,
            Some(labels) => !labels.is_empty(),
            None => self.custom == CustomHosts::Any || covered(host),
        };
        if free || account.acl.names_host(host, *port) {
            return Ok(());
        }
        let remedy = "add a rule that names it to the credential";
        Err(if host.starts_with("*.") {
            let message =
                format!("The wildcard {host} is not reserved for this account; {remedy}.");
            ErrorText::new(ErrorCode::WILDCARD_NOT_RESERVED, message)
        } else {
            let message = format!(
                "The host {host} is not reserved for this account; {remedy}, or use a name below {}.",
                self.domain
            );
            ErrorText::new(ErrorCode::HOST_NOT_RESERVED, message)
        })
    }
}

/// A name, with the port of its scheme if it is internal.
fn named_or_internal(proto: Proto, host: HostName) -> Result<Wanted, ErrorText> {
    if !host.as_str().ends_with(INTERNAL) {
        return Ok(Wanted::Host(host));
    }
    match proto {
        Proto::Http => Ok(Wanted::Internal(host, 80)),
        Proto::Https | Proto::Tls => Ok(Wanted::Internal(host, 443)),
        Proto::Tcp => Err(invalid(format!("The URL tcp://{host} lacks a port."))),
    }
}

/// `Bind` cannot be understood, or asks for what there is not.
pub(crate) fn invalid(message: impl Into<String>) -> ErrorText {
    ErrorText::new(ErrorCode::BIND_INVALID, message)
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
