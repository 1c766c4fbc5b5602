//! Opening a session.

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// The protocol versions we speak, best first.
pub const VERSIONS: [&str; 2] = ["3", "2"];

/// Picks the version to answer with: "3" if offered, else the first one we know.
pub fn choose_version(offered: &[String]) -> Option<&'static str> {
    let known = |v: &str| VERSIONS.into_iter().find(|k| *k == v);
    if offered.iter().any(|v| v == VERSIONS[0]) {
        return Some(VERSIONS[0]);
    }
    offered.iter().find_map(|v| known(v))
}

/// An agent presents itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Auth {
    /// Versions the agent speaks, best first.
    pub version: Vec<String>,
    /// Empty for a new session; the value from [`AuthResp`] on reconnect and on further legs.
    pub client_id: String,
    /// Everything else.
    pub extra: AuthExtra,
}

/// What the agent tells about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AuthExtra {
    /// Operating system: `linux`, `darwin`, `windows`, …
    #[serde(rename = "OS")]
    pub os: String,
    /// Processor, in Go's (`amd64`) or Rust's (`x86_64`) spelling.
    pub arch: String,
    /// The credential. Fact: Go spells the member `Authtoken`, Rust `AuthToken`.
    pub authtoken: Secret,
    /// Version of the outermost client.
    pub version: String,
    /// Name of the machine; empty in the SDKs.
    pub hostname: String,
    /// Products, outermost first, separated by spaces.
    pub user_agent: String,
    /// Opaque text of the operator.
    pub metadata: String,
    /// The last cookie that the edge gave, else empty.
    pub cookie: Secret,
    /// Nanoseconds between pings.
    pub heartbeat_interval: i64,
    /// Nanoseconds that an echo may be late.
    pub heartbeat_tolerance: i64,
    /// `None`: too old to know; empty: supported; else the reason for the operator.
    pub update_unsupported_error: Option<String>,
    /// As for update.
    pub stop_unsupported_error: Option<String>,
    /// As for update.
    pub restart_unsupported_error: Option<String>,
    /// Kind of the outgoing proxy, if any.
    pub proxy_type: String,
    /// Whether the agent asks upstreams for a client certificate.
    #[serde(rename = "MutualTLS")]
    pub mutual_tls: bool,
    /// Whether it runs as a system service.
    pub service_run: bool,
    /// Version of its configuration file.
    pub config_version: String,
    /// Whether it connects through a chosen network interface.
    pub custom_interface: bool,
    /// Whether it trusts roots of its own.
    #[serde(rename = "CustomCAs")]
    pub custom_cas: bool,
    /// `ngrok-go`, `ngrok-rust`, `ngrok-python`, `ngrok-javascript`, `adit`, or custom.
    pub client_type: String,
    /// Which of the session's legs this is.
    pub leg_number: u32,
}

/// The session is open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AuthResp {
    /// The chosen version.
    pub version: String,
    /// Name of the session, for reconnects and further legs.
    pub client_id: String,
    /// Everything else. Fact: `null` here breaks the Rust clients, so it is always an object.
    pub extra: AuthRespExtra,
}

/// What the edge tells about itself and the account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AuthRespExtra {
    /// Version of the server.
    pub version: String,
    /// Where it is.
    pub region: String,
    /// Opaque; to be presented with the next [`Auth`].
    pub cookie: Secret,
    /// Name of the account.
    pub account_name: String,
    /// **Seconds** the session may last; 0 is for ever. Fact: agents do not enforce it.
    pub session_duration: i64,
    /// Name of the plan.
    pub plan_name: String,
    /// A message for the user.
    pub banner: String,
    /// If the agent is getting old.
    pub deprecation_warning: Option<DeprecationWarning>,
    /// Addresses for further legs; fewer than two mean that there are none.
    #[serde(serialize_with = "null_if_empty")]
    pub connect_addresses: Vec<ConnectAddress>,
    /// Name of the session in the edge's API.
    #[serde(rename = "AgentSessionID")]
    pub agent_session_id: String,
}

/// The agent should be updated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeprecationWarning {
    /// The oldest version that will still work.
    pub next_min: String,
    /// From when, RFC 3339. Fact: an empty text here makes Go clients refuse the whole answer, so
    /// an empty one is left out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub next_date: String,
    /// What to tell the user.
    pub msg: String,
}

/// Where another leg can connect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ConnectAddress {
    /// Where it is.
    pub region: String,
    /// `host:port`.
    pub server_addr: String,
}

fn null_if_empty<T: Serialize, S: serde::Serializer>(list: &[T], to: S) -> Result<S::Ok, S::Error> {
    if list.is_empty() { to.serialize_none() } else { list.serialize(to) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::{decode, encode};

    fn offered(versions: &[&str]) -> Vec<String> {
        versions.iter().map(|v| (*v).to_owned()).collect()
    }

    #[test]
    fn version_three_wins_if_offered() {
        assert_eq!(choose_version(&offered(&["2", "3"])), Some("3"));
        assert_eq!(choose_version(&offered(&["9", "2"])), Some("2"));
        assert_eq!(choose_version(&offered(&["4"])), None);
        assert_eq!(choose_version(&[]), None);
    }

    #[test]
    fn the_shortest_request_is_understood() {
        let text = r#"{"Version":["3","2"],"ClientId":"","Extra":{"AuthToken":"tok"}}"#;
        assert_eq!(text.len(), 63);
        let auth: Auth = decode(serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!(auth.extra.authtoken.expose(), "tok");
        assert_eq!(auth.version, VERSIONS);
        assert_eq!((auth.extra.leg_number, auth.extra.stop_unsupported_error), (0, None));
    }

    #[test]
    fn a_go_request_is_understood() {
        let value = json!({"Version": ["3", "2"], "ClientId": "", "Extra": {
            "OS": "linux", "Arch": "amd64", "Authtoken": "tok", "Version": "2.1.1",
            "Hostname": "", "UserAgent": "ngrok-go/2.1.1", "Metadata": "m", "Cookie": "",
            "HeartbeatInterval": 10_000_000_000_i64, "HeartbeatTolerance": 15_000_000_000_i64,
            "Fingerprint": null, "UpdateUnsupportedError": null, "StopUnsupportedError": "",
            "RestartUnsupportedError": "no", "ProxyType": "", "MutualTLS": false,
            "ServiceRun": false, "ConfigVersion": "", "CustomInterface": false,
            "CustomCAs": true, "ClientType": "ngrok-go", "LegNumber": 1}});
        let extra = decode::<Auth>(value).unwrap().extra;
        assert_eq!((extra.os.as_str(), extra.authtoken.expose()), ("linux", "tok"));
        assert_eq!(extra.update_unsupported_error, None);
        assert_eq!(extra.stop_unsupported_error.as_deref(), Some(""));
        assert_eq!(extra.restart_unsupported_error.as_deref(), Some("no"));
        assert_eq!((extra.custom_cas, extra.leg_number), (true, 1));
    }

    #[test]
    fn the_shortest_answer_is_understood() {
        let text = r#"{"Version":"3","ClientId":"c1","Error":"","Extra":{}}"#;
        assert_eq!(text.len(), 53);
        let resp: AuthResp = decode(serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!(resp.client_id, "c1");
        assert_eq!(resp.extra, AuthRespExtra::default());
    }

    #[test]
    fn answers_have_the_exact_spelling_and_an_object_as_extra() {
        let resp = AuthResp { version: "3".into(), client_id: "c1".into(), ..AuthResp::default() };
        let text = String::from_utf8(encode(&resp)).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"Version":"3","ClientId":"c1","Extra":{"Version":"","Region":"","#,
                r#""Cookie":"","AccountName":"","SessionDuration":0,"PlanName":"","Banner":"","#,
                r#""DeprecationWarning":null,"ConnectAddresses":null,"AgentSessionID":""}}"#
            )
        );
    }

    #[test]
    fn an_unknown_date_is_left_out() {
        let warning = DeprecationWarning { next_min: "4".into(), ..DeprecationWarning::default() };
        assert_eq!(encode(&warning), br#"{"NextMin":"4","Msg":""}"#);
    }

    #[test]
    fn credentials_are_not_printed() {
        let mut auth = Auth::default();
        auth.extra.authtoken = "hush1".into();
        auth.extra.cookie = "hush2".into();
        assert!(!format!("{auth:?}").contains("hush"));
    }
}
