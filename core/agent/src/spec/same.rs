//! Whether two descriptions ask for the same, wherever they were written.

use adit_config::{
    At, HandlerSpec,
    endpoint::{Address, KeyPair, PemSource, Termination, Upstream},
};

use super::EndpointSpec;

impl EndpointSpec {
    /// Whether the other one asks for the same. Where its parts were written does not matter, nor
    /// who watches.
    pub fn is_same(&self, other: &Self) -> bool {
        // Taken apart, so that a new part is not forgotten here.
        let Self {
            name,
            kind,
            address,
            binding,
            description,
            metadata,
            pooling_enabled,
            upstream,
            tls,
            handlers,
            edge_policy,
            enforced: _,
            place: _,
            problem: _,
            observe: _,
            tap: _,
        } = self;
        let texts =
            |spec: &Self| (spec.name.clone(), spec.description.clone(), spec.metadata.clone());
        (name.clone(), description.clone(), metadata.clone()) == texts(other)
            && (*kind, *binding, *pooling_enabled)
                == (other.kind, other.binding, other.pooling_enabled)
            && same_address(address, &other.address)
            && same_upstream(upstream, &other.upstream)
            && same_tls(tls, &other.tls)
            && all(handlers, &other.handlers, same_handler)
            && all(edge_policy.as_slice(), other.edge_policy.as_slice(), |a, b| same_handler(a, b))
    }
}

fn all<T>(a: &[T], b: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

pub(crate) fn same_address(a: &Address, b: &Address) -> bool {
    match (a, b) {
        (
            Address::Subdomain { name, schemes },
            Address::Subdomain { name: other, schemes: others },
        ) => (&name.value, schemes) == (&other.value, others),
        (a, b) => a == b,
    }
}

fn same_upstream(a: &Upstream, b: &Upstream) -> bool {
    let Upstream { addr, protocol, proxy_protocol, tls_verify, tls_verify_cas } = a;
    let cas =
        |cas: &Option<At<_>>| cas.as_ref().map(|cas: &At<std::path::PathBuf>| cas.value.clone());
    (&addr.value, *protocol, *proxy_protocol, *tls_verify)
        == (&b.addr.value, b.protocol, b.proxy_protocol, b.tls_verify)
        && cas(tls_verify_cas) == cas(&b.tls_verify_cas)
}

fn same_tls(a: &Termination, b: &Termination) -> bool {
    let Termination { at, certificate, client_cas } = a;
    let certificates = match (certificate, &b.certificate) {
        (None, None) => true,
        (Some(KeyPair { certificate, key }), Some(other)) => {
            same_pem(certificate, &other.certificate) && same_pem(key, &other.key)
        }
        _ => false,
    };
    *at == b.at && certificates && all(client_cas, &b.client_cas, same_pem)
}

fn same_pem(a: &At<PemSource>, b: &At<PemSource>) -> bool {
    match (&a.value, &b.value) {
        (PemSource::File(a), PemSource::File(b)) => a == b,
        (PemSource::Text(a), PemSource::Text(b)) => a == b,
        _ => false,
    }
}

fn same_handler(a: &HandlerSpec, b: &HandlerSpec) -> bool {
    (&a.kind, &a.options, a.on_error) == (&b.kind, &b.options, b.on_error)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn where_a_description_stands_makes_no_difference_and_everything_else_does() {
        let spec =
            || EndpointSpec::http("8080").url("https://a.test").basic_auth("ann", "password");
        assert!(spec().is_same(&spec()));
        let mut moved = spec();
        moved.place = adit_config::Place::new("other.yml", 7, 1);
        moved.handlers[0].place = adit_config::Place::new("other.yml", 9, 1);
        assert!(spec().is_same(&moved));
        for other in [
            EndpointSpec::http("8081").url("https://a.test").basic_auth("ann", "password"),
            spec().named("b"),
            spec().url("https://b.test"),
            spec().metadata("m"),
            spec().description("d"),
            spec().pooled(),
            spec().upstream_http2(),
            spec().verify_upstream_tls(),
            spec().certificate("a.pem", "a.key"),
            spec().basic_auth("bob", "password"),
            spec().handler("compression", json!({})),
        ] {
            assert!(!spec().is_same(&other), "{other:?}");
        }
        let certified = |key| spec().certificate("a.pem", key);
        assert!(certified("a.key").is_same(&certified("a.key")));
        assert!(!certified("a.key").is_same(&certified("b.key")));
    }
}
