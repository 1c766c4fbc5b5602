//! Flags about visitors who sign in, and about signatures.

use adit_config::{
    At, Secret,
    file::{OAuth, Oidc, VerifyWebhook},
};

use super::{at, listed, text};
use crate::args::LoginArgs;

/// What visitors do at a provider that is known by name; none if no flag is about it.
pub(super) fn oauth(args: &LoginArgs) -> Option<OAuth> {
    let LoginArgs { oauth, oauth_client_id, oauth_client_secret, .. } = args;
    let lists = [&args.oauth_scope, &args.oauth_allow_domain, &args.oauth_allow_email];
    let is_given = [oauth, oauth_client_id, oauth_client_secret].into_iter().any(Option::is_some)
        || lists.into_iter().any(|list| !list.is_empty());
    is_given.then(|| OAuth {
        provider: text(oauth.as_deref(), "--oauth"),
        allow_emails: listed(&args.oauth_allow_email, "--oauth-allow-email", str::to_owned),
        allow_domains: listed(&args.oauth_allow_domain, "--oauth-allow-domain", str::to_owned),
        scopes: listed(&args.oauth_scope, "--oauth-scope", str::to_owned),
        client_id: text(oauth_client_id.as_deref(), "--oauth-client-id"),
        client_secret: secret(oauth_client_secret.as_deref(), "--oauth-client-secret"),
    })
}

/// The same at an OpenID provider.
pub(super) fn oidc(args: &LoginArgs) -> Option<Oidc> {
    let LoginArgs { oidc, oidc_client_id, oidc_client_secret, oidc_scope, .. } = args;
    let is_given = [oidc, oidc_client_id, oidc_client_secret].into_iter().any(Option::is_some)
        || !oidc_scope.is_empty();
    is_given.then(|| Oidc {
        issuer_url: text(oidc.as_deref(), "--oidc"),
        scopes: listed(oidc_scope, "--oidc-scope", str::to_owned),
        client_id: text(oidc_client_id.as_deref(), "--oidc-client-id"),
        client_secret: secret(oidc_client_secret.as_deref(), "--oidc-client-secret"),
        ..Oidc::default()
    })
}

/// Whose signatures are asked for.
pub(super) fn verify_webhook(args: &LoginArgs) -> Option<VerifyWebhook> {
    let LoginArgs { verify_webhook, verify_webhook_secret, .. } = args;
    (verify_webhook.is_some() || verify_webhook_secret.is_some()).then(|| VerifyWebhook {
        provider: text(verify_webhook.as_deref(), "--verify-webhook"),
        secret: secret(verify_webhook_secret.as_deref(), "--verify-webhook-secret"),
    })
}

fn secret(value: Option<&str>, flag: &str) -> Option<At<Secret<String>>> {
    value.map(|value| at(Secret::new(value.to_owned()), flag))
}
