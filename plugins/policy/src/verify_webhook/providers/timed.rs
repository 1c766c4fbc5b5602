//! Those that sign when they sent it, too.

use super::{Provider, signed};
use crate::verify_webhook::{
    Signed, canonical, challenge,
    parts::{Part, Place, Signatures},
    signed::{Algorithm, Key},
    stamp::{Stamp, Unit},
};

/// Fact: headers, forms and tolerances are those of each provider's public documentation.
pub(super) const PROVIDERS: &[Provider] = &[
    signed(
        "airship",
        &[Signed::hex("x-ua-signature").at(Stamp::header("x-ua-timestamp")).of(&[
            Part::Stamp,
            Part::Text(":"),
            Part::Body,
        ])],
    ),
    signed(
        "box",
        &[Signed::base64("")
            .found(Signatures::Lists(&["box-signature-primary", "box-signature-secondary"]))
            .at(Stamp::header("box-delivery-timestamp").written_in(Unit::Rfc3339).within(600))
            .of(&[Part::Body, Part::Stamp])],
    ),
    signed("brex", &[STANDARD]),
    signed("buildkite", &[Signed::pairs("x-buildkite-signature", "timestamp", "signature")]),
    signed("calendly", &[Signed::pairs("calendly-webhook-signature", "t", "v1")]),
    signed("clerk", &[SVIX, STANDARD]),
    signed(
        "contentful",
        &[Signed::hex("x-contentful-signature")
            .at(Stamp::header("x-contentful-timestamp").written_in(Unit::Millis).within(30))
            .of(&[Part::Made(canonical::contentful), Part::Body])],
    ),
    signed(
        "frameio",
        &[v0("x-frameio-signature", Stamp::header("x-frameio-request-timestamp").within(300))],
    ),
    signed("go1", &[Signed::pairs("go1-signature", "t", "v1")]),
    signed(
        "graphcms",
        &[Signed::base64("")
            .found(Signatures::Pairs { header: "gcms-signature", key: "sign" })
            .at(Stamp::pair("gcms-signature", "t").written_in(Unit::Millis))
            .of(&[Part::Made(canonical::graphcms)])],
    ),
    // Its time came later than its signature, which covers it: who sends none never had one.
    signed("linear", &[LINEAR.at(LINEAR_TIME), LINEAR]),
    signed("mailgun", &[MAILGUN]),
    signed("mux", &[Signed::pairs("mux-signature", "t", "v1").within(300)]),
    signed(
        "orb",
        &[Signed::hex("x-orb-signature")
            .found(Signatures::Pairs { header: "x-orb-signature", key: "v1" })
            .at(Stamp::header("x-orb-timestamp").written_in(Unit::Rfc3339).within(300))
            .of(&[Part::Text("v1:"), Part::Stamp, Part::Text(":"), Part::Body])],
    ),
    signed(
        "pinwheel",
        &[Signed::hex("x-pinwheel-signature").after("v2=").at(Stamp::header("x-timestamp")).of(&[
            Part::Text("v2:"),
            Part::Stamp,
            Part::Text(":"),
            Part::Body,
        ])],
    ),
    signed("sendgrid", &[SENDGRID]),
    signed(
        "slack",
        &[v0("x-slack-signature", Stamp::header("x-slack-request-timestamp").within(300))],
    ),
    signed("stripe", &[Signed::pairs("stripe-signature", "t", "v1").within(300)]),
    signed("svix", &[SVIX, STANDARD]),
    signed("tiktok", &[Signed::pairs("tiktok-signature", "t", "s")]),
    signed(
        "zendesk",
        &[Signed::base64("x-zendesk-webhook-signature")
            .at(Stamp::header("x-zendesk-webhook-signature-timestamp").written_in(Unit::Rfc3339))
            .of(&[Part::Stamp, Part::Body])],
    ),
    Provider {
        challenge: Some(challenge::zoom),
        ..signed("zoom", &[v0("x-zm-signature", Stamp::header("x-zm-request-timestamp"))])
    },
];

/// `v0=` and HMAC-SHA256, in hex, over `v0:time:body`.
const fn v0(header: &'static str, stamp: Stamp) -> Signed {
    Signed::hex(header).after("v0=").at(stamp).of(&[
        Part::Text("v0:"),
        Part::Stamp,
        Part::Text(":"),
        Part::Body,
    ])
}

/// The Standard Webhooks specification, with the headers that its oldest user gave it.
const SVIX: Signed = Signed::base64("")
    .found(Signatures::Versions { header: "svix-signature", version: "v1" })
    .with_key(Key::Base64After("whsec_"))
    .at(Stamp::header("svix-timestamp").within(300))
    .of(&[
        Part::At(Place::Header("svix-id")),
        Part::Text("."),
        Part::Stamp,
        Part::Text("."),
        Part::Body,
    ]);

/// The Standard Webhooks specification.
const STANDARD: Signed = SVIX
    .found(Signatures::Versions { header: "webhook-signature", version: "v1" })
    .at(Stamp::header("webhook-timestamp").within(300))
    .of(&[
        Part::At(Place::Header("webhook-id")),
        Part::Text("."),
        Part::Stamp,
        Part::Text("."),
        Part::Body,
    ]);

const LINEAR: Signed = Signed::hex("linear-signature");
const LINEAR_TIME: Stamp = Stamp {
    place: Place::Body { pointer: "/webhookTimestamp", name: "webhookTimestamp" },
    ..Stamp::header("").written_in(Unit::Millis).within(60)
};

/// Signs a random token and not the rest of the body.
const MAILGUN: Signed = Signed::hex("")
    .found(Signatures::Whole {
        place: Place::Body { pointer: "/signature/signature", name: "signature" },
        prefix: "",
    })
    .at(Stamp {
        place: Place::Body { pointer: "/signature/timestamp", name: "timestamp" },
        ..Stamp::header("")
    })
    .of(&[Part::Stamp, Part::At(Place::Body { pointer: "/signature/token", name: "token" })]);

const SENDGRID: Signed = Signed::base64("x-twilio-email-event-webhook-signature")
    .by(Algorithm::EcdsaP256)
    .with_key(Key::Base64)
    .at(Stamp::header("x-twilio-email-event-webhook-timestamp"))
    .of(&[Part::Stamp, Part::Body]);
