//! Errors as agents show them: text with a code on a line of its own.
//!
//! ```text
//! The endpoint https://a.example is already online.
//!
//! ERR_NGROK_334
//! ```
//!
//! Fact: no published client acts on a code; they show it and link to its page. The number is the
//! contract, the wording is free.

use std::fmt;

const PREFIX: &str = "ERR_NGROK_";

/// The number behind `ERR_NGROK_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(pub u32);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        impl ErrorCode {
            $($(#[$doc])* pub const $name: Self = Self($code);)*
        }
    };
}

codes! {
    /// The credential is not even shaped like one.
    TOKEN_MALFORMED = 105;
    /// The credential is unknown, was reset or revoked.
    TOKEN_UNKNOWN = 107;
    /// Too many sessions, or too many legs in one.
    TOO_MANY_SESSIONS = 108;
    /// `Auth` could not be understood.
    AUTH_INVALID = 109;
    /// The cookie was not issued by us.
    COOKIE_INVALID = 110;
    /// Heartbeat interval out of bounds.
    HEARTBEAT_INTERVAL = 111;
    /// Heartbeat tolerance out of bounds.
    HEARTBEAT_TOLERANCE = 112;
    /// The agent's address may not connect.
    AGENT_IP_NOT_ALLOWED = 115;
    /// The agent's address may not use this credential.
    CREDENTIAL_IP_NOT_ALLOWED = 116;
    /// The agent's version cannot be read.
    VERSION_INVALID = 119;
    /// The agent is too old.
    VERSION_TOO_OLD = 121;
    /// Client type or user agent is too long or has control characters.
    USER_AGENT_INVALID = 124;
    /// Ours for the moment: try again.
    TRANSIENT = 128;
    /// The credential was revoked.
    CREDENTIAL_REVOKED = 300;
    /// `Bind` could not be understood.
    BIND_INVALID = 301;
    /// That TCP address is not reserved.
    TCP_NOT_RESERVED = 307;
    /// The credential's rules forbid this address.
    ACL_ADDRESS = 308;
    /// That TCP address belongs to someone else.
    TCP_OTHER_OWNER = 309;
    /// The credential's rules forbid this name.
    ACL_NAME = 316;
    /// That wildcard host is not reserved.
    WILDCARD_NOT_RESERVED = 318;
    /// That host is not reserved.
    HOST_NOT_RESERVED = 319;
    /// That host belongs to another account.
    HOST_OTHER_OWNER = 320;
    /// Too many endpoints in one session.
    TOO_MANY_BINDS = 324;
    /// The host name is not one. 327 to 330 say the same.
    HOST_SYNTAX = 326;
    /// The address is already online.
    ALREADY_ONLINE = 334;
    /// The bind token was not issued by us.
    BIND_TOKEN_MALFORMED = 335;
    /// Connections come too fast.
    CONNECTION_RATE = 703;
    /// Too many simultaneous connections.
    CONNECTION_LIMIT = 714;
    /// The visitor's TLS handshake failed.
    VISITOR_TLS = 3002;
    /// The upstream sent something that is not an HTTP response.
    UPSTREAM_BAD_RESPONSE = 3004;
    /// Nobody serves this address.
    OFFLINE = 3200;
    /// No such tunnel.
    TUNNEL_NOT_FOUND = 3209;
    /// The agent could not be reached.
    FORWARD_TO_AGENT = 3210;
    /// The agent could not reach the upstream.
    UPSTREAM_UNREACHABLE = 8012;
    /// The traffic policy is not valid.
    POLICY_INVALID = 9026;
    /// The URL has a part that is not allowed.
    URL_PART = 9037;
    /// The URL ends in a slash.
    URL_TRAILING_SLASH = 9038;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

/// What the other side said, or will be told: text for people, and perhaps a code.
///
/// `Display` is the wire form. For a log line use [`message`](Self::message) and
/// [`code`](Self::code).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorText {
    message: String,
    code: Option<ErrorCode>,
}

impl ErrorText {
    /// An error with a code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { message: clean(&message.into()), code: Some(code) }
    }

    /// An error without a code.
    pub fn uncoded(message: impl Into<String>) -> Self {
        Self { message: clean(&message.into()), code: None }
    }

    /// Understands what either family would have understood. An empty text is no error.
    ///
    /// The code is taken from the last line that begins with one (as the Rust clients do), else from
    /// the first place that has one (as the Go client does). The message is all lines without a
    /// code, trimmed, without blank lines at either end.
    ///
    /// Ours: nothing of it moves the cursor or the colours of a terminal.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return None;
        }
        let text = &printable(text);
        let own_line = text.lines().rev().find(|l| l.starts_with(PREFIX)).and_then(first_code);
        let code = own_line.or_else(|| first_code(text));
        let lines: Vec<&str> =
            text.lines().filter(|l| first_code(l).is_none()).map(str::trim).collect();
        Some(Self { message: lines.join("\n").trim().to_owned(), code })
    }

    /// The text for people, without the code.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The code, if there is one.
    pub fn code(&self) -> Option<ErrorCode> {
        self.code
    }
}

impl fmt::Display for ErrorText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.message.is_empty(), self.code) {
            (_, None) => f.write_str(&self.message),
            (true, Some(code)) => code.fmt(f),
            (false, Some(code)) => write!(f, "{}\n\n{code}", self.message),
        }
    }
}

impl std::error::Error for ErrorText {}

/// Keeps a code that somebody wrote into the text (a name, an address) from being taken for ours, and
/// gives an empty text words: an empty `Error` would mean success.
fn clean(message: &str) -> String {
    match printable(message).trim() {
        "" => "unspecified error".to_owned(),
        text => text.replace(PREFIX, "ERR-NGROK-"),
    }
}

/// The text without control characters, except for the ends of its lines.
fn printable(text: &str) -> String {
    text.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

/// The first `ERR_NGROK_` that digits follow.
fn first_code(text: &str) -> Option<ErrorCode> {
    text.match_indices(PREFIX).find_map(|(at, _)| {
        let rest = text.get(at + PREFIX.len()..)?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..digits)?.parse().ok().map(ErrorCode)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_code_stands_on_its_own_line_after_a_blank_one() {
        let err =
            ErrorText::new(ErrorCode::ALREADY_ONLINE, "The endpoint https://a.example is online.");
        assert_eq!(err.to_string(), "The endpoint https://a.example is online.\n\nERR_NGROK_334");
        assert_eq!(ErrorText::parse(&err.to_string()), Some(err));
    }

    #[test]
    fn line_feeds_and_carriage_returns_parse_alike() {
        for text in ["two\nlines\n\nERR_NGROK_107", "two\r\nlines\r\n\r\nERR_NGROK_107\r\n"] {
            let err = ErrorText::parse(text).unwrap();
            assert_eq!(err.message(), "two\nlines");
            assert_eq!(err.code(), Some(ErrorCode::TOKEN_UNKNOWN));
        }
    }

    #[test]
    fn a_code_inside_a_line_is_found_as_go_finds_it() {
        let err = ErrorText::parse("see ERR_NGROK_ and ERR_NGROK_108 for more").unwrap();
        assert_eq!(err.code(), Some(ErrorCode::TOO_MANY_SESSIONS));
        assert_eq!(err.message(), "");
    }

    #[test]
    fn a_code_on_its_own_line_wins() {
        let err = ErrorText::parse("not ERR_NGROK_1 but\nERR_NGROK_105").unwrap();
        assert_eq!(err.code(), Some(ErrorCode::TOKEN_MALFORMED));
    }

    #[test]
    fn a_terminal_is_safe_from_the_text() {
        let err =
            ErrorText::parse("\u{1b}[31mred\u{7}\nand \u{9b}more\r\n\nERR_NGROK_107").unwrap();
        assert_eq!(err.to_string(), "[31mred\nand more\n\nERR_NGROK_107");
        let err = ErrorText::uncoded("no host \"\u{1b}]0;x\"");
        assert_eq!(err.message(), "no host \"]0;x\"");
    }

    #[test]
    fn text_without_a_code_is_all_message() {
        let err = ErrorText::parse("no such thing").unwrap();
        assert_eq!((err.message(), err.code()), ("no such thing", None));
        assert_eq!(ErrorText::parse(""), None);
    }

    #[test]
    fn codes_in_the_text_cannot_replace_ours() {
        let err = ErrorText::new(ErrorCode::BIND_INVALID, "no host \"ERR_NGROK_1\"");
        assert_eq!(ErrorText::parse(&err.to_string()).unwrap().code(), Some(ErrorCode(301)));
    }

    #[test]
    fn an_error_is_never_the_empty_text() {
        assert_eq!(ErrorText::uncoded(" \n").to_string(), "unspecified error");
    }

    #[test]
    fn a_code_too_large_for_us_is_none() {
        assert_eq!(ErrorText::parse("x\nERR_NGROK_99999999999").unwrap().code(), None);
    }

    proptest! {
        #[test]
        fn whatever_is_said_our_code_arrives(text in "(?s).{0,80}", code: u32) {
            let sent = ErrorText::new(ErrorCode(code), text);
            let got = ErrorText::parse(&sent.to_string()).unwrap();
            prop_assert_eq!(got.code(), Some(ErrorCode(code)));
        }

        #[test]
        fn no_text_panics(text in "(?s)(ERR_NGROK_|[0-9]|\r|\n|.){0,20}") {
            let _ = ErrorText::parse(&text);
        }
    }
}
