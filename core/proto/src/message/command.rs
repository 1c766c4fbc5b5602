//! What the edge asks of an agent.

use serde::{Deserialize, Serialize};

/// Stop yourself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stop {}

/// Restart yourself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Restart {}

/// Update yourself. Fact: the Rust clients require both members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Update {
    /// To which version; empty is the newest.
    pub version: String,
    /// Whether a new major version is welcome.
    pub permit_major_version: bool,
}

/// The command was followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CommandResp {}

/// One of your binds has ended. There is no answer.
///
/// Fact: Rust agents ignore this after their first reconnect, so the edge stops routing first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StopTunnel {
    /// The bind.
    pub id: String,
    /// Why, for people.
    pub message: String,
    /// Why, as `ERR_NGROK_…`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error_code: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::encode;

    #[test]
    fn commands_have_the_members_that_rust_requires() {
        assert_eq!(encode(&Stop {}), b"{}");
        assert_eq!(encode(&Update::default()), br#"{"Version":"","PermitMajorVersion":false}"#);
        assert_eq!(encode(&StopTunnel::default()), br#"{"Id":"","Message":""}"#);
    }
}
