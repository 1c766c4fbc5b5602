//! `endpoint`: the public address that the visitor came to.

use adit_chain::Endpoint;
use url::Url;

use super::fact::Fact;
use crate::expr::Type;

/// `endpoint`.
pub(super) fn endpoint(ty: Type, endpoint: &Endpoint) -> Fact<'_> {
    Fact::object(ty, move |name, _| match name {
        "addr" => Fact::maybe(address(endpoint).map(|(host, port)| format!("{host}:{port}"))),
        "host" => Fact::maybe(address(endpoint).map(|(host, _)| host)),
        "id" => Fact::maybe(id(endpoint)),
        "port" => address(endpoint).map_or(Fact::Unknown, |(_, port)| Fact::int(port)),
        "protocol" => Fact::text(endpoint.protocol.as_str()),
        "url" => Fact::text(&*endpoint.url),
        _ => Fact::Unknown,
    })
}

/// The edge's number of the endpoint, written as one of an endpoint. An agent knows names only.
fn id(endpoint: &Endpoint) -> Option<String> {
    let (kind, number) = endpoint.name.split_once('_')?;
    matches!(kind, "bd" | "ep").then(|| format!("ep_{number}"))
}

/// Host and port, the scheme's own one where the URL names none.
fn address(endpoint: &Endpoint) -> Option<(String, u16)> {
    let url = Url::parse(&endpoint.url).ok()?;
    let usual = if endpoint.protocol == adit_chain::Protocol::Tls { Some(443) } else { None };
    Some((url.host_str()?.to_owned(), url.port_or_known_default().or(usual)?))
}
