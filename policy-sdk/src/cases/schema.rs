//! What stands in the file.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::duration;
use super::expect::Expect;

/// A whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The configuration, unless a case has its own.
    #[serde(default = "empty_object")]
    pub config: Value,
    /// What is granted. Without it, every name is.
    pub grants: Option<Grants>,
    /// Secrets by name.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// Answers of upstreams, in order; beyond them an upstream does not answer.
    #[serde(default)]
    pub outbound: BTreeMap<String, Vec<AnswerStep>>,
    /// The cases.
    pub cases: Vec<Case>,
}

/// Names that are granted: lists, or maps of which the names count here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "each is the interface of that name")]
pub struct Grants {
    #[serde(deserialize_with = "names")]
    pub kv: Vec<String>,
    #[serde(deserialize_with = "names")]
    pub rate: Vec<String>,
    #[serde(deserialize_with = "names")]
    pub secrets: Vec<String>,
    #[serde(deserialize_with = "names")]
    pub outbound: Vec<String>,
    #[serde(deserialize_with = "names")]
    pub reroute: Vec<String>,
}

fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Names {
        List(Vec<String>),
        Map(BTreeMap<String, Value>),
    }
    Ok(match Names::deserialize(deserializer)? {
        Names::List(names) => names,
        Names::Map(map) => map.into_keys().collect(),
    })
}

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// A sentence that says what must hold.
    pub name: String,
    /// Its own configuration.
    pub config: Option<Value>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One thing that happens: a request, a connection, or time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// A request.
    pub request: Option<RequestStep>,
    /// What the upstream says, if the request reaches it.
    #[serde(default)]
    pub response: ResponseStep,
    /// A raw connection.
    pub connection: Option<ConnectionStep>,
    /// Time that passes.
    #[serde(default, deserialize_with = "duration::deserialize")]
    pub advance: Option<Duration>,
    /// What must come of it.
    #[serde(default)]
    pub expect: Expect,
}

/// A request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RequestStep {
    /// `GET` unless said.
    pub method: String,
    /// `/` unless said.
    pub target: String,
    /// The visitor's address, with or without a port.
    pub from: String,
    /// `app.example` unless said.
    pub authority: String,
    /// `https` unless said.
    pub scheme: String,
    /// `1.1` unless said.
    pub version: String,
    /// Header lines.
    pub headers: Lines,
    /// A body.
    pub body: Option<String>,
    /// A body that is a JSON document.
    pub json: Option<Value>,
    /// A body that comes in pieces.
    pub chunks: Option<Vec<String>>,
    /// Who an earlier handler found the visitor to be.
    pub identity: Option<String>,
    /// Variables that earlier handlers left.
    pub vars: BTreeMap<String, String>,
    /// Facts about the connection.
    pub attributes: BTreeMap<String, String>,
}

impl Default for RequestStep {
    fn default() -> Self {
        Self {
            method: "GET".into(),
            target: "/".into(),
            from: "192.0.2.1".into(),
            authority: "app.example".into(),
            scheme: "https".into(),
            version: "1.1".into(),
            headers: Lines::default(),
            body: None,
            json: None,
            chunks: None,
            identity: None,
            vars: BTreeMap::new(),
            attributes: BTreeMap::new(),
        }
    }
}

/// What the upstream says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResponseStep {
    /// 200 unless said.
    pub status: u16,
    /// Header lines.
    pub headers: Lines,
    /// A body.
    pub body: Option<String>,
    /// A body that is a JSON document.
    pub json: Option<Value>,
    /// A body that comes in pieces.
    pub chunks: Option<Vec<String>>,
}

impl Default for ResponseStep {
    fn default() -> Self {
        Self { status: 200, headers: Lines::default(), body: None, json: None, chunks: None }
    }
}

/// What an upstream of `outbound` answers.
pub type AnswerStep = ResponseStep;

/// A raw connection.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectionStep {
    /// The visitor's address, with or without a port.
    pub from: String,
    /// `tcp` unless said.
    pub protocol: String,
    /// The name in the TLS handshake.
    pub server_name: Option<String>,
    /// Facts about the connection.
    pub attributes: BTreeMap<String, String>,
    /// What passes, in order.
    pub chunks: Vec<Piece>,
}

impl Default for ConnectionStep {
    fn default() -> Self {
        Self {
            from: "192.0.2.1".into(),
            protocol: "tcp".into(),
            server_name: None,
            attributes: BTreeMap::new(),
            chunks: Vec::new(),
        }
    }
}

/// A piece of a raw connection: a text from the visitor, or more said about it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Piece {
    /// A text to the upstream.
    Text(String),
    /// Any piece.
    Full(FullPiece),
}

/// A piece of a raw connection, with all that can be said about it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FullPiece {
    /// Where it goes.
    pub to: Side,
    /// Its octets, as text.
    pub text: String,
    /// Its octets, as pairs of digits; after those of `text`.
    pub hex: String,
    /// Whether this direction ends with it.
    pub last: bool,
}

impl Piece {
    /// Where it goes, its octets, and whether the direction ends with it.
    ///
    /// # Errors
    ///
    /// If `hex` is not made of pairs of digits.
    pub fn octets(&self) -> Result<(Side, Vec<u8>, bool), String> {
        match self {
            Self::Text(text) => Ok((Side::Upstream, text.clone().into_bytes(), false)),
            Self::Full(FullPiece { to, text, hex, last }) => {
                let mut octets = text.clone().into_bytes();
                let digits: String = hex.split_whitespace().collect();
                for pair in digits.as_bytes().chunks(2) {
                    let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2);
                    let octet = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
                    octets.push(octet.ok_or_else(|| format!("{hex:?} is not hexadecimal"))?);
                }
                Ok((*to, octets, *last))
            }
        }
    }
}

/// Where a piece goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "nothing to add")]
pub enum Side {
    #[default]
    Upstream,
    Client,
}

/// Answer to a connection, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "nothing to add")]
pub enum AdmissionName {
    Accept,
    Refuse,
}

/// Header lines: a name with one value, or with several.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Lines(BTreeMap<String, OneOrMany>);

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(Scalar),
    Many(Vec<Scalar>),
}

/// YAML reads `1` and `true` as what they are; headers are texts.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(serde_json::Number),
    Bool(bool),
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Bool(value) => value.to_string(),
        }
    }
}

impl Lines {
    /// Names in lower case, with their values.
    pub fn by_name(&self) -> impl Iterator<Item = (String, Vec<String>)> {
        self.0.iter().map(|(name, values)| {
            let values = match values {
                OneOrMany::One(value) => vec![value.text()],
                OneOrMany::Many(values) => values.iter().map(Scalar::text).collect(),
            };
            (name.to_ascii_lowercase(), values)
        })
    }

    /// Each line.
    pub fn lines(&self) -> impl Iterator<Item = (String, String)> {
        self.by_name()
            .flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)))
    }
}

fn empty_object() -> Value {
    Value::Object(serde_json::Map::new())
}
