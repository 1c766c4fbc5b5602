//! Three ways to sign a webhook that between them cover most senders.

use adit_policy_sdk::prelude::*;

/// How a sender signs. All of them mean HMAC-SHA-256, in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Style {
    /// `x-hub-signature-256: sha256=HEX` over the body. No time.
    Github,
    /// `x-slack-signature: v0=HEX` over `v0:TIME:BODY`, the time in `x-slack-request-timestamp`.
    Slack,
    /// `stripe-signature: t=TIME,v1=HEX,v1=HEX` over `TIME.BODY`; any of the signatures will do.
    Stripe,
}

/// What a head says about its body. Nothing of it is true before a secret has said so.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    /// What stands before the body in the signed message.
    pub(crate) prefix: String,
    /// When it was signed, in seconds since the start of 1970, where the sender says so.
    pub(crate) time: Option<u64>,
    pub(crate) signatures: Vec<Vec<u8>>,
}

/// Signatures that are looked at: each costs a pass over the body.
const MAX_SIGNATURES: usize = 4;

impl Style {
    /// What the head claims; nothing if it is not signed at all.
    pub(crate) fn claim(self, req: &Request) -> Option<Claim> {
        match self {
            Self::Github => {
                let signature = unhex(req.header("x-hub-signature-256")?.strip_prefix("sha256=")?)?;
                Some(Claim { prefix: String::new(), time: None, signatures: vec![signature] })
            }
            Self::Slack => {
                let signature = unhex(req.header("x-slack-signature")?.strip_prefix("v0=")?)?;
                let time: u64 = req.header("x-slack-request-timestamp")?.parse().ok()?;
                let prefix = format!("v0:{time}:");
                Some(Claim { prefix, time: Some(time), signatures: vec![signature] })
            }
            Self::Stripe => {
                let header = req.header("stripe-signature")?;
                let fields = || header.split(',').filter_map(|field| field.trim().split_once('='));
                let named =
                    |name| fields().filter(move |(n, _)| *n == name).map(|(_, value)| value);
                let time: u64 = named("t").next()?.parse().ok()?;
                let signatures = named("v1").filter_map(unhex).take(MAX_SIGNATURES);
                let signatures: Vec<_> = signatures.collect();
                let prefix = format!("{time}.");
                (!signatures.is_empty()).then_some(Claim { prefix, time: Some(time), signatures })
            }
        }
    }
}

/// The 32 octets of a signature.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |octet: &u8| char::from(*octet).to_digit(16).and_then(|n| u8::try_from(n).ok());
    let digits: Vec<u8> = text.as_bytes().iter().map(digit).collect::<Option<_>>()?;
    (digits.len() == 64).then(|| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
