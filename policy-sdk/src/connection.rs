//! The connection that a hook runs for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::{self, types};
use crate::error::Result;
use crate::state;

/// The connection that a hook runs for. Everything but its variables and what is kept is read-only.
#[derive(Clone, Copy)]
pub struct Connection<'a>(pub(crate) &'a backend::Connection);

impl Connection<'_> {
    /// Unique within one run of the agent.
    pub fn id(&self) -> u64 {
        self.0.id()
    }

    /// Name of the endpoint it arrived on.
    pub fn endpoint(&self) -> String {
        self.0.endpoint()
    }

    /// Public URL of that endpoint.
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// `http`, `https`, `tcp`, `tls`, and perhaps more one day.
    pub fn protocol(&self) -> String {
        self.0.protocol()
    }

    /// The visitor's address and port.
    pub fn client(&self) -> SocketAddr {
        let types::SocketAddress { ip, port } = self.0.client();
        SocketAddr::new(ip_address(ip), port)
    }

    /// The visitor's address.
    pub fn client_ip(&self) -> IpAddr {
        ip_address(self.0.client().ip)
    }

    /// Name asked for in the TLS handshake.
    pub fn server_name(&self) -> Option<String> {
        self.0.server_name()
    }

    /// When it was accepted: the time since the start of 1970, as [`clock::now`](crate::clock::now).
    pub fn opened_at(&self) -> Duration {
        Duration::from_nanos(self.0.opened_at())
    }

    /// A fact under a dotted name: `tls.version`, `tls.cipher-suite`, `tls.sni`, `tls.alpn`, and of
    /// the visitor's certificate `tls.client.subject` and `tls.client.sha256`. `None` when it is not
    /// known; there may be more names one day.
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.0.attribute(name)
    }

    /// A variable that a handler of this connection left.
    pub fn var(&self, name: &str) -> Option<String> {
        self.0.var(name)
    }

    /// Leaves a variable for later handlers of this connection and of its exchanges. 64 names,
    /// 4 KiB each.
    ///
    /// # Errors
    ///
    /// The limits above.
    pub fn set_var(&self, name: &str, value: &str) -> Result<()> {
        Ok(self.0.set_var(name, value)?)
    }

    /// Keeps one value of this policy for the later hooks of this connection, whichever instance
    /// runs them. Up to 16 KiB as JSON.
    ///
    /// # Panics
    ///
    /// If it is larger, or cannot be written as JSON.
    pub fn keep<T: Serialize + ?Sized>(&self, value: &T) {
        state::must("keep", self.keep_bytes(&state::to_json(value)));
    }

    /// What an earlier hook kept. `None` if nothing was, or if it is of another shape.
    pub fn kept<T: DeserializeOwned>(&self) -> Option<T> {
        state::from_json(self.kept_bytes())
    }

    /// [`keep`](Self::keep) for octets.
    ///
    /// # Errors
    ///
    /// If there are more than 16 KiB.
    pub fn keep_bytes(&self, octets: &[u8]) -> Result<()> {
        Ok(self.0.keep(octets)?)
    }

    /// [`kept`](Self::kept) for octets.
    pub fn kept_bytes(&self) -> Option<Vec<u8>> {
        self.0.kept()
    }
}

fn ip_address(ip: types::IpAddress) -> IpAddr {
    match ip {
        types::IpAddress::V4(bits) => Ipv4Addr::from_bits(bits).into(),
        types::IpAddress::V6((high, low)) => {
            Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low)).into()
        }
    }
}
