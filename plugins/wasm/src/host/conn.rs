//! The connection that a call is about.

use std::{net::SocketAddr, sync::Arc, time::UNIX_EPOCH};

use adit_chain::Conn;
use adit_policy_rules::state as rules;
use serde_json::Value;
use wasmtime::component::Resource;

use super::{
    Connection, State,
    error::{Answer, no_such},
};
use crate::bindings::adit::policy::{
    connections::{Host, HostConnection},
    types::{IpAddress, SocketAddress},
};

/// The connection that a call is about. Writes wait for [`commit`](Self::commit).
#[derive(Debug)]
pub(crate) struct ConnView {
    conn: Arc<Conn>,
    /// What the policy keeps for itself.
    kept: Option<Vec<u8>>,
    edits: Option<Box<Edits>>,
}

#[derive(Debug, Default)]
struct Edits {
    vars: Vec<(String, String)>,
    kept: Option<Vec<u8>>,
}

impl ConnView {
    /// The connection, and what the policy kept for it in an earlier call.
    pub(crate) const fn new(conn: Arc<Conn>, kept: Option<Vec<u8>>) -> Self {
        Self { conn, kept, edits: None }
    }

    /// The connection itself.
    pub(crate) const fn conn(&self) -> &Arc<Conn> {
        &self.conn
    }

    /// What the policy keeps for the next call.
    pub(crate) fn into_kept(self) -> Option<Vec<u8>> {
        self.kept
    }

    /// Makes the writes of this call final.
    pub(crate) fn commit(&mut self) {
        let Some(edits) = self.edits.take() else { return };
        for (name, value) in edits.vars {
            // Another handler of the connection may have taken the last names meanwhile.
            if let Err(error) = self.conn.set_var(&name, value) {
                tracing::debug!(target: "policy", %name, %error, "variable not set");
            }
        }
        if edits.kept.is_some() {
            self.kept = edits.kept;
        }
    }

    /// Forgets the writes of this call.
    pub(crate) fn rollback(&mut self) {
        self.edits = None;
    }

    /// A variable of the connection, with this call's own writes.
    pub(super) fn var(&self, name: &str) -> Option<String> {
        let own = self.edits.as_ref().and_then(|edits| edits.vars.iter().find(|(n, _)| n == name));
        own.map(|(_, value)| value.clone()).or_else(|| self.conn.var(name).map(text_of))
    }

    pub(super) fn set_var(&mut self, name: String, value: String) -> Answer<()> {
        let edits = self.edits.get_or_insert_default();
        let is_new = |name: &str| self.conn.var(name).is_none();
        let others = self.conn.n_vars() - usize::from(!is_new(&name));
        let waiting = edits.vars.iter().filter(|(n, _)| *n != name && is_new(n)).count();
        rules::var(&name, &value, others + waiting)?;
        match edits.vars.iter_mut().find(|(n, _)| *n == name) {
            Some((_, old)) => *old = value,
            None => edits.vars.push((name, value)),
        }
        Ok(())
    }

    pub(super) fn keep(&mut self, state: Vec<u8>) -> Answer<()> {
        rules::keep(&state)?;
        self.edits.get_or_insert_default().kept = Some(state);
        Ok(())
    }

    pub(super) fn kept(&self) -> Option<Vec<u8>> {
        let own = self.edits.as_ref().and_then(|edits| edits.kept.as_ref());
        own.or(self.kept.as_ref()).cloned()
    }
}

/// A variable as a policy reads it: text as it is, anything else as JSON.
pub(super) fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

pub(super) fn address(addr: SocketAddr) -> SocketAddress {
    let ip = match addr.ip().to_canonical() {
        std::net::IpAddr::V4(ip) => IpAddress::V4(ip.to_bits()),
        std::net::IpAddr::V6(ip) => {
            let bits = ip.to_bits();
            IpAddress::V6(((bits >> 64) as u64, bits as u64))
        }
    };
    SocketAddress { ip, port: addr.port() }
}

impl State {
    fn conn(&mut self) -> wasmtime::Result<&mut ConnView> {
        self.current.conn.as_mut().ok_or_else(|| no_such("connection"))
    }
}

type Handle = Resource<Connection>;

impl Host for State {}

impl HostConnection for State {
    fn id(&mut self, _: Handle) -> wasmtime::Result<u64> {
        Ok(self.conn()?.conn.id.as_u64())
    }

    fn endpoint(&mut self, _: Handle) -> wasmtime::Result<String> {
        Ok(self.conn()?.conn.endpoint.name.clone())
    }

    fn url(&mut self, _: Handle) -> wasmtime::Result<String> {
        Ok(self.conn()?.conn.endpoint.url.clone())
    }

    fn protocol(&mut self, _: Handle) -> wasmtime::Result<String> {
        Ok(self.conn()?.conn.endpoint.protocol.as_str().to_owned())
    }

    fn client(&mut self, _: Handle) -> wasmtime::Result<SocketAddress> {
        Ok(address(self.conn()?.conn.client))
    }

    fn server_name(&mut self, _: Handle) -> wasmtime::Result<Option<String>> {
        Ok(self.conn()?.conn.tls.get().and_then(|tls| tls.sni.clone()))
    }

    fn opened_at(&mut self, _: Handle) -> wasmtime::Result<u64> {
        let since = self.conn()?.conn.opened_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    fn attribute(&mut self, _: Handle, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.conn()?.conn.attribute(&name))
    }

    fn var(&mut self, _: Handle, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.conn()?.var(&name))
    }

    fn set_var(&mut self, _: Handle, name: String, value: String) -> wasmtime::Result<Answer<()>> {
        Ok(self.conn()?.set_var(name, value))
    }

    fn keep(&mut self, _: Handle, state: Vec<u8>) -> wasmtime::Result<Answer<()>> {
        Ok(self.conn()?.keep(state))
    }

    fn kept(&mut self, _: Handle) -> wasmtime::Result<Option<Vec<u8>>> {
        Ok(self.conn()?.kept())
    }

    fn drop(&mut self, _: Handle) -> wasmtime::Result<()> {
        Ok(())
    }
}
