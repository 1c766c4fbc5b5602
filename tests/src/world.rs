//! Edge, agents and visitors, in one runtime.

mod builder;
mod edge;
mod specs;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use adit_agent::{Agent, BindError, Endpoint, EndpointSpec, Roots, Session};
use adit_net::Drained;
use bytes::Bytes;
use rustls::ClientConfig;
use tokio::{runtime::Handle, task::JoinSet};

pub use self::{
    builder::Builder,
    edge::{DOMAIN, EdgeHost, OTHER_TOKEN, TOKEN},
    specs::{Specs, registry},
};
use crate::{Path, Visitor, visitor::Visit};

/// How long connections may go on when a world is taken down.
const GRACE: Duration = Duration::from_millis(500);

/// How long tasks may take to notice that they are over.
const SETTLES: Duration = Duration::from_secs(5);

/// An edge with its agents, and visitors who know where it is.
#[derive(Debug)]
pub struct World {
    edge: EdgeHost,
    path: Option<Path>,
    sessions: Vec<Session>,
    endpoints: Vec<Endpoint>,
    tls: Arc<ClientConfig>,
    visitors: Arc<Mutex<JoinSet<()>>>,
    link: Link,
    n_tasks_before: usize,
}

/// How agents reach the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Memory,
    Network,
}

impl World {
    /// Begins with an edge and no agent.
    #[expect(clippy::new_ret_no_self, reason = "reads as the story: a world of … is up")]
    pub fn new() -> Builder {
        Builder::default()
    }

    /// The edge.
    pub const fn edge(&self) -> &EdgeHost {
        &self.edge
    }

    /// The edge, to stop and start it.
    pub const fn edge_mut(&mut self) -> &mut EdgeHost {
        &mut self.edge
    }

    /// The network between agents and edge.
    ///
    /// # Panics
    /// If the world was made without one.
    pub fn path(&self) -> &Path {
        self.path.as_ref().expect("the world was made with a path")
    }

    /// The session of an agent, in the order in which they came.
    pub fn session(&self, n: usize) -> &Session {
        &self.sessions[n]
    }

    /// An endpoint, in the order in which they came.
    pub fn endpoint(&self, n: usize) -> &Endpoint {
        &self.endpoints[n]
    }

    /// An agent that would connect, with the token and trust of this world.
    ///
    /// # Panics
    /// If the edge is down.
    pub fn agent(&self) -> adit_agent::Builder {
        let builder = Agent::builder().authtoken(TOKEN).registry(registry());
        let builder = builder.roots(Roots::Pem(Bytes::copy_from_slice(self.root().as_bytes())));
        match (self.link, &self.path) {
            (Link::Memory, _) => {
                let memory = self.edge.memory();
                builder.link(move || memory.join())
            }
            (Link::Network, None) => builder.connect(&self.edge.tls_addr().to_string()),
            (Link::Network, Some(path)) => {
                builder.connect(&format!("localhost:{}", path.addr().port()))
            }
        }
    }

    /// One more agent with these endpoints.
    ///
    /// # Panics
    /// If it cannot connect or bind.
    pub async fn join(&mut self, specs: impl Into<Specs>) {
        self.join_as(self.agent(), specs).await;
    }

    /// One more agent, which is not as the others are.
    ///
    /// # Panics
    /// If it cannot connect or bind.
    pub async fn join_as(&mut self, agent: adit_agent::Builder, specs: impl Into<Specs>) {
        let agent = agent.build().expect("the builder is complete");
        let session = agent.start().await.expect("the edge takes the agent");
        self.sessions.push(session);
        for spec in specs.into().0 {
            self.bind(self.sessions.len() - 1, spec).await.expect("the edge grants the endpoint");
        }
    }

    /// One more endpoint of an agent.
    ///
    /// # Errors
    /// What the agent says.
    pub async fn bind(&mut self, session: usize, spec: EndpointSpec) -> Result<(), BindError> {
        let endpoint = self.sessions[session].bind(spec).await?;
        self.endpoints.push(endpoint);
        Ok(())
    }

    /// Gives the last endpoint back.
    pub async fn unbind(&mut self) {
        if let Some(endpoint) = self.endpoints.pop() {
            endpoint.close().await;
        }
    }

    /// The URL of the first endpoint.
    pub fn url(&self) -> Arc<str> {
        self.endpoint(0).url()
    }

    /// The root that vouches for the edge's certificates, PEM.
    pub fn root(&self) -> &str {
        self.edge.root()
    }

    /// A visitor of the first endpoint.
    pub fn visitor(&self) -> Visitor {
        self.visitor_of(&self.url())
    }

    /// A visitor of an endpoint, in the order in which they came.
    pub fn visitor_to(&self, n: usize) -> Visitor {
        self.visitor_of(&self.endpoint(n).url())
    }

    /// A visitor of a URL, which leads to this edge whatever its name is.
    ///
    /// # Panics
    /// If it is no URL.
    pub fn visitor_of(&self, url: &str) -> Visitor {
        let addr = match url.starts_with("http://") {
            true => self.edge.http_addr(),
            false => self.edge.tls_addr(),
        };
        Visitor::new(url, addr, Arc::clone(&self.tls)).of(&self.visitors)
    }

    /// Asks the first endpoint for a path.
    pub fn get(&self, path: &str) -> Visit {
        self.visitor().get(path)
    }

    /// Asks the first endpoint, with a body.
    pub fn post(&self, path: &str, body: impl Into<Bytes>) -> Visit {
        self.visitor().post(path, body)
    }

    /// Ends the agents, then the edge, politely, and counts what is left.
    pub async fn down(self) -> Down {
        let Self { mut edge, path, sessions, endpoints, visitors, n_tasks_before, .. } = self;
        let mut agents = Drained::Clean;
        for session in sessions {
            agents = agents.and(Box::pin(session.shutdown(GRACE)).await);
        }
        drop(endpoints);
        let edge = Box::pin(edge.stop(GRACE)).await;
        drop(path);
        visitors.lock().expect("no test panics with it").abort_all();
        drop(visitors);
        let metrics = Handle::current().metrics();
        let n_left = || metrics.num_alive_tasks().saturating_sub(n_tasks_before);
        let end = tokio::time::Instant::now() + SETTLES;
        while n_left() > 0 && tokio::time::Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Down { agents, edge, n_tasks: n_left() }
    }
}

/// What is left of a world.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Down {
    /// How the agents ended.
    pub agents: Drained,
    /// How the edge ended.
    pub edge: Drained,
    /// Tasks that run and did not before the world was.
    pub n_tasks: usize,
}

impl Down {
    /// Nothing runs any more that this world has started.
    ///
    /// # Panics
    /// If something does.
    #[track_caller]
    pub fn assert_no_task_left(self) {
        assert_eq!(self.n_tasks, 0, "tasks are left: {self:?}");
    }

    /// As [`assert_no_task_left`](Self::assert_no_task_left), and nothing had to be cut.
    ///
    /// # Panics
    /// If something had to be cut, or runs.
    #[track_caller]
    pub fn assert_clean(self) {
        assert_eq!((self.agents, self.edge), (Drained::Clean, Drained::Clean));
        self.assert_no_task_left();
    }
}
