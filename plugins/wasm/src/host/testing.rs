//! A store's contents for tests that call interfaces without a guest.

use std::{net::SocketAddr, sync::Arc};

use adit_chain::{Body, Conn, Endpoint, Exchange, Protocol};
use http::Request;

use super::{
    Access, ConnView, Current, Phase, RequestView, Services, ServicesBuilder, Shared, State,
};
use crate::{
    grants::{Grants, KvQuota, RateQuota, SecretValue},
    hook::Hook,
    limits::{Limiter, Limits},
    time::Slice,
};

/// One name of each power: `b` for the buckets, `s` for the secret, `u` for the upstream.
pub(super) fn grants() -> Grants {
    Grants {
        kv: [("b".to_owned(), KvQuota::default())].into(),
        rate: [("b".to_owned(), RateQuota::default())].into(),
        secrets: [("s".to_owned(), SecretValue::new("a secret"))].into(),
        outbound: [("u".to_owned(), "http://127.0.0.1:9".to_owned())].into(),
        reroute: ["other".to_owned()].into(),
    }
}

/// An instance's store in the hook of a request.
pub(super) fn state(services: ServicesBuilder) -> State {
    state_in(Hook::Request, grants(), services.build())
}

pub(super) fn state_in(hook: Hook, grants: Grants, services: Arc<Services>) -> State {
    let conn = conn();
    let mut exchange = exchange(Request::get("/a?b=c").body(Body::default()).unwrap());
    let request = RequestView::take(&mut exchange, Access::Open, None);
    State {
        policy: Arc::new(Shared::new("p".into(), Arc::new(grants), services)),
        current: Current {
            conn: Some(ConnView::new(conn, None)),
            request: Some(Box::new(request)),
            ..Current::default()
        },
        phase: Phase::new(hook, None),
        limiter: Limiter::new(&Limits::default()),
        panic: None,
        slice: Slice::default(),
    }
}

pub(super) fn conn() -> Arc<Conn> {
    let endpoint = Endpoint {
        name: "api".into(),
        url: "https://api.example".into(),
        protocol: Protocol::Https,
        upstream: "http://localhost:8080".into(),
        upstream_host: Some("localhost:8080".into()),
    };
    let client: SocketAddr = "203.0.113.9:4711".parse().unwrap();
    Arc::new(Conn::new(client, "192.0.2.1:443".parse().unwrap(), Arc::new(endpoint)))
}

pub(super) fn exchange(request: Request<Body>) -> Exchange {
    Exchange::new(conn(), request)
}
