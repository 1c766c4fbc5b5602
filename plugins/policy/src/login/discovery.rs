//! What an OpenID provider says of itself.

use std::sync::Arc;

use serde_json::Value as Json;
use url::Url;

use super::{
    ask::{self, AskError},
    client::ClientAuth,
    store::Logins,
};
use crate::services::Fetch;

/// A provider's description: where it is asked what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    /// As its tokens name it.
    pub(crate) issuer: String,
    /// Where visitors log in.
    pub(crate) authorize: String,
    /// Where codes become tokens.
    pub(crate) token: String,
    /// Where its keys are.
    pub(crate) keys: String,
    /// Where it tells who a visitor is, if it does.
    pub(crate) userinfo: Option<String>,
    /// How clients prove themselves.
    pub(crate) auth: ClientAuth,
}

/// The description of an issuer, of some minutes ago at most.
pub(crate) async fn find(
    logins: &Logins,
    fetch: Option<&Arc<dyn Fetch>>,
    issuer: &str,
) -> Result<Arc<Document>, AskError> {
    let load = || async {
        // Fact: OpenID Connect Discovery 1.0, 4: any slash at the issuer's end is taken off first.
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let json = ask::get(fetch, &url, &[]).await?;
        Document::parse(issuer, &json).map_err(AskError::Garbage)
    };
    logins.documents().get(logins.clock(), issuer, load).await
}

impl Document {
    /// Reads it; it has to be about the issuer that was asked.
    pub(crate) fn parse(asked: &str, json: &Json) -> Result<Self, String> {
        let text = |name: &str| json.get(name).and_then(Json::as_str);
        let issuer = text("issuer").ok_or("it has no issuer")?;
        if issuer.trim_end_matches('/') != asked.trim_end_matches('/') {
            return Err("it is about another issuer".to_owned());
        }
        let is_https = asked.starts_with("https:");
        let url = |name: &str| match text(name).map(Url::parse) {
            None => Ok(None),
            Some(Ok(url)) if url.scheme() == "https" => Ok(Some(url.to_string())),
            // What was asked for in secret is not told in the open.
            Some(Ok(url)) if url.scheme() == "http" && !is_https => Ok(Some(url.to_string())),
            Some(_) => Err(format!("its {name} is not an https:// URL")),
        };
        let required = |name: &str| url(name)?.ok_or_else(|| format!("it has no {name}"));
        let methods = json.get("token_endpoint_auth_methods_supported").and_then(Json::as_array);
        let offers = |method: &str| methods.is_some_and(|all| all.iter().any(|own| own == method));
        // Fact: a provider that does not tell takes the header.
        let form_only = offers("client_secret_post") && !offers("client_secret_basic");
        Ok(Self {
            issuer: issuer.to_owned(),
            authorize: required("authorization_endpoint")?,
            token: required("token_endpoint")?,
            keys: required("jwks_uri")?,
            userinfo: url("userinfo_endpoint")?,
            auth: if form_only { ClientAuth::Form } else { ClientAuth::Basic },
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Json {
        json!({
            "issuer": "https://id.example/realm",
            "authorization_endpoint": "https://id.example/authorize",
            "token_endpoint": "https://id.example/token",
            "jwks_uri": "https://id.example/keys",
        })
    }

    fn with(name: &str, value: &str) -> Result<Document, String> {
        let mut json = document();
        json[name] = value.into();
        Document::parse("https://id.example/realm/", &json)
    }

    #[test]
    fn a_document_must_be_about_its_issuer_and_stay_secret() {
        let known = Document::parse("https://id.example/realm", &document()).unwrap();
        assert_eq!((known.auth, known.userinfo), (ClientAuth::Basic, None));
        assert!(with("issuer", "https://id.example/realm/").is_ok());
        assert_eq!(
            with("issuer", "https://evil.example").unwrap_err(),
            "it is about another issuer"
        );
        let open = with("token_endpoint", "http://id.example/token").unwrap_err();
        assert_eq!(open, "its token_endpoint is not an https:// URL");
        assert!(with("jwks_uri", "file:///etc/passwd").is_err());
        assert!(with("userinfo_endpoint", "nowhere").is_err());
    }

    #[test]
    fn a_client_proves_itself_as_the_provider_wants() {
        let mut json = document();
        json["token_endpoint_auth_methods_supported"] = json!(["client_secret_post"]);
        let known = Document::parse("https://id.example/realm", &json).unwrap();
        assert_eq!(known.auth, ClientAuth::Form);
    }
}
