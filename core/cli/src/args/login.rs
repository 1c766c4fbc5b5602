//! Flags of `http` about visitors who sign in, and about signatures.

use clap::Args;

/// Flags about visitors who sign in, and about signatures.
#[derive(Clone, Debug, Default, Args)]
pub struct LoginArgs {
    /// Visitors sign in with this provider, for instance google or github.
    #[arg(long, value_name = "PROVIDER")]
    pub oauth: Option<String>,
    /// Id of your application at the provider.
    #[arg(long, value_name = "ID")]
    pub oauth_client_id: Option<String>,
    /// Its secret.
    #[arg(long, value_name = "SECRET")]
    pub oauth_client_secret: Option<String>,
    /// What is asked of the provider; may be repeated.
    #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
    pub oauth_scope: Vec<String>,
    /// Let in addresses of these domains only; may be repeated.
    #[arg(long, value_name = "DOMAIN", value_delimiter = ',')]
    pub oauth_allow_domain: Vec<String>,
    /// Let in these addresses only; may be repeated.
    #[arg(long, value_name = "EMAIL", value_delimiter = ',')]
    pub oauth_allow_email: Vec<String>,
    /// Visitors sign in with the OpenID provider at this URL.
    #[arg(long, value_name = "URL")]
    pub oidc: Option<String>,
    /// Id of your application there.
    #[arg(long, value_name = "ID")]
    pub oidc_client_id: Option<String>,
    /// Its secret.
    #[arg(long, value_name = "SECRET")]
    pub oidc_client_secret: Option<String>,
    /// What is asked of it; may be repeated.
    #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
    pub oidc_scope: Vec<String>,
    /// Let in only what this service has signed, for instance github or stripe.
    #[arg(long, value_name = "PROVIDER")]
    pub verify_webhook: Option<String>,
    /// What it signs with.
    #[arg(long, value_name = "SECRET")]
    pub verify_webhook_secret: Option<String>,
}
