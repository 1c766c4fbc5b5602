//! Who may connect, and with what rights.

use std::{fmt, sync::Arc};

use adit_chain::BoxFuture;
use adit_config::edge::TokenHash;
use adit_proto::{ErrorCode, ErrorText, secret::Secret};
use sha2::{Digest as _, Sha256};

use crate::acl::Acl;

/// Longest authtoken that is looked at, in bytes.
const MAX_TOKEN_LEN: usize = 1024;

/// An authenticated owner of sessions.
#[derive(Clone, Debug)]
pub struct Account {
    /// Id of the account: sessions and addresses belong to it. Also used in logs.
    pub id: Arc<str>,
    /// Id of the credential that was shown, for messages.
    pub credential: Arc<str>,
    /// Name for people.
    pub name: String,
    /// What the credential may bind.
    pub acl: Acl,
    /// Most sessions at a time.
    pub max_sessions: usize,
    /// Most endpoints of one session.
    pub max_binds: usize,
}

/// The credential is not good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text} ({code})")]
pub struct AuthRefused {
    /// Why, as a number.
    pub code: ErrorCode,
    /// Why, for the agent's user.
    pub text: String,
}

impl From<AuthRefused> for ErrorText {
    fn from(refused: AuthRefused) -> Self {
        Self::new(refused.code, refused.text)
    }
}

/// Where accounts come from: a file, a database, nowhere.
pub trait Accounts: fmt::Debug + Send + Sync + 'static {
    /// Finds the account of an authtoken. Takes the same time whether the token is known or not.
    fn authenticate<'a>(&'a self, token: &'a Secret)
    -> BoxFuture<'a, Result<Account, AuthRefused>>;
}

/// One credential of a file.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Hash of the whole token.
    pub hash: TokenHash,
    /// What it gives.
    pub account: Account,
}

/// Credentials from the edge's file, stored hashed.
#[derive(Clone, Debug, Default)]
pub struct FileAccounts(Vec<Credential>);

impl FileAccounts {
    /// Accounts with these credentials.
    pub const fn new(credentials: Vec<Credential>) -> Self {
        Self(credentials)
    }
}

impl Accounts for FileAccounts {
    fn authenticate<'a>(
        &'a self,
        token: &'a Secret,
    ) -> BoxFuture<'a, Result<Account, AuthRefused>> {
        Box::pin(std::future::ready(self.find(token)))
    }
}

impl FileAccounts {
    fn find(&self, token: &Secret) -> Result<Account, AuthRefused> {
        let text = token.expose();
        let malformed =
            text.is_empty() || text.len() > MAX_TOKEN_LEN || text.chars().any(char::is_control);
        if malformed {
            return Err(AuthRefused {
                code: ErrorCode::TOKEN_MALFORMED,
                text: "The authtoken is missing or malformed. Set one that this edge knows."
                    .to_owned(),
            });
        }
        let shown: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        // All are compared, whichever matches, so the time does not tell which one it was.
        let mut found = None;
        for credential in &self.0 {
            if credential.hash.matches(&shown) {
                found = Some(&credential.account);
            }
        }
        found.cloned().ok_or_else(|| AuthRefused {
            code: ErrorCode::TOKEN_UNKNOWN,
            text: "The authtoken is not known to this edge; it may have been revoked.".to_owned(),
        })
    }
}

/// One account without a password, for an edge that only its own process can reach.
#[derive(Clone, Debug, Default)]
pub struct EmbeddedAccounts {
    token: Option<Secret>,
}

impl EmbeddedAccounts {
    /// Lets in whoever shows this token over a socket; an agent in the same process needs none.
    pub fn with_token(token: impl Into<Secret>) -> Self {
        Self { token: Some(token.into()) }
    }
}

impl Accounts for EmbeddedAccounts {
    fn authenticate<'a>(
        &'a self,
        token: &'a Secret,
    ) -> BoxFuture<'a, Result<Account, AuthRefused>> {
        let known = self.token.as_ref().is_some_and(|known| known == token);
        Box::pin(std::future::ready(if known {
            Ok(Account::local())
        } else {
            Err(AuthRefused {
                code: ErrorCode::TOKEN_UNKNOWN,
                text: "This edge belongs to another process and takes no agents.".to_owned(),
            })
        }))
    }
}

impl Account {
    /// Whoever shares the process: everything is allowed.
    pub fn local() -> Self {
        Self {
            id: "local".into(),
            credential: "local".into(),
            name: "local".to_owned(),
            acl: Acl::everything(),
            max_sessions: usize::MAX,
            max_binds: usize::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> FileAccounts {
        let hash = TokenHash::new(Sha256::digest(b"good").into());
        FileAccounts::new(vec![Credential { hash, account: Account::local() }])
    }

    #[tokio::test]
    async fn a_known_token_finds_its_account() {
        let account = accounts().authenticate(&"good".into()).await.unwrap();
        assert_eq!(&*account.id, "local");
    }

    #[tokio::test]
    async fn other_tokens_are_refused_with_their_codes() {
        let code = |token: String| async move {
            accounts().authenticate(&token.into()).await.unwrap_err().code
        };
        assert_eq!(code("bad".to_owned()).await, ErrorCode::TOKEN_UNKNOWN);
        assert_eq!(code(String::new()).await, ErrorCode::TOKEN_MALFORMED);
        assert_eq!(code("a\nb".to_owned()).await, ErrorCode::TOKEN_MALFORMED);
        assert_eq!(code("x".repeat(1025)).await, ErrorCode::TOKEN_MALFORMED);
    }

    #[tokio::test]
    async fn an_embedded_edge_takes_nobody_without_its_token() {
        let closed = EmbeddedAccounts::default();
        assert!(closed.authenticate(&"".into()).await.is_err());
        let open = EmbeddedAccounts::with_token("t");
        assert!(open.authenticate(&"t".into()).await.is_ok());
        assert!(open.authenticate(&"u".into()).await.is_err());
    }
}
