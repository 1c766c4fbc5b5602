//! Traffic policies: what is wrong with them, with and without an endpoint that is served.

use std::sync::Arc;

use adit_chain::{BuildCx, BuildError, Endpoint, LinkSpec, OnError, Registry, Side};
use adit_config::{
    Diagnostic, Endpoint as Configured, HandlerSpec, Place, endpoint::TrafficPolicy, file::Enforce,
    opaque::path_of,
};
use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use crate::{PlanError, spec::Enforced};

/// Looks for mistakes in the traffic policy of an endpoint, without looking at anything else of it.
/// One that is not on this machine has none. Reads files; blocks.
///
/// # Errors
/// All mistakes, each with its place.
pub fn check_policy(endpoint: &Configured, registry: &Registry) -> Result<(), PlanError> {
    let document = match &endpoint.traffic_policy {
        None | Some(TrafficPolicy::Url(_)) => return Ok(()),
        Some(TrafficPolicy::File(path)) if !path.value.exists() => return Ok(()),
        Some(policy) => policy.document(),
    };
    let document = document
        .map_err(|problems| PlanError::of_document(&endpoint.name, &endpoint.place, problems))?;
    let Some(policy) = TrafficPolicy::handler(document) else { return Ok(()) };
    let side = match Enforced::decide(&policy, endpoint)?.at {
        Enforce::Agent => Side::Agent,
        Enforce::Edge => Side::Edge,
    };
    let scheme = endpoint.schemes().first().copied();
    let protocol = super::protocol(endpoint.kind, scheme);
    let url = endpoint.url().map_or_else(|| format!("{}://", protocol.as_str()), |u| u.to_string());
    let served = Endpoint {
        name: endpoint.name.clone(),
        url,
        protocol,
        upstream: endpoint.upstream.addr.value.to_string(),
        upstream_host: super::service::host(&endpoint.upstream.addr.value),
    };
    let cx = BuildCx {
        endpoint: Arc::new(served),
        side,
        certificates: Some(later()),
        on_error: OnError::Deny,
    };
    let (kind, options) = (policy.kind.clone(), policy.options.clone());
    let link = LinkSpec { kind, options, on_error: OnError::Deny };
    let built = registry.link(&link, &cx);
    built.map(drop).map_err(|error| invalid(&endpoint.name, &policy, &error))
}

/// Says everything that is wrong with a traffic policy, each mistake with its line and code.
pub(super) fn invalid(name: &str, spec: &HandlerSpec, error: &BuildError) -> PlanError {
    let detail = |error: &BuildError| {
        let code = error.code.and_then(|code| u16::try_from(code.0).ok());
        let message = match error.at.as_slice() {
            [] => error.message.clone(),
            keys => format!("{}: {}", path_of(keys), error.message),
        };
        Diagnostic::new(place_of(spec, error), message).code(code)
    };
    PlanError::policy_invalid(name, &spec.place, error.all().map(detail))
}

/// Where a mistake in the options of a handler stands.
pub(super) fn place_of(spec: &HandlerSpec, error: &BuildError) -> Place {
    match error.at.as_slice() {
        // A module says where in one text with what: `burst: expected an integer`. Words that are
        // no path lead to the options as a whole.
        [] => spec.place_of(error.message.split_once(": ").map_or("", |(path, _)| path)),
        keys => spec.place_of(&path_of(keys)),
    }
}

/// Stands for the certificates of the edge, or of an edge that is not there yet.
pub(super) fn later() -> Arc<dyn ResolvesServerCert> {
    Arc::new(Later)
}

#[derive(Debug)]
struct Later;

impl ResolvesServerCert for Later {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}
