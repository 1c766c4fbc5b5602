//! The smaller calls of an agent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bind::check_metadata;
use crate::{ErrorCode, ErrorText, secret::Secret};

/// Most labels of one tunnel.
pub const MAX_LABELS: usize = 32;

/// Give an address back. Ids nobody knows are given back all the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Unbind {
    /// The bind.
    pub id: String,
    /// Always null so far.
    pub extra: Value,
}

/// It is free again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UnbindResp {
    /// Always null so far.
    pub extra: Value,
}

/// Serve whatever address has these labels.
///
/// Carries neither id nor token; after a reconnect it is sent again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StartTunnelWithLabel {
    /// What the address is chosen by. Keys keep their case.
    pub labels: BTreeMap<String, String>,
    /// Where the agent forwards to, for display.
    pub forwards_to: String,
    /// What the upstream speaks: empty, `http1` or `http2`.
    pub forwards_proto: String,
    /// Opaque text of the operator.
    pub metadata: String,
}

impl StartTunnelWithLabel {
    /// Checks the sizes that the types do not.
    ///
    /// # Errors
    /// The text to answer with.
    pub fn check(&self) -> Result<(), ErrorText> {
        if self.labels.len() > MAX_LABELS {
            let message = format!("A tunnel can have at most {MAX_LABELS} labels.");
            return Err(ErrorText::new(ErrorCode::BIND_INVALID, message));
        }
        check_metadata(&self.metadata, ErrorCode::BIND_INVALID)
    }
}

/// The tunnel is known under this id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StartTunnelWithLabelResp {
    /// The tunnel.
    pub id: String,
}

/// Where are you?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SrvInfo {}

/// Here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SrvInfoResp {
    /// Name of the region.
    pub region: String,
}

/// Change a running bind; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PatchTunnelState {
    /// [`BindRespExtra::tunnel_id`](super::BindRespExtra), which is not the bind id.
    pub tunnel_id: String,
    /// Name of the endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Opaque text of the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// Whether others may serve the same address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pooling_enabled: Option<bool>,
    /// A policy, JSON or YAML. It may hold secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_policy: Option<Secret>,
}

/// It is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PatchTunnelStateResp {}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::{decode, encode};

    #[test]
    fn unbind_is_read_with_and_without_extra() {
        let short: Unbind = decode(json!({"Id": "t1"})).unwrap();
        let long: Unbind = decode(json!({"Id": "t1", "Extra": null})).unwrap();
        assert_eq!(short, long);
        assert_eq!(encode(&UnbindResp::default()), br#"{"Extra":null}"#);
    }

    #[test]
    fn a_patch_tells_absent_from_empty() {
        let patch: PatchTunnelState =
            decode(json!({"TunnelId": "tn_1", "Metadata": "", "PoolingEnabled": false})).unwrap();
        assert_eq!((patch.name, patch.metadata), (None, Some(String::new())));
        assert_eq!(patch.pooling_enabled, Some(false));
    }

    #[test]
    fn labels_keep_their_case() {
        let start: StartTunnelWithLabel =
            decode(json!({"LABELS": {"Edge": "e1"}, "ForwardsTo": "x"})).unwrap();
        assert_eq!(start.labels, BTreeMap::from([("Edge".to_owned(), "e1".to_owned())]));
    }

    #[test]
    fn labels_have_a_limit() {
        let labels = |n: u32| (0..n).map(|i| (i.to_string(), String::new())).collect();
        let start = StartTunnelWithLabel { labels: labels(32), ..StartTunnelWithLabel::default() };
        assert_eq!(start.check(), Ok(()));
        let start = StartTunnelWithLabel { labels: labels(33), ..StartTunnelWithLabel::default() };
        assert_eq!(start.check().unwrap_err().code(), Some(ErrorCode::BIND_INVALID));
    }
}
