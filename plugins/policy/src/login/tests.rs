//! Whole logins, against a provider on this machine.

mod documents;
mod hostile;
mod providers;
mod sessions;
mod trouble;

use serde_json::{Value as Json, json};

use super::testing::{ISSUER, Provider};
use crate::testing::{Rig, Site};

/// A policy that lets in who has logged in with the provider that describes itself.
fn oidc(provider: &Provider, further: Json) -> Rig {
    rig(provider, "openid-connect", "issuer_url", ISSUER, further)
}

/// A policy that lets in who has logged in with a provider by name.
fn oauth(provider: &Provider, name: &str, further: Json) -> Rig {
    rig(provider, "oauth", "provider", name, further)
}

fn rig(provider: &Provider, kind: &str, field: &str, value: &str, further: Json) -> Rig {
    let mut config = json!({"client_id": "app", "client_secret": "s3cret"});
    config[field] = value.into();
    for (name, value) in further.as_object().unwrap() {
        config[name] = value.clone();
    }
    Site::with(provider.services()).policy(&policy(kind, config))
}

fn policy(kind: &str, config: Json) -> Json {
    json!({"on_http_request": [{"actions": [{"type": kind, "config": config}]}]})
}

/// One parameter of a URL.
fn param(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
}
