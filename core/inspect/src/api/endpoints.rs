//! Endpoints, as both dialects of the API show them: one object with the keys of both.

use http::{Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::{
    answer::{self, Answer},
    error::ApiError,
    input,
    service::Call,
};
use crate::{
    control::{Dialect, EndpointView, Replaced},
    meter::{Numbers, Reading},
};

/// What stands for itself in a path.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An endpoint, with the keys that clients of either dialect look for.
#[derive(Serialize)]
pub(super) struct Object<'a> {
    name: &'a str,
    #[serde(rename = "ID")]
    id: &'a str,
    uri: String,
    public_url: &'a str,
    proto: &'a str,
    config: Config<'a>,
    metrics: Metrics,
    url: &'a str,
    upstream: Upstream<'a>,
    inspect: bool,
    pooling_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    traffic_policy: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    bindings: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    metadata: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
}

#[derive(Serialize)]
struct Config<'a> {
    addr: &'a str,
    inspect: bool,
}

#[derive(Serialize)]
struct Upstream<'a> {
    url: &'a str,
    protocol: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_protocol: Option<&'a str>,
}

/// Counts, rates and percentiles.
#[derive(Serialize)]
pub(super) struct Metrics {
    conns: Conns,
    http: Rates,
}

#[derive(Serialize)]
struct Conns {
    count: u64,
    gauge: u64,
    rate1: Number,
    rate5: Number,
    rate15: Number,
    p50: Number,
    p90: Number,
    p95: Number,
    p99: Number,
}

#[derive(Serialize)]
struct Rates {
    count: u64,
    rate1: Number,
    rate5: Number,
    rate15: Number,
    p50: Number,
    p90: Number,
    p95: Number,
    p99: Number,
}

/// A number that is written without a fraction if it has none: `0`, not `0.0`.
#[derive(Clone, Copy)]
pub(super) struct Number(pub(super) f64);

impl Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
        if self.0.is_finite() && self.0.fract() == 0.0 && self.0.abs() < EXACT {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
            to.serialize_i64(self.0 as i64)
        } else {
            to.serialize_f64(if self.0.is_finite() { self.0 } else { 0.0 })
        }
    }
}

impl<'a> Object<'a> {
    pub(super) fn of(endpoint: &'a EndpointView, dialect: Dialect) -> Self {
        let inspect = endpoint.inspect && matches!(endpoint.proto.as_str(), "http" | "https");
        Self {
            name: &endpoint.name,
            id: &endpoint.id,
            uri: uri(&endpoint.name, dialect),
            public_url: &endpoint.public_url,
            proto: &endpoint.proto,
            config: Config { addr: &endpoint.addr, inspect },
            metrics: endpoint.meter.read().into(),
            url: &endpoint.public_url,
            upstream: Upstream {
                url: &endpoint.addr,
                protocol: &endpoint.protocol,
                proxy_protocol: endpoint.proxy_protocol.as_deref(),
            },
            inspect,
            pooling_enabled: endpoint.pooling_enabled,
            traffic_policy: endpoint.traffic_policy.as_deref(),
            bindings: &endpoint.bindings,
            metadata: &endpoint.metadata,
            description: &endpoint.description,
        }
    }
}

impl From<Reading> for Metrics {
    fn from(reading: Reading) -> Self {
        let Numbers { count, rate1, rate5, rate15, p50, p90, p95, p99 } = reading.connections;
        let [rate1, rate5, rate15] = [rate1, rate5, rate15].map(Number);
        let [p50, p90, p95, p99] = [p50, p90, p95, p99].map(Number);
        let gauge = reading.open;
        let conns = Conns { count, gauge, rate1, rate5, rate15, p50, p90, p95, p99 };
        let Numbers { count, rate1, rate5, rate15, p50, p90, p95, p99 } = reading.exchanges;
        let [rate1, rate5, rate15] = [rate1, rate5, rate15].map(Number);
        let [p50, p90, p95, p99] = [p50, p90, p95, p99].map(Number);
        Self { conns, http: Rates { count, rate1, rate5, rate15, p50, p90, p95, p99 } }
    }
}

impl Dialect {
    const fn collection(self) -> &'static str {
        match self {
            Self::Endpoints => "/api/endpoints",
            Self::Tunnels => "/api/tunnels",
        }
    }
}

fn uri(name: &str, dialect: Dialect) -> String {
    format!("{}/{}", dialect.collection(), utf8_percent_encode(name, NAME))
}

#[derive(Serialize)]
struct Endpoints<'a> {
    endpoints: Vec<Object<'a>>,
    uri: &'static str,
}

#[derive(Serialize)]
struct Tunnels<'a> {
    tunnels: Vec<Object<'a>>,
    uri: &'static str,
}

/// All of them, or a new one.
pub(super) async fn collection(call: Call<'_>, dialect: Dialect) -> Answer {
    if call.method == Method::POST {
        let definition = input::definition(&call.body)?;
        let control = call.service.control();
        let made =
            call.service.whole(async move { control.create(dialect, definition).await }).await??;
        return answer::created(&Object::of(&made, dialect));
    }
    let all = call.service.control().endpoints();
    let objects = all.iter().map(|endpoint| Object::of(endpoint, dialect)).collect();
    let uri = dialect.collection();
    match dialect {
        Dialect::Endpoints => answer::json(&Endpoints { endpoints: objects, uri }),
        Dialect::Tunnels => answer::json(&Tunnels { tunnels: objects, uri }),
    }
}

/// One of them.
pub(super) async fn one(call: Call<'_>, dialect: Dialect, name: String) -> Answer {
    let control = call.service.control();
    match call.method {
        Method::DELETE => {
            let deleting = async move { control.delete(&name).await };
            call.service.whole(deleting).await??;
            Ok(answer::nothing())
        }
        Method::PUT => {
            let definition = input::definition(&call.body)?;
            let replacing = async move { control.replace(&name, definition).await };
            let (status, endpoint) = match call.service.whole(replacing).await?? {
                Replaced::Created(endpoint) => (StatusCode::CREATED, endpoint),
                Replaced::Updated(endpoint) => (StatusCode::OK, endpoint),
            };
            answer::with_status(status, &Object::of(&endpoint, dialect))
        }
        _ => {
            let found = control.endpoint(&name).ok_or_else(|| ApiError::no_endpoint(&name))?;
            answer::json(&Object::of(&found, dialect))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_no_needless_fraction() {
        let text = |n| serde_json::to_string(&Number(n)).unwrap();
        assert_eq!(text(0.0), "0");
        assert_eq!(text(-0.0), "0");
        assert_eq!(text(1.25), "1.25");
        assert_eq!(text(1e9), "1000000000");
        assert_eq!(text(1e300), "1e+300");
        assert_eq!(text(f64::NAN), "0.0");
        assert_eq!(text(f64::INFINITY), "0.0");
    }

    #[test]
    fn names_in_uris_are_encoded() {
        assert_eq!(uri("x (http)", Dialect::Tunnels), "/api/tunnels/x%20%28http%29");
        assert_eq!(uri("a-b_c.d~", Dialect::Endpoints), "/api/endpoints/a-b_c.d~");
    }
}
