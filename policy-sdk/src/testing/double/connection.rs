//! A connection without an agent.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use adit_policy_rules::{Refused, state};

use crate::backend::types::{Error, IpAddress, SocketAddress};
use crate::error::raw_error;

/// Variables: shared by what belongs together.
pub(crate) type Vars = Rc<RefCell<BTreeMap<String, String>>>;

/// A connection without an agent.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) id: u64,
    pub(crate) endpoint: String,
    pub(crate) url: String,
    pub(crate) protocol: String,
    pub(crate) client: SocketAddr,
    pub(crate) server_name: Option<String>,
    pub(crate) opened_at: u64,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) vars: Vars,
    pub(crate) kept: RefCell<Option<Vec<u8>>>,
}

impl Connection {
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    pub(crate) fn protocol(&self) -> String {
        self.protocol.clone()
    }

    pub(crate) fn client(&self) -> SocketAddress {
        let ip = match self.client.ip().to_canonical() {
            IpAddr::V4(ip) => IpAddress::V4(ip.to_bits()),
            IpAddr::V6(ip) => {
                let bits = ip.to_bits();
                IpAddress::V6(((bits >> 64) as u64, bits as u64))
            }
        };
        SocketAddress { ip, port: self.client.port() }
    }

    pub(crate) fn server_name(&self) -> Option<String> {
        self.server_name.clone()
    }

    pub(crate) fn opened_at(&self) -> u64 {
        self.opened_at
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        self.attributes.get(name).cloned()
    }

    pub(crate) fn var(&self, name: &str) -> Option<String> {
        self.vars.borrow().get(name).cloned()
    }

    pub(crate) fn set_var(&self, name: &str, value: &str) -> Result<(), Error> {
        set_var(&self.vars, name, value).map_err(raw_error)
    }

    pub(crate) fn keep(&self, value: &[u8]) -> Result<(), Error> {
        keep(&self.kept, value).map_err(raw_error)
    }

    pub(crate) fn kept(&self) -> Option<Vec<u8>> {
        self.kept.borrow().clone()
    }
}

pub(super) fn set_var(vars: &Vars, name: &str, value: &str) -> Result<(), Refused> {
    let mut vars = vars.borrow_mut();
    let others = vars.len() - usize::from(vars.contains_key(name));
    state::var(name, value, others)?;
    vars.insert(name.to_owned(), value.to_owned());
    Ok(())
}

pub(super) fn keep(kept: &RefCell<Option<Vec<u8>>>, value: &[u8]) -> Result<(), Refused> {
    state::keep(value)?;
    kept.replace(Some(value.to_vec()));
    Ok(())
}
