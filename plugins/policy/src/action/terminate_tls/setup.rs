//! How TLS ends: the fields, and the configuration that they make.

use std::{fmt, sync::Arc};

use adit_builtin::server_tls::{ClientAuth, Identity, ServerTls, SetupError, Version};
use adit_chain::TlsMode;
use rustls::server::ResolvesServerCert;

use super::cache::Cache;
use crate::{
    action::{BuildCx, Failure},
    expr::Template,
    fields::Fields,
    problem::code,
    scope::Scope,
};

/// How many authorities may be listed.
///
/// Reason: visitors are told the names of all of them.
const MAX_AUTHORITIES: usize = 100;

/// A field is needed because another one is there.
const NEEDED: u32 = 2240;

const AUTHORITIES: &str = "mutual_tls_certificate_authorities";
const CERTIFICATE: &str = "server_certificate";
const KEY: &str = "server_private_key";
const STRATEGY: &str = "mutual_tls_verification_strategy";

const VERSIONS: [(&str, Version); 2] = [("1.2", Version::Tls12), ("1.3", Version::Tls13)];
const STRATEGIES: [(&str, ClientAuth); 3] = [
    ("require-and-verify", ClientAuth::RequireAndVerify),
    ("require-any", ClientAuth::RequireAny),
    ("request", ClientAuth::Request),
];

/// How TLS ends.
#[derive(Debug)]
pub(super) enum Setup {
    /// Always so.
    Fixed(TlsMode),
    /// As expressions say for each connection.
    Made(Box<Made>),
}

/// What expressions have a say in.
pub(super) struct Made {
    /// Certificate and key.
    identity: Option<(Template, Template)>,
    authorities: Vec<Template>,
    /// The rest.
    base: ServerTls,
    /// The certificates of this side.
    own: Option<Arc<dyn ResolvesServerCert>>,
    cache: Cache,
}

impl Setup {
    /// Reads the fields, and finds out whether they can be used as far as they are known.
    pub(super) fn read(fields: &mut Fields<'_>, cx: &BuildCx<'_>) -> Option<Self> {
        let min_version = fields.choice("min_version", &VERSIONS).unwrap_or(Version::Tls12);
        let max_version = fields.choice("max_version", &VERSIONS).unwrap_or(Version::Tls13);
        let identity = identity(fields);
        let authorities = fields.template_list(AUTHORITIES, 0..=MAX_AUTHORITIES);
        let authorities = authorities.unwrap_or_default();
        let client_auth = fields.choice(STRATEGY, &STRATEGIES);
        if client_auth == Some(ClientAuth::RequireAndVerify) && !fields.has(AUTHORITIES) {
            let message = "require-and-verify needs somebody who vouches for visitors";
            fields.error(AUTHORITIES, NEEDED, message);
            return None;
        }
        let is_http = cx.chain.endpoint.protocol.is_http();
        let base = ServerTls {
            identity: None,
            authorities: Vec::new(),
            client_auth: client_auth.unwrap_or_default(),
            min_version,
            max_version,
            alpn: if is_http { ServerTls::http_alpn() } else { Vec::new() },
        };
        let identity = identity?;
        let (own, cache) = (cx.chain.certificates.clone(), Cache::default());
        let made = Made { identity, authorities, base, own, cache };
        match made.fixed() {
            None => Some(Self::Made(Box::new(made))),
            Some(tls) => match tls.build(made.own.as_ref()) {
                Ok(mode) => Some(Self::Fixed(mode)),
                Err(error) => {
                    tell(fields, &error);
                    None
                }
            },
        }
    }

    /// How TLS of a connection ends.
    pub(super) fn mode(&self, scope: &Scope) -> Result<TlsMode, Failure> {
        match self {
            Self::Fixed(mode) => Ok(mode.clone()),
            Self::Made(made) => {
                let tls = made.filled(|template| template.text(scope))?;
                let build = || tls.build(made.own.as_ref());
                made.cache.get_or_build(&tls, build).map_err(|error| {
                    Failure::new(Failure::GENERAL, format!("TLS cannot be set up: {error}"))
                })
            }
        }
    }
}

impl Made {
    /// The set-up, if no expression has a say in it.
    fn fixed(&self) -> Option<ServerTls> {
        self.filled(|template| template.literal().map(str::to_owned).ok_or(())).ok()
    }

    /// The set-up with the texts that `text` makes.
    fn filled<E>(
        &self,
        mut text: impl FnMut(&Template) -> Result<String, E>,
    ) -> Result<ServerTls, E> {
        let mut tls = self.base.clone();
        if let Some((certificate, key)) = &self.identity {
            tls.identity =
                Some(Identity { certificate: text(certificate)?, private_key: text(key)? });
        }
        tls.authorities = self.authorities.iter().map(text).collect::<Result<_, _>>()?;
        Ok(tls)
    }
}

impl fmt::Debug for Made {
    /// Not what may hold keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Made")
    }
}

/// Certificate and key: both, or neither.
fn identity(fields: &mut Fields<'_>) -> Option<Option<(Template, Template)>> {
    let (has_certificate, has_key) = (fields.has(CERTIFICATE), fields.has(KEY));
    let (certificate, key) = (fields.template(CERTIFICATE), fields.template(KEY));
    match (has_certificate, has_key) {
        (false, false) => Some(None),
        (true, true) => Some(Some((certificate?, key?))),
        (true, false) => {
            fields.error(KEY, NEEDED, "a certificate needs its server_private_key");
            None
        }
        (false, true) => {
            fields.error(CERTIFICATE, NEEDED, "a key needs its server_certificate");
            None
        }
    }
}

/// Says which field is wrong.
fn tell(fields: &mut Fields<'_>, error: &SetupError) {
    let message = error.to_string();
    match error {
        SetupError::Authority { index, .. } => {
            let path = [AUTHORITIES, &index.to_string()];
            fields.error_in(&path, code::UNREADABLE, message);
        }
        SetupError::NoCertificate => fields.error(CERTIFICATE, code::MISSING, message),
        SetupError::PrivateKey(_) => fields.error(KEY, code::UNREADABLE, message),
        SetupError::Versions => fields.error("min_version", code::FIELD_VALUE, message),
        _ => fields.error(CERTIFICATE, code::UNREADABLE, message),
    }
}
