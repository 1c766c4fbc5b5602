//! Lets in webhooks that their sender has signed, in time, and once.
//!
//! The signature is over the body, so the head waits until the body is there: nothing of a webhook
//! reaches the service before it is known to be one.

mod style;

use adit_policy_sdk::prelude::*;

use style::{Claim, Style};

/// What stands behind the policy's name in a `handlers:` list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    /// How the sender signs.
    style: Style,
    /// Secrets that may have signed; two while you change them.
    secrets: Vec<String>,
    /// Seconds for which a signature is good, and for which it is remembered.
    #[serde(default = "default_window")]
    window: u64,
    /// Longest body, in octets.
    #[serde(default = "default_max_body")]
    max_body: u32,
}

fn default_window() -> u64 {
    300
}

fn default_max_body() -> u32 {
    1024 * 1024
}

struct WebhookVerify(Config);

#[policy]
impl WebhookVerify {
    fn configure(config: Config) -> Result<Self> {
        if config.secrets.is_empty() {
            bail!("secrets: at least one name is needed");
        }
        if config.window == 0 {
            bail!("window: must be at least 1");
        }
        Ok(Self(config))
    }

    fn on_request(&mut self, _: &Connection, req: &mut Request) -> Result<(), Reply> {
        let Config { style, window, max_body, .. } = &self.0;
        let claim = style.claim(req).ok_or_else(|| refused(401, "not signed"))?;
        if claim.time.is_some_and(|time| clock::unix_seconds().abs_diff(time) > *window) {
            return Err(refused(401, "too old, or a clock is wrong"));
        }
        if req.content_length().is_some_and(|length| length > u64::from(*max_body)) {
            return Err(refused(413, "too long"));
        }
        req.keep(&claim);
        req.await_body(*max_body);
        Ok(())
    }

    fn on_request_body(
        &mut self,
        req: &mut Request,
        body: &[u8],
        complete: bool,
    ) -> Result<(), Reply> {
        if !complete {
            return Err(refused(413, "too long"));
        }
        let claim: Claim = req.kept().ok_or_else(|| Reply::new(500))?;
        let message = [claim.prefix.as_bytes(), body].concat();
        if !self.is_signed(&message, &claim)? {
            return Err(refused(401, "wrong signature"));
        }
        match self.is_new(&message)? {
            true => Ok(()),
            false => Err(refused(409, "seen before")),
        }
    }
}

impl WebhookVerify {
    fn is_signed(&self, message: &[u8], claim: &Claim) -> Result<bool> {
        for name in &self.0.secrets {
            let secret = secrets::get_bytes(name)?;
            for signature in &claim.signatures {
                // Takes the same time wherever they differ.
                if crypto::verify("hs256", &secret, message, signature)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Whether nobody has sent this message before. What is remembered is the message and not its
    /// signature, because a message may have several.
    fn is_new(&self, message: &[u8]) -> Result<bool> {
        let digest = crypto::sha256(message);
        let key: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
        // A signature is good from `window` before its time until `window` after.
        let time = Duration::from_secs(self.0.window.saturating_mul(2));
        kv::swap("seen", &key, None, b"1", time)
    }
}

fn refused(status: u16, reason: &str) -> Reply {
    log::info!(status = status; "{reason}");
    Reply::new(status).text(format!("{reason}\n"))
}

#[cfg(test)]
mod tests;
