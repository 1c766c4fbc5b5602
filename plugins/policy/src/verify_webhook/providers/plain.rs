//! Those that sign the body and nothing else, or send the secret itself.

use super::{Provider, Scheme, signed};
use crate::verify_webhook::{
    Signed, challenge,
    parts::{Part, Signatures},
    signed::{Algorithm, Key},
};

/// Fact: the headers and forms are those of each provider's public documentation.
pub(super) const PROVIDERS: &[Provider] = &[
    signed("aftership", &[Signed::base64("aftership-hmac-sha256")]),
    signed("alchemy", &[Signed::hex("x-alchemy-signature")]),
    signed("autodesk", &[sha1("x-adsk-signature").after("sha1hash=")]),
    signed("bitbucket", &[Signed::hex("x-hub-signature").after("sha256=")]),
    signed("bolt", &[Signed::base64("x-bolt-hmac-sha256")]),
    signed("castle", &[Signed::base64("x-castle-signature")]),
    signed("chargify", &[Signed::hex("x-chargify-webhook-signature-hmac-sha-256")]),
    signed("circleci", &[versioned("circleci-signature")]),
    signed("clearbit", &[sha1("x-request-signature").after("sha1=")]),
    signed("coinbase", &[Signed::hex("x-cc-webhook-signature")]),
    signed("docusign", &[Signed::base64("").found(Signatures::Numbered("x-docusign-signature-"))]),
    signed("dropbox", &[Signed::hex("x-dropbox-signature")]),
    signed("facebook_graph_api", HUB),
    signed("facebook_messenger", HUB),
    signed("github", HUB),
    Provider { scheme: Scheme::Secret("x-gitlab-token"), ..signed("gitlab", &[]) },
    signed("heroku", &[Signed::base64("heroku-webhook-hmac-sha256")]),
    signed("instagram", HUB),
    signed("intercom", &[sha1("x-hub-signature").after("sha1=")]),
    signed("jira", &[Signed::hex("x-hub-signature").after("sha256=")]),
    signed("launch_darkly", &[Signed::hex("x-ld-signature")]),
    signed(
        "microsoft_teams",
        &[Signed::base64("authorization").after("HMAC ").with_key(Key::Base64)],
    ),
    signed("modern_treasury", &[Signed::hex("x-signature")]),
    signed("mongodb", &[Signed::base64("x-mms-signature").by(Algorithm::HmacSha1)]),
    Provider { scheme: Scheme::Secret("x-orbit-signature"), ..signed("orbit", &[]) },
    signed("pagerduty", &[versioned("x-pagerduty-signature")]),
    signed("pusher", &[Signed::hex("x-pusher-signature")]),
    signed("sentry", &[Signed::hex("sentry-hook-signature")]),
    signed("shopify", &[Signed::base64("x-shopify-hmac-sha256")]),
    signed("signal_sciences", &[Signed::hex("x-sigsci-signature")]),
    signed("sonatype", &[sha1("x-nexus-webhook-signature")]),
    signed("terraform", &[Signed::hex("x-tfe-notification-signature").by(Algorithm::HmacSha512)]),
    // The product changed its name, and its header with it.
    signed(
        "trendmicro_conformity",
        &[Signed::hex("")
            .found(Signatures::Lists(&["x-trendmicro-signature", "x-conformity-signature"]))],
    ),
    Provider {
        challenge: Some(challenge::twitter),
        ..signed(
            "twitter",
            &[Signed::base64("x-twitter-webhooks-signature")
                .after("sha256=")
                .of(&[Part::Made(challenge::twitter_body)])],
        )
    },
    signed("typeform", &[Signed::base64("typeform-signature").after("sha256=")]),
    Provider { scheme: Scheme::Basic, ..signed("vmware", &[]) },
    signed("webex", &[sha1("x-spark-signature")]),
    signed("whatsapp", HUB),
    Provider {
        challenge: Some(challenge::worldline),
        ..signed("worldline", &[Signed::base64("x-gcs-signature")])
    },
    Provider {
        challenge: Some(challenge::xero),
        ..signed("xero", &[Signed::base64("x-xero-signature")])
    },
];

const HUB: &[Signed] = &[Signed::hex("x-hub-signature-256").after("sha256=")];

/// HMAC-SHA1 of the body, in hex.
const fn sha1(header: &'static str) -> Signed {
    Signed::hex(header).by(Algorithm::HmacSha1)
}

/// `v1=` and HMAC-SHA256 of the body, in hex, once for each key.
const fn versioned(header: &'static str) -> Signed {
    Signed::hex(header).found(Signatures::Pairs { header, key: "v1" })
}
