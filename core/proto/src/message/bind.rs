//! Getting a public address.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer, de};

use crate::{ErrorCode, ErrorText, options::Options, secret::Secret};

/// Longest opaque metadata of a session, bind or labelled tunnel, in bytes.
pub const MAX_METADATA_LEN: usize = 4096;

/// What a public address speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proto {
    /// Plain HTTP.
    Http,
    /// HTTP inside TLS that the edge ends.
    Https,
    /// Bytes, by port.
    Tcp,
    /// TLS, by the name in its hello.
    Tls,
}

impl Proto {
    /// The word on the wire, which is also the scheme of the URL.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// Whether it is one of the two that carry HTTP.
    pub const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }
}

/// Not `http`, `https`, `tcp` or `tls`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of http, https, tcp, tls")]
pub struct UnknownProto;

impl FromStr for Proto {
    type Err = UnknownProto;

    fn from_str(word: &str) -> Result<Self, UnknownProto> {
        match word {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            "tcp" => Ok(Self::Tcp),
            "tls" => Ok(Self::Tls),
            _ => Err(UnknownProto),
        }
    }
}

impl fmt::Display for Proto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Proto {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Proto {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// An agent asks for a public address.
///
/// A request without a known [`Proto`] does not decode: there is nothing that could be done with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Bind {
    /// Empty for a new bind. Otherwise the id of before, which must be kept.
    #[serde(default)]
    pub id: String,
    /// What the address speaks.
    pub proto: Proto,
    /// Where the agent forwards to, for display.
    #[serde(default)]
    pub forwards_to: String,
    /// What the upstream speaks: empty, `http1` or `http2`.
    #[serde(default)]
    pub forwards_proto: String,
    /// Options, by [`Proto`].
    #[serde(default)]
    pub opts: Options,
    /// Everything else.
    #[serde(default)]
    pub extra: BindExtra,
}

impl Bind {
    /// A request for a new address.
    pub fn new(proto: Proto, opts: Options) -> Self {
        Self {
            id: String::new(),
            proto,
            forwards_to: String::new(),
            forwards_proto: String::new(),
            opts,
            extra: BindExtra::default(),
        }
    }

    /// Checks the sizes that the types do not.
    ///
    /// # Errors
    /// The text to answer with.
    pub fn check(&self) -> Result<(), ErrorText> {
        check_metadata(&self.extra.metadata, ErrorCode::BIND_INVALID)
    }
}

/// Checks an opaque text against [`MAX_METADATA_LEN`].
///
/// # Errors
/// The text to answer with, under `code`.
pub fn check_metadata(metadata: &str, code: ErrorCode) -> Result<(), ErrorText> {
    if metadata.len() <= MAX_METADATA_LEN {
        return Ok(());
    }
    Err(ErrorText::new(code, format!("Metadata must have at most {MAX_METADATA_LEN} bytes.")))
}

/// What belongs to the bind rather than to its protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BindExtra {
    /// Name of the endpoint; Go only.
    pub name: String,
    /// Empty, or the token of the last [`BindResp`] with this id.
    pub token: Secret,
    /// Unused by current clients.
    #[serde(rename = "IPPolicyRef")]
    pub ip_policy_ref: String,
    /// Opaque text of the operator.
    pub metadata: String,
    /// For people; Go only.
    pub description: String,
    /// `public`, `internal`, `kubernetes`; empty means public.
    pub bindings: Vec<String>,
    /// Whether others may serve the same address.
    pub pooling_enabled: bool,
}

/// The address is reserved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BindResp {
    /// The bind's id; the one that was asked for, if one was.
    #[serde(default)]
    pub id: String,
    /// The full public URL.
    #[serde(default, rename = "URL")]
    pub url: String,
    /// As asked for.
    pub proto: Proto,
    /// The options of the request with the chosen address filled in: see [`Options::chosen`].
    #[serde(default)]
    pub opts: Options,
    /// Everything else.
    #[serde(default)]
    pub extra: BindRespExtra,
}

/// Opaque names for later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BindRespExtra {
    /// Proves on a re-bind that this agent owned id and address.
    pub token: Secret,
    /// Names the bind in [`PatchTunnelState`](super::PatchTunnelState).
    #[serde(rename = "TunnelID")]
    pub tunnel_id: String,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::{decode, encode};

    #[test]
    fn the_shortest_request_is_understood() {
        let text = concat!(
            r#"{"Id":"","Proto":"tcp","ForwardsTo":"x","ForwardsProto":"","#,
            r#""Opts":{"Addr":"","ProxyProto":0},"Extra":{"Token":""}}"#
        );
        assert_eq!(text.len(), 114);
        let bind: Bind = decode(serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!((bind.proto, bind.forwards_to.as_str()), (Proto::Tcp, "x"));
        assert!(!bind.extra.pooling_enabled);
        let bind: Bind = decode(json!({"proto": "http"})).unwrap();
        assert_eq!(bind, Bind::new(Proto::Http, Options::default()));
    }

    #[test]
    fn a_proto_nobody_knows_is_named_as_the_fault() {
        let err = decode::<Bind>(json!({"Proto": "ssh"})).unwrap_err();
        assert_eq!(err.to_string(), "Proto: not one of http, https, tcp, tls");
        let err = decode::<Bind>(json!({})).unwrap_err();
        assert_eq!(err.to_string(), "missing field `Proto`");
    }

    #[test]
    fn null_lists_and_flags_are_zero() {
        let extra = json!({"Bindings": null, "PoolingEnabled": null, "Name": null});
        let bind: Bind = decode(json!({"Proto": "tls", "Extra": extra, "Opts": null})).unwrap();
        assert_eq!(bind.extra, BindExtra::default());
    }

    #[test]
    fn the_shortest_answers_are_understood() {
        for (len, text) in [
            (
                189,
                concat!(
                    r#"{"Id":"t1","URL":"https://a.edge.test","Proto":"https","#,
                    r#""Opts":{"Hostname":"a.edge.test","Auth":"","Subdomain":"","#,
                    r#""HostHeaderRewrite":false,"ProxyProto":0},"Error":"","Extra":{"Token":"k1"}}"#
                ),
            ),
            (
                136,
                concat!(
                    r#"{"Id":"t1","URL":"tcp://edge.test:2000","Proto":"tcp","#,
                    r#""Opts":{"Addr":"edge.test:2000","ProxyProto":0},"#,
                    r#""Error":"","Extra":{"Token":"k1"}}"#
                ),
            ),
        ] {
            assert_eq!(text.len(), len);
            let resp: BindResp = decode(serde_json::from_str(text).unwrap()).unwrap();
            assert_eq!((resp.id.as_str(), resp.extra.token.expose()), ("t1", "k1"));
            assert_eq!(resp.opts.as_map()["ProxyProto"], 0);
        }
    }

    #[test]
    fn metadata_has_a_limit() {
        let mut bind = Bind::new(Proto::Tcp, Options::default());
        bind.extra.metadata = "x".repeat(4096);
        assert_eq!(bind.check(), Ok(()));
        bind.extra.metadata.push('x');
        assert_eq!(bind.check().unwrap_err().code(), Some(ErrorCode::BIND_INVALID));
    }

    #[test]
    fn answers_have_the_exact_spelling() {
        let opts = json!({"Addr": "edge.test:2000", "ProxyProto": 0});
        let resp = BindResp {
            id: "t1".into(),
            url: "tcp://edge.test:2000".into(),
            proto: Proto::Tcp,
            opts: Options::try_from(opts).unwrap(),
            extra: BindRespExtra { token: "k1".into(), tunnel_id: String::new() },
        };
        assert_eq!(
            String::from_utf8(encode(&resp)).unwrap(),
            concat!(
                r#"{"Id":"t1","URL":"tcp://edge.test:2000","Proto":"tcp","#,
                r#""Opts":{"Addr":"edge.test:2000","ProxyProto":0},"#,
                r#""Extra":{"Token":"k1","TunnelID":""}}"#
            )
        );
        assert_eq!(decode::<BindResp>(serde_json::to_value(&resp).unwrap()).unwrap(), resp);
        assert!(!format!("{resp:?}").contains("k1"));
    }
}
