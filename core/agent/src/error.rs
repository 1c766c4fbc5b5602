//! What the operations of this crate fail with.

use std::{fmt, io, sync::Arc, time::Duration};

use adit_config::{Diagnostic, Diagnostics, Place};
use adit_mux::SessionError;
use adit_net::{dial, proxy::ProxyError, tls};
use adit_proto::{ErrorCode, ErrorText, rpc::CallError};

/// An endpoint's description cannot be followed. Prints as `adit.yml:14:3: what is wrong`, and one
/// line more for each of the details.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    place: Place,
    message: String,
    code: Option<ErrorCode>,
    details: Vec<Diagnostic>,
}

impl PlanError {
    pub(crate) fn new(place: &Place, message: impl Into<String>) -> Self {
        Self { place: place.clone(), message: message.into(), code: None, details: Vec::new() }
    }

    /// What is wrong with a file: the first of it, and the rest as details.
    pub(crate) fn from_all(place: &Place, problems: Diagnostics) -> Self {
        let mut problems = problems.into_iter();
        let first = problems.next().map_or_else(|| Self::new(place, "not valid"), Self::from);
        first.with_details(problems.collect())
    }

    /// What is wrong with the document of an endpoint's traffic policy: that it is none, or that it
    /// cannot be had.
    pub(crate) fn of_document(name: &str, place: &Place, problems: Diagnostics) -> Self {
        match problems.iter().next().filter(|first| first.code.is_some()) {
            Some(first) => Self::policy_invalid(name, &first.place.clone(), problems),
            None => Self::from_all(place, problems).of_endpoint(name),
        }
    }

    /// Everything that is wrong with the traffic policy of an endpoint.
    ///
    /// Fact: clients know the mistake as a whole by a code of its own.
    pub(crate) fn policy_invalid(
        name: &str,
        place: &Place,
        mistakes: impl IntoIterator<Item = Diagnostic>,
    ) -> Self {
        Self::new(place, format!("endpoint {name:?}: the traffic policy is not valid:"))
            .with_code(ErrorCode::POLICY_INVALID)
            .with_details(mistakes.into_iter().collect())
    }

    pub(crate) fn with_code(mut self, code: ErrorCode) -> Self {
        self.code = Some(code);
        self
    }

    pub(crate) fn with_details(self, details: Vec<Diagnostic>) -> Self {
        Self { details, ..self }
    }

    /// Says whose mistake it is.
    pub(crate) fn of_endpoint(mut self, name: &str) -> Self {
        self.message = format!("endpoint {name:?}: {}", self.message);
        self
    }

    /// Where the mistake stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What is wrong and what to do, without the place.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The public code of this mistake, if it has one.
    pub fn code(&self) -> Option<ErrorCode> {
        self.code
    }

    /// Each mistake by itself, where there may be several.
    pub fn details(&self) -> &[Diagnostic] {
        &self.details
    }
}

impl From<Diagnostic> for PlanError {
    fn from(problem: Diagnostic) -> Self {
        let message = match problem.hint {
            Some(hint) => format!("{}; {hint}", problem.message),
            None => problem.message,
        };
        let code = problem.code.map(|code| ErrorCode(code.into()));
        Self { code, ..Self::new(&problem.place, message) }
    }
}

/// The mistake, and each that it consists of.
impl From<PlanError> for Diagnostics {
    fn from(error: PlanError) -> Self {
        let code = error.code.and_then(|code| u16::try_from(code.0).ok());
        let mut all = Self::from(Diagnostic::new(error.place, error.message).code(code));
        error.details.into_iter().for_each(|detail| all.push(detail));
        all
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        self.details.iter().try_for_each(|detail| write!(f, "\n{detail}"))
    }
}

impl std::error::Error for PlanError {}

/// An agent cannot be made of what it was given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The address of the edge is not one.
    #[error("connect address {text:?}: {reason}")]
    Address {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody said where the edge is.
    #[error("no edge to connect to; name one, or give the agent a link to an embedded one")]
    NoEdge,
    /// The URL of the proxy cannot be used.
    #[error("proxy cannot be used")]
    Proxy(#[from] adit_net::proxy::ProxyUrlError),
    /// The roots that the edge is verified against cannot be loaded.
    #[error("roots for the connection to the edge cannot be used")]
    Roots(#[from] tls::roots::RootsError),
    /// The configuration asks for something that does not work yet.
    #[error("{key} is not supported yet; remove it")]
    Unsupported {
        /// Which key, and where.
        key: String,
    },
}

/// No bytes could be exchanged with the edge.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DialError {
    /// Name, address or port.
    #[error(transparent)]
    Connect(#[from] dial::DialError),
    /// A link that is not a socket, or the system.
    #[error("the link to the edge failed")]
    Link(#[source] io::Error),
    /// The proxy on the way.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// TLS with the edge.
    #[error("no TLS session with {host}{}", remedy(.source))]
    Tls {
        /// Whom the certificate had to be for.
        host: String,
        /// What went wrong.
        source: tls::HandshakeError,
    },
}

impl DialError {
    /// Whether we refused the edge's certificate: a wrong name or roots, which time does not heal.
    pub fn is_untrusted(&self) -> bool {
        let Self::Tls { source, .. } = self else { return false };
        matches!(source.refusal(), Some(rustls::Error::InvalidCertificate(_)))
    }

    /// Whether the interface that `connect_interface` names cannot be used.
    fn is_interface(&self) -> bool {
        matches!(self, Self::Connect(dial::DialError::Interface { .. }))
    }
}

/// What to do about it, where we know.
fn remedy(error: &tls::HandshakeError) -> &'static str {
    use rustls::{
        AlertDescription::{AccessDenied, UnrecognisedName},
        CertificateError::{BadSignature, UnknownIssuer},
        Error::{AlertReceived, InvalidCertificate},
    };
    match error.refusal() {
        // The second if an authority of the same name is known.
        Some(InvalidCertificate(UnknownIssuer | BadSignature)) => {
            ", whose authority is not trusted here (connect_cas names those that are)"
        }
        // The first is what our edge says to names that it has nothing for.
        Some(AlertReceived(AccessDenied | UnrecognisedName)) => {
            ", which is no name of the edge there (its connect_host is, or else connect.DOMAIN)"
        }
        _ => "",
    }
}

/// One attempt to establish a session failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The edge was not reached.
    #[error("could not reach the edge")]
    Dial(#[from] DialError),
    /// The edge was reached, but the session ended before it had begun.
    #[error("the session ended before it was established")]
    Session(#[source] SessionError),
    /// The edge refused the agent.
    #[error("authentication failed: {0}")]
    Refused(ErrorText),
    /// The edge did not say yes or no.
    #[error("authentication failed")]
    Auth(#[source] CallError),
}

impl ConnectError {
    /// Whether trying again soon is of no use.
    ///
    /// Fact: codes 100 to 199 and 300 to 399 are about credentials and what they permit, and 4018
    /// says that there is none; 128 is the edge's own trouble.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Dial(error) => error.is_untrusted() || error.is_interface(),
            Self::Refused(text) => text.code().is_some_and(|code| {
                code != ErrorCode::TRANSIENT && matches!(code.0, 100..=199 | 300..=399 | 4018)
            }),
            Self::Session(_) | Self::Auth(_) => false,
        }
    }

    /// Whether the edge's host answered that nobody listens there.
    pub(crate) fn is_absent(&self) -> bool {
        let Self::Dial(DialError::Connect(dial::DialError::Connect { source, .. })) = self else {
            return false;
        };
        source.kind() == io::ErrorKind::ConnectionRefused
    }

    /// Whether the edge does not know the session that the agent came back to, as one that has lost
    /// what it keeps.
    pub(crate) fn is_unknown_session(&self) -> bool {
        self.refusal().and_then(ErrorText::code) == Some(ErrorCode::COOKIE_INVALID)
    }

    /// What the edge said, if it refused.
    pub fn refusal(&self) -> Option<&ErrorText> {
        match self {
            Self::Refused(text) => Some(text),
            _ => None,
        }
    }
}

/// An endpoint is not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Its description cannot be followed.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The edge refused it: the name is not ours, or taken.
    #[error("the edge refused the endpoint: {0}")]
    Refused(ErrorText),
    /// The edge did not say yes or no, although it was asked on several sessions.
    #[error("the edge did not answer")]
    Call(#[source] CallError),
    /// What the edge said makes no sense.
    #[error("the edge answered with something else: {reason}")]
    Answer {
        /// What is wrong with it.
        reason: String,
    },
    /// There was no session with the edge for too long.
    #[error("no session with the edge within {after:?}")]
    Offline {
        /// How long was waited.
        after: Duration,
    },
    /// The endpoint was closed while the edge was asked to change it.
    #[error("the endpoint was closed meanwhile")]
    Closed,
    /// The session has ended.
    #[error("the session has ended")]
    Ended,
}

impl BindError {
    /// What the edge said, if it refused.
    pub fn refusal(&self) -> Option<&ErrorText> {
        match self {
            Self::Refused(text) => Some(text),
            _ => None,
        }
    }
}

/// An error with its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> Arc<str> {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Some errors print their cause themselves.
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    // Fact: rustls ends some messages with a link to its manual, which helps no user of ours.
    if let Some(link) = text.find(": https://docs.rs/") {
        text.truncate(link);
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn causes_are_told_once_and_without_links_to_manuals() {
        let source = io::Error::other("no close_notify: https://docs.rs/rustls/latest/x");
        let error = SessionError::Io(Arc::new(source));
        assert_eq!(&*chain(&error), "transport failed: no close_notify");
        let refused = ConnectError::Refused(ErrorText::uncoded("no"));
        assert_eq!(&*chain(&refused), "authentication failed: no");
    }

    #[test]
    fn credentials_are_permanent_trouble_and_the_edges_own_is_not() {
        let refused = |code| ConnectError::Refused(ErrorText::new(ErrorCode(code), "no"));
        for (code, permanent) in
            [(107, true), (300, true), (4018, true), (128, false), (3200, false)]
        {
            assert_eq!(refused(code).is_permanent(), permanent, "{code}");
        }
        assert!(!ConnectError::Refused(ErrorText::uncoded("no")).is_permanent());
        let auth = ConnectError::Auth(CallError::Timeout { after: Duration::from_secs(10) });
        assert!(!auth.is_permanent());
    }
}
