//! `terminate-tls`: ends the visitor's TLS on this side.
//!
//! With the certificate and key in its options, or with those of this side. Client certificates are
//! demanded and verified where authorities are given.

use std::{fmt, sync::Arc};

use adit_chain::{
    BoxError, BoxHandler, BuildCx, BuildError, Conn, Handler, Needs, OnConnect, TlsMode,
};
use serde::{Deserialize, Deserializer};

use crate::server_tls::{ClientAuth, Identity, ServerTls, SetupError, Version};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Options {
    server_certificate: Option<String>,
    server_private_key: Option<String>,
    #[serde(default)]
    mutual_tls_certificate_authorities: Vec<String>,
    #[serde(default = "oldest", deserialize_with = "version")]
    min_version: Version,
    #[serde(default = "newest", deserialize_with = "version")]
    max_version: Version,
}

fn oldest() -> Version {
    Version::Tls12
}

fn newest() -> Version {
    Version::Tls13
}

/// From text or a number: `1.3` without quotes is a number in YAML.
fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Version, D::Error> {
    let written = serde_json::Value::deserialize(deserializer)?;
    let text = written.as_str().map_or_else(|| written.to_string(), str::to_owned);
    Version::parse(&text).ok_or_else(|| {
        serde::de::Error::custom(format!("TLS {text} is not supported; 1.2 and 1.3 are"))
    })
}

pub(crate) fn build(options: Options, cx: &BuildCx) -> Result<BoxHandler, BuildError> {
    let identity = match (options.server_certificate, options.server_private_key) {
        (Some(certificate), Some(private_key)) => Some(Identity { certificate, private_key }),
        (None, None) => None,
        (Some(_), None) => {
            let message = "a certificate needs its server_private_key";
            return Err(BuildError::new(message).at([CERTIFICATE]));
        }
        (None, Some(_)) => {
            return Err(BuildError::new("a key needs its server_certificate").at([KEY]));
        }
    };
    let is_http = cx.endpoint.protocol.is_http();
    let tls = ServerTls {
        identity,
        authorities: options.mutual_tls_certificate_authorities,
        client_auth: ClientAuth::RequireAndVerify,
        min_version: options.min_version,
        max_version: options.max_version,
        alpn: if is_http { ServerTls::http_alpn() } else { Vec::new() },
    };
    let mode = tls.build(cx.certificates.as_ref()).map_err(|error| place(&error))?;
    Ok(BoxHandler::new(TerminateTls { mode }))
}

const AUTHORITIES: &str = "mutual_tls_certificate_authorities";
const CERTIFICATE: &str = "server_certificate";
const KEY: &str = "server_private_key";

/// Says which option is wrong.
fn place(error: &SetupError) -> BuildError {
    let at: Vec<String> = match error {
        SetupError::Authority { index, .. } => vec![AUTHORITIES.into(), index.to_string()],
        SetupError::Certificate(_) => vec![CERTIFICATE.into()],
        SetupError::PrivateKey(_) => vec![KEY.into()],
        SetupError::Versions => vec!["min_version".into()],
        _ => Vec::new(),
    };
    BuildError::new(error.to_string()).at(at)
}

struct TerminateTls {
    mode: TlsMode,
}

impl Handler for TerminateTls {
    fn needs(&self) -> Needs {
        Needs::CONNECT
    }

    async fn on_connect(&self, _: &Arc<Conn>) -> Result<OnConnect, BoxError> {
        Ok(OnConnect::Terminate(self.mode.clone()))
    }
}

impl fmt::Debug for TerminateTls {
    /// Not the configuration: it knows the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TerminateTls")
    }
}

#[cfg(test)]
mod tests;
