//! Who is on the other end, and what that implies.
//!
//! The published clients fall into two families with different limits. Nothing negotiates them: the
//! edge has to know them from the names in [`AuthExtra`].

use std::{ops::RangeInclusive, time::Duration};

use crate::{
    ErrorCode, ErrorText,
    message::{AuthExtra, MAX_METADATA_LEN},
};

/// The `ClientType` of our own agent.
pub const ADIT_CLIENT_TYPE: &str = "adit";

/// Longest `ClientType` and `UserAgent`, in bytes.
pub const MAX_NAME_LEN: usize = 512;

/// Shortest heartbeat interval and tolerance that an edge accepts.
pub const MIN_HEARTBEAT: Duration = Duration::from_secs(1);

/// Longest heartbeat interval and tolerance that an edge accepts.
pub const MAX_HEARTBEAT: Duration = Duration::from_secs(600);

/// The user agent of our own agent, to be put behind those of programs that embed it.
pub fn adit_user_agent() -> String {
    format!("{ADIT_CLIENT_TYPE}/{}", env!("CARGO_PKG_VERSION"))
}

/// Which code base the agent is built on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Our own agent.
    Adit,
    /// The Go SDK.
    Go,
    /// The Rust SDK, and Python and JavaScript on top of it.
    Rust,
    /// Something else.
    Unknown,
}

impl Family {
    /// Recognises the family by its mark in the user agent, else by the client type.
    ///
    /// An embedding program may call itself anything in front of the mark. With two marks the more
    /// fragile family is assumed.
    pub fn detect(client_type: &str, user_agent: &str) -> Self {
        let has = |mark: &str| user_agent.split(' ').any(|product| product.starts_with(mark));
        if has("ngrok-rust/") {
            return Self::Rust;
        }
        match client_type {
            "ngrok-rust" | "ngrok-python" | "ngrok-javascript" => Self::Rust,
            _ if has("ngrok-go/") => Self::Go,
            "ngrok-go" => Self::Go,
            ADIT_CLIENT_TYPE => Self::Adit,
            _ if has("adit/") => Self::Adit,
            _ => Self::Unknown,
        }
    }

    /// Most proxied streams at once on one leg.
    ///
    /// Fact: a Rust agent ends its frame reader, and with it the leg, when more than 512 streams are
    /// open in both directions together, heartbeats and calls included.
    pub fn max_proxied_streams(self) -> usize {
        match self {
            Self::Rust => 480,
            Self::Adit | Self::Go | Self::Unknown => 4096,
        }
    }

    /// Whether it uses more send credit than the initial 256 KiB if it is granted more.
    ///
    /// Fact: Go adds without limit, Rust clamps. Ours: strangers are treated like Rust.
    pub fn windows_may_grow(self) -> bool {
        matches!(self, Self::Adit | Self::Go)
    }

    /// Whether it knows a tunnel for certain once it has ended its call to bind it.
    ///
    /// Ours: the agent of this project registers first and ends the call then. Of the others a
    /// stream right behind the call may still find no tunnel.
    pub fn registers_before_fin(self) -> bool {
        matches!(self, Self::Adit)
    }

    /// Whether it keeps an endpoint that it was not given back, and asks for it again now and then.
    ///
    /// Fact: the others give up all their endpoints for an error of one.
    pub fn asks_again_for_what_is_refused(self) -> bool {
        matches!(self, Self::Adit)
    }

    /// Whether its accept loop can be trusted with Stop, Restart and Update without a handler.
    ///
    /// Fact: Go never answers then; its `*UnsupportedError` members tell beforehand.
    pub fn answers_commands_without_handler(self) -> bool {
        matches!(self, Self::Adit | Self::Rust)
    }
}

/// What an agent said about itself, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// What follows from it.
    pub family: Family,
    /// `ngrok-go`, `adit`, … or custom.
    pub client_type: String,
    /// Products, outermost first.
    pub user_agent: String,
    /// Version of the outermost product.
    pub version: String,
    /// Operating system.
    pub os: String,
    /// Processor, in Go's spelling.
    pub arch: String,
    /// Its heartbeat.
    pub heartbeat: HeartbeatTiming,
}

/// What an agent may say about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerLimits {
    /// Bytes of `ClientType`, `UserAgent` and the other names.
    pub name_len: usize,
    /// Bytes of its metadata, and of its host's name.
    pub metadata_len: usize,
    /// Its heartbeat's interval and tolerance, each.
    pub heartbeat: RangeInclusive<Duration>,
}

impl Default for PeerLimits {
    fn default() -> Self {
        Self {
            name_len: MAX_NAME_LEN,
            metadata_len: MAX_METADATA_LEN,
            heartbeat: MIN_HEARTBEAT..=MAX_HEARTBEAT,
        }
    }
}

impl PeerInfo {
    /// Checks what an agent said.
    ///
    /// # Errors
    /// The text to answer with.
    pub fn checked(extra: &AuthExtra, limits: &PeerLimits) -> Result<Self, ErrorText> {
        let names = [
            ("ClientType", &extra.client_type),
            ("UserAgent", &extra.user_agent),
            ("Version", &extra.version),
            ("OS", &extra.os),
            ("Arch", &extra.arch),
        ];
        for (name, text) in names {
            check_name(name, text, limits.name_len)?;
        }
        for (name, text) in [("Metadata", &extra.metadata), ("Hostname", &extra.hostname)] {
            if text.len() > limits.metadata_len {
                let message = format!("{name} must have at most {} bytes.", limits.metadata_len);
                return Err(ErrorText::new(ErrorCode::AUTH_INVALID, message));
            }
        }
        Ok(Self {
            family: Family::detect(&extra.client_type, &extra.user_agent),
            client_type: extra.client_type.clone(),
            user_agent: extra.user_agent.clone(),
            version: extra.version.clone(),
            os: extra.os.clone(),
            arch: go_arch(&extra.arch).to_owned(),
            heartbeat: HeartbeatTiming::from_wire(
                extra.heartbeat_interval,
                extra.heartbeat_tolerance,
                &limits.heartbeat,
            )?,
        })
    }
}

impl TryFrom<&AuthExtra> for PeerInfo {
    type Error = ErrorText;

    /// Within the default limits. Fails with the text to answer with.
    fn try_from(extra: &AuthExtra) -> Result<Self, ErrorText> {
        Self::checked(extra, &PeerLimits::default())
    }
}

/// How often to ping, and how late an echo may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatTiming {
    /// Between pings.
    pub interval: Duration,
    /// Beyond the interval.
    pub tolerance: Duration,
}

impl Default for HeartbeatTiming {
    /// 10 s and 15 s, as in both families.
    fn default() -> Self {
        Self { interval: Duration::from_secs(10), tolerance: Duration::from_secs(15) }
    }
}

impl HeartbeatTiming {
    /// Reads the two members of [`AuthExtra`], nanoseconds. Zero means the default.
    ///
    /// # Errors
    /// The text to answer with, if one is outside of `bounds`.
    pub fn from_wire(
        interval: i64,
        tolerance: i64,
        bounds: &RangeInclusive<Duration>,
    ) -> Result<Self, ErrorText> {
        let or = |nanos: i64, default: Duration| match u64::try_from(nanos) {
            Ok(0) => Some(default),
            Ok(n) => Some(Duration::from_nanos(n)),
            Err(_) => None,
        };
        let bounded = |d: Option<Duration>, code: ErrorCode, what: &str| {
            d.filter(|d| bounds.contains(d)).ok_or_else(|| {
                let (min, max) = (bounds.start(), bounds.end());
                let message = format!("The heartbeat {what} must be from {min:?} to {max:?}.");
                ErrorText::new(code, message)
            })
        };
        let default = Self::default();
        Ok(Self {
            interval: bounded(
                or(interval, default.interval),
                ErrorCode::HEARTBEAT_INTERVAL,
                "interval",
            )?,
            tolerance: bounded(
                or(tolerance, default.tolerance),
                ErrorCode::HEARTBEAT_TOLERANCE,
                "tolerance",
            )?,
        })
    }

    /// How long silence may last before the leg is dead.
    pub fn limit(self) -> Duration {
        self.interval.saturating_add(self.tolerance)
    }

    /// The two members of [`AuthExtra`]: interval and tolerance in nanoseconds.
    pub fn to_wire(self) -> (i64, i64) {
        let nanos = |d: Duration| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX);
        (nanos(self.interval), nanos(self.tolerance))
    }
}

fn check_name(member: &str, text: &str, max_len: usize) -> Result<(), ErrorText> {
    if text.len() <= max_len && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(ErrorText::new(
        ErrorCode::USER_AGENT_INVALID,
        format!("{member} must have at most {max_len} bytes and no control characters."),
    ))
}

fn go_arch(arch: &str) -> &str {
    match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" | "i686" => "386",
        other => other,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
