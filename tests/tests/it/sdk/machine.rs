//! Where a program that uses the SDK runs.

use std::net::SocketAddr;

use adit_tests::{World, soon, world::TOKEN};
use bytes::Bytes;
use ngrok::{
    Session,
    session::{ConnectError, SessionBuilder},
};
use tokio::runtime::{self, Runtime};
use url::Url;

/// A program with one session of the SDK. Dropping it kills the program.
pub(crate) struct Machine {
    runtime: Option<Runtime>,
    session: Option<Session>,
}

impl Machine {
    /// Connects to the edge of a world.
    pub(crate) async fn connect(world: &World) -> Self {
        Self::try_connect(builder(world, world.edge().tls_addr())).await.unwrap()
    }

    /// Connects over the network of a world.
    pub(crate) async fn connect_by_path(world: &World) -> Self {
        let mut builder = builder(world, world.path().addr());
        let port = world.path().addr().port();
        builder.server_addr(format!("localhost:{port}")).unwrap();
        Self::try_connect(builder).await.unwrap()
    }

    pub(crate) async fn try_connect(builder: SessionBuilder) -> Result<Self, ConnectError> {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let mut machine = Self { runtime: Some(runtime.unwrap()), session: None };
        let connecting =
            machine.runtime.as_ref().unwrap().spawn(async move { builder.connect().await });
        machine.session = Some(soon("a session", connecting).await.unwrap()?);
        Ok(machine)
    }

    /// Does something with the session.
    pub(crate) async fn run<F, T>(&self, work: impl FnOnce(Session) -> F) -> T
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let session = self.session.clone().unwrap();
        let working = self.runtime.as_ref().unwrap().spawn(work(session));
        soon("an answer", working).await.unwrap()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A session with the edge of a world that would be dialled at this address.
pub(crate) fn builder(world: &World, addr: SocketAddr) -> SessionBuilder {
    let mut builder = Session::builder();
    builder.authtoken(TOKEN).ca_cert(Bytes::copy_from_slice(world.root().as_bytes()));
    builder.server_addr(addr.to_string()).unwrap();
    builder
}

pub(crate) fn url(text: &str) -> Url {
    text.parse().unwrap()
}
