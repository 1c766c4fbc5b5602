//! Messages that are signed with a certificate which the provider publishes.
//!
//! Whose certificate it is, the host tells that it is fetched from: only hosts of the provider are
//! asked, by HTTPS.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RsaParameters,
    UnparsedPublicKey,
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{Request, StatusCode};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::Semaphore;
use x509_parser::{pem::parse_x509_pem, time::ASN1Time};

use super::{Incoming, Rejected, encoding::Encoding, stamp};
use crate::services::Fetch;

/// How old a message may be.
///
/// Ours: it is signed once and sent again for up to an hour until somebody takes it.
const TOLERANCE: Duration = Duration::from_hours(1);
/// Bytes of a certificate, in PEM.
///
/// Reason: those in use have some 2 KiB; a chain of them fits.
const MAX_CERTIFICATE_LEN: usize = 64 * 1024;
/// How long a certificate may take to arrive. The visitor waits for it.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Certificates that are fetched at once.
///
/// Reason: strangers choose what is fetched, though not from whom.
const MAX_FETCHES: usize = 4;
/// Certificates that are kept.
///
/// Reason: a region has one at a time, and an endpoint subscribes to some regions.
const MAX_KEPT: usize = 16;
/// How long a certificate is kept.
const KEPT_FOR: Duration = Duration::from_hours(24);

/// Certificates of the provider, fetched when they are needed.
#[derive(Clone, Debug)]
pub(crate) struct Certificates(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    fetch: Arc<dyn Fetch>,
    fetches: Semaphore,
    kept: Mutex<Vec<Kept>>,
}

#[derive(Debug)]
struct Kept {
    url: String,
    certificate: Arc<Certificate>,
    since: Instant,
}

/// What a certificate says.
#[derive(Debug)]
struct Certificate {
    /// The RSA key.
    key: Vec<u8>,
    /// From when to when it is valid, in seconds since 1970.
    validity: (i64, i64),
}

/// A message. A field that is there twice is an error: readers might see the other one.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    r#type: String,
    message_id: String,
    topic_arn: String,
    subject: Option<String>,
    message: String,
    timestamp: String,
    signature_version: String,
    signature: String,
    #[serde(rename = "SigningCertURL", alias = "SigningCertUrl")]
    signing_cert_url: String,
    #[serde(rename = "SubscribeURL", alias = "SubscribeUrl")]
    subscribe_url: Option<String>,
    token: Option<String>,
}

impl Certificates {
    pub(crate) fn new(fetch: Arc<dyn Fetch>) -> Self {
        let fetches = Semaphore::new(MAX_FETCHES);
        Self(Arc::new(Shared { fetch, fetches, kept: Mutex::default() }))
    }

    /// Checks a webhook.
    pub(crate) async fn check(&self, incoming: &Incoming<'_>) -> Result<(), Rejected> {
        let body = Rejected::Malformed("the body");
        let message: Message = serde_json::from_slice(incoming.body).map_err(|_| body.clone())?;
        let at = stamp::rfc3339(&message.timestamp).ok_or(Rejected::Malformed("Timestamp"))?;
        stamp::check(at, incoming.now, TOLERANCE)?;
        let algorithm = message.algorithm()?;
        let signature = Encoding::Base64.decode(&message.signature);
        let signature = signature.ok_or(Rejected::Malformed("Signature"))?;
        let text = message.signed_text()?;
        let url = provider_url(&message.signing_cert_url)?;
        let certificate = self.certificate(url).await?;
        let now = DateTime::<Utc>::from(incoming.now).timestamp();
        let (from, until) = certificate.validity;
        if !(from..=until).contains(&now) {
            return Err(Rejected::Certificate("it is not valid now"));
        }
        let key = UnparsedPublicKey::new(algorithm, &certificate.key);
        key.verify(text.as_bytes(), &signature).map_err(|_| Rejected::Mismatch)
    }

    async fn certificate(&self, url: &str) -> Result<Arc<Certificate>, Rejected> {
        if let Some(certificate) = self.0.kept(url) {
            return Ok(certificate);
        }
        let failed = |error: &dyn ToString| Rejected::Fetch(error.to_string());
        let permit = self.0.fetches.try_acquire();
        let _permit = permit.map_err(|_| failed(&"others are being fetched"))?;
        let request = Request::get(url).body(Bytes::new()).map_err(|error| failed(&error))?;
        let deadline = Instant::now() + FETCH_TIMEOUT;
        let response = self.0.fetch.fetch(request, MAX_CERTIFICATE_LEN, deadline).await;
        let response = response.map_err(|error| failed(&error))?;
        if response.status() != StatusCode::OK {
            return Err(failed(&response.status()));
        }
        let certificate = Arc::new(Certificate::parse(response.body())?);
        self.0.keep(url, &certificate);
        Ok(certificate)
    }
}

impl Shared {
    fn kept(&self, url: &str) -> Option<Arc<Certificate>> {
        let kept = self.kept.lock();
        let kept = kept.iter().find(|kept| kept.url == url && kept.since.elapsed() < KEPT_FOR)?;
        Some(Arc::clone(&kept.certificate))
    }

    fn keep(&self, url: &str, certificate: &Arc<Certificate>) {
        let mut kept = self.kept.lock();
        kept.retain(|kept| kept.url != url);
        if kept.len() == MAX_KEPT {
            kept.remove(0);
        }
        let certificate = Arc::clone(certificate);
        kept.push(Kept { url: url.to_owned(), certificate, since: Instant::now() });
    }
}

impl Certificate {
    fn parse(pem: &[u8]) -> Result<Self, Rejected> {
        let (_, pem) = parse_x509_pem(pem).map_err(|_| Rejected::Certificate("it is no PEM"))?;
        let certificate =
            pem.parse_x509().map_err(|_| Rejected::Certificate("it cannot be read"))?;
        let validity = certificate.validity();
        let at = |time: &ASN1Time| time.timestamp();
        let key = certificate.public_key().subject_public_key.data.to_vec();
        Ok(Self { key, validity: (at(&validity.not_before), at(&validity.not_after)) })
    }
}

impl Message {
    fn algorithm(&self) -> Result<&'static RsaParameters, Rejected> {
        match self.signature_version.as_str() {
            "1" => Ok(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY),
            "2" => Ok(&RSA_PKCS1_2048_8192_SHA256),
            _ => Err(Rejected::Malformed("SignatureVersion")),
        }
    }

    /// Names and values in lines, in the order that the provider documents.
    fn signed_text(&self) -> Result<String, Rejected> {
        let subscription = match self.r#type.as_str() {
            "Notification" => None,
            "SubscriptionConfirmation" | "UnsubscribeConfirmation" => {
                let url = self.subscribe_url.as_ref().ok_or(Rejected::Missing("SubscribeURL"))?;
                Some((url, self.token.as_ref().ok_or(Rejected::Missing("Token"))?))
            }
            _ => return Err(Rejected::Malformed("Type")),
        };
        let mut lines = vec![("Message", &self.message), ("MessageId", &self.message_id)];
        match subscription {
            Some((url, _)) => lines.push(("SubscribeURL", url)),
            None => lines.extend(self.subject.as_ref().map(|subject| ("Subject", subject))),
        }
        lines.push(("Timestamp", &self.timestamp));
        lines.extend(subscription.map(|(_, token)| ("Token", token)));
        lines.extend([("TopicArn", &self.topic_arn), ("Type", &self.r#type)]);
        Ok(lines
            .iter()
            .fold(String::new(), |text, (name, value)| text + name + "\n" + value + "\n"))
    }
}

/// A URL below which nobody but the provider can publish a certificate:
/// `https://sns.<region>.amazonaws.com[.cn]/….pem`.
fn provider_url(url: &str) -> Result<&str, Rejected> {
    let is_name = |text: &str| {
        text.len() >= 3 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_path_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    let is_provider = || {
        let (host, path) = url.strip_prefix("https://sns.")?.split_once('/')?;
        let region = host.strip_suffix(".amazonaws.com");
        let region = region.or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
        let is_path = path.ends_with(".pem") && path.bytes().all(is_path_byte);
        (is_name(region) && is_path).then_some(url)
    };
    is_provider().ok_or(Rejected::Certificate("its URL is none of the provider's"))
}

#[cfg(test)]
mod tests;
