//! Puts a world together.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use adit_edge::Settings;
use adit_net::tls::client;
use tokio::runtime::Handle;

use super::{EdgeHost, Link, Specs, World};
use crate::{Path, identity};

/// Puts a world together.
#[must_use]
pub struct Builder {
    settings: Settings,
    link: Link,
    one_way: Option<Duration>,
    agents: Vec<Specs>,
}

impl Default for Builder {
    fn default() -> Self {
        let (settings, link) = (EdgeHost::settings(), Link::Network);
        Self { settings, link, one_way: None, agents: Vec::new() }
    }
}

impl Builder {
    /// Changes what the edge is told.
    pub fn edge(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Joins agents in memory instead of over TLS.
    pub fn in_memory(mut self) -> Self {
        self.link = Link::Memory;
        self
    }

    /// Puts a network between agents and edge that takes this long each way.
    pub fn path(mut self, one_way: Duration) -> Self {
        self.one_way = Some(one_way);
        self
    }

    /// One more agent, with these endpoints: a spec, several, or the text of a file.
    pub fn agent(mut self, specs: impl Into<Specs>) -> Self {
        self.agents.push(specs.into());
        self
    }

    /// Starts everything; when this returns, visitors are served.
    ///
    /// # Panics
    /// If something cannot be started.
    pub async fn up(self) -> World {
        let Self { settings, link, one_way, agents } = self;
        let n_tasks_before = Handle::current().metrics().num_alive_tasks();
        let edge = EdgeHost::start(settings).await;
        let path = match one_way {
            None => None,
            Some(one_way) => {
                Some(Path::to(edge.tls_addr(), one_way).await.expect("loopback has free ports"))
            }
        };
        let tls = client::verified(identity::roots(edge.root()), &[]);
        let mut world = World {
            edge,
            path,
            sessions: Vec::new(),
            endpoints: Vec::new(),
            tls,
            visitors: Arc::new(Mutex::default()),
            link,
            n_tasks_before,
        };
        for specs in agents {
            world.join(specs).await;
        }
        world
    }
}
