//! Policies of text behind a chain.

use std::{path::PathBuf, sync::Arc};

use adit_chain::{
    Body, BoxError, BuildCx, BuildError, Chain, Exchange, Factory, LinkSpec, OnError, Outcome,
    Refusal, Registry, Side, Unwind, conformance,
};
use adit_wasm::{Host, HostOptions, LoadError, LogCapture, PluginSpec, Services};
use http::{Request, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::guest::Guest;

/// A host, and a directory for components.
pub(crate) struct Rig {
    pub(crate) host: Host,
    pub(crate) logs: LogCapture,
    pub(crate) dir: TempDir,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut HostOptions)) -> Self {
        let logs = LogCapture::default();
        let mut options = HostOptions::new(Services::builder().capture(logs.clone()).build());
        options.pool = 256;
        change(&mut options);
        Self { host: Host::new(options), logs, dir: tempfile::tempdir().unwrap() }
    }

    /// Writes a component.
    pub(crate) fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join("policy.wasm");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn spec(&self, guest: &Guest) -> PluginSpec {
        PluginSpec::new("policy", self.file(&guest.build()))
    }

    /// Why it does not load.
    pub(crate) fn load_error(&self, spec: PluginSpec) -> String {
        let error = self.host.plugin(spec).err().expect("it loads");
        let text = error.to_string();
        assert!(!matches!(error, LoadError::Engine(_)), "{text}");
        text
    }

    pub(crate) fn plugin(&self, spec: PluginSpec) -> Arc<dyn Factory> {
        self.host.plugin(spec).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn chain(&self, spec: PluginSpec, on_error: OnError) -> Chain {
        chain(self.plugin(spec), &json!({}), on_error).unwrap()
    }
}

pub(crate) fn cx() -> BuildCx {
    BuildCx {
        endpoint: conformance::endpoint(),
        side: Side::Agent,
        certificates: None,
        on_error: OnError::Deny,
    }
}

/// A chain of one policy.
pub(crate) fn chain(
    factory: Arc<dyn Factory>,
    options: &Value,
    on_error: OnError,
) -> Result<Chain, BuildError> {
    let kind = factory.kind().to_owned();
    let spec = LinkSpec { kind, options: options.clone(), on_error };
    let link = Registry::default().with([factory]).link(&spec, &cx())?;
    Ok(Chain::new(vec![link]))
}

/// What became of a request.
pub(crate) struct Run {
    pub(crate) exchange: Exchange,
    pub(crate) outcome: Outcome,
    pub(crate) unwind: Unwind,
}

pub(crate) async fn request(chain: &Chain, request: Request<Body>) -> Run {
    let mut exchange = conformance::exchange(request);
    let mut unwind = Unwind::default();
    let outcome = chain.request(&mut exchange, &mut unwind).await;
    Run { exchange, outcome, unwind }
}

pub(crate) fn get() -> Request<Body> {
    Request::get("/a?b").header("host", "app.example").body(Body::Empty).unwrap()
}

pub(crate) fn post(body: &'static str) -> Request<Body> {
    Request::post("/a").header("host", "app.example").body(body.into()).unwrap()
}

impl Run {
    /// The response side, with the service's answer.
    pub(crate) async fn answer(
        &mut self,
        response: Response<Body>,
    ) -> Result<Response<Body>, Refusal> {
        self.unwind.run(self.exchange.id, response).await
    }

    pub(crate) fn is_next(&self) -> bool {
        matches!(self.outcome, Outcome::Forward)
    }

    /// The status with which it was turned away.
    pub(crate) fn refused(&self) -> u16 {
        match &self.outcome {
            Outcome::Abort(refusal) => refusal.status.as_u16(),
            _ => panic!("it was not turned away"),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.exchange.request.headers().get(name).map(|value| value.to_str().unwrap())
    }

    /// The body as the service would read it.
    pub(crate) async fn body(&mut self) -> Result<String, BoxError> {
        let body = std::mem::take(self.exchange.request.body_mut());
        Ok(String::from_utf8(body.into_whole(1 << 24).await?.to_vec()).unwrap())
    }
}
