//! What can go wrong with a login, and what the visitor is told.

use adit_chain::{ErrorCode, Refusal};
use http::StatusCode;

use super::ask::{AskError, printable};

/// Which of the two actions it is: some codes are theirs alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    /// `oauth`.
    Oauth,
    /// `openid-connect`.
    Oidc,
}

impl Flavor {
    /// Its name below `actions.ngrok`.
    pub(crate) const fn namespace(self) -> &'static str {
        match self {
            Self::Oauth => "oauth",
            Self::Oidc => "oidc",
        }
    }
}

/// A login failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// The code that the visitor sees.
    pub(crate) code: u32,
    status: StatusCode,
    /// For the visitor.
    pub(crate) message: String,
    /// For the log, without secrets.
    pub(crate) reason: String,
}

impl Trouble {
    /// With this code, status, and sentences.
    pub(crate) fn new(code: u32, status: u16, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { code, status, message: message.into(), reason: String::new() }
    }

    /// With what the log should know.
    pub(crate) fn because(self, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..self }
    }

    /// Whether the visitor can do nothing about it, and whoever runs the endpoint perhaps can.
    pub(crate) fn is_ours(&self) -> bool {
        self.status.is_server_error()
    }

    /// What the runtime turns into a page.
    pub(crate) fn to_refusal(&self) -> Refusal {
        Refusal::new(self.status, self.message.clone()).with_code(ErrorCode(self.code))
    }

    /// The visitor came back without a state.
    pub(crate) fn no_state(flavor: Flavor) -> Self {
        let code = if flavor == Flavor::Oauth { 3120 } else { 5200 };
        Self::new(code, 400, "The address has no \"state\". Please log in again.")
    }

    /// The state is none of ours.
    pub(crate) fn bad_state(flavor: Flavor) -> Self {
        let code = if flavor == Flavor::Oauth { 3108 } else { 5201 };
        Self::new(code, 400, "The \"state\" of this login is not valid. Please log in again.")
    }

    /// The visitor took too long.
    pub(crate) fn too_late(title: &str) -> Self {
        let message = format!("Logging in with {title} took too long. Please log in again.");
        Self::new(3119, 400, message)
    }

    /// The browser does not say that it began the login.
    pub(crate) fn no_nonce(title: &str) -> Self {
        let message = format!(
            "The cookie that this login with {title} began with is missing. Please log in again, \
             with cookies allowed."
        );
        Self::new(3121, 400, message)
    }

    /// Another browser began the login.
    pub(crate) fn other_browser(title: &str) -> Self {
        let message =
            format!("This login with {title} was begun in another browser. Please log in again.");
        Self::new(3124, 400, message)
    }

    /// The visitor came back before.
    pub(crate) fn replayed(title: &str) -> Self {
        let message = format!("This login with {title} was used already. Please log in again.");
        Self::new(3123, 400, message)
    }

    /// The visitor came back without a code.
    pub(crate) fn no_code(flavor: Flavor, title: &str) -> Self {
        let message = format!("{title} sent no code along. Please log in again.");
        Self::new(if flavor == Flavor::Oauth { 3106 } else { 5202 }, 400, message)
    }

    /// The visitor came back with an error. What it says is a stranger's text: only its known codes
    /// are understood, and nothing of it is shown.
    pub(crate) fn denied(flavor: Flavor, title: &str, error: &str, redirect_uri: &str) -> Self {
        let (code, status, what) = match error {
            "access_denied" | "user_cancelled_login" | "user_cancelled_authorize" => {
                (3114, 403, "did not let you in".to_owned())
            }
            "invalid_scope" => (3126, 502, "does not know what this application asks for".into()),
            "redirect_uri_mismatch" => (3115, 502, wants(redirect_uri)),
            "server_error" => (3166, 502, "has trouble. Try again later".to_owned()),
            "temporarily_unavailable" => (3165, 503, "is too busy. Try again later".to_owned()),
            "unauthorized_client" | "invalid_client" => {
                (3125, 502, "does not accept this application".to_owned())
            }
            _ => (3112, 403, "ended the login with an error".to_owned()),
        };
        let code = if flavor == Flavor::Oauth { code } else { 5211 };
        Self::new(code, status, format!("{title} {what}.")).because(printable(error))
    }

    /// The code brought no tokens.
    pub(crate) fn no_tokens(
        flavor: Flavor,
        title: &str,
        error: &AskError,
        redirect_uri: &str,
    ) -> Self {
        let trouble = match error {
            refused @ AskError::Refused { error, .. } => match error.as_str() {
                "invalid_client" | "incorrect_client_credentials" | "unauthorized_client" => {
                    let message = format!("{title} does not accept this application's secret.");
                    Self::new(5527, 502, message)
                }
                "invalid_grant" | "bad_verification_code" => {
                    let message = format!("{title} no longer accepts this login. Try again.");
                    Self::new(5528, 400, message)
                }
                "redirect_uri_mismatch" => {
                    Self::new(3115, 502, format!("{title} {}.", wants(redirect_uri)))
                }
                "" => Self::unreachable(flavor, title, refused),
                _ => Self::vague(flavor, title, 3164),
            },
            other => Self::unreachable(flavor, title, other),
        };
        let oidc = |trouble: Self| Self { code: 5202, ..trouble };
        let trouble = if flavor == Flavor::Oidc { oidc(trouble) } else { trouble };
        trouble.because(format!("{error}; the redirect URL is {redirect_uri}"))
    }

    /// The provider does not tell who the visitor is.
    pub(crate) fn no_person(flavor: Flavor, title: &str, error: &AskError) -> Self {
        if let AskError::Refused { status, .. } = error
            && matches!(status.as_u16(), 401 | 403)
        {
            let message = format!("{title} does not tell this application who you are.");
            let code = if flavor == Flavor::Oauth { 3113 } else { 5202 };
            return Self::new(code, 403, message).because(error.to_string());
        }
        Self::unreachable(flavor, title, error)
    }

    /// The provider gives no useful answer.
    pub(crate) fn unreachable(flavor: Flavor, title: &str, error: &AskError) -> Self {
        let code = match error {
            AskError::Refused { status, .. } if status.as_u16() == 429 => 3161,
            AskError::Refused { status, .. } if status.is_server_error() => 3166,
            _ => 3160,
        };
        Self::vague(flavor, title, code).because(error.to_string())
    }

    fn vague(flavor: Flavor, title: &str, code: u32) -> Self {
        let code = if flavor == Flavor::Oauth { code } else { 5202 };
        Self::new(code, 502, format!("{title} gave no useful answer. Please try again later."))
    }
}

fn wants(redirect_uri: &str) -> String {
    format!("does not know this application's redirect URL, which is {redirect_uri}")
}
