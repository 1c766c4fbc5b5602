//! `oauth`: lets visitors through who have logged in with a provider that is known by name.

use crate::{
    action::{Action, BuildCx, Kind},
    fields::Fields,
    login::{
        flow::Login,
        provider::Provider,
        providers::{self, Known, LINKEDIN_OPENID},
        settings::Settings,
        trouble::Flavor,
    },
    phase::Phase,
};

/// This type of action.
pub(crate) const KIND: Kind = Kind {
    name: "oauth",
    namespace: Flavor::Oauth.namespace(),
    phases: &[Phase::HttpRequest],
    is_terminating: false,
    build,
};

fn build(fields: &mut Fields<'_>, cx: &BuildCx<'_>) -> Option<Box<dyn Action>> {
    let known: Vec<_> = providers::ALL.into_iter().map(|known| (known.name, known)).collect();
    let provider = fields.required("provider", |fields, name| fields.choice(name, &known));
    let settings = Settings::read(fields, cx, Flavor::Oauth)?;
    let provider = variant(provider?, &settings.scopes);
    let mut scopes: Vec<String> = provider.scopes.iter().map(|&scope| scope.into()).collect();
    for scope in &settings.scopes {
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
    Some(Box::new(Login::new(settings, Provider::Known(provider), scopes, cx.services)))
}

/// The same provider, as it is for applications with these scopes.
fn variant(provider: &'static Known, scopes: &[String]) -> &'static Known {
    if provider.name == LINKEDIN_OPENID.name && scopes.iter().any(|scope| scope == "openid") {
        return &LINKEDIN_OPENID;
    }
    provider
}
