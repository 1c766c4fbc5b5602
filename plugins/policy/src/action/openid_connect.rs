//! `openid-connect`: lets visitors through who have logged in with a provider that describes itself.

use url::Url;

use crate::{
    action::{Action, BuildCx, Kind},
    fields::Fields,
    login::{flow::Login, provider::Provider, settings::Settings, trouble::Flavor},
    phase::Phase,
    problem::code,
};

/// Characters of an issuer.
///
/// Fact: the limit of the service whose policies these are.
const MAX_ISSUER: usize = 255;

/// What is asked for if the policy names nothing.
const SCOPES: [&str; 3] = ["openid", "email", "profile"];

/// A field must be a URL.
const NO_URL: u32 = 2226;

/// This type of action.
pub(crate) const KIND: Kind = Kind {
    name: "openid-connect",
    namespace: Flavor::Oidc.namespace(),
    phases: &[Phase::HttpRequest],
    is_terminating: false,
    build,
};

fn build(fields: &mut Fields<'_>, cx: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let issuer = fields.required("issuer_url", issuer);
    let settings = Settings::read(fields, cx, Flavor::Oidc)?;
    let mut scopes = settings.scopes.clone();
    if scopes.is_empty() {
        scopes = SCOPES.map(str::to_owned).to_vec();
    }
    // Without it there is no identity token.
    if !scopes.iter().any(|scope| scope == "openid") {
        scopes.insert(0, "openid".to_owned());
    }
    Some(Box::new(Login::new(settings, Provider::Issuer(issuer?), scopes, cx.services)))
}

fn issuer(fields: &mut Fields<'_>, name: &'static str) -> Option<String> {
    let text = fields.text(name, 1..=MAX_ISSUER)?;
    let is_issuer = |url: &Url| {
        matches!(url.scheme(), "https" | "http")
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
    };
    let Some(url) = Url::parse(&text).ok().filter(is_issuer) else {
        fields.error(name, NO_URL, "must be an https:// URL without a query");
        return None;
    };
    let host = url.host_str().unwrap_or_default();
    let is_near = host == "localhost" || host == "[::1]" || host.starts_with("127.");
    if url.scheme() == "http" && !is_near {
        let message = "is not https://: whoever is on the way can log in as anybody";
        fields.warn(name, code::FIELD_VALUE, message);
    }
    Some(text)
}
