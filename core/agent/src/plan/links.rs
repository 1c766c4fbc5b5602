//! The chain of a plan.

use std::sync::Arc;

use adit_chain::{BuildCx, BuildError, Chain, Endpoint, LinkSpec, OnError, Side};
use adit_config::{HandlerSpec, handler, middleware::POLICY_KIND, opaque::path_of};

use super::{Tls, Tools, policy};
use crate::{EndpointSpec, PlanError};

/// The handler that ends TLS.
const TERMINATE_TLS: &str = "terminate-tls";

/// The handlers of an endpoint, in order, before they are built.
#[derive(Clone, Debug)]
pub(super) struct Links {
    name: String,
    specs: Vec<HandlerSpec>,
    /// The policy that the edge enforces. It is built here only to find its mistakes, with their
    /// lines, before the edge does.
    at_edge: Option<Arc<HandlerSpec>>,
    /// TLS ends here, and the endpoint has no certificate of its own: somebody has to lend one.
    borrows: bool,
}

impl Links {
    /// The user's handlers, and the one that ends TLS here if it does. Reads certificates.
    pub(super) fn new(spec: &EndpointSpec, tls: Tls) -> Result<Self, PlanError> {
        let mut specs = spec.handlers.clone();
        if tls == Tls::EndsHere {
            let terminate = spec.tls.handler_spec(&spec.place).map_err(|(place, error)| {
                PlanError::new(&place, format!("could not read a PEM file: {error}"))
            })?;
            // Whoever may not connect costs no handshake.
            let first = specs.iter().take_while(|spec| spec.kind == "ip-restriction").count();
            specs.insert(first, terminate);
        }
        let borrows = tls == Tls::EndsHere && spec.tls.certificate.is_none();
        Ok(Self { name: spec.name.clone(), specs, at_edge: spec.edge_policy.clone(), borrows })
    }

    /// What its links are made of, in the order of the chain.
    pub(super) fn specs(&self) -> &[HandlerSpec] {
        &self.specs
    }

    /// Builds the chain for one endpoint. Blocks: handlers may read files and compile.
    pub(super) fn build(
        &self,
        endpoint: &Arc<Endpoint>,
        tools: &Tools,
        carries_http: bool,
    ) -> Result<Chain, PlanError> {
        let cx = BuildCx {
            endpoint: Arc::clone(endpoint),
            side: Side::Agent,
            certificates: tools.certificates.clone(),
            on_error: OnError::Deny,
        };
        let registry = tools.registry.load();
        if let Some(policy) = self.at_edge.as_ref().filter(|policy| registry.has(&policy.kind)) {
            let certificates = Some(policy::later());
            let cx = BuildCx { side: Side::Edge, certificates, ..cx.clone() };
            let built = registry.link(&to_link(policy), &cx);
            built.map_err(|error| self.misbuilt(policy, &error))?;
        }
        let links = self.specs.iter().map(|spec| {
            let link = registry.link(&to_link(spec), &cx);
            let link = link.map_err(|error| match &cx.certificates {
                None if self.borrows && spec.kind == TERMINATE_TLS => self.bare(spec),
                _ => self.misbuilt(spec, &error),
            })?;
            if link.needs().wants_http() && !carries_http {
                let text = format!(
                    "endpoint {:?}: handler {:?} works on HTTP, which this endpoint does not show \
                     to the agent; remove it, or use an http endpoint whose TLS ends before it",
                    self.name, spec.kind
                );
                return Err(PlanError::new(&spec.place, text));
            }
            Ok(link)
        });
        Ok(Chain::new(links.collect::<Result<_, _>>()?))
    }

    fn bare(&self, spec: &HandlerSpec) -> PlanError {
        let name = &self.name;
        let text = format!(
            "endpoint {name:?}: its TLS ends at the agent, which has no certificate; give crt and key"
        );
        PlanError::new(&spec.place, text)
    }

    fn misbuilt(&self, spec: &HandlerSpec, error: &BuildError) -> PlanError {
        if spec.kind == POLICY_KIND && !spec.is_generated() {
            return policy::invalid(&self.name, spec, error);
        }
        let text = format!("endpoint {:?}: handler {:?}: {error}", self.name, spec.kind);
        let code = spec.code_of(&path_of(&error.at)).map(|code| adit_proto::ErrorCode(code.into()));
        let code = code.or_else(|| error.code.map(|code| adit_proto::ErrorCode(code.0)));
        let planned = PlanError::new(&policy::place_of(spec, error), text);
        match code {
            Some(code) => planned.with_code(code),
            None => planned,
        }
    }
}

fn to_link(spec: &HandlerSpec) -> LinkSpec {
    LinkSpec {
        kind: spec.kind.clone(),
        options: spec.options.clone(),
        on_error: match spec.on_error {
            handler::OnError::Deny => OnError::Deny,
            handler::OnError::Pass => OnError::Pass,
        },
    }
}
